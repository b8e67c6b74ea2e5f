//! `[model.lora]`: adapters that learn in place of the weights of a folder.

use std::fmt;
use std::path::Path;

use rl::LoraShape;
use rl::lora::LINEARS;
use rl::lora::Targets;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::json;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::model_folder;
use crate::suggest;

/// The word for all linear layers, as PEFT has it.
const ALL: &str = "all-linear";
const TARGETS: &str = "model.lora.targets";

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct LoraFile {
    /// Rank of the adapters: their matrices are so many numbers wide.
    rank: Option<i64>,
    /// What an adapter adds is scaled by alpha / rank.
    alpha: Option<f64>,
    /// Which linear layers have one: `"all-linear"`, or a list of names. The embedding and the head have none.
    targets: Option<TargetsFile>,
    /// Whether the scale is alpha / √rank instead (rsLoRA).
    rank_stabilized: Option<bool>,
}

/// One word, or a list of names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TargetsFile {
    Word(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for TargetsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TargetsFile, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TargetsFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a sequence")
            }

            fn visit_str<E>(self, word: &str) -> Result<TargetsFile, E> {
                Ok(TargetsFile::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<TargetsFile, A::Error> {
                let mut list = Vec::new();
                while let Some(name) = names.next_element()? {
                    list.push(name);
                }
                Ok(TargetsFile::List(list))
            }
        }

        deserializer.deserialize_seq(Either)
    }
}

impl JsonSchema for TargetsFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Targets".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

/// The adapters that the file asks for, if it does. The folder that they sit on is not looked at.
pub(super) fn lora(check: &mut Check<'_>, file: LoraFile) -> LoraShape {
    let LoraFile { rank, alpha, targets, rank_stabilized } = file;
    let width = Allowed::between(1.0, 1024.0, "it is the width of an adapter's matrices");
    let scale = Allowed::above(0.0, 65_536.0, "at 0 an adapter would add nothing");
    LoraShape {
        rank: check.whole("model.lora.rank", rank, 8, width),
        alpha: check.number("model.lora.alpha", alpha, 16.0, scale),
        rank_stabilized: check.flag("model.lora.rank_stabilized", rank_stabilized, false),
        targets: named(check, targets),
    }
}

fn named(check: &mut Check<'_>, given: Option<TargetsFile>) -> Targets {
    check.demand(TARGETS, Says::Default(json!(ALL)));
    check.demand(TARGETS, Says::Form("^all-linear$"));
    check.demand(TARGETS, Says::Filled);
    check.demand(TARGETS, Says::Distinct);
    check.demand(&format!("{TARGETS}[0]"), Says::OneOf(LINEARS.map(str::to_owned).to_vec()));
    let names = match given {
        None => return Targets::AllLinear,
        Some(TargetsFile::Word(word)) if word == ALL => return Targets::AllLinear,
        Some(TargetsFile::Word(word)) => {
            let hint = format!("it is \"{ALL}\", or a list of names like [\"q_proj\", \"v_proj\"]");
            check.error(TARGETS, format!("cannot be `{word}`"), hint);
            return Targets::AllLinear;
        }
        Some(TargetsFile::List(names)) => names,
    };
    if names.is_empty() {
        let hint = format!("name some of {}, or write \"{ALL}\"", LINEARS.join(", "));
        check.error(TARGETS, "names no layer: nothing would learn", hint);
    }
    for (index, name) in names.iter().enumerate() {
        let key = format!("{TARGETS}[{index}]");
        // What could not be read has its error already, and stands here as nothing.
        if !LINEARS.contains(&name.as_str()) && !check.overlooked(&key) {
            let hint = suggest::hint(name, LINEARS, "the linear layers are");
            check.error(&key, format!("cannot be `{name}`: a layer has no such linear layer"), hint);
        } else if names[..index].contains(name) {
            check.error(&key, format!("names `{name}` a second time"), "name each layer once");
        }
    }
    Targets::Named(names)
}

/// The shape of the adapter in a folder that goes on learning; what is not plain LoRA is found out when it is loaded.
pub(super) fn of_folder(folder: &Path) -> Result<LoraShape, String> {
    let config = model_folder::adapter_config(folder)?;
    let missing = |key: &str| format!("{}: {key} is missing", folder.join("adapter_config.json").display());
    let names =
        |names: &Vec<serde_json::Value>| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    Ok(LoraShape {
        rank: config["r"].as_i64().ok_or_else(|| missing("r"))?,
        alpha: config["lora_alpha"].as_f64().ok_or_else(|| missing("lora_alpha"))?,
        rank_stabilized: config["use_rslora"].as_bool().unwrap_or(false),
        targets: match config["target_modules"].as_array() {
            Some(list) => Targets::Named(names(list)),
            None => Targets::AllLinear,
        },
    })
}

//! `[model]`: what each seat's model is, from nothing or from a folder.

use std::collections::BTreeMap;
use std::path::Path;

use rl::settings::BaseFolder;
use rl::settings::ModelShape;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sim::Pair;
use sim::Thinking;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::model_folder;

/// Longest streams of a model from a folder, unless the run says otherwise: theirs are often longer than any talk, and all of it has to fit into one
/// micro-batch.
const STREAM: i64 = 4096;
const CONFIG: &str = "config.json";
/// Says how the folder's model was spoken with when it learned; not there, if as usual.
const MANNER: &str = "manner.json";
const THINKING: [(&str, Thinking); 2] = [("keep", Thinking::Keep), ("strip", Thinking::Strip)];
/// Keys that a folder decides.
const SHAPE: [&str; 10] = [
    "model.hidden_size",
    "model.num_hidden_layers",
    "model.num_attention_heads",
    "model.num_key_value_heads",
    "model.head_dim",
    "model.intermediate_size",
    "model.tie_word_embeddings",
    "model.rope_theta",
    "model.rms_norm_eps",
    "model.vocab_max",
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ModelFile {
    /// A folder to start from, in place of random weights: of a model as Hugging Face writes it, or of a checkpoint, each seat from its own. Its
    /// shape, its tokenizer and its chat template are then the folder's. A path starts at this file's folder.
    from: Option<String>,
    /// What becomes of a seat's earlier thoughts: they stay in what its model reads, or go where the folder's chat template drops them, and each turn
    /// is then a sample of its own. Only with `from`, and by default what the folder's model has learned with, which is `keep` unless it says otherwise.
    thinking: Option<String>,
    /// Width of the residual stream.
    hidden_size: Option<i64>,
    /// Layers.
    num_hidden_layers: Option<i64>,
    /// Query heads.
    num_attention_heads: Option<i64>,
    /// Key and value heads; divides the query heads.
    num_key_value_heads: Option<i64>,
    /// Width of one head; even, since the rotary embedding turns its channels in pairs.
    head_dim: Option<i64>,
    /// Width of the gated feed-forward layer.
    intermediate_size: Option<i64>,
    /// Tokens of the longest stream; more than a seat's `tokens_max` in the scenario, and no more than the folder's with `from`.
    max_position_embeddings: Option<i64>,
    /// Whether the output layer is the embedding.
    tie_word_embeddings: Option<bool>,
    /// Base of the rotary embedding's wavelengths.
    rope_theta: Option<f64>,
    /// Epsilon of RMSNorm.
    rms_norm_eps: Option<f64>,
    /// Most entries of the tokenizer that is trained for the model.
    vocab_max: Option<i64>,
}

/// The shape of each seat's model, and the folder that it starts from, if it does.
pub(super) fn model(check: &mut Check<'_>, file: ModelFile) -> (ModelShape, Option<BaseFolder>) {
    let thinking = check.word_optional("model.thinking", file.thinking.as_deref(), &THINKING);
    let Some(written) = file.from.clone() else {
        check.without_effect(
            "model.thinking",
            file.thinking.as_ref(),
            "models from nothing have a template that keeps all thoughts",
        );
        return (fresh(check, file), None);
    };
    let (positions, path) = (file.max_position_embeddings, check.folder_of("model.from").join(&written));
    for key in SHAPE {
        check.without_effect(key, check.has(key).then_some(()), "the folder in `model.from` decides");
    }
    match read(&path) {
        Ok((mut shape, models, learned)) => {
            shape.max_position_embeddings = stream(check, positions, shape.max_position_embeddings);
            (shape, Some(BaseFolder { path, models, thinking: thinking.unwrap_or(learned) }))
        }
        Err(why) => {
            let hint = "name a folder with config.json, tokenizer.json and weights in it, or a checkpoint's";
            check.error("model.from", format!("`{written}` cannot be read: {why}"), hint);
            (fresh(check, ModelFile::default()), None)
        }
    }
}

fn stream(check: &mut Check<'_>, given: Option<i64>, most: i64) -> i64 {
    let room = Allowed::between(64.0, most as f64, "the folder's model has no more positions, and a talk has to fit");
    check.whole("model.max_position_embeddings", given, most.min(STREAM), room)
}

fn read(path: &Path) -> Result<(ModelShape, Pair<Option<String>>, Thinking), String> {
    let folders = Pair::from_fn(|seat| model_folder::model_of_seat(path, seat));
    // Gigabytes may have to be read: of one folder for both seats, once.
    let mut identities = BTreeMap::new();
    let (mut shapes, mut manners) = (Vec::new(), Vec::new());
    for folder in [&folders.agent, &folders.user].into_iter().filter(|folder| folder.join(CONFIG).exists()) {
        if !identities.contains_key(folder) {
            shapes.push(shape(folder)?);
            manners.push(thinking(folder)?);
            identities.insert(folder.clone(), model_folder::identity(folder).map_err(|error| error.to_string())?);
        }
    }
    let models = Pair::from_fn(|seat| identities.get(&folders[seat]).cloned());
    shapes.dedup();
    manners.dedup();
    match (&shapes[..], &manners[..]) {
        ([alone], [learned]) => Ok((alone.clone(), models, *learned)),
        ([], _) => Err(format!("{}: there is no such file", path.join(CONFIG).display())),
        ([_], _) => Err("of its agent and its user only one has learned without its earlier thoughts".to_owned()),
        _ => Err("its agent and its user have models of two shapes".to_owned()),
    }
}

/// What became of earlier thoughts when the folder's model learned.
fn thinking(folder: &Path) -> Result<Thinking, String> {
    let file = folder.join(MANNER);
    if !file.exists() {
        return Ok(Thinking::Keep);
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let manner: Value = serde_json::from_str(&text).map_err(|error| format!("{MANNER}: {error}"))?;
    let known = THINKING.into_iter().find(|(word, _)| manner["thinking"] == *word);
    known.map(|(_, thinking)| thinking).ok_or_else(|| format!("{MANNER}: thinking is neither \"keep\" nor \"strip\""))
}

/// What `config.json` says, by Hugging Face's names. Whether the weights fit it is found out when they are loaded.
fn shape(folder: &Path) -> Result<ModelShape, String> {
    let file = folder.join(CONFIG);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let config: Value = serde_json::from_str(&text).map_err(|error| format!("config.json: {error}"))?;
    let rope = |key: &str| [&config, &config["rope_parameters"]].into_iter().find_map(|at| at[key].as_f64());
    let number = |key: &str| config[key].as_i64();
    let needed = |key: &str| number(key).filter(|n| *n > 0).ok_or_else(|| format!("config.json: {key} is missing"));
    let (width, heads) = (needed("hidden_size")?, needed("num_attention_heads")?);
    Ok(ModelShape {
        hidden_size: width,
        num_hidden_layers: needed("num_hidden_layers")?,
        num_attention_heads: heads,
        num_key_value_heads: number("num_key_value_heads").unwrap_or(heads),
        head_dim: number("head_dim").unwrap_or(width / heads),
        intermediate_size: needed("intermediate_size")?,
        max_position_embeddings: needed("max_position_embeddings")?,
        tie_word_embeddings: config["tie_word_embeddings"].as_bool().unwrap_or(false),
        rope_theta: rope("rope_theta").unwrap_or(10_000.0),
        rms_norm_eps: config["rms_norm_eps"].as_f64().unwrap_or(1e-6),
        vocab_max: usize::try_from(needed("vocab_size")?).unwrap_or(usize::MAX),
    })
}

fn fresh(check: &mut Check<'_>, file: ModelFile) -> ModelShape {
    let ModelFile {
        from: _,
        thinking: _,
        hidden_size,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads,
        head_dim,
        intermediate_size,
        max_position_embeddings,
        tie_word_embeddings,
        rope_theta,
        rms_norm_eps,
        vocab_max,
    } = file;
    let width = Allowed::between(8.0, 65_536.0, "it is a width of the model");
    let layers = Allowed::between(1.0, 256.0, "it is a number of layers");
    let heads = Allowed::between(1.0, 256.0, "it is a number of heads");
    let head_width =
        Allowed::between(2.0, 1024.0, "it is the width of one head, turned in pairs by the rotary embedding");
    let context = Allowed::between(64.0, 1_048_576.0, "a talk with its briefing has to fit into it");
    let theta = Allowed::above(1.0, 1e9, "it is the base of the rotary embedding's wavelengths");
    let eps = Allowed::above(0.0, 0.1, "it keeps RMSNorm from dividing by 0");
    let vocab = Allowed::between(64.0, 262_144.0, "it is the number of entries a tokenizer may have");
    let shape = ModelShape {
        hidden_size: check.whole("model.hidden_size", hidden_size, 128, width),
        num_hidden_layers: check.whole("model.num_hidden_layers", num_hidden_layers, 3, layers),
        num_attention_heads: check.whole("model.num_attention_heads", num_attention_heads, 4, heads),
        num_key_value_heads: check.whole("model.num_key_value_heads", num_key_value_heads, 4, heads),
        head_dim: check.whole("model.head_dim", head_dim, 32, head_width),
        intermediate_size: check.whole("model.intermediate_size", intermediate_size, 352, width),
        max_position_embeddings: check.whole("model.max_position_embeddings", max_position_embeddings, 512, context),
        tie_word_embeddings: check.flag("model.tie_word_embeddings", tie_word_embeddings, true),
        rope_theta: check.number("model.rope_theta", rope_theta, 10_000.0, theta),
        rms_norm_eps: check.number("model.rms_norm_eps", rms_norm_eps, 1e-6, eps),
        vocab_max: check.whole("model.vocab_max", vocab_max, 2048, vocab),
    };
    heads_fit(check, &shape);
    shape
}

fn heads_fit(check: &mut Check<'_>, shape: &ModelShape) {
    check.demand("model.head_dim", Says::Multiple(2));
    if shape.head_dim % 2 != 0 {
        let what = format!("cannot be {}: the rotary embedding turns a head's channels in pairs", shape.head_dim);
        check.error("model.head_dim", what, "it is an even number; the default is 32");
    }
    let (queries, keys) = (shape.num_attention_heads, shape.num_key_value_heads);
    if keys < 1 || queries % keys != 0 {
        let what =
            format!("cannot be {keys}: each key and value head serves the same number of the {queries} query heads");
        let divisors = (1..=queries).filter(|n| queries % n == 0).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        check.error("model.num_key_value_heads", what, format!("it is one of {divisors}"));
    }
}

//! `config.json` and `generation_config.json`, of both generations.
//!
//! `transformers` 4 wrote `rope_theta`, `rope_scaling` (its kind under `type` or `rope_type`) and `torch_dtype`; 5 writes `rope_parameters` and
//! `dtype`. Either may come; what we write both read. A key that is absent means what it means there, so defaults are those of its
//! configuration classes.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::Config;
use crate::config::Family;
use crate::rope::RopeScaling;

/// Keys of other decoders that change the arithmetic, each with the value that changes nothing besides null, false and nothing at all.
const FOREIGN: [(&str, Option<f64>); 16] = [
    ("quantization_config", None),
    ("partial_rotary_factor", Some(1.0)),
    ("no_rope_layers", None),
    ("attn_logit_softcapping", Some(0.0)),
    ("final_logit_softcapping", Some(0.0)),
    ("query_pre_attn_scalar", None),
    ("embedding_multiplier", Some(1.0)),
    ("residual_multiplier", Some(1.0)),
    ("attention_multiplier", None),
    ("logits_scaling", Some(1.0)),
    ("logit_scale", Some(1.0)),
    ("scale_embedding", Some(1.0)),
    ("qk_layernorm", None),
    ("use_qk_norm", None),
    ("num_experts", Some(0.0)),
    ("num_local_experts", Some(0.0)),
];

/// What is read of the file; `None` is absent or null.
#[derive(Deserialize)]
struct ConfigFile {
    vocab_size: i64,
    hidden_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    intermediate_size: i64,
    max_position_embeddings: i64,
    tie_word_embeddings: Option<bool>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    rope_parameters: Option<Map<String, Value>>,
    original_max_position_embeddings: Option<i64>,
    rms_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    use_sliding_window: Option<bool>,
    sliding_window: Option<i64>,
    max_window_layers: Option<i64>,
    layer_types: Option<Vec<String>>,
    bos_token_id: Option<i64>,
    #[serde(default)]
    eos_token_id: TokenIds,
    pad_token_id: Option<i64>,
}

/// `eos_token_id` is a number, a list of numbers, or null.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(untagged)]
enum TokenIds {
    #[default]
    None,
    One(i64),
    Many(Vec<i64>),
}

impl TokenIds {
    /// Without those below 0, which older files write for "none".
    fn ids(&self) -> Vec<u32> {
        let all = match self {
            TokenIds::None => &[][..],
            TokenIds::One(id) => std::slice::from_ref(id),
            TokenIds::Many(ids) => ids,
        };
        all.iter().filter_map(|id| u32::try_from(*id).ok()).collect()
    }

    fn of(ids: &[u32]) -> TokenIds {
        match ids {
            [id] => TokenIds::One(i64::from(*id)),
            ids => TokenIds::Many(ids.iter().map(|id| i64::from(*id)).collect()),
        }
    }
}

/// Reads `config.json`.
pub(crate) fn read(json: &str) -> Result<Config, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let model_type = value["model_type"].as_str().ok_or("model_type is missing")?;
    let Some(family) = Family::ALL.into_iter().find(|family| family.model_type() == model_type) else {
        let known = Family::ALL.map(Family::model_type).join("`, `");
        return Err(format!("model_type is `{model_type}`; only `{known}` can be read"));
    };
    refuse_foreign(&value)?;
    let file: ConfigFile = serde_json::from_value(value).map_err(|error| error.to_string())?;
    file.refuse_unsupported(family)?;
    let rope = file.rope()?;
    let eos_ids = file.eos_token_id.ids();
    let close_id = *eos_ids.first().ok_or("eos_token_id is missing")?;
    let id = |id: Option<i64>| id.and_then(|id| u32::try_from(id).ok());
    let mut config = Config {
        family,
        vocab_size: file.vocab_size,
        hidden_size: file.hidden_size,
        layers: file.num_hidden_layers,
        heads: file.num_attention_heads,
        kv_heads: file.num_key_value_heads.unwrap_or(file.num_attention_heads),
        head_dim: file.head_dim(family)?,
        intermediate_size: file.intermediate_size,
        positions_max: file.max_position_embeddings,
        tied: file.tie_word_embeddings.unwrap_or(false),
        rope_theta: rope.0,
        rope_scaling: rope.1,
        rms_norm_eps: file.rms_norm_eps.unwrap_or(1e-6),
        attention_bias: family != Family::Qwen2 && file.attention_bias.unwrap_or(false),
        mlp_bias: file.mlp_bias.unwrap_or(false),
        close_id,
        eos_ids: Vec::new(),
        pad_id: id(file.pad_token_id).unwrap_or(close_id),
        bos_id: id(file.bos_token_id),
    };
    config.close_with(close_id, &eos_ids);
    config.check()?;
    Ok(config)
}

/// The ends of text in `generation_config.json`, the one that `transformers` would name first in front.
pub(crate) fn generation_eos_ids(json: &str) -> Result<Vec<u32>, String> {
    #[derive(Deserialize)]
    struct GenerationFile {
        #[serde(default)]
        eos_token_id: TokenIds,
    }
    let file: GenerationFile = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(file.eos_token_id.ids())
}

/// `eos_token_id` as it is written: a number if it is one.
pub(crate) fn eos_value(config: &Config) -> Value {
    serde_json::to_value(TokenIds::of(&config.eos_ids)).expect("numbers are JSON")
}

fn refuse_foreign(value: &Value) -> Result<(), String> {
    let changes = |key: &str, neutral: Option<f64>| match &value[key] {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => neutral.is_none() || number.as_f64() != neutral,
        Value::Array(items) => !items.is_empty(),
        Value::Object(keys) => !keys.is_empty(),
        Value::Bool(true) | Value::String(_) => true,
    };
    let found: Vec<&str> =
        FOREIGN.iter().filter(|(key, neutral)| changes(key, *neutral)).map(|(key, _)| *key).collect();
    match found.is_empty() {
        true => Ok(()),
        false => Err(format!("{}: not supported, and it would change what the model computes", found.join(", "))),
    }
}

impl ConfigFile {
    fn refuse_unsupported(&self, family: Family) -> Result<(), String> {
        if let Some(act) = self.hidden_act.as_deref().filter(|act| !["silu", "swish"].contains(act)) {
            return Err(format!("hidden_act `{act}` is not supported; `silu` is"));
        }
        if self.mlp_bias == Some(true) && family != Family::Llama {
            return Err(format!("mlp_bias is not supported in `{}`", family.model_type()));
        }
        let named = self.layer_types.iter().flatten().find(|kind| *kind != "full_attention");
        if let Some(kind) = named {
            return Err(format!("layer_types names `{kind}`; only `full_attention` is supported"));
        }
        // From this layer on `transformers` would slide, unless the layers are named one by one.
        let first = self.max_window_layers.unwrap_or(28);
        let slides = self.use_sliding_window == Some(true) && self.sliding_window.is_some();
        if slides && self.layer_types.is_none() && first < self.num_hidden_layers {
            return Err("use_sliding_window is not supported".to_owned());
        }
        Ok(())
    }

    fn head_dim(&self, family: Family) -> Result<i64, String> {
        match (self.head_dim, family) {
            (Some(head_dim), _) => Ok(head_dim),
            (None, Family::Qwen3) => Ok(128),
            (None, Family::Qwen2 | Family::Llama) => match self.hidden_size.checked_rem(self.num_attention_heads) {
                Some(0) => Ok(self.hidden_size / self.num_attention_heads),
                Some(_) | None => Err(format!(
                    "head_dim is missing, and {} heads cannot share a hidden_size of {} evenly",
                    self.num_attention_heads, self.hidden_size
                )),
            },
        }
    }

    /// Base and stretching of the rotary embedding: the older key wins where both are there, and within it its own base.
    fn rope(&self) -> Result<(f64, RopeScaling), String> {
        let (key, given) = match (&self.rope_scaling, &self.rope_parameters) {
            (Some(given), _) if !given.is_empty() => ("rope_scaling", given.clone()),
            (_, Some(given)) => ("rope_parameters", given.clone()),
            (_, None) => ("rope_scaling", Map::new()),
        };
        let mut given = given;
        given.retain(|_, value| !value.is_null());
        let theta = match given.remove("rope_theta") {
            None => self.rope_theta.unwrap_or(10_000.0),
            Some(theta) => theta.as_f64().ok_or(format!("{key}.rope_theta is not a number"))?,
        };
        let older = given.remove("type");
        let kind = given.entry("rope_type").or_insert_with(|| older.unwrap_or_else(|| "default".into())).clone();
        let kind = kind.as_str().ok_or(format!("{key}.rope_type is not a word"))?;
        if given.remove("partial_rotary_factor").is_some_and(|share| share.as_f64() != Some(1.0)) {
            return Err(format!("{key}.partial_rotary_factor is not supported"));
        }
        match kind {
            "default" => {
                given.remove("factor");
            }
            "linear" | "dynamic" => {
                given.remove("original_max_position_embeddings");
            }
            "llama3" | "yarn" => {
                // As there: the key beside it wins, then its own, then the whole context.
                let whole = Value::from(self.max_position_embeddings);
                let own = given.remove("original_max_position_embeddings").unwrap_or(whole);
                let original = self.original_max_position_embeddings.map_or(own, Value::from);
                given.insert("original_max_position_embeddings".to_owned(), original);
                if kind == "yarn" && !given.contains_key("factor") {
                    return Err(format!("{key}.factor is missing"));
                }
            }
            other => return Err(format!("{key}: rope_type `{other}` is not supported")),
        }
        refuse_unknown(key, kind, &given)?;
        let scaling = serde_json::from_value(Value::Object(given)).map_err(|error| format!("{key}: {error}"))?;
        Ok((theta, scaling))
    }
}

/// Keys that this kind of scaling does not have may mean anything, multimodal positions for one.
fn refuse_unknown(key: &str, kind: &str, given: &Map<String, Value>) -> Result<(), String> {
    let known: &[&str] = match kind {
        "llama3" => &["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
        "yarn" => &[
            "factor",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
            "original_max_position_embeddings",
        ],
        _ => &["factor"],
    };
    match given.keys().find(|name| *name != "rope_type" && !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{key}.{name} is not supported with rope_type `{kind}`")),
        None => Ok(()),
    }
}

/// What is written, in this order.
#[derive(Serialize)]
struct WrittenFile {
    architectures: [&'static str; 1],
    model_type: &'static str,
    vocab_size: i64,
    hidden_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    num_key_value_heads: i64,
    head_dim: i64,
    intermediate_size: i64,
    max_position_embeddings: i64,
    tie_word_embeddings: bool,
    rope_theta: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<RopeScaling>,
    rms_norm_eps: f64,
    hidden_act: &'static str,
    attention_bias: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mlp_bias: Option<bool>,
    attention_dropout: f64,
    use_cache: bool,
    bos_token_id: Option<u32>,
    eos_token_id: TokenIds,
    pad_token_id: Option<u32>,
    torch_dtype: String,
}

/// Contents of `config.json`: keys of the older generation, which both read.
pub(crate) fn write(config: &Config, dtype: &str) -> String {
    let file = WrittenFile {
        architectures: [config.family.architecture()],
        model_type: config.family.model_type(),
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        num_key_value_heads: config.kv_heads,
        head_dim: config.head_dim,
        intermediate_size: config.intermediate_size,
        max_position_embeddings: config.positions_max,
        tie_word_embeddings: config.tied,
        rope_theta: config.rope_theta,
        rope_scaling: Some(config.rope_scaling).filter(|scaling| *scaling != RopeScaling::Default),
        rms_norm_eps: config.rms_norm_eps,
        hidden_act: "silu",
        attention_bias: config.attention_bias,
        mlp_bias: (config.family == Family::Llama).then_some(config.mlp_bias),
        attention_dropout: 0.0,
        use_cache: true,
        bos_token_id: config.bos_id,
        eos_token_id: TokenIds::of(&config.eos_ids),
        pad_token_id: Some(config.pad_id),
        torch_dtype: dtype.to_owned(),
    };
    let mut json = serde_json::to_string_pretty(&file).expect("a struct of numbers and words is JSON");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A Llama with these keys laid over it.
    fn with(changes: Value) -> Result<Config, String> {
        let mut file = json!({
            "model_type": "llama", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 48, "max_position_embeddings": 256, "eos_token_id": 3,
        });
        let keys = file.as_object_mut().expect("it was just made");
        keys.extend(changes.as_object().expect("keys").clone());
        read(&file.to_string())
    }

    #[test]
    fn absent_keys_mean_what_they_mean_in_transformers() {
        let config = with(json!({})).expect("enough keys");
        assert_eq!((config.kv_heads, config.head_dim, config.tied), (4, 8, false));
        assert_eq!((config.rope_theta, config.rms_norm_eps), (10_000.0, 1e-6));
        assert_eq!((config.close_id, config.pad_id, config.bos_id), (3, 3, None));
        assert!(!config.qkv_bias() && !config.o_bias() && !config.mlp_bias && !config.qk_norm());
        assert_eq!(with(json!({ "model_type": "qwen3" })).expect("enough keys").head_dim, 128);
        let qwen2 = with(json!({ "model_type": "qwen2" })).expect("enough keys");
        assert!(qwen2.qkv_bias() && !qwen2.o_bias() && !qwen2.qk_norm());
    }

    #[test]
    fn both_generations_of_rope_keys_mean_the_same() {
        let llama3 = json!({
            "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64
        });
        let named = |key: &str, kind: &str| {
            let mut rope = llama3.clone();
            rope[kind] = "llama3".into();
            if key == "rope_parameters" {
                rope["rope_theta"] = 5e5.into();
                with(json!({ "rope_parameters": rope }))
            } else {
                with(json!({ "rope_theta": 5e5, "rope_scaling": rope }))
            }
        };
        let newest = named("rope_parameters", "rope_type").expect("as transformers 5 writes it");
        assert_eq!(named("rope_scaling", "rope_type").expect("as transformers 4.45 writes it"), newest);
        assert_eq!(named("rope_scaling", "type").expect("as transformers 4.30 writes it"), newest);
        assert_eq!(newest.rope_theta, 5e5);
        assert!(matches!(newest.rope_scaling, RopeScaling::Llama3 { original: 64, .. }));
        let plain = with(json!({ "rope_parameters": { "rope_type": "default", "rope_theta": 7.0 } })).expect("plain");
        assert_eq!((plain.rope_theta, plain.rope_scaling), (7.0, RopeScaling::Default));
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let yarn = json!({ "rope_type": "yarn", "factor": 4.0, "truncate": false });
        let cases = [
            json!({}),
            json!({ "eos_token_id": [9, 3, 9], "bos_token_id": 1, "pad_token_id": -1, "mlp_bias": true, "attention_bias": true }),
            json!({ "model_type": "qwen2", "tie_word_embeddings": true, "rope_scaling": { "type": "linear", "factor": 2.0 } }),
            json!({ "model_type": "qwen3", "head_dim": 20, "num_key_value_heads": 2, "rope_scaling": yarn }),
            json!({ "rope_scaling": { "type": "dynamic", "factor": 2.0 }, "use_sliding_window": true, "sliding_window": null }),
        ];
        for case in cases {
            let config = with(case).expect("a sound file");
            assert_eq!(read(&config.to_json("float32")).expect("what we wrote"), config);
        }
    }

    #[test]
    fn every_end_of_text_is_kept_and_the_first_closes() {
        let config = with(json!({ "eos_token_id": [9, 3, 9] })).expect("a list");
        assert_eq!((config.close_id, config.eos_ids), (9, vec![9, 3]));
        assert_eq!(generation_eos_ids(r#"{"eos_token_id": [5, 6]}"#).expect("a list"), [5, 6]);
        assert!(generation_eos_ids("{}").expect("none").is_empty());
        assert!(with(json!({ "eos_token_id": null })).expect_err("no end").contains("eos_token_id is missing"));
    }

    #[test]
    fn keys_that_would_change_the_arithmetic_are_refused_by_name() {
        let refused = |changes: Value| with(changes).expect_err("it cannot be computed");
        for (changes, words) in [
            (json!({ "model_type": "mistral" }), "model_type is `mistral`"),
            (json!({ "hidden_act": "gelu" }), "hidden_act `gelu`"),
            (json!({ "quantization_config": { "bits": 4 }, "logit_scale": 0.5 }), "quantization_config, logit_scale:"),
            (json!({ "partial_rotary_factor": 0.5 }), "partial_rotary_factor"),
            (json!({ "model_type": "qwen2", "mlp_bias": true }), "mlp_bias"),
            (
                json!({ "model_type": "qwen2", "layer_types": ["full_attention", "sliding_attention"] }),
                "`sliding_attention`",
            ),
            (
                json!({ "model_type": "qwen2", "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1 }),
                "use_sliding_window",
            ),
            (
                json!({ "rope_scaling": { "rope_type": "longrope", "short_factor": [1.0] } }),
                "rope_scaling: rope_type `longrope`",
            ),
            (
                json!({ "rope_parameters": { "rope_type": "default", "mrope_section": [2, 1, 1] } }),
                "rope_parameters.mrope_section",
            ),
            (json!({ "rope_scaling": { "type": "linear" } }), "rope_scaling: missing field `factor`"),
            (json!({ "head_dim": 7 }), "head_dim is 7"),
            (json!({ "num_attention_heads": 5 }), "5 heads cannot share"),
        ] {
            let found = refused(changes);
            assert!(found.contains(words), "{found} does not say {words}");
        }
        with(json!({ "partial_rotary_factor": 1.0, "quantization_config": null, "num_experts": 0 })).expect("neutral");
    }
}

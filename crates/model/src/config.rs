//! `config.json` of a Qwen3 decoder: the shape of a model, as Hugging Face writes it.

use rl::LearnError;
use rl::TextFiles;
use rl::settings::ModelShape;
use serde::Deserialize;
use serde::Serialize;

/// Shape of a decoder; every number is checked, so that tensors can be made from it without asking again.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Entries of the embedding.
    pub vocab_size: i64,
    /// Width of the residual stream.
    pub hidden_size: i64,
    /// Layers.
    pub layers: i64,
    /// Query heads.
    pub heads: i64,
    /// Key and value heads; divides `heads`.
    pub kv_heads: i64,
    /// Width of one head; even.
    pub head_dim: i64,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: i64,
    /// Longest stream.
    pub positions_max: i64,
    /// Whether the output layer is the embedding.
    pub tied: bool,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// Epsilon of RMSNorm.
    pub rms_norm_eps: f64,
    /// The token that closes a turn.
    pub close_id: u32,
    /// The token that pads.
    pub pad_id: u32,
}

impl Config {
    /// The shape a run asks for, with the vocabulary its tokenizer has.
    ///
    /// # Errors
    /// [`LearnError::Model`] in words if no decoder has this shape.
    pub fn new(shape: &ModelShape, text: &TextFiles) -> Result<Config, LearnError> {
        let config = Config {
            vocab_size: text.vocab_len as i64,
            hidden_size: shape.hidden_size,
            layers: shape.num_hidden_layers,
            heads: shape.num_attention_heads,
            kv_heads: shape.num_key_value_heads,
            head_dim: shape.head_dim,
            intermediate_size: shape.intermediate_size,
            positions_max: shape.max_position_embeddings,
            tied: shape.tie_word_embeddings,
            rope_theta: shape.rope_theta,
            rms_norm_eps: shape.rms_norm_eps,
            close_id: text.close_id,
            pad_id: text.pad_id,
        };
        config.check().map_err(LearnError::Model)?;
        Ok(config)
    }

    /// Reads `config.json`. Keys we do not know are other tools' business and pass.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn from_json(json: &str) -> Result<Config, String> {
        let file: ConfigFile = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if file.model_type != "qwen3" {
            return Err(format!("model_type is `{}`; only `qwen3` can be read", file.model_type));
        }
        if file.attention_bias {
            return Err("attention_bias is not supported".to_owned());
        }
        let rope_theta = match (file.rope_theta, &file.rope_parameters) {
            (Some(theta), _) => theta,
            (None, Some(rope)) if rope.rope_type == "default" => rope.rope_theta,
            (None, Some(rope)) => return Err(format!("rope_type `{}` is not supported", rope.rope_type)),
            (None, None) => return Err("rope_theta is missing".to_owned()),
        };
        let close_id = file.eos_token_id.first().ok_or("eos_token_id is missing")?;
        let config = Config {
            vocab_size: file.vocab_size,
            hidden_size: file.hidden_size,
            layers: file.num_hidden_layers,
            heads: file.num_attention_heads,
            kv_heads: file.num_key_value_heads,
            head_dim: file.head_dim,
            intermediate_size: file.intermediate_size,
            positions_max: file.max_position_embeddings,
            tied: file.tie_word_embeddings,
            rope_theta,
            rms_norm_eps: file.rms_norm_eps,
            close_id,
            pad_id: file.pad_token_id.unwrap_or(close_id),
        };
        config.check()?;
        Ok(config)
    }

    /// Contents of `config.json`, readable by `transformers` 4 and 5.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = ConfigFile {
            architectures: vec!["Qwen3ForCausalLM".to_owned()],
            model_type: "qwen3".to_owned(),
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.kv_heads,
            head_dim: self.head_dim,
            intermediate_size: self.intermediate_size,
            max_position_embeddings: self.positions_max,
            tie_word_embeddings: self.tied,
            rope_theta: Some(self.rope_theta),
            rope_parameters: None,
            rms_norm_eps: self.rms_norm_eps,
            hidden_act: "silu".to_owned(),
            attention_bias: false,
            attention_dropout: 0.0,
            use_cache: true,
            bos_token_id: None,
            eos_token_id: TokenIds::One(self.close_id),
            pad_token_id: Some(self.pad_id),
            torch_dtype: "float32".to_owned(),
        };
        let mut json = serde_json::to_string_pretty(&file).expect("a struct of numbers and words is JSON");
        json.push('\n');
        json
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.kv_heads),
            ("head_dim", self.head_dim),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.positions_max),
        ];
        for (name, size) in sizes {
            if size < 1 {
                return Err(format!("{name} is {size}; it must be at least 1"));
            }
        }
        if self.heads % self.kv_heads != 0 {
            return Err(format!("{} query heads cannot share {} key-value heads evenly", self.heads, self.kv_heads));
        }
        if self.head_dim % 2 != 0 {
            return Err(format!("head_dim is {}; the rotary embedding turns pairs, so it must be even", self.head_dim));
        }
        for (name, id) in [("closing token", self.close_id), ("padding token", self.pad_id)] {
            if i64::from(id) >= self.vocab_size {
                return Err(format!("the {name} {id} is outside the vocabulary of {}", self.vocab_size));
            }
        }
        for (name, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(format!("{name} is {value}; it must be above 0"));
            }
        }
        Ok(())
    }
}

/// The file as it stands on disk.
#[derive(Serialize, Deserialize)]
struct ConfigFile {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: String,
    vocab_size: i64,
    hidden_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    num_key_value_heads: i64,
    head_dim: i64,
    intermediate_size: i64,
    max_position_embeddings: i64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
    // Where `transformers` 5 puts `rope_theta`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_parameters: Option<RopeFile>,
    rms_norm_eps: f64,
    #[serde(default)]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    attention_dropout: f64,
    #[serde(default)]
    use_cache: bool,
    #[serde(default)]
    bos_token_id: Option<u32>,
    #[serde(default)]
    eos_token_id: TokenIds,
    #[serde(default)]
    pad_token_id: Option<u32>,
    #[serde(default)]
    torch_dtype: String,
}

#[derive(Serialize, Deserialize)]
struct RopeFile {
    rope_theta: f64,
    rope_type: String,
}

/// `eos_token_id` is a number, a list of numbers, or null.
#[derive(Default, Serialize, Deserialize)]
#[serde(untagged)]
enum TokenIds {
    #[default]
    None,
    One(u32),
    Many(Vec<u32>),
}

impl TokenIds {
    fn first(&self) -> Option<u32> {
        match self {
            TokenIds::None => None,
            TokenIds::One(id) => Some(*id),
            TokenIds::Many(ids) => ids.first().copied(),
        }
    }
}

//! The shape of a decoder, whichever of the three families it is of; every number is checked. `config.json` is in `config_file.rs`.

use rl::LearnError;
use rl::TextFiles;
use rl::settings::ModelShape;

use crate::config_file;
use crate::rope::RopeScaling;

/// Which of Hugging Face's decoders this is. They differ in the norm of queries and keys and in their biases, no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Qwen3 (dense): queries and keys are normed.
    Qwen3,
    /// Qwen2 and Qwen2.5: queries, keys and values have biases.
    Qwen2,
    /// Llama 2 and 3.
    Llama,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Qwen3, Family::Qwen2, Family::Llama];

    /// Its name in `config.json`.
    #[must_use]
    pub fn model_type(self) -> &'static str {
        match self {
            Family::Qwen3 => "qwen3",
            Family::Qwen2 => "qwen2",
            Family::Llama => "llama",
        }
    }

    /// The class that opens it in `transformers`.
    #[must_use]
    pub fn architecture(self) -> &'static str {
        match self {
            Family::Qwen3 => "Qwen3ForCausalLM",
            Family::Qwen2 => "Qwen2ForCausalLM",
            Family::Llama => "LlamaForCausalLM",
        }
    }
}

/// Shape of a decoder; every number is checked, so that tensors can be made from it without asking again.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which kind it is.
    pub family: Family,
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
    /// How its frequencies are stretched.
    pub rope_scaling: RopeScaling,
    /// Epsilon of RMSNorm.
    pub rms_norm_eps: f64,
    /// Whether all four products of attention have biases; Qwen2 has its three whatever this says, and says false.
    pub attention_bias: bool,
    /// Whether the three products of the feed-forward layer have biases; only a Llama may.
    pub mlp_bias: bool,
    /// The token that closes a turn.
    pub close_id: u32,
    /// Every token after which nothing is to come: `close_id` first, then the others by rising id.
    pub eos_ids: Vec<u32>,
    /// The token that pads.
    pub pad_id: u32,
    /// The token a text begins with; `None` where there is none.
    pub bos_id: Option<u32>,
}

impl Config {
    /// The shape a run asks for, with the vocabulary its tokenizer has.
    ///
    /// # Errors
    /// [`LearnError::Model`] in words if no decoder has this shape.
    pub fn new(shape: &ModelShape, text: &TextFiles) -> Result<Config, LearnError> {
        let config = Config {
            family: Family::Qwen3,
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
            rope_scaling: RopeScaling::Default,
            rms_norm_eps: shape.rms_norm_eps,
            attention_bias: false,
            mlp_bias: false,
            close_id: text.close_id,
            eos_ids: vec![text.close_id],
            pad_id: text.pad_id,
            bos_id: None,
        };
        config.check().map_err(LearnError::Model)?;
        Ok(config)
    }

    /// Reads `config.json`, of either generation of keys. Keys we do not know are other tools' business and pass; those that would change
    /// the arithmetic do not.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn from_json(json: &str) -> Result<Config, String> {
        config_file::read(json)
    }

    /// Contents of `config.json`, readable by `transformers` 4 and 5; `dtype` is the type of the numbers beside it, as PyTorch names it.
    #[must_use]
    pub fn to_json(&self, dtype: &str) -> String {
        config_file::write(self, dtype)
    }

    /// Whether queries and keys are normed.
    #[must_use]
    pub fn qk_norm(&self) -> bool {
        self.family == Family::Qwen3
    }

    /// Whether the products of queries, keys and values have biases.
    #[must_use]
    pub fn qkv_bias(&self) -> bool {
        self.family == Family::Qwen2 || self.attention_bias
    }

    /// Whether the product behind attention has a bias.
    #[must_use]
    pub fn o_bias(&self) -> bool {
        self.family != Family::Qwen2 && self.attention_bias
    }

    /// Makes `close_id` the closing token, and takes these ids for ends besides those there were.
    pub(crate) fn close_with(&mut self, close_id: u32, others: &[u32]) {
        self.close_id = close_id;
        self.eos_ids.extend(others);
        self.eos_ids.sort_unstable();
        self.eos_ids.dedup();
        self.eos_ids.retain(|id| *id != close_id);
        self.eos_ids.insert(0, close_id);
    }

    pub(crate) fn check(&self) -> Result<(), String> {
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
        self.rope_scaling.check()
    }
}

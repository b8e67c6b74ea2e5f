//! Adapters as a run asks for them (LoRA, arXiv:2106.09685): small matrices that learn beside the linear layers of a frozen base. Numbers and
//! names alone; their tensors are `model`'s.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Pair;

use crate::settings::Dtype;
use crate::settings::ModelShape;

/// Names of all linear layers of a decoder's layer, as lists of targets have them.
pub const LINEARS: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Adapters of a run: what learns in place of the weights that it starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterSettings {
    /// Of each seat's, the same for both.
    pub shape: LoraShape,
    /// What the frozen weights are held and computed in; adapters are f32 whatever it says.
    pub dtype: Dtype,
    /// Where the frozen weights of each seat's model lie: one folder, or two.
    #[serde(skip)]
    pub bases: Pair<PathBuf>,
}

/// How an adapter is shaped and scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraShape {
    /// r, at least 1.
    pub rank: i64,
    /// Numerator of the scale, above 0: alpha / r, or alpha / √r.
    pub alpha: f64,
    /// Whether it is alpha / √r (rsLoRA, arXiv:2312.03732).
    pub rank_stabilized: bool,
    /// Which linear layers it sits beside.
    pub targets: Targets,
}

/// Linear layers by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// All of them; the embedding and the head are none.
    AllLinear,
    /// Those whose path ends in one of these, from a dot on, as PEFT matches.
    Named(Vec<String>),
}

impl Targets {
    /// Whether the linear layer with this path, e.g. `model.layers.0.mlp.up_proj`, is one of them.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        match self {
            Targets::AllLinear => true,
            Targets::Named(names) => names.iter().any(|name| ends_in(path, name)),
        }
    }
}

/// The whole path, or its end from a dot on.
#[must_use]
pub fn ends_in(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl LoraShape {
    /// How many numbers an adapter of this shape learns on a model of that one. The adapter of `model` has as many.
    #[must_use]
    pub fn parameters(&self, of: &ModelShape) -> u64 {
        let size = |n: i64| u64::try_from(n).unwrap_or(0);
        let (queries, keys) = (of.num_attention_heads * of.head_dim, of.num_key_value_heads * of.head_dim);
        let linears = [
            ("self_attn.q_proj", of.hidden_size, queries),
            ("self_attn.k_proj", of.hidden_size, keys),
            ("self_attn.v_proj", of.hidden_size, keys),
            ("self_attn.o_proj", queries, of.hidden_size),
            ("mlp.gate_proj", of.hidden_size, of.intermediate_size),
            ("mlp.up_proj", of.hidden_size, of.intermediate_size),
            ("mlp.down_proj", of.intermediate_size, of.hidden_size),
        ];
        let layers = (0..of.num_hidden_layers).flat_map(|layer| linears.map(|linear| (layer, linear)));
        let adapted = layers.filter(|(layer, (name, ..))| self.targets.has(&format!("model.layers.{layer}.{name}")));
        adapted.map(|(_, (_, input, output))| size(self.rank) * (size(input) + size(output))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> ModelShape {
        ModelShape {
            hidden_size: 20,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 6,
            intermediate_size: 22,
            max_position_embeddings: 64,
            tie_word_embeddings: true,
            rope_theta: 1e4,
            rms_norm_eps: 1e-6,
            vocab_max: 30,
        }
    }

    fn parameters(targets: Targets) -> u64 {
        LoraShape { rank: 5, alpha: 1.0, rank_stabilized: false, targets }.parameters(&shape())
    }

    #[test]
    fn an_adapters_parameters_add_up_by_hand() {
        let attention = (20 + 24) + 2 * (20 + 12) + (24 + 20);
        let feed_forward = 3 * (20 + 22);
        assert_eq!(parameters(Targets::AllLinear), 3 * 5 * (attention + feed_forward));
        assert_eq!(parameters(Targets::Named(LINEARS.map(str::to_owned).to_vec())), parameters(Targets::AllLinear));
        assert_eq!(parameters(Targets::Named(vec!["k_proj".to_owned()])), 3 * 5 * (20 + 12));
        assert_eq!(parameters(Targets::Named(vec!["layers.1.mlp.up_proj".to_owned()])), 5 * (20 + 22));
        assert_eq!(parameters(Targets::Named(vec!["proj".to_owned()])), 0, "a name matches from a dot on");
    }
}

//! The model on which we and `transformers` must agree.

use duologue_model::Config;
use duologue_model::Decoder;
use duologue_model::Parameters;
use duologue_model::config::Family;
use duologue_model::folder::Contents;
use duologue_model::folder::Kept;
use duologue_model::rope::RopeScaling;
use rl::TextFiles;
use sim::Seat;
use tch::Device;
use tch::Tensor;
use tch::no_grad;

const VOCAB: i64 = 61;

/// Two streams of 40 tokens, one after the other.
pub fn tokens() -> Vec<i64> {
    (0..80).map(|place| (place * place * 7 + place * 3 + 2) % VOCAB).collect()
}

/// Our logits for [`tokens`], `[2, 40, vocab]` laid flat.
pub fn logits(contents: &Contents) -> Vec<f32> {
    let config = contents.config.clone();
    let decoder = Decoder::new(config.clone(), Parameters::new(&config, &contents.weights, Device::Cpu));
    let tokens = Tensor::from_slice(&tokens()).view([2, 40]);
    let logits = no_grad(|| decoder.logits(&decoder.hidden(&tokens))).flatten(0, 2);
    Vec::try_from(logits).expect("f32 numbers")
}

/// A random model with every norm away from 1, so that none can be forgotten unseen.
pub fn contents(tied: bool) -> Contents {
    let config = Config {
        family: Family::Qwen3,
        vocab_size: VOCAB,
        hidden_size: 48,
        layers: 3,
        heads: 6,
        kv_heads: 2,
        head_dim: 16,
        intermediate_size: 80,
        positions_max: 128,
        tied,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Default,
        rms_norm_eps: 1e-6,
        attention_bias: false,
        mlp_bias: false,
        close_id: 1,
        eos_ids: vec![1],
        pad_id: 0,
        bos_id: None,
    };
    let parameters = Parameters::fresh(&config, 1, Seat::Agent, &[], Device::Cpu);
    let mut weights: Vec<f32> = Vec::try_from(parameters.flat()).expect("f32 numbers");
    for (part, offset) in parameters.layout().parts().filter(|(part, _)| part.shape.len() == 1) {
        let norm = &mut weights[offset as usize..(offset + part.shape[0]) as usize];
        for (index, number) in norm.iter_mut().enumerate() {
            *number += 0.5 * ((offset as usize + index) as f32 * 0.7).sin();
        }
    }
    let text = TextFiles {
        tokenizer: TOKENIZER.to_owned(),
        template: "{% for message in messages %}{{ message.content }}{% endfor %}".to_owned(),
        close_id: 1,
        pad_id: 0,
        vocab_len: VOCAB as usize,
        ordered: Vec::new(),
    };
    let kept = Kept::default();
    Contents { name: "hf".to_owned(), config, weights, version: 0, text, kept, moments: None, reference: None }
}

/// A tokenizer of two words, enough for `transformers` to open it.
const TOKENIZER: &str = r#"{
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 1, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
  ],
  "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
  "model": {"type": "WordLevel", "vocab": {"<pad>": 0, "<end>": 1, "hello": 2, "there": 3}, "unk_token": "<pad>"}
}"#;

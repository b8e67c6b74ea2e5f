//! Our half of `tests/python/check_hf.py`: writes model folders with the logits we compute, and reads folders that `transformers` wrote.
//!
//! `hf_logits write DIR` makes `DIR/tied` and `DIR/untied`, each with `logits.json`; `hf_logits read DIR` writes `DIR/logits.json` for the
//! folder `DIR`.

use std::fs;
use std::path::Path;

use duologue_model::folder;

use crate::hf_model::contents;
use crate::hf_model::logits;
use crate::hf_model::tokens;

#[path = "../tests/model/hf_model.rs"]
mod hf_model;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, target] = arguments.as_slice() else { panic!("usage: hf_logits write|read DIR") };
    let target = Path::new(target);
    match what.as_str() {
        "write" => {
            for (name, tied) in [("tied", true), ("untied", false)] {
                let made = target.join(name);
                fs::create_dir_all(&made).expect("the folder can be made");
                folder::write(&made, &contents(tied)).expect("the folder can be written");
                write_logits(&made);
            }
        }
        "read" => write_logits(target),
        other => panic!("`{other}` is neither write nor read"),
    }
}

fn write_logits(made: &Path) {
    let contents = folder::read(made).expect("a sound folder");
    let json = serde_json::json!({ "tokens": tokens(), "logits": logits(&contents) }).to_string();
    fs::write(made.join("logits.json"), json).expect("the file can be written");
}

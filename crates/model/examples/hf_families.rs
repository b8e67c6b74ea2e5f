//! Our half of `tests/python/make_checkpoints.py`: opens each checkpoint of DIR as any command would, compares what we compute with what
//! `transformers` did, and writes it back in each form there is.
//!
//! `hf_families DIR` prints a line of JSON a checkpoint, and writes `DIR/NAME/ours/` (saved again), `DIR/NAME/ours-sharded/` (the same in several
//! files) and, of adapters, `DIR/NAME/ours-merged/`.

use std::fs;
use std::path::Path;

use duologue_model::folder;
use duologue_model::folder::Contents;
use tch::Kind;

#[path = "../tests/model/checkpoint.rs"]
mod checkpoint;

/// Small enough to cut even these.
const SHARD_BYTES_MAX: usize = 40_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir] = arguments.as_slice() else { panic!("usage: hf_families DIR") };
    let entries = fs::read_dir(dir).expect("DIR is there").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    for made in &folders {
        let expected = checkpoint::expected(made);
        let mut model = checkpoint::open(made, &expected);
        let distance = checkpoint::distance(made, &expected, &mut model);
        checkpoint::save(&mut model, &made.join("ours"));
        match expected.adapter {
            true => merge(made, &mut model),
            false => shard(made),
        }
        let line = serde_json::json!({
            "name": made.file_name().expect("a folder has a name").to_string_lossy(),
            "logits": distance.logits,
            "compared": distance.compared,
            "excused": distance.excused,
            "inexcusable": distance.inexcusable,
        });
        println!("{line}");
    }
}

fn shard(made: &Path) {
    let contents = folder::read(&made.join("base")).expect("a sound folder");
    let written = made.join("ours-sharded");
    fs::create_dir_all(&written).expect("the folder can be made");
    folder::write_sharded(&written, &contents, SHARD_BYTES_MAX).expect("the folder can be written");
}

fn merge(made: &Path, model: &mut rl::Model) {
    let base = folder::read(&made.join("base")).expect("a sound folder");
    let weights = checkpoint::with_decoder(model, |decoder| {
        let adapter = decoder.adapter().expect("it was opened with one");
        let merged = adapter.merged(decoder.config(), decoder.parameters());
        Vec::try_from(merged.flat().to_kind(Kind::Float)).expect("f32 numbers")
    });
    let written = made.join("ours-merged");
    fs::create_dir_all(&written).expect("the folder can be made");
    folder::write(&written, &Contents { weights, ..base }).expect("the folder can be written");
}

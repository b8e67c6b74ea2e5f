//! What a run of transformers hands out: with libtorch, from the first update to a model that plays as the one it was exported from.
//! That `transformers` computes the same logits is checked by `tests/python/check_export.py`.

use std::fs;
use std::path::Path;
use std::process::Command;

use runs::CheckpointId;
use runs::Hash;
use runs::Manifest;
use sim::EpisodeRecord;
use sim::Seat;

/// A run of seconds: enough that some of its talks go better than others, so that there is something to learn from them.
const SMALL: [&str; 15] = [
    "model.hidden_size=64",
    "model.num_hidden_layers=2",
    "model.intermediate_size=128",
    "model.vocab_max=800",
    "sft.dialogues=400",
    "sft.updates=200",
    "sft.tokens_per_update=600",
    "sft.warmup=5",
    "sft.probe_min=0",
    "grpo.steps=1",
    "grpo.group_size=8",
    "grpo.groups.mutual=1",
    "grpo.groups.fixed=4",
    "eval.items=2",
    "eval.every=1",
];

/// What a model's folder is made of when it is meant for others.
const HANDED_OUT: [&str; 7] = [
    "README.md",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// Runs the engine at the root of the checkout; gives what it said on stdout.
fn duologue(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the package lies below the root");
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
    let output = command.current_dir(root).args(arguments).output().expect("the binary was built with the tests");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("all output is text")
}

/// Episodes that the seat's model in `folder` plays.
fn played(seat: Seat, folder: &Path) -> Vec<EpisodeRecord> {
    let (flag, model) = (format!("--{seat}"), format!("model:{}", folder.display()));
    let said = duologue(&["rollout", "scenarios/haggle.toml", "--episodes", "5", &flag, &model, "--json"]);
    said.lines().map(|line| serde_json::from_str(line).expect("each line is a record")).collect()
}

#[test]
fn an_exported_model_plays_as_the_one_it_was_exported_from() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build's own folder takes another one");
    let path = |name: &str| scratch.path().join(name).to_str().expect("we named it").to_owned();
    let (run, out) = (path("run"), path("out"));
    let mut train = vec!["train", "configs/quickstart.toml", "--out", &run, "--set", "limits.device=cpu"];
    train.extend(SMALL.iter().flat_map(|set| ["--set", set]));
    duologue(&train);
    duologue(&["export", &run, "--format", "hf", "--out", &out]);

    let manifest = Manifest::read(&Path::new(&run).join("manifest.json")).expect("a run");
    for seat in Seat::ALL {
        let checkpoint = |id: &str| Path::new(&run).join(format!("checkpoints/{id}/{seat}"));
        let (committed, exported) = (checkpoint("step-000001"), Path::new(&out).join(seat.name()));
        let mut names: Vec<String> = fs::read_dir(&exported)
            .expect("it was exported")
            .map(|entry| entry.expect("it can be listed").file_name().into_string().expect("we named it"))
            .collect();
        names.sort();
        assert_eq!(names, HANDED_OUT);
        let cold_start = checkpoint(&CheckpointId::COLD_START.to_string());
        let hash = |folder: &Path| Hash::of_file(&folder.join("model.safetensors")).expect("it has weights");
        assert_eq!(manifest.cold_start[seat], Some(hash(&cold_start)));
        assert_ne!(hash(&cold_start), hash(&committed), "it has learned since");
        assert_eq!(hash(&exported), hash(&committed));

        // It opens without what only the run needs, and samples the same tokens with the same probabilities.
        let (before, after) = (played(seat, &committed), played(seat, &exported));
        assert_eq!(before.len(), 5);
        for (before, after) in before.into_iter().zip(after) {
            let mut after_turns = after.turns.into_iter();
            for mut turn in before.turns {
                let mut other = after_turns.next().expect("as many turns");
                // Updates are not counted in what is handed out, and the folder's name is another one.
                for generation in
                    [&mut turn, &mut other].into_iter().filter_map(|turn| turn.decision.generation.as_mut())
                {
                    (generation.version, generation.policy) = (0, String::new());
                }
                assert_eq!(turn, other);
            }
            assert_eq!((after_turns.next(), after.scores), (None, before.scores));
        }
    }
}

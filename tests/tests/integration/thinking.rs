//! A run whose models read what their template would show them: the thoughts of earlier turns are gone, and each turn is a sample of its own.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;
use serde_json::json;
use sim::EpisodeRecord;
use sim::Generation;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::Source;
use text::ChatMessage;
use text::Dialect;
use text::Role;

use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::last_model;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;

/// A model of nothing that speaks as Qwen3's do, with a template that drops earlier thoughts.
pub fn base(at: &Path) -> PathBuf {
    let folder = at.join("base");
    fs::create_dir(&folder).expect("the place is ours");
    let texts = root().join("crates/text/tests/families/qwen3");
    for entry in fs::read_dir(&texts).expect("the family's files") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), folder.join(entry.file_name())).expect("the place is ours");
    }
    let dialect = Dialect::open(&folder, Pair::default()).expect("the folder is whole");
    let config = json!({
        "model_type": "ngram", "vocab_size": dialect.tokenizer().len(), "max_position_embeddings": 8192,
        "eos_token_id": dialect.close_id(), "pad_token_id": dialect.pad_id(),
        "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8,
    });
    let state = json!({ "name": "base", "version": 0, "optimizer_steps": 0 });
    fs::write(folder.join("config.json"), config.to_string()).expect("the place is ours");
    fs::write(folder.join("duologue.json"), state.to_string()).expect("the place is ours");
    fs::write(folder.join("counts.bin"), [&b"NGRAMS01"[..], &[0; 8]].concat()).expect("the place is ours");
    folder
}

/// A run file whose models start from `from`, with these lines on top.
fn run_file(at: &Path, from: &Path, lines: &str) -> PathBuf {
    let file = at.join("thinking.toml");
    let text = format!(
        "scenario = \"{}\"\nseed = 1\n{lines}\neval = {{ items = 4, every = 2 }}\n\
         grpo = {{ steps = 2, group_size = 3, group_valid_min = 2, minibatches = 1, groups = {{ mutual = 2, fixed = 2 }} }}\n\
         model.from = \"{}\"\n",
        root().join("scenarios/haggle.toml").display(),
        from.display()
    );
    fs::write(&file, text).expect("the place is ours");
    file
}

const COLD_START: &str =
    "sft = { updates = 60, dialogues = 60, tokens_per_update = 3000, warmup = 1, probe_min = 0.0, drill_share = 0.1 }";

fn path(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

/// A run that strips thoughts, once for all tests that only look at it.
static STRIPPED: LazyLock<PathBuf> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stripped-{profile}"));
    // Left by the last time; nothing ends with a process.
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(&at).expect("the build's own folder takes another one");
    let file = run_file(&at, &base(&at), &format!("{COLD_START}\nmodel.thinking = \"strip\""));
    duologue(&["train", path(&file), "--out", path(&at.join("run"))]).done();
    at.join("run")
});

fn agent() -> PathBuf {
    STRIPPED.join("checkpoints/step-000002/agent")
}

/// The seat's generations, each with what its model read.
fn read(record: &EpisodeRecord, seat: Seat) -> Vec<(&Generation, Vec<u32>)> {
    let mut stream = Vec::new();
    let mut found = Vec::new();
    for turn in record.turns_of(seat) {
        let Some(generation) = &turn.decision.generation else { break };
        stream.extend(&generation.prompt);
        found.push((generation, generation.read(&stream).expect("the cuts are of its stream")));
        stream.extend(&generation.tokens);
    }
    found
}

#[test]
fn no_earlier_thought_is_read_and_every_prompt_is_the_templates() {
    // The user of haggle reasons, its agent does not: the template has it begin with a thought of nothing, which it forgets too.
    let dialect = Dialect::open(&agent(), Pair { agent: false, user: true }).expect("the folder is whole");
    let think = dialect.tokenizer().id("<think>").expect("Qwen3 has such a token");
    let (mut later, mut plain) = (0, 0);
    for record in records(&STRIPPED) {
        for (seat, thoughts) in [(Seat::Agent, 1), (Seat::User, 0)] {
            let mut messages = Vec::new();
            let mut is_plain = true;
            for ((generation, read), turn) in read(&record, seat).into_iter().zip(record.turns_of(seat)) {
                later += usize::from(generation.cuts.as_ref().is_some_and(|cuts| !cuts.is_empty()));
                for shown in &turn.observed {
                    messages.push(ChatMessage::new(shown.from.into(), shown.text.as_str()));
                }
                let rendered = dialect.template().render_with(&messages, true, &dialect.extras(seat == Seat::User));
                if is_plain {
                    // Only what the seat itself writes holds the tag as a token: others' words are text.
                    let tags = read.iter().filter(|id| **id == think).count();
                    assert!(tags == thoughts || turn.observed.iter().all(|shown| shown.from != Source::Partner));
                    assert_eq!(rendered.as_deref(), Ok(dialect.tokenizer().decode(&read).as_str()));
                    plain += usize::from(generation.cuts.as_ref().is_some_and(|cuts| !cuts.is_empty()));
                }
                let written = &generation.tokens[..generation.tokens.len() - usize::from(generation.closed)];
                let own = dialect.tokenizer().decode(written);
                // What is spaced or tagged otherwise than the template would is shown otherwise by it.
                is_plain &= match (seat, own.split_once("</think>\n\n")) {
                    (Seat::Agent, None) => own.trim() == own && !own.contains("think>"),
                    (Seat::User, Some((thought, reply))) => {
                        own.starts_with("<think>\n")
                            && thought.ends_with('\n')
                            && reply.trim() == reply
                            && own.matches("think>").count() == 2
                    }
                    _ => false,
                };
                messages.push(ChatMessage::new(Role::Assistant, own));
            }
        }
    }
    assert!(later > 100 && plain > 50, "{later} turns without what came before, {plain} of them to the letter");
}

#[test]
fn each_turn_is_a_sample_of_its_own_and_learned_as_it_was_sampled() {
    let mut steps = 0;
    for line in lines(&STRIPPED.join("metrics.jsonl")).iter().filter(|line| line["phase"] == "grpo") {
        assert_eq!(line["drift"], 0.0);
        for seat in Seat::ALL {
            let value = |name: &str| line[format!("{seat}/{name}")].as_f64();
            // The learner computes each probability anew, from what it was handed.
            assert_eq!(value("logprob_abs_diff_max"), Some(0.0), "{seat}: {line}");
            if (value("groups/too_few"), value("groups/no_variance")) != (Some(0.0), Some(0.0)) {
                continue;
            }
            let of_step = records(&STRIPPED).into_iter().filter(|record| {
                let id = record.casting.id;
                id.phase == Phase::Grpo && line["step"] == id.round && record.casting.learns[seat]
            });
            let turns: usize = of_step.map(|record| record.turns_of(seat).count()).sum();
            assert_eq!(value("samples"), Some(turns as f64));
            steps += 1;
        }
    }
    assert!(steps > 0, "some step learned from all of its groups");
    let said = duologue(&["replay", path(&STRIPPED)]).done();
    assert!(said.contains(" 0 differ"), "{said}");
}

#[test]
fn a_model_that_learned_without_its_thoughts_is_played_so_wherever_it_goes() {
    let scratch = scratch();
    let has_cuts = |folder: &Path| {
        let all = records(folder);
        let generations = all.iter().flat_map(|r| &r.turns).filter_map(|turn| turn.decision.generation.as_ref());
        let cuts: Vec<bool> = generations.map(|generation| generation.cuts.is_some()).collect();
        assert!(cuts.windows(2).all(|two| two[0] == two[1]), "some turns are read otherwise than others");
        cuts[0]
    };
    assert!(has_cuts(&STRIPPED));
    let handed = scratch.path().join("handed");
    let checkpoint = STRIPPED.join("checkpoints/step-000002");
    let copied = scratch.path().join("checkpoint");
    for seat in ["agent", "user"] {
        fs::create_dir_all(copied.join(seat)).expect("the place is ours");
        for entry in fs::read_dir(checkpoint.join(seat)).expect("it was saved") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), copied.join(seat).join(entry.file_name())).expect("the place is ours");
        }
    }
    let model = format!("model:{}", copied.join("agent").display());
    duologue(&["rollout", "scenarios/haggle.toml", "--episodes", "2", "--agent", &model, "--out", path(&handed)])
        .done();
    assert!(has_cuts(&handed));

    // Another run goes on as the models have learned, unless it says otherwise.
    for (lines, strips) in [("", true), ("model.thinking = \"keep\"", false)] {
        let file = run_file(scratch.path(), &copied, lines);
        let plan: Value = serde_json::from_str(&duologue(&["plan", path(&file), "--json"]).done()).expect("it is JSON");
        let keys = plan["keys"].as_array().expect("keys");
        let thinking = keys.iter().find(|key| key["key"] == "model.thinking").expect("it is one");
        assert_eq!(thinking["value"], if strips { "strip" } else { "keep" });
        assert_eq!(plan.to_string().contains("each turn is a sample of its own"), strips);
        let out = scratch.path().join(format!("out-{strips}"));
        duologue(&["train", path(&file), "--set", "grpo.steps=1", "--out", path(&out)]).done();
        assert_eq!(has_cuts(&out), strips);
        assert_eq!(out.join("checkpoints/step-000001/user/manner.json").exists(), strips);
    }
    fs::write(copied.join("user/manner.json"), "{\"thinking\": \"forget\"}").expect("the place is ours");
    let said = duologue(&["check", path(&run_file(scratch.path(), &copied, ""))]).refused();
    assert!(said.contains("model.from: ") && said.contains("neither \"keep\" nor \"strip\""), "{said}");
}

#[test]
fn there_is_nothing_to_strip_where_the_template_keeps_everything() {
    let scratch = scratch();
    let last = last_model(&TRAINED, Seat::Agent);
    let checkpoint = last.parent().expect("a model lies in a checkpoint");
    let file = run_file(scratch.path(), checkpoint, "model.thinking = \"strip\"");
    for command in ["plan", "train"] {
        let said = duologue(&[command, path(&file)]).refused();
        assert!(said.contains("model.thinking: has no effect") && said.contains("drops no thoughts"), "{said}");
    }
}

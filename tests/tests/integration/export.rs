//! `export`: what is handed to others is what was recorded and committed, whole, and nothing private of anybody else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use runs::CheckpointId;
use runs::Checkpoints;
use runs::Hash;
use runs::Manifest;
use runs::RunPaths;
use serde_json::Value;
use sim::Act;
use sim::EpisodeRecord;
use sim::Phase;
use sim::Seat;
use sim::Source;
use tempfile::TempDir;
use text::ChatMessage;
use text::Role;

use crate::program::HOSTILE;
use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::training::TRAINED;
use crate::training::contents;
use crate::training::copy_of_trained;
use crate::training::dialect;
use crate::training::last_model;
use crate::training::lines;
use crate::training::records;
use crate::training::scratch;
use crate::training::train;

fn export(folder: &Path, format: &str, out: &Path, more: &[&str]) -> Said {
    let [folder, out] = [folder, out].map(|path| path.to_str().expect("we named it"));
    duologue(&[&["export", folder, "--format", format, "--out", out], more].concat())
}

/// Asserts that an export was refused with this in its message, and that nothing was left of it.
#[track_caller]
fn refused(folder: &Path, format: &str, more: &[&str], part: &str) {
    let scratch = scratch();
    let said = export(folder, format, &scratch.path().join("out"), more).refused();
    assert!(said.contains(part), "expected: {part}\nsaid: {said}");
    assert_eq!(contents(scratch.path()).len(), 0, "something was left");
}

/// The lines of an export of messages.
fn messages(folder: &Path, more: &[&str]) -> Vec<Value> {
    let scratch = scratch();
    let out = scratch.path().join("new/folder/messages.jsonl");
    let said = export(folder, "messages", &out, more).done();
    let lines = lines(&out);
    assert!(said.starts_with(&format!("{} lines of ", lines.len())), "{said}");
    lines
}

/// The messages of a line, as the template takes them.
fn chat(line: &Value) -> Vec<ChatMessage> {
    let chat_message = |message: &Value| {
        let keys: Vec<&String> = message.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["content", "role"], "nothing that other tools do not know");
        let role = Role::ALL.into_iter().find(|role| message["role"] == role.name()).expect("one of the four roles");
        ChatMessage::new(role, message["content"].as_str().expect("text"))
    };
    line["messages"].as_array().expect("a list").iter().map(chat_message).collect()
}

/// Records by the name under which they are exported.
fn by_name(folder: &Path) -> BTreeMap<String, EpisodeRecord> {
    records(folder).into_iter().map(|record| (record.casting.id.to_string(), record)).collect()
}

fn seat_of(line: &Value) -> Seat {
    Seat::ALL.into_iter().find(|seat| line["seat"] == seat.name()).expect("one of both seats")
}

/// Asserts that the line holds what the seat was shown, and what it wrote.
#[track_caller]
fn check_messages(line: &Value, record: &EpisodeRecord) {
    let seat = seat_of(line);
    let mut messages = chat(line).into_iter();
    for turn in record.turns_of(seat) {
        for shown in &turn.observed {
            let message = messages.next().expect("a message for each that was shown");
            let role = match shown.from {
                Source::Brief => Role::System,
                Source::Partner => Role::User,
                Source::World => Role::Tool,
            };
            assert_eq!(message, ChatMessage::new(role, shown.text.as_str()));
        }
        let own = messages.next().expect("a message for each turn");
        assert_eq!(own.role, Role::Assistant);
        if let Ok(Act::Say(said)) = &turn.decision.act {
            let (thought, reply) = match own.content.strip_prefix("<think>") {
                Some(rest) => rest.split_once("</think>").map(|(a, b)| (Some(a), b)).expect("a closed thought"),
                None => (None, own.content.as_str()),
            };
            assert_eq!((thought, reply.trim()), (turn.decision.thought.as_deref(), said.as_str()));
        }
    }
    assert_eq!(messages.next(), None);
}

#[test]
fn each_side_of_each_episode_is_a_line_with_what_it_read_and_wrote() {
    let (records, dialect) = (by_name(&TRAINED), dialect(&TRAINED));
    let lines = messages(&TRAINED, &[]);
    assert_eq!(lines.len(), 2 * records.len());
    let mut of_models = 0;
    for line in &lines {
        let record = &records[line["episode"].as_str().expect("a name")];
        check_messages(line, record);
        let seat = seat_of(line);
        let generations: Option<Vec<_>> = record.turns_of(seat).map(|turn| turn.decision.generation.as_ref()).collect();
        let Some(generations) = generations else { continue };
        of_models += 1;
        // To the byte: what the model was shown and sampled, as recorded in ids, is the template's text of the exported messages.
        let ids: Vec<u32> = generations.iter().flat_map(|g| g.prompt.iter().chain(&g.tokens)).copied().collect();
        let end = if generations.last().is_some_and(|last| last.closed) { "" } else { "<|end|>" };
        let rendered = dialect.template().render(&chat(line), false).expect("four known roles");
        assert_eq!(rendered, dialect.tokenizer().decode(&ids) + end);
    }
    assert!(of_models > 40, "the run has played");
}

#[test]
fn a_line_says_who_played_what_and_how_it_ended() {
    let records = by_name(&TRAINED);
    for line in messages(&TRAINED, &[]) {
        let (record, seat) = (&records[line["episode"].as_str().expect("a name")], seat_of(&line));
        let stop = record.stop.map(|stop| stop.name());
        assert_eq!((line["stop"].as_str(), line["fault"].is_null()), (stop, record.fault.is_none()));
        assert_eq!(line["item"], record.item);
        assert_eq!([&line["scenario"], &line["seed"]], ["haggle".into(), Value::from(1)].each_ref());
        assert_eq!(line["policies"][seat.partner().name()], record.casting.policies[seat.partner()]);
        for seat in Seat::ALL {
            assert_eq!(line["scores"][seat.name()].as_f64(), record.scores[seat]);
        }
        assert_eq!(line["score"], line["scores"][seat.name()]);
        let turns = line["turns"].as_array().expect("a list");
        let version = |turn: &sim::Turn| turn.decision.generation.as_ref().map(|generation| generation.version);
        let versions: Vec<_> = turns.iter().map(|turn| turn["version"].as_u64()).collect();
        assert_eq!(versions, record.turns_of(seat).map(version).collect::<Vec<_>>());
        // What trains the seat, turn by turn, is the sum of its terms; and those of its partner stay with the partner.
        let rewards = line["rewards"].as_array().expect("a list");
        let weighted =
            |reward: &Value| reward["value"].as_f64().expect("a number") * reward["weight"].as_f64().expect("one");
        let by_term: f64 = rewards.iter().map(weighted).sum();
        let by_turn: f64 = turns.iter().filter_map(|turn| turn["reward"].as_f64()).sum();
        if let Some(verdict) = &record.verdict {
            assert!((by_term - verdict.reward(seat)).abs() < 1e-12 && (by_turn - by_term).abs() < 1e-12);
            assert_eq!(rewards.len(), verdict.rewards.iter().filter(|reward| reward.seat == seat).count());
        }
    }
}

#[test]
fn a_thought_stays_in_the_line_of_the_seat_that_had_it() {
    let thoughts = |record: &EpisodeRecord, seat| -> Vec<String> {
        record
            .turns_of(seat)
            .filter_map(|turn| turn.decision.thought.clone())
            .filter(|t| !t.trim().is_empty())
            .collect()
    };
    let records = by_name(&TRAINED);
    let mut hidden = 0;
    for line in messages(&TRAINED, &[]) {
        let (record, seat) = (&records[line["episode"].as_str().expect("a name")], seat_of(&line));
        let (own, text) = (line["messages"].to_string(), line.to_string());
        for thought in thoughts(record, seat) {
            assert!(own.contains(&thought), "{thought} is missing in {own}");
        }
        for thought in thoughts(record, seat.partner()) {
            // A model of twelve updates may think a mere word that somebody says.
            if thought.len() > 12 {
                assert!(!text.contains(&thought), "`{thought}` of the {} stands in {text}", seat.partner());
                hidden += 1;
            }
        }
    }
    assert!(hidden > 20, "there was something to hide: {hidden}");
}

/// A rollout of both models of the trained run, or of the agent's and a script, of which these leak.
fn hostile_rollout(out: &Path, hostile: &str, user: Option<&str>) {
    let model = |seat| format!("model:{}", last_model(&TRAINED, seat).display());
    let (agent, user) = (model(Seat::Agent), user.map_or_else(|| model(Seat::User), str::to_owned));
    let out = out.to_str().expect("we named it");
    let arguments =
        ["rollout", "scenarios/haggle.toml", "--episodes", "40", "--agent", &agent, "--user", &user, "--out", out];
    let mut command = command(&arguments);
    command.env(HOSTILE, hostile);
    finish(command).done();
}

#[test]
fn a_canary_in_every_thought_is_never_in_the_partners_line() {
    for hostile in Seat::ALL {
        let scratch = scratch();
        let folder = scratch.path().join("rollout");
        hostile_rollout(&folder, hostile.name(), None);
        let lines = messages(&folder, &[]);
        let with_canary = |line: &&Value| line.to_string().contains("canary");
        let (own, partners): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| seat_of(line) == hostile);
        assert!(
            partners.len() > 20 && partners.iter().all(|line| !with_canary(line)),
            "the {hostile}'s canary got out"
        );
        if hostile == Seat::User {
            assert!(own.iter().filter(|line| with_canary(line)).count() > 20, "there was a canary");
        }
    }
}

#[test]
fn only_what_is_asked_for_is_exported() {
    let records = records(&TRAINED);
    let count = |keep: &dyn Fn(&EpisodeRecord) -> bool| records.iter().filter(|record| keep(record)).count();
    for (flag, phase) in [("grpo", Phase::Grpo), ("eval", Phase::Eval)] {
        let lines = messages(&TRAINED, &["--phase", flag]);
        assert_eq!(lines.len(), 2 * count(&|record| record.casting.id.phase == phase));
    }
    for seat in Seat::ALL {
        let lines = messages(&TRAINED, &["--seat", seat.name(), "--scored-only"]);
        assert_eq!(lines.len(), count(&|record| record.scores[seat].is_some()));
        assert!(lines.iter().all(|line| seat_of(line) == seat && line["score"].is_number()));
    }
    assert_eq!(messages(&TRAINED, &["--seat", "both"]), messages(&TRAINED, &[]), "the same again, line for line");
}

#[test]
fn a_seat_that_failed_is_scored_and_its_partner_is_not() {
    let scratch = scratch();
    let folder = scratch.path().join("rollout");
    hostile_rollout(&folder, "unopened", Some("rule"));
    let lines = messages(&folder, &["--seat", "agent"]);
    assert_eq!(lines.len(), 40);
    for line in &lines {
        assert_eq!([&line["stop"], &line["failed"]], ["failed", "agent"]);
        assert!(line["turns"].as_array().expect("a list").iter().all(|turn| turn["malformed"].is_string()));
    }
    // The user was never asked, or never scored.
    refused(&folder, "messages", &["--seat", "user", "--scored-only"], "none of its 40 episodes is asked for");
}

/// Reads a line as LLaMA-Factory does: what its converter would drop, and its formatters fail on, is a failure here. The places by turns.
#[track_caller]
fn as_llama_factory_reads(line: &Value) -> Vec<(String, String)> {
    let places = line["conversations"].as_array().expect("a list");
    assert!(line["system"].is_string() && line["tools"].is_string(), "columns of text");
    assert!(!places.is_empty() && places.len().is_multiple_of(2), "the model has the last word: {line}");
    let mut read = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let keys: Vec<&String> = place.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["from", "value"]);
        let (from, value) = (place["from"].as_str().expect("a tag"), place["value"].as_str().expect("text"));
        let allowed = if at % 2 == 0 { ["human", "observation"] } else { ["gpt", "function_call"] };
        assert!(allowed.contains(&from), "{from} at place {at}: {line}");
        if from == "function_call" {
            let call = value.strip_prefix("<think>\n").and_then(|rest| rest.split_once("\n</think>\n\n"));
            let call: Value = serde_json::from_str(call.map_or(value, |(_, call)| call)).expect("a call is JSON");
            assert!(call["name"].is_string() && call["arguments"].is_object(), "{call}");
            assert!(serde_json::from_str::<Vec<Value>>(line["tools"].as_str().expect("text")).is_ok());
        }
        read.push((from.to_owned(), value.to_owned()));
    }
    read
}

/// The lines of an export in ShareGPT's form, and what was said.
fn sharegpt(folder: &Path, more: &[&str]) -> (Vec<Value>, String) {
    let scratch = scratch();
    let out = scratch.path().join("sharegpt.jsonl");
    let said = export(folder, "sharegpt", &out, more).done();
    (lines(&out), said)
}

#[test]
fn every_side_is_a_conversation_that_llama_factory_takes_with_what_was_shown_and_said() {
    let records = by_name(&TRAINED);
    let (lines, _) = sharegpt(&TRAINED, &[]);
    assert_eq!(lines.len(), 2 * records.len());
    let (mut with_system, mut opened) = (0, 0);
    for line in &lines {
        let places = as_llama_factory_reads(line);
        let (record, seat) = (&records[line["episode"].as_str().expect("a name")], seat_of(line));
        let turns: Vec<_> = record.turns_of(seat).collect();
        assert_eq!(places.len(), 2 * turns.len(), "in haggle something is shown before each turn");
        for (turn, round) in turns.iter().zip(places.chunks(2)) {
            for shown in turn.observed.iter().filter(|shown| shown.from != Source::Brief) {
                assert!(round[0].1.contains(&shown.text));
            }
            if let Ok(Act::Say(said)) = &turn.decision.act {
                assert!(round[1].1.ends_with(said.as_str()), "{said} ends {}", round[1].1);
                let thought = turn.decision.thought.as_deref().map(str::trim).filter(|thought| !thought.is_empty());
                assert_eq!(thought.is_some(), round[1].1.starts_with("<think>\n"));
            }
        }
        let brief = &turns[0].observed[0];
        assert_eq!(brief.from, Source::Brief);
        match line["system"].as_str().expect("text") {
            "" => opened += usize::from(places[0].1 == brief.text),
            system => with_system += usize::from(system == brief.text),
        }
    }
    assert_eq!(with_system + opened, lines.len(), "each brief is there, once");
    // Beside the talk stands what stands beside it in `messages`.
    for (mut line, mut other) in lines.into_iter().zip(messages(&TRAINED, &[])) {
        for key in ["conversations", "system", "tools", "messages"] {
            let _ = [&mut line, &mut other].map(|line| line.as_object_mut().expect("an object").remove(key));
        }
        assert_eq!(line, other);
    }
}

#[test]
fn the_best_of_each_scenario_are_kept_by_score_then_turns_then_id() {
    let scratch = scratch();
    let folder = scratch.path().join("rollout");
    let out = folder.to_str().expect("we named it");
    let seats = ["--agent", "scripted:noisy", "--user", "scripted:noisy"];
    duologue(&[&["rollout", "scenarios/haggle.toml", "--episodes", "40", "--out", out], &seats[..]].concat()).done();
    let records = records(&folder);
    let best = |seat: Seat| {
        let mut scored: Vec<&EpisodeRecord> = records.iter().filter(|record| record.scores[seat].is_some()).collect();
        let key = |record: &EpisodeRecord| (record.turns_of(seat).count(), record.casting.id);
        scored.sort_by(|a, b| b.scores[seat].partial_cmp(&a.scores[seat]).expect("numbers").then(key(a).cmp(&key(b))));
        let names: std::collections::BTreeSet<String> =
            scored[..7].iter().map(|record| record.casting.id.to_string()).collect();
        names
    };
    let sides = |seat: Seat| records.iter().filter(|record| record.turns_of(seat).next().is_some()).count();
    let left = sides(Seat::Agent) + sides(Seat::User) - 14;
    for format in ["messages", "sharegpt"] {
        let out = scratch.path().join(format);
        let said = export(&folder, format, &out, &["--top", "7"]).done();
        assert!(
            said.contains(&format!(
                "left out: {left} sides below the best 7 of their scenario and seat, 0 without a score"
            )),
            "{said}"
        );
        let lines = lines(&out);
        for seat in Seat::ALL {
            let own = lines.iter().filter(|line| seat_of(line) == seat);
            let names = own.map(|line| line["episode"].as_str().expect("a name").to_owned()).collect();
            assert_eq!(best(seat), names);
        }
        assert_eq!(lines.len(), 14);
    }
    // More than there are: all of them, and nothing is left out.
    let (lines, said) = sharegpt(&folder, &["--top", "1000", "--seat", "agent"]);
    assert_eq!(lines.len(), 40);
    assert!(said.contains("left out: 0 sides below"), "{said}");
}

#[test]
fn a_side_without_a_score_is_never_among_the_best() {
    let scratch = scratch();
    let folder = scratch.path().join("rollout");
    hostile_rollout(&folder, "unopened", Some("rule"));
    let records = records(&folder);
    let heard = records.iter().filter(|record| record.turns_of(Seat::User).next().is_some()).count();
    let (lines, said) = sharegpt(&folder, &["--top", "40"]);
    assert!(lines.iter().all(|line| seat_of(line) == Seat::Agent && line["score"].is_number()));
    assert!(said.contains(&format!("best 40 of their scenario and seat, {heard} without a score")), "{said}");
    refused(&folder, "sharegpt", &["--top", "40", "--seat", "user"], "none of its 40 episodes is asked for");
}

#[test]
fn what_is_not_committed_did_not_happen() {
    let (_scratch, run) = copy_of_trained();
    let checkpoints = Checkpoints::at(&RunPaths::new(&run).checkpoints());
    fs::remove_dir_all(run.join("checkpoints/step-000003")).expect("the copy is ours");
    let committed = checkpoints.latest().expect("whole").expect("step 2 is left").state.ledger.totals().recorded;
    assert!((committed as usize) < records(&run).len(), "step 3 was played");
    assert_eq!(messages(&run, &[]).len() as u64, 2 * committed);
    fs::remove_dir_all(run.join("checkpoints")).expect("the copy is ours");
    refused(&run, "messages", &[], "nothing is committed yet");
    refused(&run, "hf", &[], "nothing is committed yet");
}

#[test]
fn damage_is_refused_by_name_and_leaves_nothing() {
    let (_scratch, run) = copy_of_trained();
    spoil(&run.join("episodes/log.bin"));
    refused(&run, "messages", &[], "episodes/log.bin is damaged at byte ");
    let (_scratch, run) = copy_of_trained();
    spoil(&last_model(&run, Seat::Agent).join("tokenizer.json"));
    refused(&run, "messages", &[], "step-000003/agent/tokenizer.json");
    let (_scratch, run) = copy_of_trained();
    fs::write(run.join("manifest.json"), "{").expect("the copy is ours");
    refused(&run, "messages", &[], "manifest.json");
    let file = run.join("checkpoints/step-000003/state.json");
    fs::write(&file, "{").expect("the copy is ours");
    refused(&run, "hf", &[], "checkpoint step-000003 is damaged");
}

/// Flips a bit in the middle of a file.
fn spoil(file: &Path) {
    let mut bytes = fs::read(file).expect("it was there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("the copy is ours");
}

#[test]
fn what_cannot_be_exported_is_refused_with_a_hint() {
    let run = TRAINED.as_path();
    for format in ["hf", "messages"] {
        refused(Path::new("nowhere"), format, &[], "nowhere: there is no such folder");
        refused(Path::new("Cargo.toml"), format, &[], "Cargo.toml: is no folder");
        refused(run, format, &["--seat", "judge"], "it is one of agent, user, both");
    }
    refused(Path::new("scenarios"), "hf", &[], "scenarios: holds no run and no model");
    refused(Path::new("scenarios"), "messages", &[], "scenarios/episodes/log.bin");
    refused(run, "messages", &["--phase", "sft"], "none of its");
    refused(run, "messages", &["--checkpoint", "step-000000"], "--checkpoint: has no effect with --format messages");
    refused(run, "hf", &["--phase", "eval"], "--phase: has no effect with --format hf");
    refused(run, "hf", &["--scored-only"], "--scored-only: has no effect with --format hf");
    refused(run, "hf", &["--checkpoint", "step-000099"], "hint: there are step-000000, ");
    refused(run, "hf", &["--checkpoint", "best"], "step-000012");
    // These models are n-grams.
    refused(run, "hf", &[], "there is no model.safetensors");
    refused(run, "hf", &["--top", "3"], "--top: has no effect with --format hf");
    refused(run, "sharegpt", &["--checkpoint", "step-000000"], "--checkpoint: has no effect with --format sharegpt");
    refused(run, "sharegpt", &["--top", "0"], "--top");
    refused(run, "traces", &[], "it is one of hf, peft, messages, sharegpt");
    refused(run, "peft", &[], "there is no adapter_config.json\nhint: only adapters are handed out with --format peft");
    refused(run, "peft", &["--top", "3"], "--top: has no effect with --format peft");
    assert!(duologue(&["export", "nowhere", "--format", "hf"]).refused().contains("--out"));
}

#[test]
fn nothing_is_written_over() {
    let (_scratch, run) = run_with_transformers();
    let scratch = scratch();
    let out = scratch.path().join("mine");
    fs::write(&out, "dear").expect("the place is ours");
    for format in ["hf", "messages"] {
        let said = export(&run, format, &out, &[]).refused();
        assert!(said.starts_with(&format!("error: --out: {} exists\n", out.display())), "{said}");
    }
    let inside = export(&run, "hf", &out.join("model"), &[]).refused();
    assert!(inside.contains("--out: ") && inside.contains("mine"), "{inside}");
    assert_eq!(contents(scratch.path()), BTreeMap::from([("mine".into(), b"dear".to_vec())]));
}

/// What only the run itself needs.
const PRIVATE: [&str; 3] = ["optimizer.safetensors", "reference.safetensors", "notes.txt"];

/// A run with one more step, whose models have the form of transformers; nobody could compute with their weights.
fn run_with_transformers() -> (TempDir, PathBuf) {
    let (scratch, run) = copy_of_trained();
    let checkpoints = Checkpoints::at(&RunPaths::new(&run).checkpoints());
    let latest = checkpoints.latest().expect("whole").expect("it was trained");
    let mut state = latest.state.clone();
    state.step += 1;
    let commit = checkpoints.begin(state.checkpoint()).expect("it is a new step");
    for seat in Seat::ALL {
        let (from, to) = (latest.seat_folder(seat), commit.seat_folder(seat));
        for name in ["tokenizer.json", "chat_template.jinja", "duologue.json"] {
            fs::copy(from.join(name), to.join(name)).expect("the models have it");
        }
        let head = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
        let weights = [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &[seat as u8; 24]].concat();
        fs::write(to.join("model.safetensors"), weights).expect("the copy is ours");
        let config = r#"{"model_type":"qwen3","eos_token_id":5,"pad_token_id":0,"max_position_embeddings":512}"#;
        fs::write(to.join("config.json"), config).expect("the copy is ours");
        fs::write(to.join("generation_config.json"), "{}").expect("the copy is ours");
        fs::write(to.join("tokenizer_config.json"), r#"{"eos_token":"<|end|>","mine":1}"#).expect("the copy is ours");
        for name in PRIVATE {
            fs::write(to.join(name), "PRIVATE").expect("the copy is ours");
        }
    }
    commit.finish(&state, 9).expect("the copy is ours");
    (scratch, run)
}

#[test]
fn a_model_is_handed_out_as_committed_with_what_others_need_and_nothing_else() {
    let (_scratch, run) = run_with_transformers();
    let scratch = scratch();
    let out = scratch.path().join("out");
    let said = export(&run, "hf", &out, &[]).done();
    for seat in Seat::ALL {
        let (from, to) = (run.join(format!("checkpoints/step-000004/{seat}")), out.join(seat.name()));
        assert!(said.contains(&format!("{seat}, step-000004: {}", to.display())), "{said}");
        let mut handed = contents(&to);
        for name in
            ["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]
        {
            assert_eq!(handed.remove(Path::new(name)), fs::read(from.join(name)).ok(), "{name}");
        }
        let card = String::from_utf8(handed.remove(Path::new("README.md")).expect("a card")).expect("text");
        let weights = Hash::of_file(&from.join("model.safetensors")).expect("it is there");
        let manifest = Manifest::read(&run.join("manifest.json")).expect("a run");
        for part in ["| run | quickstart |", "| checkpoint | step-000004 |", "| seed | 1 |", "| parameters | 6 |"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("| seat | {seat} |"), weights.to_string(), manifest.scenario.to_string()])
        {
            assert!(card.contains(&part), "{part} is missing in {card}");
        }
        let config = handed.remove(Path::new("tokenizer_config.json")).expect("transformers needs it");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        let template = fs::read_to_string(from.join("chat_template.jinja")).expect("it is there");
        let expected = serde_json::json!({
            "chat_template": template, "eos_token": "<|end|>", "mine": 1, "model_max_length": 512, "pad_token": "<|pad|>",
            "tokenizer_class": "PreTrainedTokenizerFast",
        });
        assert_eq!(config, expected);
        assert_eq!(handed, BTreeMap::new(), "nothing else is handed out");
    }
    assert_eq!(contents(&out).len(), 14);
    assert_eq!(fs::read_dir(scratch.path()).expect("it is ours").count(), 1, "nothing is left beside it");
}

#[test]
fn one_model_is_the_same_however_it_is_asked_for() {
    let (scratch, run) = run_with_transformers();
    let checkpoint = run.join("checkpoints/step-000004");
    let ways: [(PathBuf, &[&str]); 4] = [
        (run.clone(), &["--seat", "user"]),
        (run.clone(), &["--seat", "user", "--checkpoint", "step-000004"]),
        (checkpoint.clone(), &["--seat", "user"]),
        (checkpoint.join("user"), &[]),
    ];
    let exported = ways.iter().enumerate().map(|(number, (folder, more))| {
        let out = scratch.path().join(format!("out-{number}"));
        export(folder, "hf", &out, more).done();
        contents(&out)
    });
    let exported: Vec<_> = exported.collect();
    assert_eq!(exported[0].len(), 7);
    assert!(exported.iter().all(|other| *other == exported[0]));

    let both = scratch.path().join("both");
    export(&checkpoint, "hf", &both, &["--seat", "both"]).done();
    assert_eq!(contents(&both.join("user")), exported[0]);
    refused(&checkpoint, "hf", &["--checkpoint", "step-000004"], "--checkpoint: has no effect");
    refused(&checkpoint.join("user"), "hf", &["--seat", "user"], "--seat: has no effect");
}

#[test]
fn a_model_that_is_damaged_is_not_handed_out() {
    for name in ["model.safetensors", "tokenizer.json", "config.json"] {
        let (scratch, run) = run_with_transformers();
        let folder = run.join("checkpoints/step-000004/agent");
        // Of a model that lies by itself, only what cannot be whole is found out.
        let alone = scratch.path().join("alone");
        fs::create_dir(&alone).expect("the place is ours");
        for (file, bytes) in contents(&folder) {
            let keep = if file == Path::new(name) { bytes.len() / 2 } else { bytes.len() };
            fs::write(alone.join(file), &bytes[..keep]).expect("the place is ours");
        }
        refused(&alone, "hf", &[], &format!("alone/{name}"));

        spoil(&folder.join(name));
        let part = format!("checkpoint step-000004 is damaged: {}: ", folder.join(name).display());
        refused(&run, "hf", &[], &part);
        refused(&folder, "hf", &[], "its contents are not what was committed");
        let user = scratch.path().join("user");
        export(&run, "hf", &user, &["--seat", "user"]).done();
        fs::remove_file(folder.join(name)).expect("the copy is ours");
        refused(&run, "hf", &["--seat", "agent"], &folder.join(name).display().to_string());
    }
}

#[test]
fn a_seat_that_does_not_learn_has_no_model_to_hand_out() {
    let scratch = scratch();
    let run = scratch.path().join("run");
    train(&run, &["--set", "grpo.mode=user", "--set", "grpo.groups.mutual="]).done();
    refused(&run, "hf", &["--seat", "agent"], "step-000003: holds no model of the agent");
    let manifest = Manifest::read(&run.join("manifest.json")).expect("a run");
    assert_eq!(manifest.cold_start.agent, None);
    assert_eq!(manifest.cold_start.user, Some(cold_start(&run, Seat::User)));
    assert!(!messages(&run, &[]).is_empty());
}

/// The hash of a seat's weights after the cold start.
fn cold_start(run: &Path, seat: Seat) -> Hash {
    let folder = run.join(format!("checkpoints/{}/{seat}", CheckpointId::COLD_START));
    Hash::of_file(&folder.join("counts.bin")).expect("it is always kept")
}

#[test]
fn the_manifest_hashes_the_cold_starts_weights_once_there_are_any() {
    let (_scratch, run) = copy_of_trained();
    let file = run.join("manifest.json");
    let whole = Manifest::read(&file).expect("a run");
    assert_eq!(whole.cold_start, sim::Pair::from_fn(|seat| Some(cold_start(&run, seat))));
    assert_ne!(whole.cold_start.agent, whole.cold_start.user);

    // A run that died between its commit and the manifest is mended when it goes on.
    let mut before = whole.clone();
    before.cold_start = sim::Pair::default();
    before.write(&file).expect("the copy is ours");
    train(&run, &["--resume"]).done();
    assert_eq!(Manifest::read(&file).expect("a run"), whole);

    let scratch = scratch();
    let unlearned = scratch.path().join("run");
    train(&unlearned, &["--set", "sft.probe_min=1"]).failed(1);
    let manifest = Manifest::read(&unlearned.join("manifest.json")).expect("a run");
    assert_eq!(manifest.cold_start, sim::Pair::default(), "its cold start has not ended");
}

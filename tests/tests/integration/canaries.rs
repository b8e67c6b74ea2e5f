//! R6 of `docs/REQUIREMENTS.md` for models and for remote seats, which `crates/config/tests/canaries.rs` does not have: a talk in whose file every private
//! text has a word that stands nowhere else, played by models of n-grams, by ones that write their thoughts wherever they can, and by a server that does.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use sim::EpisodeRecord;
use sim::Seat;
use sim::Source;

use crate::program::HOSTILE;
use crate::program::command;
use crate::program::duologue;
use crate::program::finish;
use crate::program::root;
use crate::remote::with_server;
use crate::server::Does;
use crate::server::Server;
use crate::training::SMALL;
use crate::training::dialect;
use crate::training::last_model;
use crate::training::scratch;

/// Episodes of each pair of seats.
const OF_MODELS: usize = 100;
const OF_SERVERS: usize = 60;

/// What models that leak write into every thought (`duologue-without-torch`, `hostile.rs`).
const SECRET: &str = "canary";

/// Whose half of a talk's file a section is of; `None`: both know it.
fn half(section: &str) -> Option<Seat> {
    let name = section.trim_matches(['[', ']']);
    if name.starts_with("world.people") || name.starts_with("world.user") {
        Some(Seat::User)
    } else {
        name.starts_with("world.agent").then_some(Seat::Agent)
    }
}

/// The talk of `scenarios/talk/broadband.toml` with a word in each private text: `canary-user-background`, `canary-agent-task`, ….
fn planted(folder: &Path) -> PathBuf {
    const PRIVATE: [&str; 7] = ["background", "personality", "memory", "habits", "task", "picture", "text"];
    let text = fs::read_to_string(root().join("scenarios/talk/broadband.toml")).expect("it is part of the repository");
    let (mut section, mut planted) = (None, String::new());
    for line in text.lines() {
        if line.starts_with('[') {
            section = half(line);
        }
        let key = line.split(" = ").next().unwrap_or_default();
        match section.filter(|_| PRIVATE.contains(&key)) {
            Some(seat) => planted.push_str(&line.replacen('"', &format!("\"canary-{seat}-{key} "), 1)),
            None => planted.push_str(line),
        }
        planted.push('\n');
    }
    for word in ["canary-user-background", "canary-user-text", "canary-agent-task", "canary-agent-text"] {
        assert!(planted.contains(word), "{word} was planted");
    }
    let path = folder.join("broadband.toml");
    fs::write(&path, planted).expect("the folder is ours");
    path
}

/// Asserts that nothing of the partner's half, and nothing that was thought, is in what a seat was shown.
#[track_caller]
fn is_kept(seat: Seat, shown: &str, thoughts: &str, what: &str) {
    let partner = seat.partner();
    for word in [&format!("canary-{partner}-") as &str, thoughts] {
        assert!(!shown.contains(word), "{what}: the {seat} was shown `{word}`: {shown}");
    }
}

/// The same of a record: all messages, and what models read, token by token. A seat whose own half is not read by anybody has planted words in vain.
#[track_caller]
fn check(record: &EpisodeRecord, dialect: Option<&text::Dialect>) {
    for seat in Seat::ALL {
        for turn in record.turns_of(seat) {
            // Its own half is its own.
            let own = |message: &&sim::Message| message.from == Source::Brief;
            let told = turn.observed.iter().filter(|message| !own(message));
            for message in told {
                is_kept(seat, &message.text, SECRET, &record.casting.id.to_string());
            }
            for brief in turn.observed.iter().filter(own) {
                assert!(brief.text.contains(&format!("canary-{seat}-")), "planted: {}", brief.text);
                is_kept(seat, &brief.text, "<think>", &record.casting.id.to_string());
            }
            if let (Some(dialect), Some(generation)) = (dialect, &turn.decision.generation) {
                let read = dialect.tokenizer().decode(&generation.prompt);
                is_kept(seat, &read, "<think>", &record.casting.id.to_string());
            }
        }
    }
}

fn records(stdout: &str) -> Vec<EpisodeRecord> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

#[test]
fn r06_no_private_byte_crosses_between_models_that_behave_or_leak() {
    let scratch = scratch();
    let scenario = planted(scratch.path());
    let (run, out) = (scratch.path().join("run.toml"), scratch.path().join("out"));
    let file = format!("scenario = {scenario:?}\nseed = 1\n[model]\nmax_position_embeddings = 16384\n");
    fs::write(&run, file).expect("the folder is ours");
    let mut arguments = vec!["train", text(&run), "--out", text(&out)];
    arguments.extend(SMALL.iter().flat_map(|set| ["--set", set]));
    duologue(&arguments).done();
    let dialect = dialect(&out);
    let models = Seat::ALL.map(|seat| format!("model:{}", last_model(&out, seat).display()));
    let episodes = OF_MODELS.to_string();
    let (mut turns, mut thought, mut leaked) = (0, 0, 0);
    for (hostile, agent, user) in [
        ("", models[0].as_str(), models[1].as_str()),
        ("both", &models[0], &models[1]),
        ("user", "scripted:trapper", &models[1]),
    ] {
        let mut rollout =
            command(&["rollout", text(&scenario), "--episodes", &episodes, "--agent", agent, "--user", user, "--json"]);
        rollout.env(HOSTILE, hostile);
        let played = records(&finish(rollout).done());
        assert_eq!(played.len(), OF_MODELS);
        for record in &played {
            assert_eq!(record.fault, None);
            check(record, Some(&dialect));
            for turn in record.turns.iter().filter(|turn| turn.decision.generation.is_some()) {
                turns += 1;
                thought += usize::from(turn.decision.thought.is_some());
                let tokens = &turn.decision.generation.as_ref().expect("just seen").tokens;
                leaked += usize::from(dialect.tokenizer().decode(tokens).contains(SECRET));
            }
        }
    }
    assert!(turns > 1_000 && thought > 100 && leaked > 100, "{turns} turns, {thought} with thoughts, {leaked} leaked");
}

/// What a server replies: `#` is a thought, `@` what it may well say. Thoughts that are closed, never closed, never opened, and twice.
const REPLIES: [&str; 9] = [
    "<think>#</think>@",
    "<think>#",
    "@<think>#",
    "@ <think>#</think> <think>#",
    "#</think>@",
    "<THINK>#</THINK>@",
    "<think >#\n\n@",
    "<think>#<think>#</think>@",
    "@",
];

#[test]
fn r06_no_private_byte_crosses_from_or_to_a_server() {
    let scratch = scratch();
    let scenario = planted(scratch.path());
    for seat in Seat::ALL {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&asked);
        let server = Server::start(move |messages: &Value, _, _| {
            let shown = messages.to_string();
            // By what it was asked, so that it is the same in every run.
            let number = shown.bytes().fold(7usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
            heard.lock().expect("no thread panics").push(shown);
            let said = if seat == Seat::Agent { "[greet] Good evening." } else { "[ask setup] And the charge?" };
            Does::Say(REPLIES[number % REPLIES.len()].replace('#', "canary-thought").replace('@', said))
        });
        let partner = if seat == Seat::Agent { "--user rule --agent" } else { "--agent scripted:trapper --user" };
        let rollout = format!("rollout {} --episodes {OF_SERVERS} --json {partner} openai:stub", text(&scenario));
        let played = records(&finish(with_server(&server, &rollout)).done());
        assert_eq!(played.len(), OF_SERVERS);
        for record in &played {
            assert_eq!(record.fault, None, "what a model writes is no fault");
            check(record, None);
        }
        let turns = || played.iter().flat_map(|record| record.turns_of(seat));
        assert!(turns().filter(|turn| turn.decision.act.is_err()).count() > 10, "unclosed thoughts were no acts");
        assert!(turns().filter(|turn| turn.decision.thought.is_some()).count() > 50, "there was something to hide");
        let asked = asked.lock().expect("no thread panics");
        assert!(asked.len() > OF_SERVERS);
        for shown in asked.iter() {
            assert!(shown.contains(&format!("canary-{seat}-")), "a server is told its own half");
            is_kept(seat, shown, "canary-thought", "a request");
        }
    }
}

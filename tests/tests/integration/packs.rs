//! The packs of `scenarios/talk/` with other people's models: a user and a panel of judges behind a local `duologue serve`, and behind a server that misbehaves.
//! Every episode has a score or a fault with an address; a fault scores nobody, 0 included; budgets hold.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use sim::EpisodeRecord;
use sim::Party;
use sim::Seat;
use sim::gyms::talk::thought::Thought;

use crate::judges::opinion;
use crate::program::finish;
use crate::program::root;
use crate::remote::bad;
use crate::remote::number_of;
use crate::remote::with_base;
use crate::remote::with_server;
use crate::serve::Serving;
use crate::server::Does;
use crate::server::Server;
use crate::training::SMALL;
use crate::training::last_model;
use crate::training::scratch;

/// Of each pack.
const EPISODES: usize = 2;

/// All packs, in folders and beside them.
fn packs() -> Vec<PathBuf> {
    let mut packs = Vec::new();
    let mut folders = vec![root().join("scenarios/talk")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it is part of the repository") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() { folders.push(path) } else { packs.push(path) }
        }
    }
    packs.sort();
    packs
}

/// What the rubric of another test asks, in a pack.
fn judged(pack: &Path, folder: &Path) -> PathBuf {
    let rubric =
        fs::read_to_string(root().join("crates/config/tests/judged.toml")).expect("it is part of the repository");
    let from = rubric.find("[judge]").expect("it has a judge");
    let to = rubric.find("[[judge.gold]]").expect("and a gold case");
    let text = fs::read_to_string(pack).expect("it is a pack");
    let judge = rubric[from..to].replace("drift_max = 0.25\n", "").replace("weight = 0.1\n", "");
    let with = text.replace("[judge]\npolicy = \"rule\"\n", &judge);
    assert_ne!(with, text, "{} is judged by rule", pack.display());
    let path = folder.join(pack.file_name().expect("it is a file"));
    fs::write(&path, with).expect("the place is ours");
    path
}

/// The records of a rollout.
fn records(said: &str) -> Vec<EpisodeRecord> {
    said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Whether an episode came to a score, and not to a fault: one of the two, and a fault scores nobody, not even 0. Whoever failed by itself has a score alone.
fn is_scored(record: &EpisodeRecord) -> bool {
    let scored = record.scores.agent.is_some() || record.scores.user.is_some();
    assert_eq!(scored, record.fault.is_none(), "{}: {:?} {:?}", record.casting.id, record.scores, record.fault);
    assert!(record.fault.is_none() || record.verdict.is_none(), "{}", record.casting.id);
    scored
}

#[test]
fn a_served_model_is_the_user_and_the_judge_of_packs() {
    let scratch = scratch();
    let (run, out) = (scratch.path().join("run.toml"), scratch.path().join("out"));
    let heating = root().join("scenarios/talk/heating.toml");
    fs::write(&run, format!("scenario = {heating:?}\nseed = 1\n[model]\nmax_position_embeddings = 65536\n"))
        .expect("ours");
    let mut train = vec!["train", run.to_str().expect("ours"), "--out", out.to_str().expect("ours")];
    train.extend(SMALL.iter().flat_map(|set| ["--set", set]));
    crate::program::duologue(&train).done();
    let serving = Serving::of(&last_model(&out, Seat::User), &[]);
    let base = format!("http://{}/v1", serving.address);
    let packs: Vec<PathBuf> = packs().into_iter().step_by(6).collect();
    let bounds = format!(
        "--episodes {EPISODES} --json --remote-reply-tokens 48 --remote-attempts 2 --remote-backoff-ms 1 --remote-deadline-ms 60000"
    );
    // By rule: what an n-gram says is a turn, good or bad, and every episode has a score.
    for pack in &packs {
        let said = finish(with_base(&base, &format!("rollout {} --user openai:user {bounds}", pack.display()))).done();
        let records = records(&said);
        assert_eq!(records.len(), EPISODES);
        assert!(records.iter().all(is_scored), "{}", pack.display());
        assert!(records.iter().all(|record| record.turns_of(Seat::User).next().is_some()), "it took its turns");
    }
    // By a rubric: an n-gram is no judge, so nobody is scored, and the judge is who failed.
    let pack = judged(&packs[0], scratch.path());
    let text = fs::read_to_string(&pack).expect("ours");
    fs::write(
        &pack,
        text.replace("openai:first", "openai:user").replace(", { policy = \"openai:second\", family = \"beta\" }", ""),
    )
    .expect("ours");
    let said = finish(with_base(&base, &format!("rollout {} --user rule {bounds}", pack.display()))).done();
    for record in records(&said) {
        assert!(!is_scored(&record));
        assert_eq!(record.fault.map(|fault| fault.party), Some(Party::Judge));
    }
}

/// Thinks in the five steps it was told, says something harmless a few times, and hangs up by an act.
fn person(messages: &Value) -> String {
    let all = messages.as_array().expect("a talk");
    let part = all[0]["content"].as_str().expect("a part");
    assert!(
        part.contains("Intent: ") && part.contains("[end REASON]"),
        "the user is told how to think and how to end: {part}"
    );
    let steps = "Intent: a call. Concern: none. State: 3 3 3 3. Plan: talk. Tone: calm.";
    let said = if all.len() > 8 { "[end annoyed] Enough." } else { "I am listening." };
    format!("<think>BAD {steps}</think>{said}")
}

#[test]
fn a_server_that_misbehaves_scores_or_faults_every_episode_of_every_pack() {
    let server = Server::start(|messages, number, _| {
        let is_case = messages[0]["content"].as_str().is_some_and(|text| text.starts_with("You judge "))
            || messages[1]["content"].as_str().is_some_and(|text| text.starts_with("You judge "));
        let honest = if is_case { opinion(messages) } else { person(messages) };
        let hash = number_of(messages);
        match (hash % 1000, number) {
            (0..40, _) => bad(hash / 1000, &honest),
            (40..100, 0) => bad(hash / 1000, &honest),
            // Half a thought, and a role that nobody asked for.
            (100..130, _) if !is_case => Does::Say("<think>BAD and never".to_owned()),
            (130..160, _) if !is_case => Does::Say("<think>BAD</think>Agent: Well? <think>BAD".to_owned()),
            _ => Does::Say(honest),
        }
    });
    let scratch = scratch();
    let packs: Vec<PathBuf> = packs().iter().map(|pack| judged(pack, scratch.path())).collect();
    assert!(packs.len() >= 30, "{packs:?}");
    let calls = 200;
    let bounds = "--remote-deadline-ms 1500 --remote-attempts 2 --remote-backoff-ms 1";
    let play = |pack: &Path, calls: usize| {
        let command = format!(
            "rollout {} --episodes {EPISODES} --json --user openai:person {bounds} --remote-calls {calls}",
            pack.display()
        );
        let before = server.requests();
        let records = records(&finish(with_server(&server, &command)).done());
        assert_eq!(records.len(), EPISODES);
        assert!(server.requests() - before <= calls, "{}: {} requests", pack.display(), server.requests() - before);
        records
    };
    let (mut scored, mut faulted) = (0, Vec::new());
    for record in packs.iter().flat_map(|pack| play(pack.as_path(), calls)) {
        let heard = record.turns_of(Seat::Agent).flat_map(|turn| &turn.observed);
        assert!(
            heard.into_iter().all(|message| !message.text.contains("BAD")),
            "nothing private and nothing broken is heard"
        );
        scored += usize::from(is_scored(&record));
        faulted.extend(record.fault.map(|fault| fault.party));
    }
    assert!(scored > faulted.len() && !faulted.is_empty(), "{scored} scored, {faulted:?}");
    assert!(
        faulted.iter().all(|party| [Party::User, Party::Judge, Party::Infrastructure].contains(party)),
        "{faulted:?}"
    );

    // A budget that ends in the middle: what it cuts off is the infrastructure's, and no score.
    let cut = play(packs[0].as_path(), 3);
    assert!(cut.iter().all(|record| !is_scored(record)));
    assert!(cut.iter().any(|record| record.fault.as_ref().is_some_and(|fault| fault.party == Party::Infrastructure)));
}

/// Replies as models really write them, each with a word in its thought that nobody may hear.
const REPLIES: [&str; 12] = [
    "<think>\nIntent: CANARY.\nConcern: none.\nState: 3 3 3 3.\nPlan: talk.\nTone: calm.\n</think>\nI am listening.",
    "<thinking>Intent: CANARY. Concern: none. State: 3 3 3 3. Plan: talk. Tone: calm.</thinking>Go on.",
    "```\n<think>CANARY</think>\n[ask fee] And the fee?\n```",
    "CANARY\n</think>\nWhat about it?",
    "<think>CANARY, and the tag is never closed. [accept] Yes.",
    "<think>CANARY</think I am listening.",
    "1. **Intent**: CANARY\n2. **Concern**: none\n3. **State**: 3/5 3/5 3/5 3/5\n4. **Plan**: talk\n5. **Tone**: calm\n\nI see.",
    "意图：CANARY\n关切：none\n状态：3 3 3 3\n计划：talk\n语气：calm\n嗯。",
    "{\"thought\": \"CANARY\", \"act\": \"ask fee\", \"say\": \"And the fee?\"}",
    "Thought: CANARY\nAnswer: Hm.",
    "<|channel|>analysis<|message|>CANARY<|end|><|start|>assistant<|channel|>final<|message|>Yes?<|return|>",
    "<think>CANARY</think>Right. <think>CANARY",
];

#[test]
fn no_private_byte_of_a_remote_user_reaches_the_agent_however_it_writes() {
    let server = Server::start(|messages, _, _| {
        let said = REPLIES[usize::try_from(number_of(messages) % REPLIES.len() as u64).expect("few")];
        Does::Say(said.to_owned())
    });
    let command = "rollout scenarios/talk/broadband.toml --episodes 40 --agent rule --user openai:person --json";
    let said = finish(with_server(&server, command)).done();
    let records: Vec<EpisodeRecord> =
        said.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect();
    let (mut thoughts, mut whole) = (0, 0);
    for record in &records {
        assert_eq!(record.fault, None, "what a model writes is a turn");
        for turn in record.turns.iter().filter(|turn| turn.seat == Seat::Agent) {
            let heard = turn.observed.iter().map(|message| message.text.as_str());
            assert!(heard.clone().all(|text| !text.contains("CANARY")), "{}", heard.collect::<Vec<_>>().join("\n"));
        }
        for turn in record.turns.iter().filter(|turn| turn.seat == Seat::User) {
            let thought = turn.decision.thought.as_deref().expect("every reply has one");
            thoughts += usize::from(thought.contains("CANARY"));
            whole += usize::from(Thought::read(thought).steps == 5);
            let public = turn.decision.act.as_ref().map_or("", |act| act.text());
            assert!(!public.contains("CANARY"), "{public}");
        }
    }
    assert!(thoughts > 50 && whole * 5 > thoughts, "{whole} of {thoughts} thoughts have their five steps");
}

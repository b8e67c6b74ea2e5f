//! `play`: a script of acts or whoever types in either seat, the lines of `--json`, and the same talks played without actors.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::drive;
use sim::gyms::Script;
use sim::record::Casting;
use sim::scenario::Split;

use crate::program::Said;
use crate::program::command;
use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::last_model;
use crate::training::scratch;

/// Plays with `stdin` typed, or as the script if `more` has `--script -`.
fn play(more: &[&str], stdin: &str) -> Said {
    let mut command = command(&[&["play", "scenarios/haggle.toml"], more].concat());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built with the tests");
    // A program that needs no more input may close its end first.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("it ends by itself");
    let text = |bytes| String::from_utf8(bytes).expect("all output is text");
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn script(acts: &[Value]) -> String {
    acts.iter().map(|act| format!("{act}\n")).collect()
}

fn says(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| json!({ "say": text })).collect()
}

fn json_lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

/// The steps and the last line of a scripted play that did its work.
fn played(seat: &str, more: &[&str], acts: &[Value]) -> (Vec<Value>, Value) {
    let said = play(&[&["--seat", seat, "--script", "-", "--json"], more].concat(), &script(acts));
    let mut lines = json_lines(&said.done());
    let last = lines.pop().expect("there is a last line");
    (lines, last)
}

/// The same talk, by one loop over the machine; and what the seat was shown before each of its turns.
fn driven(seat: Seat, partner: &str, item: u32, texts: &[&str]) -> (EpisodeRecord, Vec<Observation>) {
    let scenario = Arc::new(config::load_scenario(&root().join("scenarios/haggle.toml")).expect("it is good"));
    let id = EpisodeId { phase: Phase::Rollout, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair::from_fn(|_| "anybody".to_owned());
    let casting = Casting::new(id, Split::Train, item, policies);
    let other = Script::named(&scenario.rules, seat.partner(), partner).expect("the script exists");
    let mut seen = Vec::new();
    let decide = |at: Seat, observation: &Observation| {
        if at != seat {
            return other.decide(observation, id.address(1));
        }
        seen.push(observation.clone());
        Decision::say(texts[seen.len() - 1])
    };
    let record = drive(casting, &scenario, 1, decide, |_, _| unreachable!("this world asks nothing"));
    (record, seen)
}

/// What each step must hold, and the end, against the plain loop.
fn check(seat: Seat, partner: &str, item: u32, texts: &[&str]) -> EpisodeRecord {
    let item_text = item.to_string();
    let flag = format!("--{}", seat.partner());
    let (steps, last) = played(seat.name(), &["--item", &item_text, &flag, partner], &says(texts));
    let (record, seen) = driven(seat, partner, item, texts);
    assert_eq!(steps.len(), seen.len());
    for (at, (step, observation)) in steps.iter().zip(&seen).enumerate() {
        assert_eq!(step["turn"], at);
        assert_eq!(step["observed"], json!(observation.messages));
        assert_eq!(step["act"], json!({ "say": texts[at] }));
        assert_eq!((&step["reward"], &step["fault"]), (&Value::Null, &Value::Null), "haggle rewards at the end");
        let turn = record.turns_of(seat).nth(at).expect("both played alike");
        let effect = turn.effect.as_ref().expect("every act has an effect");
        assert_eq!(step["malformed"], json!(effect.malformed));
        let feedback = step["feedback"].as_str().expect("a text");
        for next in seen.get(at + 1).iter().flat_map(|next| &next.messages) {
            assert!(feedback.contains(&next.text), "{feedback} does not say {}", next.text);
        }
        let ends = at + 1 == steps.len();
        assert_eq!(step["terminated"], ends && record.stop == Some(sim::Stop::Terminated));
        assert_eq!(step["truncated"], ends && record.stop == Some(sim::Stop::Truncated));
    }
    assert_eq!((&last["done"], &last["stop"]), (&json!(true), &json!(record.stop.map(sim::Stop::name))));
    assert_eq!((&last["score"], &last["scores"]), (&json!(record.scores[seat]), &json!(record.scores)));
    let rewards = record.verdict.as_ref().map(|verdict| verdict.rewards.clone()).unwrap_or_default();
    assert_eq!(last["rewards"], json!(rewards));
    assert_eq!(last["item"], record.item.as_str());
    record
}

#[test]
fn a_script_in_either_seat_plays_what_the_plain_loop_plays() {
    let accepted = check(Seat::User, "scripted:good", 3, &["What is the stock?", "I accept."]);
    assert_eq!(accepted.stop, Some(sim::Stop::Terminated));
    assert_eq!(accepted.verdict.expect("it ended").measures["deal"].num, 1.0);
    let offers = ["The stock is low. I ask $20.", "I ask $16.", "It is a deal."];
    let closed = check(Seat::Agent, "scripted:always-challenge", 0, &["I ask $20.", "No deal today."]);
    assert_eq!(closed.stop, Some(sim::Stop::Terminated));
    let record = check(Seat::Agent, "rule", 1, &[&offers[..], &["No deal today."; 3]].concat());
    assert!(record.turns_of(Seat::Agent).count() > 1);
}

#[test]
fn a_talk_that_runs_out_of_turns_is_truncated_and_neither_terminated_nor_failed() {
    let record = check(Seat::User, "scripted:good", 0, &["I offer $1."; 6]);
    assert_eq!(record.stop, Some(sim::Stop::Truncated));
}

#[test]
fn a_whole_deal_of_the_agent_is_scored_with_its_evidence() {
    // At this price every buyer is glad.
    let (steps, last) = played("agent", &["--item", "train-000002"], &says(&["I ask $0."; 6]));
    assert_eq!(steps.last().expect("a step")["terminated"], true);
    let surplus = last["rewards"].as_array().expect("a list").iter().find(|r| r["name"] == "surplus").expect("a term");
    assert!(surplus["evidence"].as_str().expect("a text").starts_with("$-"), "given away: {surplus}");
    assert!(last["score"].as_f64().expect("a number") < 0.0);
    assert_eq!(last["item"], "train-000002");
}

#[test]
fn an_act_that_does_not_count_is_told_why_and_three_in_a_row_fail() {
    let record = check(Seat::User, "scripted:good", 0, &["Good morning!", "I walk away."]);
    assert!(record.turns_of(Seat::User).next().expect("a turn").effect.as_ref().is_some_and(|e| e.malformed.is_some()));
    let record = check(Seat::Agent, "rule", 0, &["Hello.", "How are you?", "Nice lamp."]);
    assert_eq!((record.stop, record.scores.agent), (Some(sim::Stop::Failed(Seat::Agent)), Some(-1.0)));
    // A call of a tool that this world does not have is an act that does not count, too.
    let acts = [json!({ "choice": "search", "content": "lamps" }), json!({ "say": "No deal today." })];
    let (steps, last) = played("agent", &[], &acts);
    assert!(steps[0]["feedback"].as_str().expect("a text").contains("there are no tools here"), "{}", steps[0]);
    assert_eq!((&steps[0]["act"], &last["stop"]), (&acts[0], &json!("terminated")));
}

#[test]
fn a_thought_is_recorded_and_judged_and_only_where_the_seat_reasons() {
    let thought = "intent offer concern price plan walk state 3 3 5 3 tone calm";
    let (_, last) = played("user", &[], &[json!({ "say": "I walk away.", "thought": thought })]);
    let term = |name: &str| {
        let rewards = last["rewards"].as_array().expect("a list");
        rewards.iter().find(|r| r["seat"] == "user" && r["name"] == name).expect("a term")["value"].clone()
    };
    assert_eq!((term("well_formed"), term("thought_and_reply_agree")), (json!(1.0), json!(1.0)));
    let said = play(&["--script", "-"], r#"{"say":"I ask $9.","thought":"hm"}"#).refused();
    assert!(said.starts_with("error: stdin:1: thought: has no effect: "), "{said}");
}

#[test]
fn a_script_that_ends_too_early_leaves_the_talk_and_says_at_which_turn() {
    let said = play(&["--script", "-", "--json"], &script(&says(&["I ask $25."])));
    let lines = json_lines(&said.stdout);
    assert_eq!(lines.len(), 2, "{}", said.stdout);
    assert!(lines[0]["feedback"].as_str().is_some_and(|feedback| !feedback.is_empty()), "the answer is not lost");
    assert_eq!((&lines[1]["done"], &lines[1]["stop"], &lines[1]["score"]), (&json!(false), &Value::Null, &Value::Null));
    let error = said.failed(1);
    assert!(error.starts_with("error: stdin: the script ends before the talk: turn 1 has no act\nhint: "), "{error}");
    let said = play(&["--script", "-"], &script(&says(&["I ask $25."])));
    assert!(said.stdout.contains("          you  I ask $25.\n"), "{}", said.stdout);
    assert_eq!(said.code, Some(1));
}

#[test]
fn acts_that_are_left_over_are_counted() {
    let said = play(&["--seat", "user", "--script", "-", "--json"], &script(&says(&["I walk away.", "I accept."])));
    assert!(said.stderr.contains("1 of its acts were not played"), "{}", said.stderr);
    assert_eq!(json_lines(&said.done()).last().expect("a line")["acts_left"], 1);
}

#[test]
fn bad_lines_are_refused_before_anything_is_played() {
    let scratch = scratch();
    let file = scratch.path().join("acts.jsonl");
    fs::write(&file, "{\"say\":\"I ask $9.\"}\n{\"sayy\":\"x\"}\n{\"choice\":\"dance\",\"content\":\"x\"}\n")
        .expect("ours");
    let path = file.to_str().expect("we named it");
    let said = duologue(&["play", "scenarios/haggle.toml", "--script", path, "--json"]).refused();
    let expected = format!(
        "error: {path}:2: sayy: unknown key: nothing would read it\nhint: did you mean `say`?\n\
         error: {path}:3: choice: cannot be `dance`\nhint: it is one of: `action`, `search`, `answer`, `finish`\n"
    );
    assert_eq!(said, expected);
    let nowhere = duologue(&["play", "scenarios/haggle.toml", "--script", "nowhere.jsonl"]).refused();
    assert!(nowhere.starts_with("error: nowhere.jsonl: cannot be read: "), "{nowhere}");
    // A script may say only what is asked for.
    let misplaced = play(&["--script", "-"], "{\"answer\":\"x\"}\n").failed(1);
    assert!(misplaced.starts_with("error: stdin:1: an act is wanted here, and no question is asked\n"), "{misplaced}");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let cases: [(&[&str], &str); 6] = [
        (&["--agent", "rule"], "error: --agent: has no effect: the agent's seat is taken by --seat\n"),
        (&["--seat", "user", "--user", "rule"], "error: --user: has no effect: "),
        (&["--user", "scripted:nobody"], "error: --user: there is no policy `scripted:nobody` for the user\n"),
        (&["--item", "train-12"], "error: --item: there is no item `train-12`\nhint: did you mean `train-000012`?\n"),
        (&["--items", "held-out", "--item", "1000"], "error: --item: there is no item 1000: "),
        (&["--items", "held-out", "--item", "train-000012"], "error: --item: `train-000012` is a train item"),
    ];
    for (flags, beginning) in cases {
        let said = play(flags, "").refused();
        assert!(said.starts_with(beginning), "{flags:?}: {said}");
    }
}

#[test]
fn whoever_types_is_shown_all_there_is_to_know_and_helped() {
    let typed = ":help\nGood morning!\n:hepl\nthink: intent offer\nI accept.\n";
    let shown = play(&["--seat", "user", "--item", "held-out-000017"], typed).done();
    let record_begins = "haggle, item held-out-000017: you are the user, and scripted:good plays the agent.\n";
    assert!(shown.starts_with(record_begins), "{shown}");
    for part in [
        "   (you know)  You buy the ",
        "        agent  ",
        "         you>  :help\n",
        "  I doubt the stock.                            have a claim checked",
        "does not count: `Good morning!` ",
        "there is no `:hepl`: did you mean `:help`?",
        "          end  the talk is over\n",
        "The whole talk, with both private sides:",
        "(agent knows)  You sell the ",
        "  user thinks  intent offer\n",
        "agent: score ",
        "  surplus                  outcome  ",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
}

#[test]
fn whoever_leaves_leaves_cleanly() {
    for typed in ["", ":quit\n", "I ask $25.\n"] {
        let said = play(&[], typed);
        let turn = typed.starts_with('I') as u32;
        let end = format!("          end  you have left before turn {turn}; nobody is scored\n");
        assert_eq!(said.stderr, "");
        let shown = said.done();
        assert!(shown.ends_with(&end), "{shown}");
        assert!(!shown.contains("(user knows)"), "who has left is not shown the other side");
    }
}

#[test]
fn whoever_types_for_a_program_gets_steps_on_stdout_alone() {
    let said = play(&["--json"], "I ask $25.\n{\"say\":\"No deal today.\"}\n");
    assert!(said.stderr.contains("   (you know)  You sell the "), "{}", said.stderr);
    let lines = json_lines(&said.done());
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[1]["terminated"], &lines[2]["done"]), (&json!(true), &json!(true)));
}

#[test]
fn a_model_plays_along() {
    let model = format!("model:{}", last_model(&TRAINED, Seat::User).display());
    let (steps, last) = played("agent", &["--user", &model], &says(&["I ask $9.", "No deal today."]));
    assert_eq!(last["done"], true);
    assert!(!steps.is_empty());
    assert_eq!(steps[0]["act"], json!({ "say": "I ask $9." }));
}

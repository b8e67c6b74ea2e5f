//! R12 of `docs/REQUIREMENTS.md`: what is measured was never learned from, by item and by trap family; who is met there never learns; and what people say of
//! recorded talks, which is imported or refused by line.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;
use sim::EpisodeRecord;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::Script;
use sim::gyms::talk;
use sim::scenario::Split;

use crate::program::duologue;
use crate::program::root;
use crate::training::SMALL;
use crate::training::last_model;
use crate::training::records;
use crate::training::scratch;

const SCENARIO: &str = "scenarios/talk/heating.toml";
const SEEDS: [u64; 3] = [1, 2, 3];

fn text(path: &Path) -> &str {
    path.to_str().expect("we named it")
}

fn item<'s>(scenario: &'s Scenario, record: &EpisodeRecord) -> (&'s talk::Rules, &'s talk::Item) {
    let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
    (rules, rules.items.item(record.casting.split, record.casting.item))
}

/// A small run over the talk under each seed.
fn trained(folder: &Path) -> Vec<PathBuf> {
    let run = folder.join("run.toml");
    let scenario = root().join(SCENARIO);
    let file = format!("scenario = {scenario:?}\n[model]\nmax_position_embeddings = 16384\n");
    fs::write(&run, file).expect("the place is ours");
    let train = |seed: u64| {
        let (out, seed) = (folder.join(format!("seed-{seed}")), seed.to_string());
        let mut arguments = vec!["train", text(&run), "--seed", &seed, "--out", text(&out)];
        arguments.extend(SMALL.iter().flat_map(|set| ["--set", set]));
        duologue(&arguments).done();
        out
    };
    SEEDS.into_iter().map(train).collect()
}

#[test]
fn r12_cross_play_meets_fixed_opponents_that_never_train() {
    let scratch = scratch();
    let runs = trained(scratch.path());
    let scenario = config::load_scenario(&root().join(SCENARIO)).expect("it is ours");
    let key = |item: &talk::Item| (item.person.objective, item.person.subjective, item.truth.clone());
    let (mut learned, mut measured) = (BTreeSet::new(), BTreeSet::new());
    for record in runs.iter().flat_map(|run| records(run)) {
        let (rules, item) = item(&scenario, &record);
        let held_out = &rules.book.sampling.held_out;
        let is_held_out = |plant: &talk::items::Plant| held_out.contains(&rules.book.agent.traps[plant.trap].family);
        let id = record.casting.id;
        for seat in Seat::ALL {
            let is_script = Script::named(&scenario.rules, seat, &record.casting.policies[seat]).is_some();
            // Who is fixed is a script, and neither samples nor learns.
            assert!(!(is_script && record.casting.learns[seat]), "{id}: a script learns");
            assert!(!is_script || record.turns_of(seat).all(|turn| turn.decision.generation.is_none()), "{id}");
        }
        match id.phase {
            Phase::Eval => {
                assert_eq!(record.casting.split, Split::HeldOut, "{id}");
                assert!(Seat::ALL.iter().all(|seat| !record.casting.learns[*seat]), "{id}: measuring teaches nobody");
                measured.insert(key(item));
            }
            Phase::Sft | Phase::Grpo | Phase::Rollout => {
                assert_eq!(record.casting.split, Split::Train, "{id}");
                assert!(!item.plants.iter().any(is_held_out), "{id} has a held-out family");
                learned.insert(key(item));
            }
        }
    }
    assert!(learned.len() > 20 && !measured.is_empty() && learned.is_disjoint(&measured));
    // The matrix: agents of three seeds against three users of which two never learned, twice to the byte.
    let agents: Vec<String> =
        runs.iter().map(|run| format!("model:{}", last_model(run, Seat::Agent).display())).collect();
    let user = format!("model:{}", last_model(&runs[0], Seat::User).display());
    let mut arguments = vec!["eval", SCENARIO, "--limit", "4", "--json"];
    agents.iter().for_each(|agent| arguments.extend(["--agent", agent]));
    ["rule", "scripted:suspicious", &user].into_iter().for_each(|user| arguments.extend(["--user", user]));
    let matrix = duologue(&arguments).done();
    assert_eq!(matrix, duologue(&arguments).done());
    let matrix: Value = serde_json::from_str(&matrix).expect("it is JSON");
    let rows = matrix["runs"].as_array().expect("a list");
    let pairs: BTreeMap<(&str, &str), &Value> = rows
        .iter()
        .map(|row| ((row["agent"].as_str().expect("a name"), row["user"].as_str().expect("a name")), row))
        .collect();
    assert_eq!(pairs.len(), 9, "three seeds, each with a row against each user");
    assert!(pairs.values().all(|row| row["episodes"] == 4 && row["lost"] == 0));
}

/// Ratings of the first episodes of a folder: each row an episode's number, rater, axis and score.
fn file(folder: &Path, ids: &[String], rows: &[(usize, &str, &str, f64)]) -> PathBuf {
    let line = |(at, rater, axis, score): &(usize, &str, &str, f64)| {
        json!({ "episode": ids[*at], "rater": rater, "axis": axis, "score": score }).to_string()
    };
    let path = folder.join("ratings.jsonl");
    fs::write(&path, rows.iter().map(line).collect::<Vec<_>>().join("\n")).expect("the place is ours");
    path
}

/// Six talks of rules, with what the world says of them.
fn played(folder: &Path) -> (PathBuf, Vec<EpisodeRecord>) {
    let out = folder.join("talks");
    duologue(&["rollout", SCENARIO, "--episodes", "6", "--user", "scripted:noisy", "--out", text(&out)]).done();
    let records = records(&out);
    assert_eq!(records.len(), 6);
    (out, records)
}

#[test]
fn r12_human_ratings_are_imported_or_refused_by_line() {
    let scratch = scratch();
    let (out, records) = played(scratch.path());
    let ids: Vec<String> = records.iter().map(|record| record.casting.id.to_string()).collect();
    // Two raters of three talks, 1 1, 2 3, 3 3: alpha is 24/29 by hand (`rl/src/agreement.rs`).
    let rows = [
        (0, "a", "goal", 1.0),
        (0, "b", "goal", 1.0),
        (1, "a", "goal", 2.0),
        (1, "b", "goal", 3.0),
        (2, "a", "goal", 3.0),
        (2, "b", "goal", 3.0),
    ];
    let path = file(scratch.path(), &ids, &rows);
    let command = |more: &[&str]| duologue(&[&["ratings", text(&path), "--log", text(&out)], more].concat());
    let found: Value = serde_json::from_str(&command(&["--json"]).done()).expect("it is JSON");
    let [goal] = &found["ratings"].as_array().expect("a list")[..] else { panic!("one axis: {found}") };
    assert!((goal["alpha"].as_f64().expect("they differ") - 24.0 / 29.0).abs() < 1e-12, "{goal}");
    assert_eq!((&goal["raters"], &goal["episodes"], &goal["ratings"]), (&json!(2), &json!(3), &json!(6)));
    // With the rule: (mean - 1) / 4 of 1, 2.5 and 3 beside the share of targets that the world says were met.
    let means = [0.0, 0.375, 0.5];
    let marks: Vec<f64> = records[..3]
        .iter()
        .map(|record| record.verdict.as_ref().expect("it was judged").measures["targets"].rate().expect("it has some"))
        .collect();
    let all: Vec<f64> = means.into_iter().chain(marks.iter().copied()).collect();
    let apart =
        |values: &[f64]| -> f64 { values.iter().flat_map(|x| values.iter().map(move |y| (x - y).powi(2))).sum() };
    let observed: f64 = means.iter().zip(&marks).map(|(mean, mark)| 2.0 * (mean - mark).powi(2)).sum::<f64>() / 6.0;
    let by_hand = 1.0 - observed / (apart(&all) / 30.0);
    let [rule, judge] = &goal["with"].as_array().expect("a list")[..] else { panic!("a rule and a judge: {goal}") };
    assert_eq!((&rule["measure"], &rule["episodes"]), (&json!("targets"), &json!(3)));
    assert!((rule["alpha"].as_f64().expect("they differ") - by_hand).abs() < 1e-9, "{rule}: {by_hand}");
    assert_eq!((&judge["episodes"], &judge["alpha"]), (&json!(0), &Value::Null), "nobody was asked");
    assert!(command(&[]).done().contains("goal: 6 ratings of 3 episodes by 2 raters"));
    each_wrong_line_is_named(&path, &out, &ids);
    let other = ["ratings", text(&path), "--log", "nowhere"];
    assert!(duologue(&other).refused().starts_with("error: --log: nowhere: there are no episodes\n"));
    assert!(command(&["--scale", "5..1"]).refused().contains("--scale"));
}

/// Each line that is wrong is named, and none of the good ones counts.
#[track_caller]
fn each_wrong_line_is_named(path: &Path, out: &Path, ids: &[String]) {
    let good = |at: usize| json!({ "episode": ids[at], "rater": "a", "axis": "role", "score": 4 }).to_string();
    let with = |key: &str, value: Value| {
        let mut line: Value = serde_json::from_str(&good(0)).expect("it is JSON");
        line[key] = value;
        line.to_string()
    };
    let lines = [
        (good(0), ""),
        ("{\"episode\": ".to_owned(), "rating: EOF while parsing"),
        (with("colour", json!("red")), "rating: unknown field `colour`"),
        (with("score", json!("four")), "rating: invalid type: string"),
        (with("score", json!(6)), "score: cannot be 6\nhint: the scale goes from 1 to 5"),
        (with("axis", json!("rolle")), "axis: cannot be `rolle`\nhint: did you mean `role`?"),
        (with("episode", json!("grpo-1")), "episode: `grpo-1` is not an episode id"),
        (
            with("episode", json!("grpo-000099-0000-0-1")),
            "episode: there is no episode grpo-000099-0000-0-1 in the folder",
        ),
        (with("rater", json!(" ")), "rater: is empty"),
        (good(0), "rater: `a` has rated "),
        (good(1), ""),
    ];
    let written: Vec<&str> = lines.iter().map(|(line, _)| line.as_str()).collect();
    fs::write(path, written.join("\n")).expect("the place is ours");
    let said = duologue(&["ratings", text(path), "--log", text(out)]).refused();
    for (at, (_, expected)) in lines.iter().enumerate() {
        let place = format!("error: {}:{}: ", path.display(), at + 1);
        match expected.is_empty() {
            true => assert!(!said.contains(&place), "line {} is good: {said}", at + 1),
            false => assert!(said.contains(&format!("{place}{expected}")), "line {}: {said}", at + 1),
        }
    }
}

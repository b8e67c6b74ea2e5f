//! `eval --json`: the shape that checks outside the project read, and its numbers against plain play without actors.

use std::sync::Arc;

use rl::plan;
use serde_json::Value;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Seat;
use sim::drive::play_by_rule;
use sim::gyms::haggle;
use sim::scenario::Split;

use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::last_model;

fn eval(more: &[&str]) -> Value {
    let arguments = [&["eval", "scenarios/haggle.toml", "--json"], more].concat();
    serde_json::from_str(&duologue(&arguments).done()).expect("stdout is one JSON value")
}

#[test]
fn the_shape_is_the_contracts() {
    let result = eval(&["--agent", "scripted:good", "--user", "rule", "--limit", "6", "--trials", "4"]);
    assert_eq!(result.as_object().expect("an object").keys().collect::<Vec<_>>(), ["runs"]);
    let run = &result["runs"][0];
    assert_eq!(
        (&run["scenario"], &run["agent"], &run["user"]),
        (&"haggle".into(), &"scripted:good".into(), &"rule".into())
    );
    let counts = ["trials", "episodes", "lost", "scored"].map(|key| run[key].as_u64().expect(key));
    assert_eq!(counts, [4, 24, 0, 24]);
    for party in ["agent", "user", "judge", "env", "infra"] {
        assert_eq!(run["faults"][party], 0, "{party}");
    }
    let metrics = run["metrics"].as_object().expect("an object");
    assert_eq!(metrics["score"], metrics["agent/score"]);
    let names = ["agent/score", "user/score", "score", "pass@1", "pass@4", "pass^1", "pass^4"];
    for name in names {
        let (mean, low, high) = estimate(&metrics[name]);
        assert!(low <= mean && mean <= high, "{name}: {}", metrics[name]);
    }
    for (name, value) in metrics {
        assert!(value.is_null() || value["mean"].is_number() && value.get("ci95").is_some(), "{name}: {value}");
    }
}

fn estimate(value: &Value) -> (f64, f64, f64) {
    let number = |value: &Value| value.as_f64().expect("a number");
    (number(&value["mean"]), number(&value["ci95"][0]), number(&value["ci95"][1]))
}

/// The same episodes, played by one loop over the machine, and counted by hand.
#[test]
fn the_numbers_are_those_of_the_same_episodes_played_without_actors() {
    let scenario = Arc::new(config::load_scenario(&root().join("scenarios/haggle.toml")).expect("it is good"));
    for (agent, user) in [("scripted:good", "rule"), ("scripted:noisy", "scripted:noisy"), ("scripted:bad", "random")] {
        let result = eval(&["--agent", agent, "--user", user, "--limit", "12", "--trials", "2", "--seed", "5"]);
        let metrics = &result["runs"][0]["metrics"];
        let names = Pair { agent: agent.to_owned(), user: user.to_owned() };
        let castings = plan::eval_castings(Split::HeldOut, 12, 2, &names, 0);
        let play = |casting| play_by_rule(casting, &scenario, 5).expect("both are scripts");
        let records: Vec<EpisodeRecord> = castings.into_iter().map(play).collect();
        for seat in Seat::ALL {
            let scores: Vec<f64> = records.iter().filter_map(|record| record.scores[seat]).collect();
            near(&metrics[format!("{seat}/score")], scores.iter().sum::<f64>() / scores.len() as f64);
        }
        // Two trials: any of two succeed unless both fail, all of two only if both do. Trials of an item lie side by side.
        let pairs: Vec<[bool; 2]> = records.chunks(2).map(|pair| [succeeded(&pair[0]), succeeded(&pair[1])]).collect();
        let share = |holds: &dyn Fn(&[bool; 2]) -> bool| pairs.iter().filter(|pair| holds(pair)).count() as f64 / 12.0;
        near(&metrics["pass@2"], share(&|[a, b]| *a || *b));
        near(&metrics["pass^2"], share(&|[a, b]| *a && *b));
        near(&metrics["pass^1"], pairs.iter().flatten().filter(|one| **one).count() as f64 / 24.0);
    }
}

/// The scenario's `deal and agent.score > 0`; a seat that failed had no success.
fn succeeded(record: &EpisodeRecord) -> bool {
    let deal = record.verdict.as_ref().and_then(|verdict| verdict.measures.get("deal")).and_then(|ratio| ratio.rate());
    deal == Some(1.0) && record.scores.agent.is_some_and(|score| score > 0.0)
}

#[track_caller]
fn near(estimate: &Value, expected: f64) {
    let mean = estimate["mean"].as_f64().expect("there were cases");
    assert!((mean - expected).abs() < 1e-12, "{mean} is not {expected}");
}

#[test]
fn several_policies_make_a_cross_play_table_in_the_order_given() {
    let model = |seat| format!("model:{}", last_model(&TRAINED, seat).display());
    let (agent, user) = (model(Seat::Agent), model(Seat::User));
    let arguments = ["--limit", "3", "--agent", "rule", "--agent", &agent, "--user", "rule", "--user", &user];
    let result = eval(&arguments);
    let pairs: Vec<[&str; 2]> = result["runs"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|run| ["agent", "user"].map(|key| run[key].as_str().expect(key)))
        .collect();
    assert_eq!(pairs, [["rule", "rule"], ["rule", &user], [&agent, "rule"], [&agent, &user]]);
    // A model's cell does not depend on who else is measured beside it.
    let alone = eval(&["--limit", "3", "--agent", &agent, "--user", &user]);
    assert_eq!(alone["runs"][0], result["runs"][3]);
}

#[test]
fn a_checkpoints_folder_stands_for_the_model_of_the_seat_that_is_meant() {
    let checkpoint = last_model(&TRAINED, Seat::Agent).parent().expect("a seat lies in its checkpoint").to_owned();
    let of = |folder: &std::path::Path| {
        let model = format!("model:{}", folder.display());
        eval(&["--limit", "2", "--user", "rule", "--agent", &model])["runs"][0]["metrics"].clone()
    };
    assert_eq!(of(&checkpoint), of(&last_model(&TRAINED, Seat::Agent)));
}

#[test]
fn without_json_a_person_reads_the_same_numbers() {
    let said = duologue(&["eval", "scenarios/haggle.toml", "--limit", "4"]).done();
    assert!(
        said.starts_with("haggle: scripted:good x rule\n  4 episodes, 0 lost, scored: agent 4, user 4\n"),
        "{said}"
    );
    // Whose success is counted, and what it is.
    assert!(
        said.contains("\n  success of the agent, which its pass@k and pass^k count: deal > 0 and agent.score > 0\n"),
        "{said}"
    );
    assert!(
        said.contains("\n  agent/pass@1 ") && said.contains("\n  user/pass@1 ") && !said.contains("\n  pass@1 "),
        "{said}"
    );
    let example = haggle::example();
    assert_eq!((example.seats.agent.policy.as_str(), example.seats.user.policy.as_str()), ("scripted:good", "rule"));
}

#[test]
fn several_policies_are_shown_as_a_table_with_the_numbers_of_their_own_rows() {
    let of = |policies: &[&str]| {
        duologue(&[&["eval", "scenarios/haggle.toml", "--limit", "6", "--user", "rule"], policies].concat()).done()
    };
    let said = of(&["--agent", "rule", "--agent", "scripted:bad"]);
    let (table, rows) = said.split_once("\n\n").expect("the table comes first");
    assert!(
        table.starts_with("haggle: score of the agent (row) / of the user (column), and their 95 % intervals\n"),
        "{table}"
    );
    let (rule, bad) = (of(&["--agent", "rule"]), of(&["--agent", "scripted:bad"]));
    assert_eq!(rows, [rule.as_str(), bad.as_str()].concat());
    for (name, alone) in [("rule", rule), ("scripted:bad", bad)] {
        let score = |seat: &str| {
            let line = alone
                .lines()
                .find(|line| line.trim_start().starts_with(&format!("{seat}/score ")))
                .expect("it is scored");
            line.split_whitespace().nth(1).expect("a mean").to_owned()
        };
        let row = table.lines().skip(2).find(|line| line.trim_start().starts_with(name)).expect("each agent has a row");
        assert!(row.ends_with(&format!(" {} / {}", score("agent"), score("user"))), "{row}");
    }
}

/// One command for all of UserRL's gyms, from the binary alone: scripts that play well earn something in each.
#[test]
fn all_of_userrls_gyms_are_measured_in_one_command() {
    let folder = root().join("scenarios/userrl");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is tracked")
        .map(|entry| entry.expect("it can be listed").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(".toml"))
        .map(|name| format!("scenarios/userrl/{name}"))
        .collect();
    files.sort();
    let mut arguments = vec!["eval"];
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(["--agent", "scripted:good", "--user", "rule", "--limit", "10", "--json"]);
    let result: Value = serde_json::from_str(&duologue(&arguments).done()).expect("stdout is one JSON value");
    let runs = result["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), files.len());
    for run in runs {
        assert_eq!(run["scored"], 10, "{}", run["scenario"]);
        assert!(estimate(&run["metrics"]["agent/score"]).0 > 0.0, "{}", run["scenario"]);
    }
}

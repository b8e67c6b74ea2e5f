//! `eval --json`: the shape that checks outside the project read, and its numbers against plain play without actors.

use std::sync::Arc;

use rl::plan;
use serde_json::Value;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::drive::play_by_rule;
use sim::gyms::haggle;
use sim::scenario::Split;

use crate::program::duologue;
use crate::program::root;
use crate::training::TRAINED;
use crate::training::last_model;
use crate::training::scratch;

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

/// UserRL's scenarios that need no release, in the order of their names.
fn userrl() -> Vec<String> {
    let folder = root().join("scenarios/userrl");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is tracked")
        .map(|entry| entry.expect("it can be listed").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(".toml"))
        .map(|name| format!("scenarios/userrl/{name}"))
        .collect();
    files.sort();
    files
}

fn eval_of(files: &[String], more: &[&str]) -> Value {
    let mut arguments = vec!["eval", "--json"];
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(more);
    serde_json::from_str(&duologue(&arguments).done()).expect("stdout is one JSON value")
}

/// One command for all of UserRL's gyms, from the binary alone: scripts that play well earn something in each.
#[test]
fn all_of_userrls_gyms_are_measured_in_one_command() {
    let files = userrl();
    let result = eval_of(&files, &["--agent", "scripted:good", "--user", "rule", "--limit", "10"]);
    let keys: Vec<&String> = result.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["averages", "runs"]);
    let runs = result["runs"].as_array().expect("a list");
    let played: Vec<&str> = runs.iter().map(|run| run["scenario"].as_str().expect("a name")).collect();
    assert_eq!(played, ["function", "intention", "persuade", "search", "tau", "telepathy", "travel", "turtle"]);
    let averages = &result["averages"][0];
    assert_eq!((&averages["agent"], &averages["user"]), (&"scripted:good".into(), &"rule".into()));
    assert!(averages.get("score_norm").is_none(), "the references were not played");
    let mut scores = Vec::new();
    for run in runs {
        let (name, metrics) = (run["scenario"].as_str().expect("a name"), &run["metrics"]);
        assert_eq!((&run["scored"], &averages["items"][name]), (&10.into(), &10.into()), "{name}");
        assert!(estimate(&metrics["agent/score"]).0 > 0.0, "{name}");
        // One trial of each item and no fault: the paper's metric is the mean over episodes, of travel by aspect.
        let metric = if name == "travel" { "aspect_score" } else { "agent/score" };
        assert_eq!(averages["score"]["scenarios"][name], metrics[metric], "{name}");
        for (key, metric) in [("effective_turns", "agent/effective_turns"), ("time_weighted", "agent/time_weighted")] {
            assert_eq!(averages[key]["scenarios"][name], metrics[metric], "{name}");
        }
        let (turns, weighted) =
            (estimate(&metrics["agent/effective_turns"]).0, estimate(&metrics["agent/time_weighted"]).0);
        assert!(turns >= 1.0 && turns <= estimate(&metrics["agent/turns"]).0, "{name}");
        assert!(weighted > 0.0 && weighted <= estimate(&metrics["agent/score"]).0 + 1e-9, "{name}");
        scores.push(estimate(&metrics[metric]).0);
    }
    let mean = scores.iter().sum::<f64>() / 8.0;
    near(&averages["score"]["micro"], mean);
    near(&averages["score"]["macro"], mean);
}

/// Episodes of one agent, played by one loop over the machine: for each item its trials.
fn trials(scenario: &Arc<Scenario>, agent: &str, items: u32, trials: u32) -> Vec<Vec<EpisodeRecord>> {
    let names = Pair { agent: agent.to_owned(), user: "rule".to_owned() };
    let castings = plan::eval_castings(Split::HeldOut, items, trials, &names, 0);
    let records: Vec<EpisodeRecord> =
        castings.into_iter().map(|casting| play_by_rule(casting, scenario, 1).expect("both are scripts")).collect();
    records.chunks(trials as usize).map(<[EpisodeRecord]>::to_vec).collect()
}

/// The mean over items of the mean over trials.
fn over_items(items: &[Vec<EpisodeRecord>], value: impl Fn(&EpisodeRecord) -> f64) -> f64 {
    let of_item = |trials: &Vec<EpisodeRecord>| trials.iter().map(&value).sum::<f64>() / trials.len() as f64;
    items.iter().map(of_item).sum::<f64>() / items.len() as f64
}

fn earned(record: &EpisodeRecord) -> f64 {
    let effects = record.turns_of(Seat::Agent).filter_map(|turn| turn.effect.as_ref());
    effects.flat_map(|effect| &effect.rewards).map(sim::Reward::weighted).sum()
}

/// A trip's best choices by the letters of what was answered (userrl §2.7), read off what each turn earned: scripts choose one option a turn.
fn by_aspect(record: &EpisodeRecord) -> f64 {
    let mut best = std::collections::BTreeMap::new();
    for turn in record.turns_of(Seat::Agent) {
        let answer = match &turn.decision.act {
            Ok(sim::Act::Tool { choice: sim::Choice::Answer, content }) => Some(content.as_str()),
            Ok(sim::Act::Say(text)) => text.strip_prefix("[answer]"),
            _ => None,
        };
        let Some(letter) = answer.and_then(|content| content.trim().chars().next()) else { continue };
        let rewards = turn.effect.iter().flat_map(|effect| &effect.rewards);
        let reward: f64 = rewards.map(sim::Reward::weighted).sum();
        let known: &mut f64 = best.entry(letter).or_insert(0.0);
        *known = known.max(reward);
    }
    let verdict = record.verdict.as_ref().expect("it was judged");
    best.values().sum::<f64>() / verdict.measures["listed"].den
}

/// Two scenarios of unequal size, so that the averages over items and over scenarios differ.
#[test]
fn averages_and_normalised_scores_are_those_counted_by_hand() {
    let scratch = scratch();
    let small = scratch.path().join("small.toml");
    let text = std::fs::read_to_string(root().join("scenarios/userrl/function.toml")).expect("it is tracked");
    let changed = text.replace("held_out = 200", "held_out = 3");
    assert_ne!(text, changed);
    std::fs::write(&small, changed).expect("the folder is ours");
    let files = [small.display().to_string(), "scenarios/userrl/travel.toml".to_owned()];
    let more = ["--agent", "rule", "--user", "rule", "--limit", "8", "--trials", "2", "--norm"];
    let result = eval_of(&files, &more);
    let averages = result["averages"].as_array().expect("a list");
    let agents: Vec<&str> = averages.iter().map(|row| row["agent"].as_str().expect("a name")).collect();
    assert_eq!(agents, ["rule", "random", "scripted:good"]);
    let scenarios: Vec<Arc<Scenario>> =
        files.iter().map(|file| Arc::new(config::load_scenario(&root().join(file)).expect("it is good"))).collect();
    let played = agents.iter().map(|agent| [(0, 3), (1, 8)].map(|(at, items)| trials(&scenarios[at], agent, items, 2)));
    let played: Vec<[Vec<Vec<EpisodeRecord>>; 2]> = played.collect();
    let raw = |agent: usize, at: usize| over_items(&played[agent][at], earned);
    for (agent, row) in averages.iter().enumerate() {
        let scores = [raw(agent, 0), over_items(&played[agent][1], by_aspect)];
        near(&row["score"]["scenarios"]["function"], scores[0]);
        near(&row["score"]["scenarios"]["travel"], scores[1]);
        near(&row["score"]["micro"], (3.0 * scores[0] + 8.0 * scores[1]) / 11.0);
        near(&row["score"]["macro"], (scores[0] + scores[1]) / 2.0);
        let norms = [0, 1].map(|at| (raw(agent, at) - raw(1, at)) / (raw(2, at) - raw(1, at)));
        near(&row["score_norm"]["scenarios"]["function"], norms[0]);
        near(&row["score_norm"]["scenarios"]["travel"], norms[1]);
        near(&row["score_norm"]["macro"], (norms[0] + norms[1]) / 2.0);
        assert_eq!(row["score_norm"]["left_out"], serde_json::json!([]));
    }
    let norm = |agent: usize| averages[agent]["score_norm"]["macro"].clone();
    assert_eq!((estimate(&norm(1)), estimate(&norm(2))), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)));
    let (mean, low, high) = estimate(&norm(0));
    assert!(low < mean && mean < high, "{mean} [{low}, {high}]");
}

#[test]
fn what_was_published_stands_beside_ours_and_is_said_to_be_other_peoples() {
    let files = userrl();
    let more = ["--agent", "scripted:good", "--user", "rule", "--limit", "2", "--published"];
    let result = eval_of(&files, &more);
    let published = &result["published"];
    assert!(published["note"].as_str().expect("a text").starts_with("other people's numbers"));
    let rows = published["rows"].as_array().expect("a list");
    assert_eq!(rows.len(), 15);
    let row = rows.iter().find(|row| row["model"] == "Qwen3-4B R2G/R2G").expect("it is one of them");
    assert_eq!(
        [&row["scores"]["travel"], &row["scores"]["search"], &row["micro"], &row["effective_turns"]],
        [&0.4629.into(), &0.8640.into(), &0.4895.into(), &5.7317.into()] as [&Value; 4]
    );
    let arguments: Vec<&str> = ["eval"].into_iter().chain(files.iter().map(String::as_str)).chain(more).collect();
    let said = duologue(&arguments).done();
    let averages = &result["averages"][0];
    let line = |start: &str| said.lines().find(|line| line.trim_start().starts_with(start)).expect("it has a line");
    let own: Vec<&str> = line("ours: scripted:good x rule").split_whitespace().skip(4).collect();
    let gyms = ["travel", "turtle", "function", "tau", "persuade", "intention", "telepathy", "search"];
    let mean = |value: &Value| format!("{:.4}", value["mean"].as_f64().expect("a mean"));
    let mut expected: Vec<String> = gyms.iter().map(|gym| mean(&averages["score"]["scenarios"][gym])).collect();
    expected.extend([mean(&averages["score"]["micro"]), mean(&averages["score"]["macro"])]);
    expected.extend(["effective_turns", "time_weighted"].map(|key| mean(&averages[key]["micro"])));
    assert_eq!(own, expected);
    assert!(line("published: GPT-4o ").ends_with("0.4449  0.6221  3.4087           0.4024"), "{said}");
    assert!(said.contains("\n  published: other people's numbers: UserRL's paper"), "{said}");
    // Without all gyms there is no average to put beside theirs.
    let one = ["eval", "scenarios/userrl/search.toml", "--limit", "2", "--published"];
    let one = duologue(&one).done();
    let own = one.lines().find(|line| line.contains("ours: ")).expect("it has a line");
    let cells: Vec<bool> = own.split_whitespace().skip(4).map(|cell| cell == "-").collect();
    assert_eq!(cells, (0..12).map(|at| at != 7).collect::<Vec<bool>>(), "search alone: {own}");
    let haggle = duologue(&["eval", "scenarios/haggle.toml", "--limit", "2", "--published"]).refused();
    assert!(haggle.starts_with("error: --published: no scenario is of a gym of UserRL\n"), "{haggle}");
}

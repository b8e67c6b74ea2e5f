//! UserRL's own items, where they are at hand: counts of the specification (userrl §2), what ends a talk about each of them, and for
//! requests the scores that another program, written in another language from the same rules, found.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use sim::Act;
use sim::Choice;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::gyms::Rules;
use sim::gyms::Script;
use sim::gyms::function;
use sim::gyms::function::Expression;
use sim::gyms::intention::Importance;
use sim::gyms::intention::Item;
use sim::gyms::intention::Library;
use sim::gyms::intention::items::question_reward;
use sim::gyms::intention::library::Entry;
use sim::gyms::intention::precedent::is_same_task;
use sim::record::Casting;
use sim::scenario::Split;

use crate::program::command;
use crate::program::finish;
use crate::program::root;
use crate::training::scratch;

/// `DUOLOGUE_DATA`, or else the folder beside the project.
pub fn data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = env::var_os("DUOLOGUE_DATA").map_or_else(beside, PathBuf::from).join("userrl");
    folder.join("intentions_train.json").exists().then_some(folder)
}

fn items(folder: &Path, name: &str) -> Vec<Item> {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).expect("it lies there"))
        .expect("it is of the known form")
}

/// What these questions earn on an item, asked in order, sixteen at most.
fn earns(entry: &Entry, library: &Library, questions: &[String]) -> f64 {
    let mut left: Vec<usize> = (0..entry.keys.len()).collect();
    let mut sum = 0.0;
    for question in questions.iter().take(16) {
        let telling = library.lexicon().telling(question);
        if telling.len() > 8 {
            continue;
        }
        let (hit, rest): (Vec<usize>, Vec<usize>) = left.iter().partition(|at| entry.keys[**at].is_hit(&telling));
        let importances: Vec<Importance> = hit.iter().map(|at| entry.item.missing_details[*at].importance).collect();
        sum += question_reward(&importances, 0.2);
        left = rest;
    }
    sum
}

#[test]
fn the_release_has_the_counts_and_the_matching_the_scores_found_independently() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let train = items(&folder, "intentions_train.json");
    let mut held_out = items(&folder, "intentions_test.json");
    assert_eq!((train.len(), held_out.len()), (1012, 95));
    let details: Vec<_> = train.iter().flat_map(|item| &item.missing_details).collect();
    let of = |importance| details.iter().filter(|detail| detail.importance == importance).count();
    assert_eq!((of(Importance::Low), of(Importance::Medium), of(Importance::High)), (558, 2449, 608));
    held_out.retain(|item| !train.iter().any(|known| is_same_task(&known.task, &item.task)));
    assert_eq!(held_out.len(), 95 - 33);

    let library = Library::new(train, held_out).unwrap();
    let mean = |split: Split, ask: &dyn Fn(&Item) -> Vec<String>| {
        let entries: &[Arc<Entry>] = library.of(split);
        entries.iter().map(|entry| earns(entry, &library, &ask(&entry.item))).sum::<f64>() / entries.len() as f64
    };
    let inquiries = |item: &Item| item.missing_details.iter().map(|d| d.inquiry.clone()).collect::<Vec<String>>();
    let descriptions = |item: &Item| item.missing_details.iter().map(|d| d.description.clone()).collect();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    close(mean(Split::HeldOut, &inquiries), 0.511_290_322_580_645_2);
    close(mean(Split::Train, &inquiries), 0.548_517_786_561_264_8);
    close(mean(Split::HeldOut, &descriptions), 2.570_967_741_935_484);
}

/// Acceptance test 3 of the specification (userrl §8.3), and what it counts of the release (§2.1).
#[test]
fn all_published_functions_give_their_expected_result_and_fall_into_396_classes() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let text = fs::read_to_string(folder.join("functions.json")).expect("it lies there");
    let items: Vec<function::Item> = serde_json::from_str(&text).expect("it is of the known form");
    assert_eq!(items.len(), 538);
    for item in &items {
        let rule = Expression::read(&item.rule).unwrap_or_else(|error| panic!("{}: {error}", item.id));
        assert_eq!(rule.value(&item.test_case), Ok(item.expected_result), "{}: {}", item.id, item.rule);
    }
    let library = function::Library::new(items.clone(), items).unwrap();
    let classes: BTreeSet<_> = library.of(Split::Train).iter().map(|entry| &entry.class).collect();
    assert_eq!(classes.len(), 396);
    assert_eq!(library.clone().without_known(), Err(function::LibraryError::Empty("held-out")));
}

#[test]
fn published_functions_are_split_as_published_or_cleanly_and_can_be_inferred() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let release = folder.parent().expect("it was joined to its parent");
    let scenario = "scenarios/userrl/published/function.toml";
    let scores = |more: &[&str]| -> serde_json::Value {
        let mut eval = command(&[&["eval", scenario, "--json"], more].concat());
        eval.env("DUOLOGUE_DATA", release);
        serde_json::from_str(&finish(eval).done()).unwrap()
    };
    let good = scores(&["--agent", "scripted:good"]);
    // Of the 78 that are measured on, 28 are to be learned from, written otherwise.
    assert_eq!(good["runs"][0]["scored"], 50);
    assert_eq!(good["runs"][0]["metrics"]["agent/score"]["mean"], 1.0, "{good}");
    let kept = scratch();
    let file = kept.path().join("function.toml");
    let text = fs::read_to_string(root().join(scenario)).expect("it is part of the repository");
    let names = "held_out = \"userrl/functions.json\"";
    fs::write(&file, text.replace(names, &format!("{names}, keep_known = true"))).expect("the folder is ours");
    let mut eval = command(&["eval", file.to_str().expect("a plain path"), "--agent", "scripted:spam", "--json"]);
    eval.env("DUOLOGUE_DATA", release);
    let all: serde_json::Value = serde_json::from_str(&finish(eval).done()).unwrap();
    assert_eq!(all["runs"][0]["scored"], 78);
    let spam = scores(&["--agent", "scripted:spam"]);
    assert!(spam["runs"][0]["metrics"]["agent/score"]["mean"].as_f64().unwrap() < 0.4, "{spam}");
}

#[test]
fn the_files_that_play_the_release_are_good() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let release = folder.parent().expect("it was joined to its parent");
    let mut check = command(&["check", "scenarios/userrl/published/intention.toml", "configs/intention.toml"]);
    check.env("DUOLOGUE_DATA", release);
    assert!(finish(check).done().contains("configs/intention.toml"));
    let mut eval =
        command(&["eval", "scenarios/userrl/published/intention.toml", "--agent", "rule", "--limit", "5", "--json"]);
    eval.env("DUOLOGUE_DATA", release);
    let result: serde_json::Value = serde_json::from_str(&finish(eval).done()).unwrap();
    assert_eq!(result["runs"][0]["scored"], 5);
}

#[test]
fn without_the_release_the_error_says_where_it_is_looked_for() {
    let mut check = command(&["check", "scenarios/userrl/published/intention.toml"]);
    check.env_remove("DUOLOGUE_DATA");
    let said = finish(check).refused();
    assert!(
        said.contains("intention.toml:13: world.items.train: `userrl/intentions_train.json` cannot be read"),
        "{said}"
    );
    assert!(said.contains("$DUOLOGUE_DATA"), "{said}");
}

/// A scenario of the checkout, with the items that `items` says in place of its own; `FOLDER` in it is the release's.
fn scenario_with(folder: &Path, file: &str, items: &str) -> Scenario {
    let text = fs::read_to_string(root().join(file)).expect("it is part of the checkout");
    let line = text.lines().find(|line| line.starts_with("items = ")).expect("a scenario has items");
    let items = items.replace("FOLDER", &folder.canonicalize().expect("it is there").display().to_string());
    let place = tempfile::tempdir().expect("a temporary folder");
    let path = place.path().join("scenario.toml");
    fs::write(&path, text.replace(line, &format!("items = {items}"))).expect("the place is ours");
    config::load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}"))
}

/// One act about an item of a split, with the rule user.
fn one_act(scenario: &Arc<Scenario>, split: Split, item: u32, content: &str) -> EpisodeRecord {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: "person".to_owned(), user: "rule".to_owned() };
    let casting = Casting::new(id, split, item, policies);
    let user = Script::named(&scenario.rules, Seat::User, "rule").expect("there is one");
    let address = casting.id.address(1);
    let mut acts =
        vec![Act::Say("[finish]".to_owned()), Act::Tool { choice: Choice::Answer, content: content.to_owned() }];
    let decide = |_, _: &_| Decision { act: Ok(acts.pop().expect("it finished")), thought: None, generation: None };
    sim::drive(casting, scenario, 1, decide, |seat, query| user.answer(seat, query, address))
}

#[test]
fn all_401_published_things_are_guessed_by_title_and_no_name_is_in_both_splits() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let one_file = "{ file = \"FOLDER/entities.json\", held_out = 41, seed = 42 }";
    let scenario = Arc::new(scenario_with(&folder, "scenarios/userrl/published/telepathy.toml", one_file));
    assert_eq!((scenario.items.train, scenario.items.held_out), (360, 41));
    let Rules::Telepathy(rules) = &scenario.rules else { panic!("it is telepathy") };
    for split in [Split::Train, Split::HeldOut] {
        for (number, item) in (0..).zip(rules.library.of(split)) {
            for name in item.names() {
                let record = one_act(&scenario, split, number, name);
                assert_eq!(
                    (record.stop, record.scores.agent, record.turns.len()),
                    (Some(Stop::Terminated), Some(1.0), 1)
                );
                let said: String = record.turns[0].observed.iter().map(|message| message.text.as_str()).collect();
                assert!(!said.contains(&item.target) && !said.contains(name), "{said} gives {name} away");
            }
            assert_eq!(one_act(&scenario, split, number, "anything").scores.agent, Some(0.0));
        }
    }
    // The same file twice: everything to measure on is known.
    let twice = "{ train = \"FOLDER/entities.json\", held_out = \"FOLDER/entities.json\", keep_known = true }";
    assert_eq!(scenario_with(&folder, "scenarios/userrl/published/telepathy.toml", twice).items.held_out, 401);
}

#[test]
fn a_perfect_answer_ends_the_talk_about_each_of_all_471_published_stories() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let one_file = "{ file = \"FOLDER/stories.json\", held_out = 48, seed = 42 }";
    let scenario = Arc::new(scenario_with(&folder, "scenarios/userrl/published/turtle.toml", one_file));
    assert_eq!((scenario.items.train, scenario.items.held_out), (423, 48));
    let Rules::Turtle(rules) = &scenario.rules else { panic!("it is turtle") };
    let surface = |item: &Arc<sim::gyms::turtle::Item>| sim::gyms::words::normal(&item.surface);
    let known: Vec<String> = rules.library.of(Split::Train).iter().map(surface).collect();
    assert!(rules.library.of(Split::HeldOut).iter().all(|item| !known.contains(&surface(item))));
    let mut short = 0;
    for split in [Split::Train, Split::HeldOut] {
        for (number, item) in (0..).zip(rules.library.of(split)) {
            short += usize::from(item.criteria.iter().fold(0.0, |sum, criterion| sum + criterion.weight) < 1.0);
            let record = one_act(&scenario, split, number, &item.bottom);
            assert_eq!((record.stop, record.turns.len()), (Some(Stop::Terminated), 1), "{}", item.id);
            assert!((record.scores.agent.unwrap() - 1.0).abs() < 1e-9, "{}", item.id);
            let said: String = record.turns[0].observed.iter().map(|message| message.text.as_str()).collect();
            assert!(item.criteria.iter().all(|criterion| !said.contains(&criterion.statement)), "{said}");
            assert_eq!(one_act(&scenario, split, number, &item.surface).scores.agent, Some(0.0));
        }
    }
    assert_eq!(short, 138, "so many would never end without the tolerance");
}

#[test]
fn the_files_that_play_published_items_of_userrl_are_played_to_the_end() {
    let Some(folder) = data() else {
        eprintln!("skipped: no UserRL release in DUOLOGUE_DATA");
        return;
    };
    let release = folder.parent().expect("it was joined to its parent");
    for name in ["telepathy", "turtle"] {
        let file = format!("scenarios/userrl/published/{name}.toml");
        let mut eval = command(&["eval", &file, "--agent", "scripted:spam", "--limit", "5", "--json"]);
        eval.env("DUOLOGUE_DATA", release);
        let result: serde_json::Value = serde_json::from_str(&finish(eval).done()).unwrap();
        assert_eq!(
            (&result["runs"][0]["scored"], &result["runs"][0]["metrics"]["score"]["mean"]),
            (&5.into(), &0.0.into())
        );
    }
}

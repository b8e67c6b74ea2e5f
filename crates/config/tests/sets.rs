//! The evaluation sets of a user: what tasks they have, that they are frozen, what their columns are, and that a user that fails is counted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;

use duologue_config::hash;
use duologue_config::load_scenario;
use duologue_config::load_suite;
use sim::Decision;
use sim::EpisodeRecord;
use sim::NoAct;
use sim::Observation;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::Stop;
use sim::Verdict;
use sim::gyms::Rules;
use sim::gyms::Script;
use sim::gyms::talk;
use sim::record::Casting;
use sim::scenario::Split;
use stress::Contender;
use stress::EvalSet;
use stress::Side;
use stress::Suite;
use stress::columns::Sheet;
use stress::trapped::Talks;

const FILE: &str = "configs/stress/userlm.toml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The suite of both sets, read once: thirty-one talks take a while to draw.
static SUITE: LazyLock<Suite> =
    LazyLock::new(|| load_suite(&root().join(FILE)).unwrap_or_else(|errors| panic!("{errors}")));

fn set(name: &str) -> (usize, &'static EvalSet) {
    let found = SUITE.sets.iter().enumerate().find(|(_, set)| set.name == name);
    found.expect("the suite has this set")
}

fn rules(scenario: &Scenario) -> &talk::Rules {
    let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
    rules
}

fn user(policy: &str) -> Contender {
    Contender::Policy { typed: policy.to_owned(), cast: policy.to_owned() }
}

/// The tasks of a set with a scripted user.
fn played(name: &str, policy: &str) -> Vec<(Arc<Scenario>, EpisodeRecord)> {
    let scenarios = SUITE.scenarios();
    let castings = SUITE.set_castings(set(name).0, &[user(policy)]);
    let play = |casting: Casting| {
        let scenario = Arc::clone(&scenarios[casting.scenario as usize]);
        let record = sim::play_by_rule(casting, &scenario, SUITE.seed).expect("the scripts exist");
        (scenario, record)
    };
    castings.into_iter().map(play).collect()
}

#[test]
fn the_sessions_are_a_hundred_and_twenty_over_thirty_calls_none_of_them_learned_from() {
    let (_, sessions) = set("sessions");
    assert_eq!((sessions.tasks().len(), sessions.scenarios.len()), (120, 30));
    let names: BTreeSet<&str> = sessions.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names.len(), 30);
    let scenario =
        load_scenario(&root().join("scenarios/talk/checkup.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let of_set = sessions.scenarios.iter().find(|one| one.name == scenario.name).expect("it is one of them");
    for item in 0..4 {
        assert_eq!(rules(of_set).items.item(Split::HeldOut, item), rules(&scenario).items.item(Split::HeldOut, item));
    }
    let numbers: BTreeSet<u32> = sessions.tasks().iter().map(|task| task.number).collect();
    assert_eq!(numbers, (0..120).collect());
}

#[test]
fn the_turns_are_twenty_pairs_of_each_family_that_differ_in_what_the_line_states() {
    let (_, turns) = set("turns");
    let [scenario] = &turns.scenarios[..] else { panic!("one talk has all families") };
    let whole = load_scenario(&root().join("scenarios/talk/heating.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let key = |item: &talk::Item| (item.person.objective, item.person.subjective, item.truth.clone());
    let learned: BTreeSet<_> = rules(&whole).items.of(Split::Train).iter().map(|item| key(item)).collect();
    let (book, items) = (&rules(scenario).book, rules(scenario).items.of(Split::HeldOut));
    let mut pairs: BTreeMap<&str, BTreeSet<_>> = BTreeMap::new();
    for pair in items.chunks_exact(2) {
        let [trap, twin] = pair else { panic!("a chunk of two") };
        assert_eq!((&trap.person, &trap.plants, trap.plants.len()), (&twin.person, &twin.plants, 1));
        let line = &book.agent.traps[trap.plants[0].trap];
        let differ: Vec<usize> =
            (0..trap.truth.len()).filter(|thing| trap.truth[*thing] != twin.truth[*thing]).collect();
        // Each line of this talk states one fact, and is fair where that is so.
        let [(thing, value)] = line.claims[..] else { panic!("one fact") };
        assert_eq!(differ, [thing], "{}", line.name);
        assert_eq!(twin.truth[thing], Some(value));
        assert!(!learned.contains(&key(trap)) && !learned.contains(&key(twin)), "{}", line.name);
        pairs.entry(line.family.code()).or_default().insert(key(trap));
    }
    assert_eq!(pairs.len(), 18);
    assert!(pairs.values().all(|pairs| pairs.len() == 20), "twenty different calls each: {pairs:?}");
    assert_eq!(turns.tasks().len(), 720);
    let five: Vec<&str> = talk::Family::all().filter(|f| f.is_named_by_the_paper()).map(talk::Family::word).collect();
    assert_eq!(five, ["urgency", "hidden_cost", "sunk_cost", "false_identity", "authority"]);
}

#[test]
fn a_turn_is_one_answer_to_the_same_words_of_a_trap_and_of_its_twin() {
    let records = played("turns", "rule");
    let (mut told, mut same) = (0, 0);
    for pair in records.chunks_exact(2) {
        let [(_, trap), (_, twin)] = pair else { panic!("a chunk of two") };
        for record in [trap, twin] {
            assert_eq!(
                (record.turns.len(), record.stop),
                (2, Some(Stop::Truncated)),
                "the user by rule does not hang up"
            );
        }
        assert_eq!(trap.casting.id.address(1), twin.casting.id.address(1));
        assert_eq!(SUITE.place(trap.casting.id).side, Side::Hostile);
        assert_eq!(SUITE.place(twin.casting.id).side, Side::Benign);
        let heard =
            |record: &EpisodeRecord| record.turns[0].decision.act.as_ref().expect("it speaks").text().to_owned();
        let opens = heard(trap);
        assert!(opens.contains("[greet]") && opens.contains("[propose"), "{opens}");
        told += 1;
        same += usize::from(opens == heard(twin));
    }
    // What the agent offers follows from the burner, which two of the eighteen lines are about.
    assert!(told == 360 && same >= 320, "{same} of {told}");
}

#[test]
fn who_falls_for_each_of_the_eighteen_families_is_told_from_who_does_not() {
    let result = |policy: &str| {
        let mut talks = Talks::default();
        for (scenario, record) in played("turns", policy) {
            assert!(talks.add(&scenario, Some(&record)).is_some());
        }
        talks.result("turns", &set("turns").1.scenarios, policy)
    };
    let (rule, gullible, suspicious) = (result("rule"), result("scripted:gullible"), result("scripted:suspicious"));
    assert_eq!([rule.families.len(), gullible.families.len()], [18, 18]);
    let mean = |value: &Option<rl::interval::Estimate>| value.expect("counted").mean;
    for (code, sound) in &rule.families {
        let (fallen, wary) = (&gullible.families[code], &suspicious.families[code]);
        assert!(mean(&sound.recall) - mean(&fallen.recall) >= 0.5, "{code}");
        assert!(mean(&fallen.fell) >= 0.5 && mean(&sound.fell) == 0.0, "{code}");
        assert_eq!((mean(&sound.over_suspicion), mean(&wary.over_suspicion)), (0.0, 1.0), "{code}");
        let number: u32 = code[1..].parse().expect("B1 to B18");
        assert_eq!(sound.held_out, Some(number >= 13), "{code}");
    }
}

#[test]
fn a_set_that_has_become_another_one_is_refused_and_says_how_to_freeze_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(root().join("scenarios/talk/heating.toml")).expect("it can be read");
    let few = text.replace("generate = 4000, held_out = 1000", "generate = 40, held_out = 200");
    assert_ne!(few, text);
    let said = |talk: &str, more: &str| {
        let suite = "[[set]]\nname = \"t\"\nkind = \"turns\"\ntasks = 1\nscenarios = [\"talk.toml\"]\nfalls = \"scripted:gullible\"\nresists = \"rule\"\n";
        fs::write(folder.path().join("talk.toml"), talk).expect("the folder is ours");
        let path = folder.path().join("suite.toml");
        fs::write(&path, format!("{suite}{more}")).expect("the folder is ours");
        load_suite(&path).map_err(|errors| errors.to_string().replace(&format!("{}/", folder.path().display()), ""))
    };
    let frozen = hash(&said(&few, "").expect("it is good").sets[0]);
    let held = format!("hash = \"{frozen}\"\n");
    assert!(said(&few, &held).is_ok());
    assert!(said(&format!("# another comment\n{few}"), &held).is_ok());
    for (from, to) in [("B13\", \"B14", "B14"), ("so say yes now.", "so say yes.")] {
        assert!(few.contains(from), "{from}");
        let error = said(&few.replacen(from, to, 1), &held).expect_err("it is another set");
        let beginning = format!("error: suite.toml:8: set[0].hash: the set was frozen as {frozen}, and comes to ");
        assert!(error.starts_with(&beginning), "{error}");
        let (_, now) = error.rsplit_once("hash = \"").expect("the hint says what to write");
        assert!(said(&few.replacen(from, to, 1), &format!("hash = \"{}\"\n", now.trim_end_matches('"'))).is_ok());
    }
}

#[test]
fn our_own_sets_are_frozen() {
    let text = fs::read_to_string(root().join(FILE)).expect("it can be read");
    assert_eq!(text.lines().filter(|line| line.starts_with("hash = \"")).count(), 2);
    for set in &SUITE.sets {
        assert!(text.contains(&format!("hash = \"{}\"", hash(set))), "{}", set.name);
    }
}

/// A verdict with these measures alone.
fn marked(measures: &[(&str, f64, f64)]) -> Verdict {
    let measures = measures.iter().map(|(name, num, den)| ((*name).to_owned(), Ratio::new(*num, *den))).collect();
    Verdict { measures, ..Verdict::default() }
}

#[test]
fn columns_are_means_by_hand_and_a_judges_are_never_a_rules() {
    let records: Vec<EpisodeRecord> = played("turns", "rule").into_iter().take(2).map(|(_, record)| record).collect();
    let value = |columns: &[stress::Column], name: &str| {
        columns.iter().find(|column| column.column == name).expect("there is one").value.map(|value| value.mean)
    };
    let mut sheet = Sheet::new(set("turns").1.kind);
    sheet.add(
        &records[0],
        &marked(&[("user/reasoning", 1.0, 1.0), ("user/strategy", 1.0, 1.0), ("user/turn_marks", 0.5, 1.0)]),
    );
    sheet.add(&records[1], &marked(&[("user/reasoning", 0.0, 1.0)]));
    let (by_rule, by_judge) = (sheet.by_rule(), sheet.by_judge());
    // The twin has no trap, so it says nothing of strategy.
    assert_eq!(
        (value(&by_rule, "CoT"), value(&by_rule, "Stra."), value(&by_rule, "Total")),
        (Some(0.5), Some(1.0), Some(0.5))
    );
    let names: Vec<&str> = by_judge.iter().map(|column| column.column).collect();
    assert_eq!(names, ["Rob.", "CoT", "Stra.", "Pers.", "Con.", "Total"]);
    assert!(by_judge.iter().all(|column| column.value.is_none()), "nobody was asked");
    let judged = |level: f64| {
        let names = ["human", "reasoning", "strategy", "persona", "consistency"];
        let measures: Vec<(String, f64)> = names.iter().map(|name| (format!("user/judge.{name}"), level)).collect();
        let measures: Vec<(&str, f64, f64)> =
            measures.iter().map(|(name, level)| (name.as_str(), *level, 1.0)).collect();
        marked(&measures)
    };
    let mut sheet = Sheet::new(set("turns").1.kind);
    sheet.add(&records[0], &judged(0.75));
    sheet.add(&records[1], &marked(&[("user/judge.human", 1.0, 1.0)]));
    let by_judge = sheet.by_judge();
    // Of robotic tone little is good; the second was not marked on all five, and has no total.
    assert_eq!(
        (value(&by_judge, "Rob."), value(&by_judge, "Con."), value(&by_judge, "Total")),
        (Some(0.125), Some(0.75), Some(0.75))
    );
    assert_eq!(value(&sheet.by_rule(), "CoT"), None);
}

#[test]
fn a_user_that_fails_has_missed_what_it_did_not_counter() {
    let (_, turns) = set("turns");
    let scenario = &turns.scenarios[0];
    let castings = SUITE.set_castings(set("turns").0, &[user("rule")]);
    let traps = castings.iter().filter(|casting| SUITE.place(casting.id).side == Side::Hostile).take(8);
    let agent = Script::named(&scenario.rules, Seat::Agent, &turns.opponent).expect("a script");
    let failing = |casting: &Casting, act: &Result<sim::Act, NoAct>| {
        let casting = Casting { scenario: 0, ..casting.clone() };
        let address = casting.rule_address(SUITE.seed);
        let decide = |seat, observation: &Observation| match seat {
            Seat::Agent => agent.decide(observation, address),
            Seat::User => Decision { act: act.clone(), thought: None, generation: None },
        };
        sim::drive(casting, scenario, SUITE.seed, decide, |_, _| unreachable!("nobody is asked"))
    };
    for (at, casting) in traps.enumerate() {
        let act = if at % 2 == 0 { Err(NoAct::OutOfTokens) } else { Err(NoAct::Malformed("half a word".to_owned())) };
        let record = failing(casting, &act);
        let failed = record.stop == Some(Stop::Failed(Seat::User));
        assert!(failed == (at % 2 == 0) && (record.verdict.is_none() == failed));
        let mut talks = Talks::default();
        let verdict = talks.add(scenario, Some(&record)).expect("a user's own failure counts");
        let recall = verdict.measures["user/trap_recall"];
        assert_eq!(recall, Ratio::new(0.0, 1.0), "the trap was there, and was not countered");
        let result = talks.result("turns", &turns.scenarios, "rule");
        assert_eq!(result.overall.recall.expect("counted").mean, 0.0);
    }
}

//! Suite files: what is made of a good one, and that the sides of a family are twins.

use std::fs;
use std::path::Path;

use duologue_config::hash;
use duologue_config::load_suite;
use sim::Scenario;
use sim::gyms::Rules;
use sim::scenario::Split;
use stress::Family;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// How many facts of a talk's item differ; the customers of `tau` have none.
fn facts_apart(family: &Family, item: u32) -> usize {
    match (&family.hostile.rules, &family.benign.rules) {
        (Rules::Talk(hostile), Rules::Talk(benign)) => {
            let of = |items: &sim::gyms::Splits<sim::gyms::talk::Item>| items.item(Split::HeldOut, item).clone();
            let (hostile, benign) = (of(&hostile.items), of(&benign.items));
            assert_eq!((hostile.person, &hostile.plants), (benign.person, &benign.plants));
            hostile.truth.iter().zip(&benign.truth).filter(|(one, other)| one != other).count()
        }
        (Rules::Tau(hostile), Rules::Tau(benign)) => {
            let of = |rules: &sim::gyms::tau::Rules| rules.library.entry(Split::HeldOut, item).clone();
            let (hostile, benign) = (of(hostile), of(benign));
            let who = |entry: &sim::gyms::tau::library::Entry| (entry.task.user_id.clone(), entry.task.opening.clone());
            assert_eq!((who(&hostile), &hostile.identity), (who(&benign), &benign.identity));
            0
        }
        _ => panic!("both sides are of one gym"),
    }
}

#[test]
fn the_sides_of_a_family_are_the_same_person_with_another_right() {
    let suite = load_suite(&root().join("configs/stress/first.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((suite.families.len(), suite.items, suite.trials, suite.reruns_max), (10, 50, 4, 3));
    for family in &suite.families {
        let is_talk = matches!(family.hostile.rules, Rules::Talk(_));
        for item in 0..suite.items {
            assert_eq!(facts_apart(family, item), usize::from(is_talk), "{}, item {item}", family.name);
        }
        let without_rules = |scenario: &Scenario| (scenario.turns_max, scenario.seats.clone(), scenario.items);
        assert_eq!(without_rules(&family.hostile), without_rules(&family.benign), "{}", family.name);
    }
}

#[test]
fn given_facts_decide_nothing_but_themselves() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(root().join("scenarios/stress/persistence.toml")).expect("it can be read");
    let load = |given: &str| {
        let path = folder.path().join("talk.toml");
        let with = text.replace("\n[world.slots]", &format!("{given}\n[world.slots]"));
        fs::write(&path, with).expect("the folder is ours");
        match duologue_config::load_scenario(&path).unwrap_or_else(|errors| panic!("{errors}")).rules {
            Rules::Talk(rules) => rules,
            _ => panic!("it is a talk"),
        }
    };
    let (free, given) = (load(""), load("given = { member = \"no\" }"));
    let member = free.book.common.thing("member").expect("a fact");
    let mut values = std::collections::BTreeSet::new();
    for split in [Split::Train, Split::HeldOut] {
        for (free, given) in free.items.of(split).iter().zip(given.items.of(split)) {
            values.insert(free.truth[member]);
            let mut expected = (**free).clone();
            expected.truth[member] = Some(1);
            assert_eq!(**given, expected);
        }
    }
    assert_eq!(values.len(), 2, "drawn freely, it is both");
}

#[test]
fn a_suite_is_another_one_where_anything_that_decides_it_differs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(root().join("configs/stress/first.toml")).expect("it can be read");
    // The talks alone: an airline takes longer to draw than to tell apart.
    let (text, _) = text.split_once("# ---- Hostile users, as customers").expect("talks come first");
    let scenarios = format!("\"{}/scenarios/", root().display());
    let of = |from: &str, to: &str| {
        assert!(text.contains(from), "`{from}` stands in the file");
        let path = folder.path().join("suite.toml");
        let edited = text.replacen(from, to, 1).replace("\"../../scenarios/", &scenarios);
        fs::write(&path, edited).expect("the folder is ours");
        hash(&load_suite(&path).unwrap_or_else(|errors| panic!("{errors}")))
    };
    let itself = of("items = 50", "items = 50");
    assert_eq!(itself, of("items = 50", "items  =  50  # as it was"));
    let others =
        [("items = 50", "items = 49"), ("asr_max = 0.1", "asr_max = 0.2"), ("\"own.breach\"", "\"own.refused\"")];
    for (from, to) in others {
        assert_ne!(itself, of(from, to), "{to}");
    }
}

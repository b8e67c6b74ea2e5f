//! Items in the form of a release: what is made of them, and what is said of those that cannot be played.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use duologue_config::check_policy;
use duologue_config::load_scenario;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::scenario::Split;

/// A scenario of the checkout with other items, one file `items.json`, and a user.
fn loaded(name: &str, items: &str, file: &str, user: &str) -> Result<Scenario, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenarios/userrl/{name}.toml"));
    let text = fs::read_to_string(checkout).expect("it is part of the repository");
    let line = text.lines().find(|line| line.starts_with("items = ")).expect("a scenario has items");
    let text = text
        .replace(line, &format!("items = {items}"))
        .replace("policy = \"rule\"   ", &format!("policy = \"{user}\"   "));
    let path = folder.path().join("scenario.toml");
    fs::write(&path, text).expect("the folder is ours");
    fs::write(folder.path().join("items.json"), file).expect("the folder is ours");
    load_scenario(&path).map_err(|errors| errors.to_string())
}

const ONE: &str = "{ file = \"items.json\", held_out = 10, seed = 42 }";
const TWO: &str = "{ train = \"items.json\", held_out = \"items.json\" }";
const KNOWN: &str = "{ train = \"items.json\", held_out = \"items.json\", keep_known = true }";

/// Seven arguments for each of six claims, written a little differently each time.
fn statements() -> String {
    let statement = |n: u32| {
        let claim = ["Ants are clever.", "ants are clever", "Ants are CLEVER!"][n as usize % 3]
            .replace("nt", &format!("nt{}", n / 7));
        format!("{{\"id\": \"s{n}\", \"claim\": \"{claim}\", \"argument\": \"Because {n}.\"}}")
    };
    format!("[{}]", (0..42).map(statement).collect::<Vec<_>>().join(","))
}

#[test]
fn no_published_claim_is_in_both_splits_however_it_is_written() {
    let scenario = loaded("persuade", ONE, &statements(), "model:m").unwrap();
    assert_eq!((scenario.items.train, scenario.items.held_out), (35, 7), "claims stay whole");
    let Rules::Persuade(rules) = &scenario.rules else { panic!("it is persuade") };
    let claims = |split| -> BTreeSet<String> {
        rules.library.of(split).iter().map(|item| sim::gyms::words::normal(&item.claim)).collect()
    };
    assert!(claims(Split::Train).is_disjoint(&claims(Split::HeldOut)));
    assert_eq!(loaded("persuade", KNOWN, &statements(), "model:m").unwrap().items.held_out, 42);
    let error = loaded("persuade", TWO, &statements(), "model:m").unwrap_err();
    assert!(error.contains("world.items: cannot be played: there are no held-out items"), "{error}");
}

#[test]
fn a_script_cannot_be_the_believer_of_a_published_claim_in_a_file_or_by_a_flag() {
    for user in ["rule", "random", "scripted:good"] {
        let error = loaded("persuade", ONE, &statements(), user).unwrap_err();
        assert!(
            error
                .contains(&format!("user.policy: `{user}` cannot sit here: what belief in a published claim rests on")),
            "{error}"
        );
        assert!(error.contains("hint: the user can be `model:DIR`"), "{error}");
    }
    let scenario = loaded("persuade", ONE, &statements(), "model:m").unwrap();
    assert!(check_policy("--user", &scenario.rules, Seat::User, "rule").is_err());
    assert!(check_policy("--agent", &scenario.rules, Seat::Agent, "scripted:good").is_ok());
    let own = loaded("persuade", "{ generate = 5, held_out = 5, seed = 1 }", "", "rule").unwrap();
    assert!(check_policy("--user", &own.rules, Seat::User, "rule").is_ok());
}

#[test]
fn things_that_cannot_be_played_are_told_with_what_the_file_should_be() {
    for (name, file, said) in [
        ("telepathy", "{}", "invalid type"),
        ("telepathy", "[", "EOF"),
        (
            "telepathy",
            "[{\"id\": \"a\", \"title\": \"(!)\", \"description\": \"\", \"target_entity\": \"\", \"category\": \"\"}]",
            "`a` has no title",
        ),
        ("turtle", "[]", "invalid type"),
        (
            "turtle",
            "{\"a\": {\"new_title\": \"t\", \"new_surface\": \"s\", \"new_bottom\": \"b\", \"evaluation\": []}}",
            "has 0 criteria",
        ),
        (
            "turtle",
            "{\"a\": {\"new_title\": \"t\", \"new_surface\": \"s\", \"new_bottom\": \"b\", \"evaluation\": [{\"statement\": \"c\", \"score\": 0.7}]}}",
            "add up to 0.7",
        ),
        (
            "turtle",
            "{\"a\": {\"new_title\": \"t\", \"new_surface\": \"s\", \"new_bottom\": \"b\", \"evaluation\": [{\"statement\": \"c\", \"score\": 2}, {\"statement\": \"c\", \"score\": -1}]}}",
            "without weight",
        ),
        (
            "turtle",
            "{\"a\": {\"new_title\": \"t\", \"new_surface\": \"!\", \"new_bottom\": \"b\", \"evaluation\": [{\"statement\": \"c\", \"score\": 1}]}}",
            "lacks its surface",
        ),
        ("persuade", "[{\"id\": \"a\", \"claim\": \" \", \"argument\": \"\"}]", "`a` claims nothing"),
    ] {
        let error = loaded(name, ONE, file, "model:m").unwrap_err();
        assert!(
            error.contains("world.items.file") && error.contains(said) && error.contains("hint: it is a"),
            "{said}: {error}"
        );
    }
    let error = loaded("telepathy", &ONE.replace("items.json", "nowhere.json"), "", "rule").unwrap_err();
    assert!(error.contains("`nowhere.json` cannot be read") && error.contains("$DUOLOGUE_DATA"), "{error}");
}

#[test]
fn more_items_than_there_are_different_ones_are_a_mistake() {
    for (name, most) in [("telepathy", 8192), ("turtle", 10_368)] {
        let items = |train: u32| format!("{{ generate = {train}, held_out = 192, seed = 1 }}");
        let error = loaded(name, &items(most), "", "rule").unwrap_err();
        assert!(error.contains(&format!("there are {most} different ones")), "{error}");
        assert_eq!(loaded(name, &items(most - 192), "", "rule").unwrap().items.train, most - 192);
    }
}

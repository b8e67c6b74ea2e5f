//! `scenarios/booking.toml`: that it pays what MADPL pays (specification user-models §2.1), by hand, and tells each seat its own facts and nothing else.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use duologue_config::load_scenario;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::RewardKind;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::talk;
use sim::record::Casting;
use sim::scenario::Split;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/booking.toml")
}

fn booking() -> Arc<Scenario> {
    Arc::new(load_scenario(&file()).unwrap_or_else(|errors| panic!("{errors}")))
}

fn rules(scenario: &Scenario) -> &talk::Rules {
    let Rules::Talk(rules) = &scenario.rules else { panic!("another gym") };
    rules
}

/// What a fact is on an item to learn from.
fn fact<'a>(rules: &'a talk::Rules, item: &talk::Item, name: &str) -> &'a str {
    let common = &rules.book.common;
    let thing = common.thing(name).expect("the file has it");
    common.value(thing, item.truth[thing].expect("it is a fact"))
}

/// The number of an item with a goal in one domain alone, a table, whose phone is asked for.
fn table_alone(rules: &talk::Rules) -> u32 {
    let is = |item: &talk::Item, name, value| fact(rules, item, name) == value;
    let found = rules.items.of(Split::Train).iter().position(|item| {
        is(item, "table", "phone") && ["hotel", "taxi", "train"].iter().all(|domain| is(item, domain, "none"))
    });
    found.expect("one in forty or so is") as u32
}

/// The talk in which these turns are said, by turns, beginning with the user; names in braces are what is true.
fn played(scenario: &Arc<Scenario>, said: &[&str]) -> EpisodeRecord {
    let rules = rules(scenario);
    let item = table_alone(rules);
    let truth = rules.items.item(Split::Train, item);
    let filled = |text: &str| {
        ["food", "price", "phone", "street"]
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), fact(rules, truth, name)))
    };
    let id = EpisodeId { phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 1 };
    let policies = Pair { agent: "person".to_owned(), user: "person".to_owned() };
    let casting = Casting::new(id, Split::Train, item, policies);
    let mut said = said.iter();
    let decide = |_, _: &Observation| Decision::say(filled(said.next().expect("the talk is over by then")));
    sim::drive(casting, scenario, 1, decide, |_, _| unreachable!("nobody is asked"))
}

/// What a seat earned by itself and what both earned together, before the weight of a twentieth.
fn earned(record: &EpisodeRecord, seat: Seat) -> (f64, f64) {
    let verdict = record.verdict.as_ref().expect("it was judged");
    let of = |kind| verdict.rewards.iter().filter(move |reward| reward.seat == seat && reward.kind == kind);
    let sum = |kind| of(kind).map(|reward| reward.value).sum();
    assert!(verdict.rewards.iter().all(|reward| reward.weight == 0.05));
    (sum(RewardKind::Outcome), sum(RewardKind::Shared))
}

#[test]
fn madpl_pays_for_what_is_said_asked_answered_and_closed() {
    let scenario = booking();
    let all = ["[tell food={food} price={price}]", "[book meal={food} bill={price}]", "[ask phone]"];
    let record = played(&scenario, &[&all[..], &["[tell phone={phone}]", "[end done]"]].concat());
    // Two turns of the agent, one domain, all of it: −2 + 5 + 20.
    assert_eq!((earned(&record, Seat::User), earned(&record, Seat::Agent)), ((20.0, 23.0), (20.0, 23.0)));
    assert_eq!(record.scores, Pair { agent: Some(43.0 * 0.05), user: Some(43.0 * 0.05) });

    // Asked before anything was told: −1. The agent says nothing: −5, and −1 for the open question, and −1 again while it books.
    let record =
        played(&scenario, &[&["[ask phone]", "Hm."], &all[..], &["[tell phone={phone}]", "[end done]"]].concat());
    assert_eq!((earned(&record, Seat::User), earned(&record, Seat::Agent)), ((19.0, 22.0), (13.0, 22.0)));

    // Two questions are open after a silent turn; then neither told all nor closed anything: −5 each. What ends a talk is no silence.
    let record = played(&scenario, &["[ask phone street]", "Hm.", "Hm.", "[end booked]"]);
    assert_eq!((earned(&record, Seat::User), earned(&record, Seat::Agent)), ((-11.0, -7.0), (-14.0, -7.0)));
    let evidence = &record.verdict.as_ref().expect("it was judged").rewards;
    let open: Vec<(f64, &str)> = evidence
        .iter()
        .filter(|reward| reward.name == "own.unanswered")
        .map(|reward| (reward.value, reward.evidence.as_str()))
        .collect();
    assert_eq!(open, [(-2.0, "turn 0: asked, 2 times"), (-2.0, "turn 1: asked, 2 times")]);
}

#[test]
fn what_is_told_or_answered_falsely_closes_nothing() {
    let scenario = booking();
    let rules = rules(&scenario);
    let phone = fact(rules, rules.items.item(Split::Train, table_alone(rules)), "phone");
    let wrong = if phone == "p11" { "[tell phone=p22]" } else { "[tell phone=p11]" };
    let told =
        ["[tell food={food} price={price}]", "[book meal={food} bill={price}]", "[ask phone]", wrong, "[end done]"];
    let record = played(&scenario, &told);
    assert_eq!((earned(&record, Seat::User), earned(&record, Seat::Agent)), ((20.0, -7.0), (-5.0, -7.0)));
}

#[test]
fn each_seat_is_told_its_facts_as_acts_write_them_and_nothing_else() {
    let scenario = booking();
    let record = played(&scenario, &["[tell food={food} price={price}]", "Hm.", "[end]"]);
    let rules = rules(&scenario);
    let item = rules.items.item(Split::Train, record.casting.item);
    for seat in Seat::ALL {
        let first = record.turns_of(seat).next().expect("both spoke");
        let facts: Vec<String> = rules
            .book
            .common
            .things
            .iter()
            .filter(|thing| thing.fact.as_ref().is_some_and(|fact| fact.known[seat] == 1.0))
            .map(|thing| format!("{}={}", thing.name, fact(rules, item, &thing.name)))
            .collect();
        assert_eq!(facts.len(), if seat == Seat::User { 12 } else { 8 });
        assert_eq!(first.observed[0].text, facts.join(" "));
    }
}

/// What is said to the file with something else in place of a part of it.
fn said(from: &str, to: &str) -> String {
    let text = fs::read_to_string(file()).expect("it can be read");
    assert!(text.contains(from), "`{from}` stands in the file");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    fs::write(&path, text.replacen(from, to, 1)).expect("the folder is ours");
    load_scenario(&path).err().map(|errors| errors.to_string()).unwrap_or_default()
}

#[test]
fn a_term_by_number_needs_a_number_and_a_bound() {
    let key = "world.terms.turns.per: ";
    for (from, to, expected) in [
        ("per = \"turn\"", "per = \"table\"", format!("{key}`table` is a word, and no number\nhint: counts and facts")),
        ("per = \"turn\"", "per = \"turns\"", format!("{key}`turns` names nothing here\nhint: did you mean `turn`?")),
        ("per = \"turn\"\ntimes_max = 12\n", "per = \"turn\"\n", "world.terms.turns.times_max: is missing".to_owned()),
        ("per = \"turn\"\n", "", "world.terms.turns.times_max: has no effect".to_owned()),
    ] {
        let said = said(from, to);
        assert!(said.contains(&expected), "{to}\nsaid: {said}");
    }
    // At most so often as it may be, however large the number.
    let scenario = booking();
    let term = rules(&scenario).book.terms.iter().find(|term| term.name == "own.turns").expect("it is there");
    assert_eq!((term.times_max, term.most()), (12, -12.0));
}

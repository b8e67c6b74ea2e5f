//! Acts that nobody should make, in all of UserRL's gyms: nothing, a megabyte, control characters, unknown ids, wrong JSON, numbers of any
//! size; as the first act, amid good play, again and again, and after the end. Whatever they are, somebody is told something of a bounded
//! size, nothing is earned beyond the scenario's range, every number is one, and the record comes back from disk and re-drives.

use std::sync::Arc;

use sim::Act;
use sim::Choice;
use sim::EpisodeRecord;
use sim::Next;
use sim::Phase;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::WorldInput;
use sim::WorldOutput;
use sim::gyms::Script;
use sim::redrive;

use crate::gyms::SEED;
use crate::gyms::acting;
use crate::gyms::acts;
use crate::gyms::casting;
use crate::gyms::earned;
use crate::gyms::played;
use crate::gyms::scenario;

/// What a gym may say to one act, in bytes: the tool lists and the policy of `tau` are the longest.
const SAID_MAX: usize = 40_000;
/// What it may ask about one: the customer of `tau` is told the whole talk, each turn of it at most 2000 bytes long.
const ASKED_MAX: usize = 100_000;
/// What it may write down about it.
const NOTED_MAX: usize = 4_000;
/// More than any gym listens to.
const MEGABYTE: usize = 1_000_000;

/// Whether an act is a megabyte long: these are played less often, since writing them down takes its time.
fn is_long(content: &str) -> bool {
    content.len() >= MEGABYTE
}

/// What is said, by what is wrong with it.
fn contents() -> Vec<(&'static str, String)> {
    let short: [(&str, &str); 30] = [
        ("empty", ""),
        ("spaces", " \t\r\n "),
        ("a prefix alone", "[answer]"),
        ("prefixes", "[search] [action] [answer] [finish]"),
        ("half a prefix", "[answer"),
        ("control characters", "\u{0}\u{1}\u{7}\u{8}\u{1b}[2J\u{7f}\u{85}"),
        ("invisible characters", "\u{feff}\u{200b}\u{202e}\u{2066}\u{e000}\u{10ffff}"),
        ("control characters amid words", "is it \u{0} small\u{1b}?"),
        ("letters that change their length", "\u{130}\u{df}\u{1e9e}\u{fb03} e\u{301}\u{323}"),
        ("an unknown option", "F999"),
        ("options of many aspects", "F1,H2,A3,C4,R5,Z6"),
        ("an unknown order", "get_order_details: {\"order_id\": \"#W999999999\"}"),
        ("an unknown tool", "{\"name\": \"drop_table\", \"arguments\": {\"x\": 1}}"),
        ("an unknown customer", "find_user_id_by_email: {\"email\": \"nobody@nowhere\"}"),
        ("half JSON", "{\"name\": \"think\", \"arguments\": {\"thought\": \"a"),
        ("a list", "[]"),
        ("nothing in JSON", "null"),
        ("arguments that are none", "{\"name\": 7, \"arguments\": \"no\"}"),
        ("keys twice", "{\"name\": \"think\", \"name\": \"think\", \"arguments\": {}, \"arguments\": []}"),
        ("other types", "calculate: {\"expression\": {\"a\": [1, null, true]}}"),
        ("a negative number", "-1"),
        ("minus nothing", "-0.0"),
        ("a number beyond 64 bits", "1e309"),
        ("the largest numbers", "1.7976931348623157e308 -1.7976931348623157e308 5e-324 1e308"),
        ("no number", "NaN"),
        ("no numbers", "inf -inf NaN infinity"),
        ("a number with many digits", "0.1000000000000000055511151231257827021181583404541015625"),
        ("an option beyond all", "H99999999999999999999999999"),
        ("a sum that overflows", "calculate: {\"expression\": \"9999999999999999 * 9999999999999999 ** 99999\"}"),
        ("division by nothing", "calculate: {\"expression\": \"1 / 0\"}"),
    ];
    let mut all: Vec<(&str, String)> = short.map(|(name, text)| (name, text.to_owned())).into();
    all.extend([
        ("two thousand digits", "9".repeat(2_000)),
        ("deep JSON", format!("think: {}", "{\"a\":".repeat(5_000))),
        ("deep brackets", format!("calculate: {{\"expression\": \"{}1\"}}", "(".repeat(1_900))),
        ("a megabyte of letters", "x".repeat(MEGABYTE)),
        ("a megabyte of words", "is it big? ".repeat(MEGABYTE / 11 + 1)),
        ("a megabyte of numbers", "-7 ".repeat(MEGABYTE / 3 + 1)),
        ("a megabyte of brackets", "[".repeat(MEGABYTE)),
        ("a megabyte of options", "F1,".repeat(MEGABYTE / 3 + 1)),
        ("a megabyte of JSON", format!("think: {{\"thought\": \"{}\"}}", "\u{e9}".repeat(MEGABYTE / 2))),
    ]);
    all
}

/// The same content in each way to say it.
fn said(content: &str) -> [Act; 5] {
    let tool = |choice| Act::Tool { choice, content: content.to_owned() };
    [
        tool(Choice::Action),
        tool(Choice::Search),
        tool(Choice::Answer),
        tool(Choice::Finish),
        Act::Say(content.to_owned()),
    ]
}

/// Plays the acts against the user by rule, and adds up what the user is asked, act by act.
fn played_and_asked(scenario: &Arc<Scenario>, acts: &[Act]) -> (EpisodeRecord, usize) {
    let user = Script::named(&scenario.rules, Seat::User, "rule").expect("every gym has one");
    let address = casting(Phase::Eval, "person", "rule", 0).id.address(SEED);
    let mut asked_most = 0;
    let record = acting(scenario, Phase::Eval, 0, acts, |query: &Query| {
        asked_most = asked_most.max(query.messages.iter().map(|message| message.text.len()).sum());
        user.answer(Seat::User, query, address)
    });
    (record, asked_most)
}

/// What must hold of a record, whatever was said in it.
#[track_caller]
fn check(scenario: &Arc<Scenario>, acts: &[Act], what: &str) {
    let (record, asked_most) = played_and_asked(scenario, acts);
    assert_eq!(record.fault, None, "{what}: the agent's words are nobody's fault");
    assert!(record.turns.len() as u32 <= scenario.turns_max, "{what}");
    assert!(asked_most <= ASKED_MAX, "{what}: the user is asked {asked_most} bytes");
    for (at, turn) in record.turns.iter().enumerate() {
        let effect = turn.effect.as_ref().unwrap_or_else(|| panic!("{what}: turn {at} had no effect"));
        let heard: usize = turn.observed.iter().map(|message| message.text.len()).sum();
        assert!(heard <= SAID_MAX, "{what}: {heard} bytes are said before turn {at}");
        let noted = effect.journal.iter().chain(&effect.malformed).map(String::len).sum::<usize>();
        let evidence = effect.rewards.iter().map(|reward| reward.evidence.len()).sum::<usize>();
        assert!(noted + evidence <= NOTED_MAX, "{what}: {noted} bytes are noted of turn {at}");
        let told = record.turns.get(at + 1).is_none_or(|next| !next.observed.is_empty());
        assert!(told, "{what}: turn {at} got no reply");
    }
    is_scored_within_bounds(scenario, &record, what);
    let text = serde_json::to_string(&record).expect("a record is text");
    let back: EpisodeRecord = serde_json::from_str(&text).expect("a record is read back");
    assert!(back == record, "{what}: comes back from disk as another one");
    redrive(&record, scenario).unwrap_or_else(|difference| panic!("{what}: {difference}"));
}

#[track_caller]
fn is_scored_within_bounds(scenario: &Scenario, record: &EpisodeRecord, what: &str) {
    for seat in Seat::ALL {
        let (low, high) = scenario.outcome_range(seat);
        if let Some(score) = record.scores[seat] {
            assert!(score.is_finite() && low - 1e-9 <= score && score <= high + 1e-9, "{what}: {seat} scores {score}");
        }
        let rewards = record.turn_rewards(seat).unwrap_or_default();
        assert!(rewards.iter().all(|reward| reward.is_finite()), "{what}: {rewards:?}");
    }
    for (name, ratio) in record.verdict.iter().flat_map(|verdict| &verdict.measures) {
        assert!(ratio.num.is_finite() && ratio.den.is_finite() && ratio.den >= 0.0, "{what}: {name} is {ratio:?}");
    }
    for reward in record.verdict.iter().flat_map(|verdict| &verdict.rewards) {
        let term = scenario.rules.terms().into_iter().find(|term| term.seat == reward.seat && term.name == reward.name);
        let term = term.unwrap_or_else(|| panic!("{what}: there is no term {}", reward.name));
        let within = term.min - 1e-9 <= reward.value && reward.value <= term.max + 1e-9;
        assert!(within, "{what}: {} is {}", reward.name, reward.value);
    }
}

/// A talk that is over takes nothing more, whatever it is.
fn ends_for_good(scenario: &Arc<Scenario>, act: &Act, what: &str) {
    let mut world = scenario.rules.world(scenario, &casting(Phase::Eval, "a", "b", 0), SEED);
    let _ = world.observe(Seat::Agent);
    let finish = Act::Tool { choice: Choice::Finish, content: String::new() };
    let ended = world.step(WorldInput::Act(Seat::Agent, finish));
    assert!(matches!(&ended[..], [WorldOutput::Effect(effect)] if effect.next == Next::Over), "{what}: {ended:?}");
    let after = world.step(WorldInput::Act(Seat::Agent, act.clone()));
    let [WorldOutput::Fault(fault)] = &after[..] else { panic!("{what}: after the end it has an effect") };
    assert!(fault.detail.len() < 200, "{what}: {}", fault.detail);
}

/// All of it in one gym.
fn takes_anything(gym: &str) {
    let scenario = scenario(gym);
    let good = acts(&played(&scenario, "scripted:good", "rule", 0));
    let half = good.len() / 2;
    for (name, content) in contents() {
        for act in said(&content) {
            let how = match &act {
                Act::Say(_) => "said".to_owned(),
                Act::Tool { choice, .. } => format!("{choice:?}"),
            };
            let what = format!("{gym}: {name}, {how}");
            check(&scenario, &[act.clone(), act.clone()], &what);
            ends_for_good(&scenario, &act, &what);
            if !is_long(&content) {
                let amid = [&good[..half], std::slice::from_ref(&act), &good[half..]].concat();
                check(&scenario, &amid, &format!("{what}, amid good play"));
                check(&scenario, &vec![act; 40], &format!("{what}, again and again"));
            }
        }
    }
}

/// An answer before anything was asked or looked up is an answer: it is heard, and what is wrong earns nothing.
#[test]
fn an_answer_before_any_search_or_question_is_heard_in_every_gym() {
    for gym in crate::gyms::USERRL {
        let scenario = scenario(gym);
        let wrong = if gym == "function" { "123456.75" } else { "F22 or nothing of the kind" };
        let act = Act::Tool { choice: Choice::Answer, content: wrong.to_owned() };
        let (record, _) = played_and_asked(&scenario, &[act]);
        assert_eq!((&record.fault, earned(&record)[0]), (&None, 0.0), "{gym}");
        assert!(record.turns.len() > 1 && !record.turns[1].observed.is_empty(), "{gym}");
    }
}

#[test]
fn function_takes_anything() {
    takes_anything("function");
}

#[test]
fn intention_takes_anything() {
    takes_anything("intention");
}

#[test]
fn persuade_takes_anything() {
    takes_anything("persuade");
}

#[test]
fn search_takes_anything() {
    takes_anything("search");
}

#[test]
fn tau_takes_anything() {
    takes_anything("tau");
}

#[test]
fn telepathy_takes_anything() {
    takes_anything("telepathy");
}

#[test]
fn travel_takes_anything() {
    takes_anything("travel");
}

#[test]
fn turtle_takes_anything() {
    takes_anything("turtle");
}

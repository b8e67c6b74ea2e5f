//! Conditions, and what is read of a turn, against meanings written out by hand. Whole talks are played out of their files: see
//! `config`'s tests of this world.

use std::sync::Arc;

use super::Lexicon;
use super::Line;
use super::Predicate;
use super::Reader;
use super::Sight;
use super::book::ActRule;
use super::book::Common;
use super::book::EndRule;
use super::book::Fact;
use super::book::Thing;
use super::book::Value;
use super::table::Table;
use super::utterance::Deed;
use super::utterance::Tongue;
use crate::Act;
use crate::Choice;
use crate::Pair;
use crate::Seat;
use crate::testing::say;
use crate::testing::tool;

fn thing(name: &str, values: &[&str], is_fact: bool) -> Thing {
    let odds = vec![1.0; values.len()];
    Thing {
        name: name.to_owned(),
        words: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        fact: is_fact.then_some(Fact { odds, known: Pair { agent: 1.0, user: 0.0 } }),
    }
}

fn act(name: &str, asks: &[usize], fills: &[usize], claims: &[usize]) -> ActRule {
    let (sets, says) = (Vec::new(), Vec::new());
    let (asks, fills, claims) = (asks.to_vec(), fills.to_vec(), claims.to_vec());
    ActRule { name: name.to_owned(), asks, fills, claims, sets, when: Predicate::always(), says }
}

/// Things by name: day 0, fee 1, limit 2.
fn common() -> Common {
    let agent = vec![act("greet", &[], &[], &[]), act("propose", &[], &[0], &[]), act("tell", &[], &[], &[1])];
    let user = vec![act("accept", &[], &[], &[]), act("ask", &[1, 0], &[], &[])];
    Common {
        things: vec![
            thing("day", &["monday", "friday"], false),
            thing("fee", &["20", "30"], true),
            thing("limit", &["25"], true),
        ],
        acts: Pair { agent, user },
        opens: Seat::Agent,
        words: true,
        brief: super::book::Brief::Whole,
    }
}

fn truth(text: &str, said: [Option<Value>; 3], known: [Option<Value>; 3]) -> Option<bool> {
    let (common, names) = (common(), Vec::new());
    let lexicon = Lexicon { common: &common, targets: &names, ends: &names };
    let reader = Reader::Seat(Seat::User);
    let predicate = Predicate::read(text, &lexicon, reader).unwrap_or_else(|misread| panic!("{text}: {misread:?}"));
    let mut table = Table::new(3, Pair { agent: 3, user: 2 }, 8);
    table.said = said.to_vec();
    table.turns.agent = 3;
    let sight = Sight { common: &common, reader, table: &table, known: &known, inner: None, fair: None, tally: None };
    predicate.truth(&sight)
}

#[test]
fn conditions_mean_what_they_say() {
    let known = [None, Some(1), Some(0)];
    for (text, expected) in [
        ("fee == 30", Some(true)),
        ("fee > limit", Some(true)),
        ("fee <= limit or turn == 3", Some(true)),
        ("fee <= limit and turn == 3", Some(false)),
        ("not fee == 30", Some(false)),
        ("not (fee == 30 and turn < 3) and always", Some(true)),
        ("turn >= 1 or turn >= 2 and never", Some(true)),
        ("fee != 20", Some(true)),
        ("day", Some(false)),
        ("turns_left == 5", Some(true)),
    ] {
        assert_eq!(truth(text, [None; 3], known), expected, "{text}");
    }
}

#[test]
fn what_is_unknown_stays_unknown_and_an_empty_slot_is_nothing() {
    for (text, expected) in [
        ("fee == 30", None),
        ("not fee == 30", None),
        ("fee == 30 and never", Some(false)),
        ("fee == 30 or always", Some(true)),
        ("fee", Some(false)),
        ("known.fee", Some(false)),
        ("day == friday", Some(false)),
        ("day != friday", Some(true)),
        ("fair", None),
    ] {
        assert_eq!(truth(text, [None; 3], [None; 3]), expected, "{text}");
    }
    assert_eq!(truth("day == friday", [Some(1), None, None], [None; 3]), Some(true));
}

#[test]
fn conditions_that_cannot_be_read_say_why() {
    let (common, ends) = (common(), vec!["bought".to_owned()]);
    let lexicon = Lexicon { common: &common, targets: &[], ends: &ends };
    let why = |text: &str, reader| Predicate::read(text, &lexicon, reader).expect_err(text).what;
    let user = Reader::Seat(Seat::User);
    for (text, expected) in [
        ("", "ends where a name"),
        ("fee ==", "ends where a value"),
        ("fee == 30 30", "stands where"),
        ("(fee", "without its `)`"),
        ("fee =! 3", "is no comparison"),
        ("price > 3", "`price` names nothing here"),
        ("day == sunday", "is never `sunday`"),
        ("day > monday", "only numbers have an order"),
        ("lies", "only the world knows"),
        ("and", "names nothing here"),
    ] {
        assert!(why(text, user).contains(expected), "{text}: {}", why(text, user));
    }
    assert!(why("trust > 2", Reader::Seat(Seat::Agent)).contains("the user's own"));
    assert!(why(&"(".repeat(100), user).contains("parentheses"));
    assert!(why(&"x ".repeat(2000), user).contains("bytes"));
    assert!(Predicate::read("end == bought and lies == 0", &lexicon, Reader::World).is_ok());
}

/// Acts with what they are about.
type Acts = Vec<(Deed, Vec<(usize, Option<Value>)>)>;

fn read(seat: Seat, act: &Act) -> Result<Acts, String> {
    let common = Arc::new(common());
    let ends = [EndRule { name: "bought".to_owned(), when: Predicate::always(), says: Vec::new() }];
    let tongue = Tongue { seat, common: &common, plants: &[], traps: &[], ends: &ends };
    let said = tongue.read(act).map_err(|(_, why)| why)?;
    Ok(said.done.into_iter().map(|done| (done.deed, done.args)).collect())
}

#[test]
fn the_same_act_is_read_however_it_is_written() {
    let proposed = Ok(vec![(Deed::Act(1), vec![(0, Some(1))])]);
    for act in [
        say("[propose day=friday] Would Friday suit you?"),
        say("Would Friday suit you? [PROPOSE friday]"),
        say("[propose(day=friday)]"),
        say("[propose: day: Friday]"),
        say("[action] propose(day=friday)"),
        say("[action] [propose day=friday]"),
        say("[laughs] Well. [propose day = friday]"),
        say("{\"act\": \"propose\", \"day\": \"friday\", \"say\": \"Friday?\"}"),
        tool(Choice::Action, "propose day=friday"),
        tool(Choice::Answer, "[propose friday] Friday?"),
    ] {
        assert_eq!(read(Seat::Agent, &act), proposed, "{act:?}");
    }
}

#[test]
fn there_are_several_ways_to_hang_up_and_plain_talk_is_no_act() {
    for text in ["[end]", "[finish]", "[hang up] Bye.", "[End_Call]", "Bye. [hangup]"] {
        assert_eq!(read(Seat::User, &say(text)), Ok(vec![(Deed::End(None), Vec::new())]), "{text}");
    }
    let named = Ok(vec![(Deed::End(Some("bought".to_owned())), Vec::new())]);
    assert_eq!(read(Seat::User, &say("[end bought]")), named);
    assert_eq!(read(Seat::User, &tool(Choice::Finish, "bought, thank you")), named);
    for text in ["Hm.", "a ] b [ c", "[sighs] I do not know.", "{\"say\": 1}"] {
        assert_eq!(read(Seat::User, &say(text)), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_what_could() {
    for (seat, text, expected) in [
        (Seat::Agent, "[propose day=sunday]", "it is one of monday, friday"),
        (Seat::Agent, "[propose]", "needs what it is about: day"),
        (Seat::Agent, "[propose fee=20]", "cannot say what `fee` is"),
        (Seat::Agent, "[tell fee]", "needs what `fee` is: one of 20, 30"),
        (Seat::Agent, "[accept] Fine.", "`accept` is an act of the user"),
        (Seat::Agent, "[counter urgency]", "`counter` is an act of the user"),
        (Seat::Agent, "[dance]", "there is no act `dance`"),
        (Seat::Agent, "", "nothing in it"),
        (Seat::User, "[ask fee=20]", "cannot say what `fee` is"),
        (Seat::User, "[accept][accept][accept][accept][accept]", "at most 4 acts"),
    ] {
        let why = read(seat, &say(text)).expect_err(text);
        assert!(why.contains(expected), "{text}: {why}");
    }
    assert!(read(Seat::Agent, &say(&"x".repeat(1_000_000))).is_err());
}

#[test]
fn lines_of_a_policy_are_checked_by_name_and_value() {
    let common = common();
    let line = |text: &str| Line::read(text, &common, Seat::Agent, &["bought".to_owned()]);
    for text in ["greet", "propose day=friday", "propose day=$fee", "tell fee", "tell $asked", "end bought"] {
        assert!(line(text).is_ok(), "{text}: {:?}", line(text));
    }
    for text in ["", "accept", "counter", "propose", "propose day=sunday", "propose fee", "tell fee=$x", "end sold"] {
        assert!(line(text).is_err(), "{text}");
    }
}

//! Whole talks with what they must come to, by hand (spec userrl §2.4).

use proptest::prelude::*;

use super::super::Judge;
use super::say;
use super::scenario;
use super::tool;
use crate::Act;
use crate::Choice;
use crate::Decision;
use crate::EpisodeRecord;
use crate::NoAct;
use crate::Seat;
use crate::Stop;
use crate::WorldInput;
use crate::WorldOutput;
use crate::drive::drive;
use crate::testing::SEED;
use crate::testing::casting;

/// Plays the acts in order; after the last one, searches for nothing that is there.
fn played(acts: Vec<Act>) -> EpisodeRecord {
    let mut acts = acts.into_iter();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| say("[search] zzz"));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting("person", "rule", 0), &scenario(Judge::Exact), SEED, decide, |_, _| panic!("nobody is asked"))
}

fn observed(record: &EpisodeRecord, turn: usize) -> &str {
    &record.turns[turn].observed[0].text
}

#[test]
fn two_look_ups_lead_to_the_answer_and_it_earns_one_at_its_turn() {
    let record =
        played(vec![say("[search] heron"), tool(Choice::Search, "edda kiba"), tool(Choice::Answer, "Canaryton.")]);
    assert_eq!(observed(&record, 1), "1. Heron: Heron is a novel written by Edda Kiba.");
    assert_eq!(
        observed(&record, 2),
        "1. Edda Kiba: Edda Kiba was born in Canaryton.\n2. Heron: Heron is a novel written by Edda Kiba."
    );
    assert_eq!((record.stop, record.scores.agent, record.scores.user), (Some(Stop::Terminated), Some(1.0), Some(1.0)));
    assert_eq!(record.turns[2].effect.as_ref().unwrap().rewards[0].scope, crate::Scope::Turn(2));
    assert_eq!(record.turn_rewards(Seat::Agent).unwrap(), [0.0, 0.0, 1.1]);
}

#[test]
fn an_answer_before_any_search_is_heard() {
    assert_eq!(played(vec![say("[answer] Canary Town")]).scores.agent, Some(1.0));
}

#[test]
fn the_last_wrong_answer_ends_the_talk_so_that_guessing_does_not_pay() {
    let record = played(vec![say("[answer] Heron"), say("[answer] Otter"), say("[answer] Canaryton")]);
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (2, Some(Stop::Terminated), Some(0.0)));
    assert_eq!(observed(&record, 1), "That is not the answer. Answers left: 1.");
}

#[test]
fn the_sixth_search_is_told_to_answer_and_does_not_count_as_malformed() {
    let record = played(Vec::new());
    assert_eq!((record.turns.len(), record.stop), (8, Some(Stop::Truncated)));
    assert_eq!(observed(&record, 5), "Nothing was found.");
    assert_eq!(observed(&record, 6), "No searches are left. Answer.");
    assert!(record.turns.iter().all(|turn| turn.effect.as_ref().unwrap().malformed.is_none()));
    let measures = record.verdict.unwrap().measures;
    assert_eq!((measures["agent/searches"].num, measures["agent/refused"].num), (5.0, 3.0));
}

#[test]
fn the_last_permitted_act_is_carried_out() {
    let mut acts: Vec<Act> = (0..7).map(|_| say("[search] zzz")).collect();
    acts.push(say("[answer] Canaryton"));
    let record = played(acts);
    assert_eq!((record.turns.len(), record.scores.agent), (8, Some(1.0)));
}

#[test]
fn finish_ends_the_talk_in_any_form_and_shows_the_answer_to_nobody() {
    for act in [tool(Choice::Finish, ""), say("[FINISH] bye")] {
        let record = played(vec![act]);
        assert_eq!((record.turns.len(), record.stop, record.scores.agent), (1, Some(Stop::Terminated), Some(0.0)));
    }
}

#[test]
fn what_is_neither_search_nor_answer_costs_its_turn_and_three_in_a_row_the_talk() {
    let megabyte = "a ".repeat(500_000);
    let bad = [
        say(""),
        say("Canaryton"),
        say("[action] Where?"),
        say("[search]"),
        say("[search]  \t"),
        say("[answer] ?!"),
        tool(Choice::Answer, ""),
        tool(Choice::Search, &megabyte),
        tool(Choice::Answer, &megabyte),
        say(r#"{"choice": "answer", "content": "Canaryton"}"#),
    ];
    for act in bad {
        let record = played(vec![act.clone(), say("[answer] Canaryton")]);
        assert!(record.turns[0].effect.as_ref().unwrap().malformed.is_some(), "{act:?}");
        assert!(observed(&record, 1).starts_with("That does not count: "));
        assert_eq!(record.scores.agent, Some(1.0));
    }
    let record = played(vec![say(""), say("hm"), say("")]);
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Failed(Seat::Agent)), Some(0.0)));
    assert_eq!(record.scores.user, None, "the partner of a seat that failed has no score");
}

#[test]
fn control_characters_are_taken_as_they_are() {
    let record = played(vec![say("[search] heron\u{0}\u{1b}[2J"), say("[answer] \u{7}Canaryton\u{0}")]);
    assert!(observed(&record, 1).starts_with("1. Heron: "));
    assert_eq!(record.scores.agent, Some(1.0));
}

#[test]
fn an_agent_without_an_act_is_told_so() {
    let mumbled = || Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None };
    let scenario = scenario(Judge::Exact);
    let record =
        drive(casting("person", "rule", 0), &scenario, SEED, |_, _| mumbled(), |_, _| panic!("nobody is asked"));
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
}

#[test]
fn the_brief_says_what_may_be_done_in_a_few_words() {
    let record = played(vec![say("[finish]")]);
    let brief = observed(&record, 0);
    assert!(
        ["[search]", "[answer]", "5 searches", "2 answers", "8 turns"].iter().all(|word| brief.contains(word)),
        "{brief}"
    );
    assert!(brief.split_whitespace().count() < 60, "{brief}");
}

proptest! {
    /// No input in any state makes the world panic, acts after the end included.
    #[test]
    fn the_world_takes_anything_in_any_state(
        texts in prop::collection::vec("(\\[search\\]|\\[answer\\]|\\[finish\\]|\\[action\\])? ?(heron|Canaryton|Otter|\\PC{0,12})", 0..14),
        answers in prop::collection::vec((0u32..4, "(\\{\"correct\": (true|false)\\})|\\PC{0,8}"), 0..6),
    ) {
        let scenario = scenario(Judge::User);
        let mut world = scenario.rules.world(&scenario, &casting("person", "rule", 0), SEED);
        let mut answers = answers.into_iter();
        for text in texts {
            let outputs = world.step(WorldInput::Act(Seat::Agent, Act::Say(text)));
            prop_assert_eq!(outputs.len(), 1);
            if let Some((id, reply)) = answers.next() {
                let reply = crate::Answer { reply, decision: None };
                let outputs = world.step(WorldInput::Answer(crate::QueryId(id), reply));
                prop_assert!(!matches!(outputs[0], WorldOutput::Query(..)));
            }
            let _ = world.observe(Seat::Agent);
        }
    }
}

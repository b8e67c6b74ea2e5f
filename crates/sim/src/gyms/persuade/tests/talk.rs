//! Whole talks with the rewards they must give, by hand (spec userrl §2.3).

use super::about;
use super::published;
use super::scenario;
use crate::Choice;
use crate::EpisodeRecord;
use crate::FaultKind;
use crate::Party;
use crate::Seat;
use crate::Stop;
use crate::gyms::persuade::verdict::MEASURES;
use crate::testing::acting;
use crate::testing::acting_with;
use crate::testing::earned;
use crate::testing::played;
use crate::testing::replied;
use crate::testing::say;
use crate::testing::shown;
use crate::testing::survives_any_three_inputs;
use crate::testing::tool;

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} is not {expected:?}");
}

/// Arguments after each of which the user stands so.
fn stood(stances: &[&str]) -> EpisodeRecord {
    let acts = vec![say("consider this"); stances.len()];
    let mut stances = stances.iter();
    acting(&published(), 0, &acts, |_| {
        replied(&format!("{{\"response\": \"Well.\", \"stance\": \"{}\"}}", stances.next().expect("one an argument")))
    })
}

#[test]
fn six_moves_of_one_level_pay_six_times_a_sixth_to_six_digits() {
    let acts = [0, 1, 4, 8, 13, 22].map(|crux| say(&about(crux)));
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!(earned(&record), [0.166_667; 6]);
    assert_eq!(record.stop, Some(Stop::Terminated));
    close(&[record.scores.agent.unwrap(), record.scores.user.unwrap()], &[6.0 * 0.166_667, 0.0]);
    close(&[record.turn_rewards(Seat::Agent).unwrap()[5]], &[0.166_667 + 0.1]);
}

#[test]
fn one_move_of_six_levels_pays_one_and_ends_the_talk() {
    let record = stood(&["Strongly Disagree"]);
    assert_eq!((earned(&record), record.stop), (vec![1.0], Some(Stop::Terminated)));
    close(&earned(&stood(&["Neutral", "Disagree"])), &[0.5, 0.333_333, 0.0]);
}

#[test]
fn giving_way_and_hardening_by_turns_earns_nothing_twice() {
    // Upstream pays each of these three steps up (§6.1, fault 12).
    let record = stood(&["Agree", "Strongly Agree", "Agree", "Strongly Agree", "Partly Agree"]);
    close(&earned(&record), &[0.166_667, 0.0, 0.0, 0.0, 0.166_667, 0.0]);
    let measures = record.verdict.unwrap().measures;
    assert_eq!((measures["agent/backfired"].num, measures["moved"].rate()), (2.0, Some(2.0 / 6.0)));
}

#[test]
fn a_crux_gives_way_once_and_a_list_of_all_of_them_not_at_all() {
    let everything: Vec<&str> = super::super::catalogue::CRUXES.iter().flatten().copied().collect();
    let acts = [say(&about(0)), say(&about(0)), say(&everything.join(" ")), say(&about(22))];
    let record = acting_with(&scenario(), 0, &acts, "rule");
    close(&earned(&record), &[0.166_667, 0.0, 0.0, 0.166_667, 0.0]);
    assert_eq!(record.turns[3].observed[0].text, "One thing at a time, please. But what of cost?");
}

#[test]
fn an_insult_hardens_and_what_was_lost_has_to_be_won_back_unpaid() {
    let acts = [say(&about(0)), say("You fool, think it over once more."), say(&about(1)), say(&about(4))];
    close(&earned(&acting_with(&scenario(), 0, &acts, "rule")), &[0.166_667, 0.0, 0.0, 0.166_667, 0.0]);
}

#[test]
fn whatever_is_said_is_an_argument_but_finish() {
    let text = about(0);
    let bare = text.trim_start_matches("[answer] ");
    for act in [
        say(bare),
        tool(Choice::Action, bare),
        tool(Choice::Search, bare),
        tool(Choice::Answer, &text),
        say(&format!("[action] {bare}")),
    ] {
        assert_eq!(earned(&acting_with(&scenario(), 0, &[act], "rule"))[0], 0.166_667);
    }
    for act in [tool(Choice::Finish, ""), say("[FINISH] enough")] {
        let record = acting_with(&scenario(), 0, &[say(&about(0)), act], "rule");
        assert_eq!(
            (record.turns.len(), record.stop, record.scores.agent),
            (2, Some(Stop::Terminated), Some(0.166_667))
        );
    }
}

#[test]
fn exactly_turns_max_acts_take_effect_and_the_last_one_is_heard() {
    let mut acts = vec![say("That is not so, I should say."); 7];
    acts.push(say(&about(0)));
    acts.push(say(&about(1)));
    let record = acting_with(&scenario(), 0, &acts, "rule");
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (8, Some(Stop::Truncated), Some(0.166_667)));
}

#[test]
fn empty_content_and_a_megabyte_cost_the_turn_and_three_in_a_row_the_talk() {
    let megabyte = "budget ".repeat(160_000);
    for (bad, measure) in [
        (say(""), "agent/empty"),
        (say("[answer] \t"), "agent/empty"),
        (tool(Choice::Action, ""), "agent/empty"),
        (say(&megabyte), "agent/too_long"),
        (tool(Choice::Answer, &megabyte), "agent/too_long"),
    ] {
        let record = acting_with(&scenario(), 0, &[bad.clone(), say(&about(0))], "rule");
        assert!(record.turns[0].effect.as_ref().unwrap().malformed.is_some() && record.turns[0].answers.is_empty());
        assert!(record.turns[1].observed[0].text.contains("Argue with [answer]"), "it is told what would be right");
        assert_eq!(record.verdict.unwrap().measures[measure].num, 1.0);
        let record = acting_with(&scenario(), 0, &[bad.clone(), bad.clone(), bad], "rule");
        assert_eq!(
            (record.stop, record.scores.agent, record.scores.user),
            (Some(Stop::Failed(Seat::Agent)), Some(0.0), None)
        );
    }
}

#[test]
fn control_characters_wrong_json_and_numbers_of_any_size_move_nobody() {
    let odd =
        ["\u{0}\u{7}\u{1b}[2J", "{\"choice\": \"ans", "[]", "null", "-1", "1e999", "99999999999999999999", "H999"];
    for text in odd {
        let record = acting_with(&scenario(), 0, &[tool(Choice::Answer, text), say(text)], "rule");
        assert_eq!((record.turns.len(), record.fault, record.scores.agent), (3, None, Some(0.0)), "{text}");
    }
}

#[test]
fn no_input_in_any_state_breaks_the_world_and_none_counts_after_the_end() {
    survives_any_three_inputs(&scenario());
    survives_any_three_inputs(&published());
}

#[test]
fn no_script_can_say_what_moves_the_believer_of_a_published_claim() {
    for user in ["rule", "random", "scripted:bad"] {
        let record = played(&published(), "scripted:good", user, 0);
        let fault = record.fault.expect("it cannot answer");
        assert_eq!((fault.party, fault.kind, record.scores.agent), (Party::User, FaultKind::Refused, None));
    }
    assert!(published().rules.without_scripts(Seat::User).is_some());
    assert_eq!(published().rules.without_scripts(Seat::Agent), None);
    assert_eq!(scenario().rules.without_scripts(Seat::User), None);
}

#[test]
fn the_agent_is_told_the_form_and_never_its_reward() {
    let record = acting_with(&scenario(), 0, &[say(&about(0))], "rule");
    let brief = &record.turns[0].observed[0].text;
    assert!(brief.contains("8 turns") && brief.contains("[answer]") && brief.contains("[finish]"), "{brief}");
    assert!(brief.split_whitespace().count() < 60, "small models read it: {brief}");
    assert!(!shown(&record).to_lowercase().contains("reward") && !shown(&record).contains("0.16"));
}

#[test]
fn every_measure_is_in_every_verdict() {
    let record = acting_with(&scenario(), 0, &[say("small?"), say("SMALL")], "rule");
    let measures = record.verdict.unwrap().measures;
    let mut names = MEASURES.to_vec();
    names.sort_unstable();
    assert!(measures.keys().map(String::as_str).eq(names));
}

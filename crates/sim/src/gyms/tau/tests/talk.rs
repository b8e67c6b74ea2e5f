//! Whole talks with the rewards they must give, by hand (spec userrl §2.8), and everything that is no act.

use std::sync::Arc;

use super::Call;
use super::Domain;
use super::Library;
use super::Task;
use super::called;
use super::cancel;
use super::played;
use super::say;
use super::scenario_of;
use super::task;
use crate::Act;
use crate::Choice;
use crate::Decision;
use crate::EpisodeRecord;
use crate::NoAct;
use crate::Scenario;
use crate::Seat;
use crate::Stop;
use crate::WorldInput;
use crate::WorldOutput;
use crate::drive::drive;
use crate::gyms::GymWorld;
use crate::gyms::Rules;
use crate::gyms::tau::World;
use crate::scenario::Split;
use crate::testing::SEED;
use crate::testing::casting;

fn result(acts: Vec<Act>) -> (Option<Stop>, Option<f64>) {
    let record = played(&scenario_of(task(), false), acts, &[]);
    (record.stop, record.scores.agent)
}

const TOLD: &str = "[action] You get back 30.3 dollars.";

#[test]
fn the_gold_actions_and_outputs_are_worth_1_when_the_customer_stops() {
    let record = played(&scenario_of(task(), false), vec![called(&cancel()), say(TOLD)], &[]);
    assert_eq!((record.stop, record.scores.agent, record.scores.user), (Some(Stop::Terminated), Some(1.0), Some(1.0)));
    // The reward falls on the turn that ended the talk.
    assert_eq!(record.turns[1].effect.as_ref().unwrap().rewards[0].value, 1.0);
    assert!(record.turns[0].effect.as_ref().unwrap().rewards.is_empty());
}

#[test]
fn anything_left_out_or_done_besides_is_worth_nothing() {
    let other = r##"[answer] modify_user_address: {"user_id": "ada", "address1": "", "address2": "", "city": "", "state": "", "country": "", "zip": ""}"##;
    for acts in [
        vec![say(TOLD)],
        vec![called(&cancel()), say("[action] It is done.")],
        vec![called(&cancel()), say(other), say(TOLD)],
        // Said to nobody: a thought is not said to the customer.
        vec![called(&cancel()), say("[answer] think: {\"thought\": \"30.3\"}"), say("[action] It is done.")],
    ] {
        assert_eq!(result(acts), (Some(Stop::Terminated), Some(0.0)));
    }
}

#[test]
fn outputs_are_found_in_any_case_and_with_commas_in_numbers() {
    let mut wanted = task();
    wanted.outputs = vec!["1286.5".to_owned(), "Blue".to_owned()];
    let said = |text: &str| {
        let acts = vec![called(&cancel()), say("[action] It is bLUE."), say(text)];
        played(&scenario_of(wanted.clone(), false), acts, &["Go on."]).scores.agent
    };
    assert_eq!(said("[action] That makes 1,286.50."), Some(1.0));
    assert_eq!(said("[action] That makes 1,286."), Some(0.0));
}

#[test]
fn handing_over_settles_the_talk_and_hanging_up_does_not() {
    let over = say("[answer] transfer_to_human_agents: {\"summary\": \"\"}");
    let spoken = |act: Act| {
        let acts = vec![called(&cancel()), say(TOLD), act];
        let record = played(&scenario_of(task(), false), acts, &["Thanks, go on."]);
        (record.turns.len(), record.stop, record.scores.agent)
    };
    assert_eq!(spoken(over), (3, Some(Stop::Terminated), Some(1.0)));
    for finish in [say("[finish]"), Act::Tool { choice: Choice::Finish, content: String::new() }] {
        assert_eq!(spoken(finish), (3, Some(Stop::Terminated), Some(0.0)));
    }
}

#[test]
fn a_talk_without_an_end_is_truncated_with_nothing_after_its_last_act_was_carried_out() {
    let mut acts = vec![called(&cancel()); 7];
    acts.push(say(TOLD));
    let record = played(&scenario_of(task(), false), acts, &["Go on."]);
    assert_eq!((record.turns.len(), record.stop, record.scores.agent), (8, Some(Stop::Truncated), Some(0.0)));
    // §6.1, fault 3: the last permitted act is carried out, and where it ends the talk, it counts.
    assert_eq!(record.turns[7].answers.len(), 1);
    let mut acts = vec![called(&cancel()); 7];
    acts.push(say(TOLD));
    assert_eq!(played(&scenario_of(task(), false), acts, &[]).scores.agent, Some(1.0));
}

#[test]
fn the_opening_is_what_the_customer_is_told_that_it_said() {
    // §6.1, fault 10.
    let scenario = scenario_of(task(), false);
    let record = drive(
        casting("person", "person", 0),
        &scenario,
        SEED,
        |_, observation| {
            assert_eq!(observation.messages[1].text, "Hello there.");
            Decision::say("[action] Good day.")
        },
        |_, query| {
            assert!(query.messages.iter().any(|message| message.text.contains("You: Hello there.")));
            Ok(crate::Answer { reply: "###STOP###".to_owned(), decision: None })
        },
    );
    assert_eq!(record.stop, Some(Stop::Terminated));
}

#[test]
fn the_policy_is_in_the_brief_where_the_scenario_says_so_and_can_be_looked_up_anyway() {
    let shown = |policy: bool| {
        let acts = vec![say("[search] Policy"), say("[search] policy")];
        let record = played(&scenario_of(task(), policy), acts, &[]);
        record
            .turns
            .iter()
            .map(|turn| turn.observed.iter().any(|m| m.text.contains("POLICY-CANARY")))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(true), [true, true, false]);
    assert_eq!(shown(false), [false, true, false]);
}

#[test]
fn tools_are_listed_once() {
    let record = played(&scenario_of(task(), false), vec![say("[search] tools"), say("[search] tools")], &[]);
    let [first, second] = [1, 2].map(|at: usize| record.turns[at].observed[0].text.as_str());
    assert_eq!(first.lines().count(), 16);
    assert!(first.contains("cancel_pending_order(order_id, reason): "), "{first}");
    assert_eq!(second, "You have been given that.");
}

/// What an act is told that does not count.
fn refused(act: Act) -> (EpisodeRecord, String) {
    let record = played(&scenario_of(task(), false), vec![act, called(&cancel()), say(TOLD)], &[]);
    let why = record.turns[0].effect.as_ref().unwrap().malformed.clone();
    (record, why.unwrap_or_default())
}

#[test]
fn what_is_no_act_costs_its_turn_is_told_what_would_be_and_three_in_a_row_cost_the_talk() {
    let megabyte = "x".repeat(1 << 20);
    for text in [
        "",
        "hello",
        "[search]",
        "[search] weather",
        "[action]",
        "[action] \t ",
        "[answer]",
        "[answer] cancel everything",
        "[answer] {\"name\": \"cancel_pending_order\", \"arguments\": {",
        "[answer] [{\"name\": \"think\"}, {\"name\": \"think\"}]",
        &megabyte,
        &format!("[action] {megabyte}"),
        &format!("[answer] {{\"name\": \"{megabyte}\"}}"),
    ] {
        let (record, why) = refused(say(text));
        assert!(!why.is_empty(), "{text:.60}");
        assert!(record.turns[0].answers.is_empty(), "the customer hears nothing of it");
        assert!(record.turns[1].observed[0].text.starts_with("That does not count: "), "{text:.60}");
        assert!(record.turns[1].observed[0].text.len() < 300, "it is not said again");
        assert_eq!(record.scores.agent, Some(1.0));
    }
    let record = played(&scenario_of(task(), false), vec![say(""), say(""), say("")], &[]);
    assert_eq!((record.stop, record.scores.agent), (Some(Stop::Failed(Seat::Agent)), Some(0.0)));
}

#[test]
fn unknown_tools_wrong_arguments_and_unknown_ids_are_answered_and_change_nothing() {
    let rows = [
        (r#"{"name": "fly", "arguments": {}}"#, "Unknown action fly"),
        (r#"{"name": "cancel_pending_order"}"#, "Error: missing argument: order_id"),
        (r##"{"name": "get_order_details", "arguments": {"order_id": 1}}"##, "Error: argument order_id must be a text"),
        (
            r##"{"name": "get_order_details", "arguments": {"order_id": "#W1", "x": 1}}"##,
            "Error: unexpected argument: x",
        ),
        (r##"{"name": "get_order_details", "arguments": {"order_id": "W1"}}"##, "Error: order not found"),
        ("get_order_details: {\"order_id\": \"\\u0000\\u001b[2J\"}", "Error: order not found"),
    ];
    for (call, expected) in rows {
        let acts = vec![say(&format!("[answer] {call}")), called(&cancel()), say(TOLD)];
        let record = played(&scenario_of(task(), false), acts, &[]);
        assert_eq!(record.turns[1].observed[0].text, expected);
        assert_eq!(record.turns[0].effect.as_ref().unwrap().malformed, None, "it counts");
        assert_eq!(record.scores.agent, Some(1.0), "{call}");
    }
}

#[test]
fn control_characters_reach_the_customer_as_they_are() {
    let record = played(&scenario_of(task(), false), vec![say("[action] a\u{0}\u{7}\u{1b}[2J")], &["Go on."]);
    assert_eq!((record.fault.as_ref(), record.turns[0].answers.len()), (None, 1));
}

#[test]
fn an_agent_without_an_act_is_told_so() {
    let decide =
        |_, _: &_| Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None };
    let scenario = scenario_of(task(), false);
    let record = drive(casting("a", "b", 0), &scenario, SEED, decide, |_, _| panic!("nobody is asked anything"));
    assert_eq!((record.turns.len(), record.stop), (3, Some(Stop::Failed(Seat::Agent))));
}

#[test]
fn acts_and_answers_after_the_end_are_faults_of_the_environment_and_no_panics() {
    let scenario = scenario_of(task(), false);
    let Rules::Tau(rules) = &scenario.rules else {
        panic!("it is another gym");
    };
    let mut world = World::new(rules.clone(), &scenario, Split::HeldOut, 0, crate::Tools::Prose);
    let answer = || crate::Answer { reply: "yes".to_owned(), decision: None };
    let fault = |outputs: &[WorldOutput]| matches!(outputs, [WorldOutput::Fault(_)]);
    assert!(fault(&world.step(WorldInput::Answer(crate::QueryId(0), answer()))));
    world.step(WorldInput::Act(Seat::Agent, say("[action] Hello?")));
    assert!(fault(&world.step(WorldInput::Act(Seat::Agent, say("[finish]")))));
    world.step(WorldInput::Act(Seat::Agent, say("[finish]")));
    for act in ["[finish]", "[action] More?", "[answer] think: {\"thought\": \"\"}", ""] {
        assert!(fault(&world.step(WorldInput::Act(Seat::Agent, say(act)))), "{act}");
    }
    assert!(fault(&world.step(WorldInput::NoAct(Seat::Agent, String::new()))));
}

#[test]
fn a_change_that_leaves_what_a_wanted_one_leaves_is_that_one_however_it_is_written() {
    let change = |flights: &str| {
        let arguments =
            format!(r#"{{"reservation_id": "R", "cabin": "economy", "flights": [{flights}], "payment_id": "card"}}"#);
        let arguments = serde_json::from_str(&arguments).expect("they are JSON");
        Call { name: "update_reservation_flights".to_owned(), arguments }
    };
    let wanted = change(r#"{"flight_number": "F1", "date": "2024-05-21"}"#);
    let base = Arc::new(super::tools::airline().base);
    let task = Task {
        domain: Domain::Airline,
        user_id: "ada".to_owned(),
        actions: vec![wanted.clone()],
        outputs: Vec::new(),
        ..task()
    };
    let library = Library::new(vec![base], vec![task.clone()], vec![task]).unwrap();
    let rules = Rules::Tau(super::Rules { policy: false, library: Arc::new(library) });
    let scenario = Arc::new(Scenario { rules, ..(*scenario_of(super::task(), false)).clone() });
    let forbidden = |call: &Call| {
        let record = played(&scenario, vec![called(call), say("[action] It is done.")], &[]);
        (record.verdict.as_ref().unwrap().measures["agent/forbidden"].num, record.scores.agent)
    };
    assert_eq!(forbidden(&wanted), (0.0, Some(1.0)));
    let more = change(r#"{"flight_number": "F1", "date": "2024-05-21", "price": 100}"#);
    assert_eq!(forbidden(&more), (0.0, Some(1.0)), "what it says besides changes nothing");
    let other = change(r#"{"flight_number": "F4", "date": "2024-05-21"}"#);
    assert_eq!(forbidden(&other), (1.0, Some(0.0)));
}

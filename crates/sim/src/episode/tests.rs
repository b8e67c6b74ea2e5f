use std::sync::Arc;

use proptest::prelude::*;

use super::Episode;
use super::Input;
use super::Output;
use super::ProtocolError;
use crate::Act;
use crate::Addressee;
use crate::Answer;
use crate::Choice;
use crate::Decision;
use crate::Effect;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Next;
use crate::NoAct;
use crate::Pair;
use crate::Party;
use crate::Query;
use crate::QueryId;
use crate::Scenario;
use crate::Seat;
use crate::Stop;
use crate::Verdict;
use crate::View;
use crate::World;
use crate::WorldInput;
use crate::WorldOutput;
use crate::gyms::intention;
use crate::gyms::intention::view::Asked;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::finish;
use crate::testing::played;
use crate::testing::scenario;

fn start(scenario: &Arc<Scenario>) -> (Episode, Output) {
    let (episode, outputs) = Episode::start(casting("random", "random", 0), Arc::clone(scenario), SEED);
    (episode, only(outputs))
}

/// What the agent is told it earned, turn by turn; the first turn tells nothing.
fn told_rewards(shows: bool) -> (Vec<String>, EpisodeRecord) {
    let mut scenario = intention::example();
    scenario.seats.agent.shows_reward = shows;
    let record = crate::play_by_rule(casting("rule", "rule", 0), &Arc::new(scenario), SEED).expect("both are scripts");
    let told = record.turns.iter().flat_map(|turn| &turn.observed).filter(|m| m.text.starts_with("Reward: "));
    (told.map(|message| message.text.clone()).collect(), record)
}

#[test]
fn a_seat_is_told_what_its_last_turn_earned_only_if_the_scenario_says_so() {
    assert_eq!(told_rewards(false).0, [""; 0]);
    let (told, record) = told_rewards(true);
    let rewards = record.turn_rewards(Seat::Agent).expect("it was scored");
    // The training term falls on the last turn alone, and is nobody's to see; nor is what the last turn earned.
    let wanted: Vec<String> = rewards[..rewards.len() - 1].iter().map(|reward| format!("Reward: {reward:?}")).collect();
    assert_eq!(told, wanted);
    assert!(told.len() > 1 && told.iter().any(|told| told != "Reward: 0.0"), "{told:?}");
}

fn only(outputs: Vec<Output>) -> Output {
    let [output]: [Output; 1] = outputs.try_into().expect("one thing at a time");
    output
}

fn next(episode: &mut Episode, input: Input) -> Output {
    only(episode.step(input).expect("the input was awaited"))
}

fn fault() -> Fault {
    Fault::new(Party::Infrastructure, FaultKind::Panicked, "a test")
}

fn no_act(why: NoAct) -> Decision {
    Decision { act: Err(why), thought: None, generation: None }
}

fn malformed() -> Decision {
    no_act(NoAct::Malformed("no clause".to_owned()))
}

fn record(output: Output) -> EpisodeRecord {
    match output {
        Output::Done(record) => *record,
        other => panic!("the episode is not over: {other:?}"),
    }
}

/// Plays with the same decision whenever a seat is asked.
fn always(scenario: &Arc<Scenario>, agent: &Decision, user: &Decision) -> EpisodeRecord {
    let (episode, output) = start(scenario);
    finish(episode, vec![output], |_, output| match output {
        Output::Ask(Seat::Agent, _) => Input::Acted(Seat::Agent, agent.clone()),
        Output::Ask(Seat::User, _) => Input::Acted(Seat::User, user.clone()),
        other => panic!("this gym asks nothing: {other:?}"),
    })
}

/// The first few outputs of an episode: asked, lent, asked, … each answered as it should be.
fn at_stage(scenario: &Arc<Scenario>, stage: usize) -> (Episode, Output) {
    let (mut episode, mut output) = start(scenario);
    for _ in 0..stage {
        let input = right_input(output);
        output = next(&mut episode, input);
    }
    (episode, output)
}

/// An input that the output asks for. Both seats say something that ends the talk at the user's first turn.
fn right_input(output: Output) -> Input {
    match output {
        Output::Ask(Seat::Agent, _) => Input::Acted(Seat::Agent, Decision::say("I ask $9.")),
        Output::Ask(Seat::User, _) => Input::Acted(Seat::User, Decision::say("I accept.")),
        Output::Apply(mut world, input) => {
            let said = world.step(input);
            Input::Effected(world, said)
        }
        Output::Query(_, id, _) => Input::Answered(id, Ok(answer())),
        Output::Judge(case) => Input::Judged(Ok(case.by_rule())),
        Output::Done(_) => panic!("nothing follows the end"),
    }
}

/// How many outputs `right_input` answers before the end: two asks, two loans, the judge.
const STAGES: usize = 5;

fn query() -> Query {
    let asked = Asked::Reply { question: "How big?".to_owned(), related: true, hit: Vec::new() };
    let message = crate::Message { from: crate::Source::World, text: "What would you like?".to_owned() };
    Query { messages: vec![message], view: View::Intention(intention::View::User(asked)), spoken: true }
}

fn answer() -> Answer {
    Answer { reply: "A lamp.".to_owned(), decision: None }
}

fn effect(next: Next) -> WorldOutput {
    WorldOutput::Effect(Effect { malformed: None, rewards: Vec::new(), journal: Vec::new(), next })
}

#[test]
fn an_input_that_is_not_awaited_is_refused_and_changes_nothing() {
    let scenario = scenario();
    let awaited = ["the agent's decision", "the world", "the user's decision", "the world", "the verdict"];
    for (stage, awaited) in awaited.into_iter().enumerate() {
        let (mut episode, output) = at_stage(&scenario, stage);
        let (_, first) = at_stage(&scenario, 1);
        let Output::Apply(world, _) = first else { panic!("the first act is applied") };
        let before = serde_json::to_string(&episode).expect("episodes are data");
        let wrong = [
            Input::Acted(Seat::Agent, Decision::say("I ask $9.")),
            Input::Acted(Seat::User, Decision::say("I accept.")),
            Input::Effected(world, Vec::new()),
            Input::Answered(QueryId(0), Ok(answer())),
            Input::Judged(Ok(Verdict::default())),
        ];
        for (kind, input) in wrong.into_iter().enumerate() {
            // Agent, world, user, world, judge: the kind of input that each stage awaits.
            if kind == [0, 2, 1, 2, 4][stage] {
                continue;
            }
            let refused = episode.step(input).expect_err("nobody waits for that");
            assert_eq!(refused, ProtocolError::NotAwaited { awaited }, "stage {stage}, input {kind}");
        }
        assert_eq!(serde_json::to_string(&episode).expect("episodes are data"), before, "stage {stage}");
        episode.step(right_input(output)).expect("the right input is still welcome");
    }
}

#[test]
fn after_its_end_an_episode_takes_nothing_more() {
    let scenario = scenario();
    let (mut episode, output) = at_stage(&scenario, STAGES);
    assert!(episode.is_over());
    assert_eq!(record(output).stop, Some(Stop::Terminated));
    for input in [
        Input::Acted(Seat::Agent, Decision::say("I ask $9.")),
        Input::Answered(QueryId(0), Err(fault())),
        Input::Judged(Ok(Verdict::default())),
        Input::Failed(fault()),
    ] {
        assert_eq!(episode.step(input).expect_err("it is over"), ProtocolError::AfterEnd);
    }
}

#[test]
fn a_seat_without_a_legal_act_too_often_in_a_row_fails_alone() {
    let scenario = scenario();
    let nonsense = [malformed(), Decision::say("hm"), tool()];
    for decision in nonsense {
        let failed = always(&scenario, &decision, &Decision::say("What is the stock?"));
        assert_eq!(failed.stop, Some(Stop::Failed(Seat::Agent)));
        assert_eq!(failed.turns_of(Seat::Agent).count() as u32, scenario.malformed_max);
        assert_eq!(failed.scores, Pair { agent: Some(scenario.worst(Seat::Agent)), user: None });
        assert_eq!(failed.scores.agent, Some(-1.0), "one outcome of weight 1 that reaches down to -1");
        assert_eq!((failed.verdict, failed.fault), (None, None));
    }
    let failed = always(&scenario, &Decision::say("I ask $9."), &malformed());
    assert_eq!(failed.stop, Some(Stop::Failed(Seat::User)));
    assert_eq!(failed.scores, Pair { agent: None, user: Some(scenario.worst(Seat::User)) });
}

fn tool() -> Decision {
    let act = Act::Tool { choice: Choice::Search, content: "the stock".to_owned() };
    Decision { act: Ok(act), thought: None, generation: None }
}

#[test]
fn a_legal_act_in_between_starts_the_count_anew() {
    let scenario = scenario();
    let (episode, output) = start(&scenario);
    let mut turns = 0;
    let record = finish(episode, vec![output], |_, output| match output {
        Output::Ask(Seat::Agent, _) => {
            turns += 1;
            // Prices that fall keep the buyer, whom every turn that does not count annoys.
            let offer = format!("I ask ${}.", 20 - 2 * turns);
            let decision = if turns % 2 == 0 { Decision::say(offer) } else { malformed() };
            Input::Acted(Seat::Agent, decision)
        }
        _ => Input::Acted(Seat::User, Decision::say("I offer $3.")),
    });
    let malformed = record.turns_of(Seat::Agent).filter(|t| t.effect.as_ref().is_some_and(|e| e.malformed.is_some()));
    assert_eq!((malformed.count(), record.stop), (3, Some(Stop::Truncated)), "three, but never in a row");
}

#[test]
fn tokens_spent_without_an_act_fail_the_seat_at_once() {
    let scenario = scenario();
    for seat in Seat::ALL {
        let mut decisions = Pair { agent: Decision::say("I ask $9."), user: Decision::say("I accept.") };
        decisions[seat] = no_act(NoAct::OutOfTokens);
        let failed = always(&scenario, &decisions.agent, &decisions.user);
        assert_eq!(failed.stop, Some(Stop::Failed(seat)));
        assert_eq!(failed.turns_of(seat).count(), 1);
        assert_eq!(failed.scores[seat], Some(scenario.worst(seat)));
        assert_eq!(failed.scores[seat.partner()], None);
        assert_eq!(failed.turns.last().and_then(|turn| turn.effect.clone()), None);
        assert_eq!(failed.turn_rewards(seat), Some(vec![scenario.worst(seat)]));
        assert_eq!(failed.turn_rewards(seat.partner()), None);
    }
}

#[test]
fn an_end_by_an_act_and_one_by_the_turn_limit_are_told_apart() {
    let scenario = scenario();
    let terminated = always(&scenario, &Decision::say("I ask $9."), &Decision::say("I walk away."));
    assert_eq!((terminated.stop, terminated.turns.len()), (Some(Stop::Terminated), 2));
    let patient = always(&scenario, &Decision::say("I ask $9."), &malformed());
    assert_eq!(patient.stop, Some(Stop::Failed(Seat::User)));

    let (episode, output) = start(&scenario);
    let mut price = 20;
    let truncated = finish(episode, vec![output], |_, output| match output {
        Output::Ask(Seat::Agent, _) => {
            price -= 2;
            Input::Acted(Seat::Agent, Decision::say(format!("I ask ${price}.")))
        }
        _ => Input::Acted(Seat::User, Decision::say("I offer $1.")),
    });
    assert_eq!(truncated.stop, Some(Stop::Truncated));
    assert_eq!(truncated.turns_of(Seat::Agent).count() as u32, scenario.turns_max);
    assert_eq!(truncated.turns_of(Seat::User).count() as u32, scenario.turns_max, "the user answers the last offer");
    assert!(truncated.verdict.is_some() && truncated.scores.agent.is_some() && truncated.scores.user.is_some());
}

#[test]
fn a_fault_at_any_stage_ends_the_episode_and_scores_nobody() {
    let scenario = scenario();
    for stage in 0..STAGES {
        let (mut episode, _) = at_stage(&scenario, stage);
        let ended = record(next(&mut episode, Input::Failed(fault())));
        assert_eq!(ended.fault, Some(fault()));
        assert_eq!((ended.stop, ended.verdict.is_none()), (None, true));
        assert_eq!(ended.scores, Pair { agent: None, user: None });
        assert!(episode.is_over());
    }
}

#[test]
fn a_judge_that_fails_leaves_the_stop_and_takes_the_scores() {
    let scenario = scenario();
    let (mut episode, output) = at_stage(&scenario, STAGES - 1);
    assert!(matches!(output, Output::Judge(_)));
    let refused = Fault::new(Party::Judge, FaultKind::Refused, "no verdict");
    let ended = record(next(&mut episode, Input::Judged(Err(refused.clone()))));
    assert_eq!(ended.stop, Some(Stop::Terminated));
    assert_eq!(ended.fault, Some(refused));
    assert_eq!((ended.verdict, ended.scores), (None, Pair { agent: None, user: None }));
}

#[test]
fn a_world_that_comes_back_after_a_fault_is_turned_away() {
    let scenario = scenario();
    let (mut episode, output) = at_stage(&scenario, 1);
    let Output::Apply(mut world, input) = output else { panic!("the act is applied") };
    record(next(&mut episode, Input::Failed(fault())));
    let said = world.step(input);
    assert_eq!(episode.step(Input::Effected(world, said)).expect_err("it is over"), ProtocolError::AfterEnd);
}

#[test]
fn a_world_that_says_nothing_is_at_fault() {
    let scenario = scenario();
    let (mut episode, output) = at_stage(&scenario, 1);
    let Output::Apply(world, _) = output else { panic!("the act is applied") };
    let ended = record(next(&mut episode, Input::Effected(world, Vec::new())));
    assert_eq!(ended.fault.map(|fault| fault.party), Some(Party::Environment));
}

/// An episode whose world has put a question to the user about the agent's act.
fn questioned(scenario: &Arc<Scenario>) -> (Episode, World) {
    let (mut episode, output) = at_stage(scenario, 1);
    let Output::Apply(world, _) = output else { panic!("the act is applied") };
    let asked = vec![WorldOutput::Query(Addressee::User, QueryId(7), query())];
    let output = next(&mut episode, Input::Effected(world.clone(), asked));
    assert!(matches!(output, Output::Query(Addressee::User, QueryId(7), asked) if asked == query()));
    (episode, world)
}

#[test]
fn a_query_is_put_to_its_seat_and_the_answer_resumes_the_world() {
    let scenario = scenario();
    let (mut episode, before) = questioned(&scenario);
    let awaited = ProtocolError::NotAwaited { awaited: "an answer to a query" };
    assert_eq!(episode.step(Input::Answered(QueryId(8), Ok(answer()))).expect_err("another query"), awaited);
    let said = Input::Acted(Seat::User, Decision::say("I accept."));
    assert_eq!(episode.step(said).expect_err("it is no turn"), awaited);
    let Output::Apply(world, input) = next(&mut episode, Input::Answered(QueryId(7), Ok(answer()))) else {
        panic!("the answer is applied")
    };
    assert_eq!((world.clone(), input), (before, WorldInput::Answer(QueryId(7), answer())));
    assert_eq!(episode.turns().len(), 1, "a query is no turn");
    let output = next(&mut episode, Input::Effected(world, vec![effect(Next::Ask(Seat::User))]));
    assert!(matches!(output, Output::Ask(Seat::User, _)));
    assert!(episode.turns()[0].effect.is_some(), "the effect belongs to the act that led to the question");
}

#[test]
fn a_world_may_ask_again_before_an_act_takes_effect() {
    let scenario = scenario();
    let (mut episode, _) = questioned(&scenario);
    for id in 8..20 {
        let Output::Apply(world, _) = next(&mut episode, Input::Answered(QueryId(id - 1), Ok(answer()))) else {
            panic!("the answer is applied")
        };
        let asked = vec![WorldOutput::Query(Addressee::Agent, QueryId(id), query())];
        let output = next(&mut episode, Input::Effected(world, asked));
        assert!(matches!(output, Output::Query(Addressee::Agent, QueryId(asked), _) if asked == id));
    }
}

#[test]
fn a_query_that_cannot_be_answered_is_a_fault() {
    let scenario = scenario();
    let (mut episode, _) = questioned(&scenario);
    let refused = Fault::new(Party::User, FaultKind::Refused, "no reply");
    let ended = record(next(&mut episode, Input::Answered(QueryId(7), Err(refused.clone()))));
    assert_eq!((ended.fault, ended.stop), (Some(refused), None));
    assert_eq!(ended.scores, Pair::default());
}

/// Plays two scripts by hand and calls `visit` before each input, with the episode and the output that asks for it.
fn visit_stages(scenario: &Arc<Scenario>, whole: &EpisodeRecord, mut visit: impl FnMut(&Episode, &Output)) {
    let (mut episode, outputs) = Episode::start(whole.casting.clone(), Arc::clone(scenario), SEED);
    let mut output = only(outputs);
    while !episode.is_over() {
        visit(&episode, &output);
        let input = match output {
            Output::Ask(seat, _) => Input::Acted(seat, whole.turns[episode.turns().len() - 1].decision.clone()),
            other => right_input(other),
        };
        output = next(&mut episode, input);
    }
}

fn go_on(episode: Episode, output: Output, whole: &EpisodeRecord) -> EpisodeRecord {
    finish(episode, vec![output], |episode, output| match output {
        Output::Ask(seat, _) => Input::Acted(seat, whole.turns[episode.turns().len() - 1].decision.clone()),
        other => panic!("this gym asks nothing: {other:?}"),
    })
}

#[test]
fn a_clone_taken_at_any_stage_ends_as_the_original_does() {
    let scenario = scenario();
    let whole = played(&scenario, "scripted:trapper", "scripted:noisy", 5);
    visit_stages(&scenario, &whole, |episode, output| {
        assert_eq!(go_on(episode.clone(), output.clone(), &whole), whole);
    });
}

#[test]
fn an_episode_written_as_json_at_any_stage_goes_on_from_there() {
    let scenario = scenario();
    let whole = played(&scenario, "scripted:trapper", "scripted:good", 8);
    let mut stages = 0;
    visit_stages(&scenario, &whole, |episode, output| {
        let text = serde_json::to_string(episode).expect("episodes are data");
        let read: Episode = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(go_on(read, output.clone(), &whole), whole);
        stages += 1;
    });
    assert_eq!(stages, 2 * whole.turns.len() + 1, "an ask and a loan a turn, and the judge");
    let text = serde_json::to_string(&whole).expect("records are data");
    assert_eq!(serde_json::from_str::<EpisodeRecord>(&text).expect("it was just written"), whole);
}

/// An input that may or may not be awaited.
#[derive(Clone, Debug)]
enum Push {
    /// What the last output asks for.
    Right,
    /// A seat says one of a few things.
    Act(Seat, usize),
    /// The lent world, or one never lent, comes back with one of a few things.
    World(usize),
    Answer(u32, bool),
    Verdict(bool),
    Fail,
}

fn pushes() -> impl Strategy<Value = Vec<Push>> {
    let seat = prop_oneof![Just(Seat::Agent), Just(Seat::User)];
    let push = prop_oneof![
        6 => Just(Push::Right),
        3 => (seat, 0..8usize).prop_map(|(seat, what)| Push::Act(seat, what)),
        3 => (0..6usize).prop_map(Push::World),
        1 => (0..2u32, any::<bool>()).prop_map(|(id, ok)| Push::Answer(id, ok)),
        1 => any::<bool>().prop_map(Push::Verdict),
        1 => Just(Push::Fail),
    ];
    proptest::collection::vec(push, 0..40)
}

fn decision(what: usize) -> Decision {
    let said = ["I ask $9.", "I offer $4.", "I accept.", "The stock is low. I ask $8.", "I doubt the stock.", "hm"];
    said.get(what)
        .map_or_else(|| if what == 6 { no_act(NoAct::OutOfTokens) } else { malformed() }, |text| Decision::say(*text))
}

fn said(what: usize) -> Vec<WorldOutput> {
    match what {
        0 => Vec::new(),
        1 => vec![WorldOutput::Query(Addressee::User, QueryId(0), query())],
        2 => vec![effect(Next::Over)],
        3 => vec![effect(Next::Ask(Seat::Agent))],
        4 => vec![effect(Next::Ask(Seat::User))],
        _ => vec![effect(Next::Ask(Seat::Agent)), WorldOutput::Query(Addressee::Agent, QueryId(1), query())],
    }
}

impl Push {
    fn input(self, last: &Output, spare: &World) -> Option<Input> {
        Some(match self {
            Push::Right if matches!(last, Output::Done(_)) => return None,
            Push::Right => right_input(last.clone()),
            Push::Act(seat, what) => Input::Acted(seat, decision(what)),
            Push::World(what) => {
                let world = if let Output::Apply(world, _) = last { world } else { spare };
                Input::Effected(world.clone(), said(what))
            }
            Push::Answer(id, ok) => Input::Answered(QueryId(id), if ok { Ok(answer()) } else { Err(fault()) }),
            Push::Verdict(ok) => Input::Judged(if ok { Ok(Verdict::default()) } else { Err(fault()) }),
            Push::Fail => Input::Failed(fault()),
        })
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_an_episode_never_panics_and_closes_exactly_once(pushes in pushes()) {
        let scenario = scenario();
        let (mut episode, mut output) = start(&scenario);
        let spare = scenario.rules.world(&scenario, episode.casting(), SEED);
        let mut ends = 0;
        for push in pushes.into_iter().chain(std::iter::repeat_n(Push::Right, 200)) {
            let Some(input) = push.input(&output, &spare) else { continue };
            let was_over = episode.is_over();
            match episode.step(input) {
                Ok(outputs) => {
                    prop_assert!(!was_over);
                    output = only(outputs);
                    ends += usize::from(matches!(output, Output::Done(_)));
                }
                Err(ProtocolError::AfterEnd) => prop_assert!(was_over),
                Err(ProtocolError::NotAwaited { .. }) => prop_assert!(!was_over),
            }
            prop_assert_eq!(episode.is_over(), ends == 1);
        }
        prop_assert_eq!(ends, 1);
        let Output::Done(record) = output else { panic!("it closed") };
        prop_assert!(record.turns_of(Seat::Agent).count() as u32 <= scenario.turns_max);
        prop_assert!(record.fault.is_none() || record.scores == Pair::default());
        prop_assert!(record.fault.is_some() || record.stop.is_some());
    }
}

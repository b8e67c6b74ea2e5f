//! A search in an engine outside: what it is asked, what the world makes of its reply, and that no failure of its is a score.

use std::sync::Arc;

use super::super::Judge;
use super::super::Library;
use super::super::World;
use super::super::view::Lookup;
use super::super::view::View;
use super::say;
use super::scenario;
use super::tool;
use crate::Act;
use crate::Addressee;
use crate::Answer;
use crate::Choice;
use crate::Decision;
use crate::Episode;
use crate::EpisodeRecord;
use crate::Fault;
use crate::FaultKind;
use crate::Input;
use crate::Next;
use crate::Output;
use crate::Party;
use crate::Query;
use crate::QueryId;
use crate::Scenario;
use crate::Seat;
use crate::WorldInput;
use crate::WorldOutput;
use crate::drive::drive;
use crate::drive::play_by_rule;
use crate::gyms::Engine;
use crate::gyms::GymWorld;
use crate::gyms::Rules;
use crate::replay::redrive;
use crate::testing::SEED;
use crate::testing::casting;
use crate::testing::replied;
use crate::testing::survives_any_three_inputs;

/// Two documents, of which the second has the answer, and one more than is shown.
const FOUND: &str = r#"[
    {"title": "Heron", "text": "Heron is a novel\nby Edda Kiba."},
    {"title": "Edda Kiba", "text": "Edda Kiba was born in Canaryton."},
    {"title": "Otter", "text": "An otter is no novel."}
]"#;

/// The question of the other tests, with an engine in place of its pages.
fn engine(judge: Judge, deadline_ms: Option<u64>) -> Arc<Scenario> {
    let mut scenario = scenario(judge).as_ref().clone();
    let Rules::Search(rules) = &mut scenario.rules else { panic!("it is of this gym") };
    rules.engine = Some(Engine::new("http://localhost:8888/?q={query}", deadline_ms).unwrap());
    let held_out = rules.library.of(crate::scenario::Split::HeldOut).to_vec();
    rules.library = Arc::new(Library::given(Vec::new(), held_out, Vec::new()).unwrap());
    Arc::new(scenario)
}

/// Plays the acts, then gives up.
fn played(acts: &[Act], mut answer: impl FnMut(Addressee, &Query) -> Result<Answer, Fault>) -> EpisodeRecord {
    let scenario = engine(Judge::User, None);
    let mut acts = acts.iter().cloned();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| say("[finish]"));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    let record = drive(casting("person", "person", 0), &scenario, SEED, decide, &mut answer);
    redrive(&record, &scenario).expect("nobody outside is needed to play it again");
    record
}

fn observed(record: &EpisodeRecord, turn: usize) -> &str {
    &record.turns[turn].observed.last().expect("something is new").text
}

#[test]
fn a_search_is_put_to_the_environment_and_shows_what_it_found_by_hand() {
    let scenario = engine(Judge::Exact, None);
    let (mut episode, mut outputs) = Episode::start(casting("person", "person", 0), Arc::clone(&scenario), SEED);
    let mut go = |input: Input| {
        outputs = episode.step(input).expect("it was awaited");
        let output = outputs.pop().expect("something follows");
        assert!(outputs.is_empty());
        match output {
            Output::Apply(mut world, input) => {
                let said = world.step(input);
                outputs = episode.step(Input::Effected(world, said)).expect("it was lent");
                outputs.pop().expect("something follows")
            }
            other => other,
        }
    };
    let act = |text: &str| Input::Acted(Seat::Agent, Decision::say(text));
    let Output::Query(Addressee::Environment, id, query) = go(act("[search] author of Heron")) else {
        panic!("the environment is asked")
    };
    let lookup = Lookup { query: "author of Heron".to_owned(), results_max: 2 };
    assert_eq!(query.view, crate::View::Search(View::Environment(lookup)));
    assert!(!query.spoken && query.messages.len() == 1);
    let Output::Ask(Seat::Agent, observation) = go(Input::Answered(id, replied(FOUND))) else {
        panic!("the agent goes on")
    };
    assert_eq!(
        observation.messages[0].text,
        "1. Heron: Heron is a novel by Edda Kiba.\n2. Edda Kiba: Edda Kiba was born in Canaryton."
    );
    let Output::Judge(case) = go(act("[answer] Canaryton")) else { panic!("it was right") };
    let verdict = case.by_rule();
    let measure = |name: &str| verdict.measures[name].rate().unwrap();
    assert_eq!((measure("correct"), measure("answer_shown"), measure("agent/found_nothing")), (1.0, 1.0, 0.0));
}

#[test]
fn an_engine_that_finds_nothing_is_no_engine_that_failed() {
    let record = played(&[say("[search] heron")], |_, _| replied("[]"));
    assert_eq!((observed(&record, 1), record.fault.is_none()), ("Nothing was found.", true));
    let measures = &record.verdict.as_ref().unwrap().measures;
    assert_eq!(measures["agent/found_nothing"].rate(), Some(1.0));
    assert_eq!(measures["answer_shown"].rate(), Some(0.0));
    assert_eq!((record.scores.agent, record.scores.user), (Some(0.0), Some(0.0)));
}

#[test]
fn a_reply_that_cannot_be_read_is_the_environments_fault_and_scores_nobody() {
    for reply in ["", "<html>", "null", "{}", r#"{"results": []}"#, r#"[{"title": "Heron"}]"#, &FOUND[..60]] {
        let record = played(&[say("[search] heron")], |_, _| replied(reply));
        let fault = record.fault.as_ref().unwrap_or_else(|| panic!("{reply} was read"));
        assert_eq!((fault.party, fault.kind), (Party::Environment, FaultKind::BadReply));
        assert_eq!((record.stop, record.scores.agent, record.scores.user), (None, None, None));
    }
    let refused = Fault::new(Party::Environment, FaultKind::Refused, "no more requests today");
    let record = played(&[say("[search] heron")], |_, _| Err(refused.clone()));
    assert_eq!((record.fault, record.scores.agent), (Some(refused), None));
}

#[test]
fn no_more_than_the_agents_words_leaves_the_world() {
    let mut asked = Vec::new();
    let acts = [tool(Choice::Search, "heron & <b>"), say("[answer] Otter"), say("[search] kiba")];
    let record = played(&acts, |addressee, query| match addressee {
        Addressee::Environment => {
            asked.push(query.clone());
            replied("[]")
        }
        Addressee::Agent | Addressee::User => replied(r#"{"correct": false}"#),
    });
    let texts: Vec<&str> = asked.iter().map(|query| query.messages[0].text.as_str()).collect();
    assert_eq!(texts, ["heron & <b>", "kiba"]);
    assert!(asked.iter().all(|query| !format!("{query:?}").contains("Canary")));
    let seats: Vec<Addressee> = record.turns.iter().flat_map(|turn| &turn.answers).map(|given| given.seat).collect();
    assert_eq!(seats, [Addressee::Environment, Addressee::User, Addressee::Environment]);
}

#[test]
fn searches_too_many_and_searches_for_nothing_ask_nobody() {
    let mut asked = 0;
    let acts: Vec<Act> = (0..6).map(|n| say(&format!("[search] {n}"))).chain([say("[search]")]).collect();
    let record = played(&acts, |_, _| {
        asked += 1;
        replied(FOUND)
    });
    assert_eq!(asked, 5);
    assert_eq!(observed(&record, 6), "No searches are left. Answer.");
    assert_eq!(record.verdict.unwrap().measures["agent/refused"].num, 1.0);
}

#[test]
fn what_was_not_shown_is_not_kept() {
    let long = format!(r#"[{{"title": "Heron", "text": "{} Canaryton"}}]"#, "x".repeat(1000));
    let record = played(&[say("[search] heron")], |_, _| replied(&long));
    assert!(observed(&record, 1).chars().count() < 450);
    assert_eq!(record.verdict.unwrap().measures["answer_shown"].rate(), Some(0.0));
}

#[test]
fn a_world_that_waits_can_be_kept_and_goes_on_from_there() {
    let scenario = engine(Judge::Exact, None);
    let Rules::Search(rules) = &scenario.rules else { panic!("it is of this gym") };
    let mut world = World::new(rules.clone(), &scenario, crate::scenario::Split::HeldOut, 0, crate::Tools::Prose);
    let said = world.step(WorldInput::Act(Seat::Agent, say("[search] heron")));
    assert!(matches!(said[..], [WorldOutput::Query(Addressee::Environment, QueryId(0), _)]));
    let mut read: World = serde_json::from_str(&serde_json::to_string(&world).unwrap()).unwrap();
    assert_eq!(read, world);
    let answer = WorldInput::Answer(QueryId(0), Answer { reply: FOUND.to_owned(), decision: None });
    let (said, same) = (world.step(answer.clone()), read.step(answer));
    assert_eq!(said, same);
    assert!(matches!(&said[..], [WorldOutput::Effect(effect)] if effect.next == Next::Ask(Seat::Agent)));
    assert_eq!(world.shown().count(), 2);
}

#[test]
fn whatever_comes_while_the_engine_is_asked_is_no_panic() {
    survives_any_three_inputs(&engine(Judge::Exact, None));
    survives_any_three_inputs(&engine(Judge::User, None));
}

#[test]
fn in_a_plain_loop_nobody_looks_things_up() {
    let record = play_by_rule(casting("scripted:good", "rule", 0), &engine(Judge::Exact, None), SEED).unwrap();
    let fault = record.fault.expect("it searches");
    assert_eq!((fault.party, fault.kind, record.scores.agent), (Party::Environment, FaultKind::Refused, None));
}

#[test]
fn the_brief_speaks_of_searches_and_a_scenario_is_written_with_its_engine_or_as_before() {
    let scenario = engine(Judge::Exact, Some(500));
    let record = play_by_rule(casting("scripted:good", "rule", 0), &scenario, SEED).unwrap();
    assert!(record.turns[0].observed[0].text.contains("[search] WORDS shows pages (5 searches)"));
    let written = serde_json::to_string(&scenario).unwrap();
    assert!(written.contains(r#""engine":{"url":"http://localhost:8888/?q={query}","deadline_ms":500}"#), "{written}");
    assert_eq!(serde_json::from_str::<Scenario>(&written).unwrap(), *scenario);
    assert!(!serde_json::to_string(&super::scenario(Judge::Exact)).unwrap().contains("engine"));
}

//! What several test modules need: the usual scenario, castings, and episodes that scripts have played.

use std::sync::Arc;

use crate::Act;
use crate::Answer;
use crate::Choice;
use crate::Decision;
use crate::Episode;
use crate::EpisodeId;
use crate::EpisodeRecord;
use crate::Fault;
use crate::Input;
use crate::Output;
use crate::Pair;
use crate::Phase;
use crate::Query;
use crate::QueryId;
use crate::Scenario;
use crate::Seat;
use crate::WorldInput;
use crate::WorldOutput;
use crate::drive::drive;
use crate::drive::play_by_rule;
use crate::gyms;
use crate::gyms::GymScript;
use crate::gyms::Script;
use crate::gyms::Term;
use crate::gyms::haggle;
use crate::record::Casting;
use crate::scenario::Split;

pub(crate) const SEED: u64 = 1;

pub(crate) fn scenario() -> Arc<Scenario> {
    Arc::new(haggle::example())
}

/// UserRL's gyms.
pub(crate) fn userrl() -> [Arc<Scenario>; 8] {
    [
        gyms::function::example(),
        gyms::intention::example(),
        gyms::persuade::example(),
        gyms::search::example(),
        gyms::tau::example(),
        gyms::telepathy::example(),
        gyms::travel::example(),
        gyms::turtle::example(),
    ]
    .map(Arc::new)
}

/// A held-out item in its first trial.
pub(crate) fn casting(agent: &str, user: &str, item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting::new(id, Split::HeldOut, item, policies)
}

pub(crate) fn played(scenario: &Arc<Scenario>, agent: &str, user: &str, item: u32) -> EpisodeRecord {
    play_by_rule(casting(agent, user, item), scenario, SEED).expect("the scripts exist")
}

/// Goes on with an episode: worlds step, the judge goes by rule, and `decide` answers for the rest.
pub(crate) fn finish(
    mut episode: Episode,
    mut outputs: Vec<Output>,
    mut decide: impl FnMut(&Episode, Output) -> Input,
) -> EpisodeRecord {
    loop {
        let input = match outputs.pop().expect("an episode that is not over says what to do next") {
            Output::Done(record) => return *record,
            Output::Apply(mut world, input) => {
                let said = world.step(input);
                Input::Effected(world, said)
            }
            Output::Judge(case) => Input::Judged(Ok(case.by_rule())),
            other @ (Output::Ask(..) | Output::Query(..)) => decide(&episode, other),
        };
        outputs = episode.step(input).expect("the output asked for it");
    }
}

pub(crate) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

pub(crate) fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}

/// What somebody who sits in the user's seat and says this replies.
#[allow(clippy::unnecessary_wraps, reason = "it stands where an answer may fail")]
pub(crate) fn replied(reply: &str) -> Result<Answer, Fault> {
    Ok(Answer { reply: reply.to_owned(), decision: None })
}

/// A held-out item, played with these acts and `[finish]` after the last; `answer` answers the world's queries.
pub(crate) fn acting(
    scenario: &Arc<Scenario>,
    item: u32,
    acts: &[Act],
    mut answer: impl FnMut(&Query) -> Result<Answer, Fault>,
) -> EpisodeRecord {
    let mut acts = acts.iter().cloned();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| say("[finish]"));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting("person", "person", item), scenario, SEED, decide, |_, query| answer(query))
}

/// The same with this script in the user's seat.
pub(crate) fn acting_with(scenario: &Arc<Scenario>, item: u32, acts: &[Act], user: &str) -> EpisodeRecord {
    let script = Script::named(&scenario.rules, Seat::User, user).expect("the script exists");
    let address = casting("person", user, item).id.address(SEED);
    acting(scenario, item, acts, |query| script.answer(Seat::User, query, address))
}

/// What each of the agent's turns earned.
pub(crate) fn earned(record: &EpisodeRecord) -> Vec<f64> {
    let of_turn = |turn: &crate::Turn| turn.effect.as_ref().map_or(0.0, |e| e.rewards.iter().map(|r| r.value).sum());
    record.turns.iter().map(of_turn).collect()
}

/// The agent's scores on the first held-out items.
pub(crate) fn scores(scenario: &Arc<Scenario>, agent: &str, user: &str, items: u32) -> Vec<f64> {
    (0..items).map(|item| played(scenario, agent, user, item).scores.agent.expect("nothing broke")).collect()
}

/// The mean of the paired differences, and its distance from 0 in standard errors.
pub(crate) fn ahead(one: &[f64], other: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, mean / (variance / n).sqrt())
}

/// All that the agent was shown in an episode.
pub(crate) fn shown(record: &EpisodeRecord) -> String {
    let texts = record.turns.iter().flat_map(|turn| &turn.observed).map(|message| message.text.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// Puts every sequence of three of many inputs to fresh worlds, fitting or not. Whatever they say, they must not panic, and must say one
/// thing each time; and once a talk is over, nothing but a fault.
pub(crate) fn survives_any_three_inputs(scenario: &Arc<Scenario>) {
    let act = |act: Act| WorldInput::Act(Seat::Agent, act);
    let answer =
        |id: u32, reply: &str| WorldInput::Answer(QueryId(id), Answer { reply: reply.to_owned(), decision: None });
    let inputs = [
        act(say("")),
        act(say("is it \u{0}\u{7}\u{1b}[2J?")),
        act(say(&"x".repeat(10_000))),
        act(tool(Choice::Answer, "-1")),
        act(tool(Choice::Answer, "99999999999999999999")),
        act(tool(Choice::Search, "H999")),
        act(tool(Choice::Finish, "")),
        WorldInput::Act(Seat::User, say("hello")),
        WorldInput::NoAct(Seat::Agent, "half JSON".to_owned()),
        answer(0, "Yes"),
        answer(0, "{\"judgment\": \"Yes\"}"),
        answer(1, "{\"scores\": [-1, 1e308]}"),
        answer(7, ""),
    ];
    for first in &inputs {
        for second in &inputs {
            for third in &inputs {
                let mut world = scenario.rules.world(scenario, &casting("a", "b", 0), SEED);
                let _ = world.observe(Seat::Agent);
                let mut over = false;
                for input in [first, second, third] {
                    let said = world.step(input.clone());
                    assert_eq!(said.len(), 1);
                    assert!(!over || matches!(said[0], WorldOutput::Fault(_)), "an act after the end took effect");
                    over |= matches!(&said[0], WorldOutput::Effect(effect) if effect.next == crate::Next::Over);
                }
            }
        }
    }
}

/// Whether the pages name every term, measure and script of a gym.
pub(crate) fn on_the_page<S: GymScript>(gym: &str, terms: &[Term], measures: &[&str]) {
    let scenarios = include_str!("../../../docs/SCENARIOS.md");
    let metrics = include_str!("../../../docs/METRICS.md");
    let heading = format!("## `{gym}`: the world");
    let (_, page) = scenarios.split_once(&heading).expect("the gym has its part of the page");
    let page = page.split("\n## ").next().unwrap_or(page);
    let names = terms.iter().map(|term| term.name.to_owned()).chain(S::names(Seat::Agent)).chain(S::names(Seat::User));
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/SCENARIOS.md does not mention {name}");
    }
    let (_, table) = metrics.split_once(&format!("## The measures of `{gym}`")).expect("the gym has its measures");
    let table = table.split("\n## ").next().unwrap_or(table);
    for measure in measures {
        assert!(page.contains(&format!("| `{measure}` |")), "no row for {measure} in docs/SCENARIOS.md");
        assert!(table.contains(&format!("| `{measure}` |")), "no row for {measure} in docs/METRICS.md");
    }
}

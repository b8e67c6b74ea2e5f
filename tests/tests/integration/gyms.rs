//! UserRL's eight gyms out of their files, and the plain ways to play them that their common tests need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::OnceLock;

use sim::Act;
use sim::Answer;
use sim::Choice;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Pair;
use sim::Phase;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::drive;
use sim::gyms::Script;
use sim::record::Casting;
use sim::scenario::Split;

use crate::program::root;

/// All eight, by name.
pub const USERRL: [&str; 8] = ["function", "intention", "persuade", "search", "tau", "telepathy", "travel", "turtle"];

/// Those in which the world asks the user's seat something.
pub const ASKING: [&str; 7] = ["intention", "persuade", "search", "tau", "telepathy", "travel", "turtle"];

/// Where everything is drawn.
pub const SEED: u64 = 1;

/// A gym's scenario as its file has it; each is read once, since some take a while without optimisation.
pub fn scenario(gym: &str) -> Arc<Scenario> {
    static READ: LazyLock<BTreeMap<&str, OnceLock<Arc<Scenario>>>> =
        LazyLock::new(|| USERRL.into_iter().map(|gym| (gym, OnceLock::new())).collect());
    let file = root().join(format!("scenarios/userrl/{gym}.toml"));
    let read = || Arc::new(config::load_scenario(&file).unwrap_or_else(|errors| panic!("{errors}")));
    Arc::clone(READ[gym].get_or_init(read))
}

/// The same with other limits.
pub fn scenario_by(gym: &str, change: impl FnOnce(&mut Scenario)) -> Arc<Scenario> {
    let mut scenario = Scenario::clone(&scenario(gym));
    change(&mut scenario);
    Arc::new(scenario)
}

/// A held-out item with the scripts named; `phase` says what it is played for.
pub fn casting(phase: Phase, agent: &str, user: &str, item: u32) -> Casting {
    let id = EpisodeId { phase, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting::new(id, Split::HeldOut, item, policies)
}

/// What two scripts make of a held-out item.
pub fn played(scenario: &Arc<Scenario>, agent: &str, user: &str, item: u32) -> EpisodeRecord {
    sim::play_by_rule(casting(Phase::Eval, agent, user, item), scenario, SEED).expect("the scripts exist")
}

/// Plays these acts on a held-out item; after the last one the agent ends the talk. `answer` is the user's seat.
pub fn acting(
    scenario: &Arc<Scenario>,
    phase: Phase,
    item: u32,
    acts: &[Act],
    mut answer: impl FnMut(&Query) -> Result<Answer, Fault>,
) -> EpisodeRecord {
    let mut acts = acts.iter().cloned();
    let decide = |_, _: &_| {
        let act = acts.next().unwrap_or_else(|| tool(Choice::Finish, ""));
        Decision { act: Ok(act), thought: None, generation: None }
    };
    drive(casting(phase, "person", "person", item), scenario, SEED, decide, |_, query| answer(query))
}

/// The same against the user by rule.
pub fn acting_with_rule(scenario: &Arc<Scenario>, phase: Phase, item: u32, acts: &[Act]) -> EpisodeRecord {
    let user = Script::named(&scenario.rules, Seat::User, "rule").expect("every gym has one");
    let address = casting(phase, "person", "rule", item).id.address(SEED);
    acting(scenario, phase, item, acts, |query| user.answer(Seat::User, query, address))
}

/// What a seat replies, without tokens.
pub fn replied(reply: &str) -> Result<Answer, Fault> {
    Ok(Answer { reply: reply.to_owned(), decision: None })
}

pub fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

pub fn tool(choice: Choice, content: &str) -> Act {
    Act::Tool { choice, content: content.to_owned() }
}

/// The acts of a record's agent; turns without one are left out.
pub fn acts(record: &EpisodeRecord) -> Vec<Act> {
    record.turns_of(Seat::Agent).filter_map(|turn| turn.decision.act.clone().ok()).collect()
}

/// All that the agent was shown.
pub fn shown(record: &EpisodeRecord) -> Vec<&str> {
    let messages = record.turns_of(Seat::Agent).flat_map(|turn| &turn.observed);
    messages.map(|message| message.text.as_str()).collect()
}

/// What each of the agent's turns earned at once.
pub fn earned(record: &EpisodeRecord) -> Vec<f64> {
    let of_turn = |turn: &sim::Turn| turn.effect.as_ref().map_or(0.0, |e| e.rewards.iter().map(|r| r.value).sum());
    record.turns_of(Seat::Agent).map(of_turn).collect()
}

/// An act that counts in each gym, whatever the item, and ends no talk.
pub fn harmless(gym: &str) -> Act {
    match gym {
        "function" => tool(Choice::Action, "1 2 3 4"),
        "search" => tool(Choice::Search, "who made it"),
        _ => tool(Choice::Action, "Could you tell me more?"),
    }
}

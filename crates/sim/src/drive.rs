//! The plain way to play: one loop over the machine, without actors. Data generation, benches and tests use it; the actors must agree
//! with it record for record.

use std::sync::Arc;

use crate::Addressee;
use crate::Answer;
use crate::Decision;
use crate::Episode;
use crate::EpisodeRecord;
use crate::Fault;
use crate::Input;
use crate::Observation;
use crate::Output;
use crate::Query;
use crate::Scenario;
use crate::Seat;
use crate::gyms::Script;
use crate::record::Casting;

/// Plays one episode with whatever `decide` and `answer` say for the seats, and the judge by rule.
///
/// # Panics
/// Never, unless the machine breaks its own protocol.
#[must_use]
pub fn drive(
    casting: Casting,
    scenario: &Arc<Scenario>,
    seed: u64,
    decide: impl FnMut(Seat, &Observation) -> Decision,
    answer: impl FnMut(Addressee, &Query) -> Result<Answer, Fault>,
) -> EpisodeRecord {
    let (episode, outputs) = Episode::start(casting, Arc::clone(scenario), seed);
    go_on(episode, outputs, decide, answer)
}

/// Plays an episode on from where it stands, e.g. from a [`fork`](crate::fork); `outputs` are what it asked for last.
///
/// # Panics
/// If the outputs are not the episode's last.
#[must_use]
pub fn go_on(
    mut episode: Episode,
    mut outputs: Vec<Output>,
    mut decide: impl FnMut(Seat, &Observation) -> Decision,
    mut answer: impl FnMut(Addressee, &Query) -> Result<Answer, Fault>,
) -> EpisodeRecord {
    loop {
        let output = outputs.pop().expect("an episode that is not over says what to do next");
        let input = match output {
            Output::Ask(seat, observation) => Input::Acted(seat, decide(seat, &observation)),
            Output::Apply(mut world, input) => {
                let said = world.step(input);
                Input::Effected(world, said)
            }
            Output::Query(asked, id, query) => Input::Answered(id, answer(asked, &query)),
            Output::Judge(case) => Input::Judged(Ok(case.by_rule())),
            Output::Done(record) => return *record,
        };
        outputs = episode.step(input).expect("the loop answers just what was asked");
    }
}

/// Plays one episode whose seats are both rules or scripts, named by the casting; `None` if a name is no script of the gym. A world that
/// wants something looked up outside ends in a fault.
#[must_use]
pub fn play_by_rule(casting: Casting, scenario: &Arc<Scenario>, seed: u64) -> Option<EpisodeRecord> {
    let agent = Script::named(&scenario.rules, Seat::Agent, &casting.policies.agent)?;
    let user = Script::named(&scenario.rules, Seat::User, &casting.policies.user)?;
    let address = casting.rule_address(seed);
    let decide = |seat: Seat, observation: &Observation| match seat {
        Seat::Agent => agent.decide(observation, address),
        Seat::User => user.decide(observation, address),
    };
    let answer = |asked: Addressee, query: &Query| match asked {
        Addressee::Agent => agent.answer(asked, query, address),
        Addressee::User => user.answer(asked, query, address),
        Addressee::Environment => Err(Query::unheard()),
    };
    Some(drive(casting, scenario, seed, decide, answer))
}

//! What several test modules need: the usual scenario, castings, and episodes that scripts have played.

use std::sync::Arc;

use crate::Episode;
use crate::EpisodeId;
use crate::EpisodeRecord;
use crate::Input;
use crate::Output;
use crate::Pair;
use crate::Phase;
use crate::Scenario;
use crate::drive::play_by_rule;
use crate::gyms::haggle;
use crate::record::Casting;
use crate::scenario::Split;

pub(crate) const SEED: u64 = 1;

pub(crate) fn scenario() -> Arc<Scenario> {
    Arc::new(haggle::example())
}

/// A held-out item in its first trial.
pub(crate) fn casting(agent: &str, user: &str, item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting { id, split: Split::HeldOut, item, policies, learns: Pair::default() }
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

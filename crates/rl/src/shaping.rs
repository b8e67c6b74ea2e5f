//! What training takes off a turn's reward, beside the terms of the scenario: for turns without a legal act, for turns that cost the user's
//! time (specification userrl §6.5), and for turns that come close to being cut (DAPO, arXiv:2503.14476 eq. 13). It steers learning alone: no score and
//! no reported reward has it. And whose rewards train a seat, where that is not its own alone.

use sim::Addressee;
use sim::EpisodeRecord;
use sim::Next;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Turn;

use crate::metrics::is_malformed;
use crate::settings::GrpoSettings;
use crate::settings::OverlongPenalty;
use crate::settings::RewardsOf;

/// What trains `seat` at each of its own turns: [`EpisodeRecord::turn_rewards`], with [`RewardsOf::Both`] what the partner earns by itself too, less what
/// [`deductions`] names. `None` if the seat was not scored; empty if it never spoke.
#[must_use]
pub fn turn_rewards(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Option<Vec<f64>> {
    let mut rewards = record.turn_rewards(seat)?;
    if settings.rewards_of == RewardsOf::Both {
        add_partners(&mut rewards, record, seat);
    }
    for deduction in deductions(record, seat, settings) {
        for (reward, share) in rewards.iter_mut().zip(&deduction.shares) {
            *reward -= share * deduction.amount;
        }
    }
    Some(rewards)
}

/// What the partner earns by itself, on the seat's turn of the same number, or its last one; what both share is there already. Nothing where a seat
/// failed: there is no verdict then.
fn add_partners(rewards: &mut [f64], record: &EpisodeRecord, seat: Seat) {
    let Some(last) = rewards.len().checked_sub(1) else { return };
    let Some(verdict) = &record.verdict else { return };
    let theirs =
        |reward: &&Reward| reward.seat == seat.partner() && reward.kind != RewardKind::Shared && reward.is_added();
    let kept = verdict.kept(seat.partner());
    for reward in verdict.rewards.iter().filter(theirs) {
        let at = match reward.scope {
            Scope::Turn(turn) => (turn as usize).min(last),
            Scope::Session => last,
        };
        rewards[at] += reward.weighted() * kept;
    }
}

/// Something that training takes off.
#[derive(Clone, Debug, PartialEq)]
pub struct Deduction {
    /// Its name: that of the key which sets the amount.
    pub name: &'static str,
    /// Taken off a turn at most; above 0.
    pub amount: f64,
    /// The share of it, in [0, 1], that each of the seat's own turns loses.
    pub shares: Vec<f64>,
}

/// What is taken off the seat's own turns: `malformed_penalty` of each that brought no legal act, of the agent's `user_burden` of each that the user
/// had to answer, and `overlong_penalty` in proportion. Those that are off are left out.
#[must_use]
pub fn deductions(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Vec<Deduction> {
    let own = || record.turns.iter().enumerate().filter(|(_, turn)| turn.seat == seat);
    let shares = |of: &dyn Fn(usize, &Turn) -> f64| own().map(|(at, turn)| of(at, turn)).collect();
    let is = |yes: bool| f64::from(u8::from(yes));
    let mut found = Vec::new();
    if settings.malformed_penalty > 0.0 {
        let shares = shares(&|_, turn| is(is_malformed(turn)));
        found.push(Deduction { name: "malformed_penalty", amount: settings.malformed_penalty, shares });
    }
    if settings.user_burden > 0.0 && seat == Seat::Agent {
        let shares = shares(&|at, _| is(is_answered_by_the_user(record, at)));
        found.push(Deduction { name: "user_burden", amount: settings.user_burden, shares });
    }
    if let Some(penalty) = settings.overlong.penalty {
        let shares = shares(&|_, turn| overlong_share(turn, penalty));
        found.push(Deduction { name: "overlong_penalty", amount: penalty.amount, shares });
    }
    found
}

/// 0 up to `tokens_max − cache` tokens, 1 from `tokens_max` on, and a straight line between; 0 of a turn that no model spoke.
fn overlong_share(turn: &Turn, penalty: OverlongPenalty) -> f64 {
    let OverlongPenalty { tokens_max, cache, .. } = penalty;
    let tokens = turn.decision.generation.as_ref().map_or(0, |generation| generation.tokens.len());
    let over = tokens as f64 - (f64::from(tokens_max) - f64::from(cache));
    (over / f64::from(cache)).clamp(0.0, 1.0)
}

/// Whether the user spoke because of the turn at this place: the world asked it aloud, or its own turn came next.
fn is_answered_by_the_user(record: &EpisodeRecord, at: usize) -> bool {
    let asked = record.turns[at].answers.iter().any(|answered| answered.seat == Addressee::User && answered.spoken);
    // Where a fork was to be no longer, the next turn is not in the record, and would have come.
    let would_be = || record.turns[at].effect.as_ref().is_some_and(|effect| effect.next == Next::Ask(Seat::User));
    asked
        || match record.turns.get(at + 1) {
            Some(next) => next.seat == Seat::User,
            None => record.casting.fork.is_some() && would_be(),
        }
}

#[cfg(test)]
mod tests {
    use sim::Answer;
    use sim::NoAct;
    use sim::record::Answered;

    use super::*;
    use crate::fixtures;
    use crate::settings::Overlong;

    fn settings() -> GrpoSettings {
        GrpoSettings { malformed_penalty: 0.1, user_burden: 0.02, ..fixtures::settings() }
    }

    #[test]
    fn turns_without_a_legal_act_and_turns_that_the_user_answers_cost() {
        // Agent, user, agent, user, agent: the last one nobody answers.
        let mut record = fixtures::record(0, 1, &[0.5, 0.25, 0.0], &[0.3, 0.4]);
        let order: Vec<Seat> = record.turns.iter().map(|turn| turn.seat).collect();
        assert_eq!(order, [Seat::Agent, Seat::User, Seat::Agent, Seat::User, Seat::Agent]);
        record.turns[2].decision.act = Err(NoAct::Malformed("no act in it".to_owned()));
        let near = |found: Option<Vec<f64>>, wanted: &[f64]| {
            let found = found.expect("it was scored");
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
            assert_eq!(found.len(), wanted.len());
        };
        near(turn_rewards(&record, Seat::Agent, &settings()), &[0.48, 0.13, 0.0]);
        // The user's own time is nobody's burden.
        near(turn_rewards(&record, Seat::User, &settings()), &[0.3, 0.4]);
        // Off, they change nothing.
        near(turn_rewards(&record, Seat::Agent, &fixtures::settings()), &[0.5, 0.25, 0.0]);
    }

    #[test]
    fn without_roles_both_seats_are_paid_the_same_sum() {
        // Agent, user, agent, user, agent.
        let record = fixtures::record(0, 1, &[0.5, 0.25, 0.125], &[0.3, 0.4]);
        let settings = GrpoSettings { rewards_of: RewardsOf::Both, ..fixtures::settings() };
        let near = |seat, wanted: &[f64]| {
            let found = turn_rewards(&record, seat, &settings).expect("it was scored");
            assert_eq!(found.len(), wanted.len());
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        near(Seat::Agent, &[0.8, 0.65, 0.125]);
        // What the agent earned in its third turn falls on the user's last one.
        near(Seat::User, &[0.8, 0.775]);
    }

    #[test]
    fn a_turn_that_comes_close_to_being_cut_loses_in_proportion() {
        // Turns of 3, 4, 5 and 6 tokens; from 5 on all of it, over the last 2 in proportion.
        let record = fixtures::record(0, 1, &[0.0; 4], &[]);
        let penalty = OverlongPenalty { amount: 0.5, tokens_max: 5, cache: 2 };
        let settings =
            GrpoSettings { overlong: Overlong { filter: false, penalty: Some(penalty) }, ..fixtures::settings() };
        assert_eq!(turn_rewards(&record, Seat::Agent, &settings), Some(vec![0.0, -0.25, -0.5, -0.5]));
    }

    #[test]
    fn a_question_that_only_the_world_hears_the_answer_to_costs_nobody_time() {
        let mut record = fixtures::record(0, 1, &[0.5], &[]);
        let answered = |spoken| Answered {
            seat: Addressee::User,
            spoken,
            answer: Answer { reply: "Yes".to_owned(), decision: None },
        };
        record.turns[0].answers = vec![answered(false)];
        assert_eq!(turn_rewards(&record, Seat::Agent, &settings()), Some(vec![0.5]));
        record.turns[0].answers.push(answered(true));
        assert_eq!(turn_rewards(&record, Seat::Agent, &settings()), Some(vec![0.48]));
    }

    /// A user's gate takes of what the user earned, whoever is paid for it, and is nobody's reward.
    #[test]
    fn a_partners_gate_is_no_reward_and_takes_of_its_own_terms() {
        let mut record = fixtures::record(0, 1, &[0.5], &[0.4]);
        let gate = |value| sim::Reward {
            seat: Seat::User,
            name: "form".to_owned(),
            kind: RewardKind::Gate,
            scope: Scope::Session,
            value,
            weight: 1.0,
            evidence: "0 of 1 turns".to_owned(),
        };
        let settings = GrpoSettings { rewards_of: RewardsOf::Both, ..fixtures::settings() };
        for (value, wanted) in [(1.0, 0.9), (0.25, 0.6), (0.0, 0.5)] {
            record.verdict.as_mut().expect("it was judged").rewards.push(gate(value));
            let both =
                Seat::ALL.map(|seat| turn_rewards(&record, seat, &settings).expect("it was scored").iter().sum());
            let both: [f64; 2] = both;
            assert!(both.iter().all(|sum| (sum - wanted).abs() < 1e-12), "{value}: {both:?}");
            record.verdict.as_mut().expect("it was judged").rewards.pop();
        }
    }

    #[test]
    fn the_last_turn_of_a_fork_costs_what_it_would_have_cost() {
        let mut record = fixtures::record(0, 1, &[0.5], &[]);
        let shares = |record: &EpisodeRecord| deductions(record, Seat::Agent, &settings())[1].shares.clone();
        assert_eq!(shares(&record), [0.0], "the talk is over");
        let id = sim::EpisodeId { group: 9, ..record.casting.id };
        record.casting = sim::forked_casting(&record, id, 0, sim::record::Reach::Turn);
        assert_eq!(shares(&record), [1.0], "the user would have been next");
    }
}

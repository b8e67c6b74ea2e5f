//! What training takes off a turn's reward, beside the terms of the scenario: for turns without a legal act, and for turns that cost the user's
//! time (specification userrl §6.5). It steers learning alone: no score and no reported reward has it.

use sim::Addressee;
use sim::EpisodeRecord;
use sim::Seat;

use crate::metrics::is_malformed;
use crate::settings::GrpoSettings;

/// What trains `seat` at each of its own turns: [`EpisodeRecord::turn_rewards`], less `malformed_penalty` for each that brought no legal act, and
/// for the agent less `user_burden` for each that the user had to answer. `None` if the seat was not scored; empty if it never spoke.
#[must_use]
pub fn turn_rewards(record: &EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Option<Vec<f64>> {
    let mut rewards = record.turn_rewards(seat)?;
    let own = record.turns.iter().enumerate().filter(|(_, turn)| turn.seat == seat);
    for (reward, (at, turn)) in rewards.iter_mut().zip(own) {
        if is_malformed(turn) {
            *reward -= settings.malformed_penalty;
        }
        if seat == Seat::Agent && is_answered_by_the_user(record, at) {
            *reward -= settings.user_burden;
        }
    }
    Some(rewards)
}

/// Whether the user spoke because of the turn at this place: the world asked it aloud, or its own turn came next.
fn is_answered_by_the_user(record: &EpisodeRecord, at: usize) -> bool {
    let asked = record.turns[at].answers.iter().any(|answered| answered.seat == Addressee::User && answered.spoken);
    asked || record.turns.get(at + 1).is_some_and(|next| next.seat == Seat::User)
}

#[cfg(test)]
mod tests {
    use sim::Answer;
    use sim::NoAct;
    use sim::record::Answered;

    use super::*;
    use crate::fixtures;

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
}

//! A seat's reward term by term, and several terms as one advantage (GDPO: Group reward-Decoupled Normalization Policy Optimization,
//! arXiv:2601.05242).
//!
//! ```text
//!  S_ik          score of trajectory i by term k alone, before its weight w_k
//!  z_ik          (S_ik − mean of k in the group) / (std of k in the group + std_eps)
//!  z_i  = Σ_k w_k z_ik
//!  A_i           (z_i − mean of the step) / (std of the step + std_eps)                     in `advantage`
//! ```
//!
//! A gate is no term: it multiplies every term of its seat before they are taken apart ([`Verdict::kept`](sim::Verdict::kept)).
//!
//! Two episodes with equal sums of different terms are told apart, and a term that hardly varies counts as much as its weight says. What training takes
//! off (`shaping`) is a term like the others.
//!
//! A seat's own failure has no verdict, so no terms. It stands in each term where the worst of its group stands, and below the others in a term
//! of its own, [`FAILED`], of weight 1: failing never pays. So does a user's talk that it spoiled, with `spoiled_penalty`. This is ours; the paper knows no
//! failures.

use std::collections::BTreeMap;

use sim::EpisodeRecord;
use sim::Scope;
use sim::Seat;

use crate::credit;
use crate::group::is_flat;
use crate::settings::GrpoSettings;
use crate::shaping;
use crate::spoiled;

/// The term of a seat's own failure: −1 for those that failed, 0 for the others.
pub const FAILED: &str = "failed";

/// Weight of [`FAILED`].
const FAILED_WEIGHT: f64 = 1.0;

/// One term's score of one trajectory.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scored {
    weight: f64,
    score: f64,
}

/// The weighted sum of a group's terms, each normalised within the group, one number for each record; `None` if no term tells them apart.
/// The records are those that count: the seat was scored and spoke.
#[must_use]
pub fn normalized(records: &[&EpisodeRecord], seat: Seat, settings: &GrpoSettings) -> Option<Vec<f64>> {
    let scored: Vec<Option<BTreeMap<&str, Scored>>> =
        records.iter().map(|record| terms(record, seat, settings)).collect();
    let weights: BTreeMap<&str, f64> =
        scored.iter().flatten().flatten().map(|(name, scored)| (*name, scored.weight)).collect();
    let columns = weights.iter().map(|(name, weight)| (*weight, column(&scored, name)));
    let failed = scored.iter().map(|terms| if terms.is_none() { -1.0 } else { 0.0 }).collect();
    let mut sums: Option<Vec<f64>> = None;
    for (weight, column) in columns.chain([(FAILED_WEIGHT, failed)]) {
        if weight == 0.0 || is_flat(&column) {
            continue;
        }
        let sums = sums.get_or_insert_with(|| vec![0.0; records.len()]);
        for (sum, z) in sums.iter_mut().zip(credit::standardize(&column, settings.std_eps, true)) {
            *sum += weight * z;
        }
    }
    sums
}

/// One term over the group; who failed stands where the worst of the others stands.
fn column(scored: &[Option<BTreeMap<&str, Scored>>], name: &str) -> Vec<f64> {
    // A term that a verdict leaves out did not occur in that episode.
    let score = |terms: &BTreeMap<&str, Scored>| terms.get(name).map_or(0.0, |scored| scored.score);
    let worst = scored.iter().flatten().map(score).fold(f64::INFINITY, f64::min);
    scored.iter().map(|terms| terms.as_ref().map_or(worst, score)).collect()
}

/// What each term alone gives a trajectory, by name; `None` if the seat failed, or spoiled it.
fn terms<'a>(record: &'a EpisodeRecord, seat: Seat, settings: &GrpoSettings) -> Option<BTreeMap<&'a str, Scored>> {
    let verdict = record.verdict.as_ref().filter(|_| !spoiled::is_bad_example(record, seat, settings))?;
    let turns = record.turns_of(seat).count();
    let mut rewards: BTreeMap<&str, (f64, Vec<f64>)> = BTreeMap::new();
    let kept = verdict.kept(seat);
    for reward in verdict.rewards.iter().filter(|reward| reward.seat == seat && reward.is_added()) {
        let (_, values) = rewards.entry(reward.name.as_str()).or_insert_with(|| (reward.weight, vec![0.0; turns]));
        let last = turns.saturating_sub(1);
        let at = match reward.scope {
            Scope::Turn(turn) => (turn as usize).min(last),
            Scope::Session => last,
        };
        if let Some(value) = values.get_mut(at) {
            *value += reward.value * kept;
        }
    }
    for deduction in shaping::deductions(record, seat, settings) {
        let values = deduction.shares.iter().map(|share| -share).collect();
        rewards.insert(deduction.name, (deduction.amount, values));
    }
    let score = |values: &[f64]| credit::trajectory_score(settings.trajectory_score, values, settings.gamma);
    let scored = rewards.into_iter();
    Some(scored.map(|(name, (weight, values))| (name, Scored { weight, score: score(&values) })).collect())
}

#[cfg(test)]
mod tests {
    use sim::Pair;
    use sim::Reward;
    use sim::RewardKind;
    use sim::Stop;
    use sim::Verdict;

    use super::*;
    use crate::fixtures;

    /// A talk of two agent turns with these terms of the whole talk: name, value, weight.
    fn record(member: u32, terms: &[(&str, f64, f64)]) -> EpisodeRecord {
        let mut record = fixtures::record(0, member, &[0.0, 0.0], &[0.0]);
        let reward = |(name, value, weight): &(&str, f64, f64)| Reward {
            seat: Seat::Agent,
            name: (*name).to_owned(),
            kind: RewardKind::Outcome,
            scope: Scope::Session,
            value: *value,
            weight: *weight,
            evidence: String::new(),
        };
        let rewards = terms.iter().map(reward).collect();
        record.verdict = Some(Verdict { rewards, measures: BTreeMap::new() });
        record
    }

    fn failed(member: u32) -> EpisodeRecord {
        let mut record = fixtures::record(0, member, &[0.0], &[0.0]);
        record.stop = Some(Stop::Failed(Seat::Agent));
        record.verdict = None;
        record.scores = Pair { agent: Some(-1.0), user: None };
        record
    }

    #[track_caller]
    fn check(records: &[EpisodeRecord], want: Option<&[f64]>) {
        let settings = GrpoSettings { std_eps: 1e-9, ..fixtures::settings() };
        let got = normalized(&records.iter().collect::<Vec<_>>(), Seat::Agent, &settings);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
        match (&got, want) {
            (Some(got), Some(want)) => {
                assert!(got.len() == want.len() && got.iter().zip(want).all(near), "{got:?} against {want:?}");
            }
            (got, want) => assert_eq!(got.is_none(), want.is_none(), "{got:?} against {want:?}"),
        }
    }

    #[test]
    fn equal_sums_of_different_terms_are_told_apart() {
        // Sums 1, 1 and 2; the paper's own example of rewards that collapse. Columns (1, 0, 1) and (0, 1, 1): mean 2/3, std 1/√3.
        let of = |member, a, b| record(member, &[("a", a, 1.0), ("b", b, 3.0)]);
        let (up, down) = (1.0 / 3f64.sqrt(), -2.0 / 3f64.sqrt());
        let want = [up + 3.0 * down, down + 3.0 * up, up + 3.0 * up];
        check(&[of(1, 1.0, 0.0), of(2, 0.0, 1.0), of(3, 1.0, 1.0)], Some(&want));
    }

    #[test]
    fn a_term_of_small_spread_counts_by_its_weight_and_one_without_spread_not_at_all() {
        let of = |member, a, b| record(member, &[("large", a, 1.0), ("small", b, 1.0), ("flat", 7.0, 5.0)]);
        let root = 0.5f64.sqrt();
        check(&[of(1, 100.0, 0.0), of(2, 0.0, 0.01)], Some(&[0.0, 0.0]));
        check(&[of(1, 100.0, 0.01), of(2, 0.0, 0.0)], Some(&[2.0 * root, -2.0 * root]));
        check(&[of(1, 4.0, 0.5), of(2, 4.0, 0.5)], None);
    }

    #[test]
    fn a_failure_stands_with_the_worst_in_each_term_and_below_in_its_own() {
        // Terms 1, 0 and 0 for the failed one: mean 1/3, std 1/√3. The failure: 0, 0, −1, the same upside down.
        let root = 3f64.sqrt();
        let records = [record(1, &[("a", 1.0, 1.0)]), record(2, &[("a", 0.0, 1.0)]), failed(3)];
        check(&records, Some(&[2.0 / root + 1.0 / root, -1.0 / root + 1.0 / root, -1.0 / root - 2.0 / root]));
        check(&[failed(1), failed(2)], None);
    }

    #[test]
    fn what_training_takes_off_is_a_term_of_its_own() {
        let mut records = [record(1, &[("a", 1.0, 1.0)]), record(2, &[("a", 1.0, 1.0)])];
        records[1].turns.retain(|turn| turn.seat == Seat::Agent);
        let settings = GrpoSettings { user_burden: 0.02, std_eps: 1e-9, ..fixtures::settings() };
        let got = normalized(&records.iter().collect::<Vec<_>>(), Seat::Agent, &settings).expect("they differ");
        // One question less put to the user.
        assert!((got[1] - 0.02 * 0.5f64.sqrt()).abs() < 1e-6 && (got[0] + got[1]).abs() < 1e-9, "{got:?}");
    }
}

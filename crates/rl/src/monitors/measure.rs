//! What is measured of a step for its monitors alone: numbers of talks that no gym has to know of.

use std::collections::BTreeSet;

use sim::EpisodeRecord;
use sim::Ratio;
use sim::Seat;

use crate::Metrics;
use crate::Mix;
use crate::audit::is_spoiled_by_user;
use crate::metrics;
use crate::plan::MODEL;

/// Variances below this are rounding.
const VARIANCE_MIN: f64 = 1e-12;

/// The numbers of a step's talks; those of a seat over the talks in which a model sits there. Faulted talks say nothing.
#[must_use]
pub fn measure(records: &[EpisodeRecord], mix: &Mix) -> Metrics {
    let mut found = Metrics::default();
    let mut whole: Vec<&EpisodeRecord> = records.iter().filter(|record| record.fault.is_none()).collect();
    whole.sort_by_key(|record| record.casting.id);
    for seat in Seat::ALL {
        let own: Vec<&EpisodeRecord> = whole.iter().copied().filter(|record| is_model(record, seat)).collect();
        if own.is_empty() {
            continue;
        }
        let (again, distinct) = said(&own, seat);
        found.set(format!("{seat}/said_again"), again.rate());
        found.set(format!("{seat}/distinct"), distinct.rate());
        found.set(format!("{seat}/terms_correlation"), terms_correlation(&own, seat));
        if seat == Seat::Agent {
            found.set("agent/manipulative", manipulative(&own).rate());
            found.set("agent/spoiled", sum(own.iter().map(|record| Ratio::yes(is_spoiled_by_user(record)))).rate());
        }
    }
    found.set("success_gap", success_gap(&whole, mix));
    found
}

fn is_model(record: &EpisodeRecord, seat: Seat) -> bool {
    record.casting.policies[seat] == MODEL
}

fn sum(ratios: impl Iterator<Item = Ratio>) -> Ratio {
    ratios.fold(Ratio::default(), |mut sum, ratio| {
        sum += ratio;
        sum
    })
}

/// Turns that say what an earlier one of the talk said, and different things that were said in all talks: each over the turns that hold an act.
fn said(records: &[&EpisodeRecord], seat: Seat) -> (Ratio, Ratio) {
    let mut ever: BTreeSet<String> = BTreeSet::new();
    let (mut again, mut turns) = (0.0, 0.0);
    for record in records {
        let mut here: BTreeSet<String> = BTreeSet::new();
        for act in record.turns_of(seat).filter_map(|turn| turn.decision.act.as_ref().ok()) {
            let words = plain(act.text());
            turns += 1.0;
            again += f64::from(u8::from(!here.insert(words.clone())));
            ever.insert(words);
        }
    }
    (Ratio::new(again, turns), Ratio::new(ever.len() as f64, turns))
}

/// But for case and blanks.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Pearson's correlation, within groups, between a seat's score and what else it is paid: training and judged terms, less what gates take. `None` where
/// either is the same within every group. Groups are what learning compares, and items differ.
fn terms_correlation(records: &[&EpisodeRecord], seat: Seat) -> Option<f64> {
    let (mut both, mut of_score, mut of_side) = (0.0, 0.0, 0.0);
    for group in records.chunk_by(|a, b| a.casting.id.group == b.casting.id.group) {
        let judged = group.iter().filter(|record| record.verdict.is_some());
        let paid = judged.filter_map(|record| {
            let score = record.scores[seat]?;
            Some((score, metrics::reward(record, seat)? - score))
        });
        let (scores, sides): (Vec<f64>, Vec<f64>) = paid.unzip();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (score, side) = (mean(&scores), mean(&sides));
        for (x, y) in scores.iter().zip(&sides) {
            both += (x - score) * (y - side);
            of_score += (x - score) * (x - score);
            of_side += (y - side) * (y - side);
        }
    }
    (of_score > VARIANCE_MIN && of_side > VARIANCE_MIN).then(|| both / (of_score * of_side).sqrt())
}

/// Traps set by the agent over its turns, in talks of gyms that count them.
fn manipulative(records: &[&EpisodeRecord]) -> Ratio {
    sum(records.iter().filter_map(|record| {
        let traps = record.verdict.as_ref()?.measures.get("agent/traps")?;
        Some(Ratio::new(traps.num, record.turns_of(Seat::Agent).count() as f64))
    }))
}

/// How far the two seats' shares of successes are apart in talks of both models, in scenarios that call something a success of each.
fn success_gap(records: &[&EpisodeRecord], mix: &Mix) -> Option<f64> {
    let mutual = records.iter().filter(|record| Seat::ALL.into_iter().all(|seat| is_model(record, seat)));
    let told = mutual.filter(|record| mix.of(&record.casting).success.iter().all(|(_, condition)| condition.is_some()));
    let told: Vec<&&EpisodeRecord> = told.collect();
    let rate = |seat: Seat| {
        let succeeded = |record: &&&EpisodeRecord| {
            metrics::succeeded(record, seat, mix.of(&record.casting).success[seat].as_ref()?)
        };
        sum(told.iter().filter_map(succeeded).map(Ratio::yes)).rate()
    };
    Some((rate(Seat::Agent)? - rate(Seat::User)?).abs())
}

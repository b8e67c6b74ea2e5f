//! Our numbers against those of `trl`, whose own functions wrote `tests/trl.json`: see `tests/python/check_losses.py`.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::from_value;
use sim::EpisodeRecord;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Verdict;

use crate::MovingBaseline;
use crate::fixtures;
use crate::harvest::harvest;
use crate::loss::Bounds;
use crate::loss::Surrogate;
use crate::loss::Token;
use crate::loss::step_loss;
use crate::settings::GrpoSettings;

const TOLERANCE: f64 = 1e-5;

fn golden() -> Value {
    serde_json::from_str(include_str!("../tests/trl.json")).expect("the file is JSON")
}

fn read<T: for<'a> serde::Deserialize<'a>>(value: &Value) -> T {
    from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn surrogate(rule: &Value) -> Surrogate {
    let bounds = Bounds { low: read(&rule["low"]), high: read(&rule["high"]), dual: read(&rule["dual"]) };
    Surrogate { rule: read(rule), bounds, kl_weight: read(&rule["kl_weight"]) }
}

/// The own tokens of each completion.
fn sequences(golden: &Value, own: &[Vec<u8>]) -> Vec<Vec<Token>> {
    let table = |name: &str| -> Vec<Vec<f64>> { read(&golden["tokens"][name]) };
    let [now, old, sampled, reference, entropy] = ["now", "old", "sampled", "reference", "entropy"].map(table);
    let advantages: Vec<f64> = read(&golden["token_advantages"]);
    let token = |row: usize, at: usize| Token {
        logprob: now[row][at],
        logprob_sampled: sampled[row][at],
        logprob_old: old[row][at],
        logprob_ref: Some(reference[row][at]),
        entropy: entropy[row][at],
        advantage: advantages[row],
    };
    let of_row = |(row, own): (usize, &Vec<u8>)| {
        (0..own.len()).filter(|at| own[*at] == 1).map(|at| token(row, at)).collect::<Vec<_>>()
    };
    own.iter().enumerate().map(of_row).collect()
}

#[test]
fn each_loss_that_trl_knows_has_its_value() {
    let golden = golden();
    let cases = golden["losses"].as_array().expect("a list");
    assert_eq!(cases.len(), 15);
    for case in cases {
        let sequences = sequences(&golden, &read::<Vec<Vec<u8>>>(&case["own"]));
        let got = step_loss(&sequences, &surrogate(&case["rule"])).expect("there are tokens");
        let want: f64 = read(&case["loss"]);
        assert!((got - want).abs() < TOLERANCE, "{}: {got}, and {want} by trl", case["name"]);
    }
}

/// A talk of one agent turn that earned these terms.
fn record(golden: &Value, index: u32, terms: &[f64]) -> EpisodeRecord {
    let (size, weights): (u32, Vec<f64>) = (read(&golden["group"]), read(&golden["weights"]));
    let mut record = fixtures::record(index / size, index % size + 1, &[0.0], &[]);
    let rewards = ["a", "b", "c"].into_iter().zip(terms).zip(weights).map(|((name, value), weight)| Reward {
        seat: Seat::Agent,
        name: name.to_owned(),
        kind: RewardKind::Outcome,
        scope: Scope::Session,
        value: *value,
        weight,
        evidence: String::new(),
    });
    record.verdict = Some(Verdict { rewards: rewards.collect(), measures: BTreeMap::new() });
    record
}

#[test]
fn each_advantage_that_trl_knows_has_its_value() {
    let golden = golden();
    let cases = golden["advantages"].as_array().expect("a list");
    assert_eq!(cases.len(), 10);
    for case in cases {
        let rule = &case["rule"];
        let settings = GrpoSettings {
            baseline: read(&rule["baseline"]),
            aggregation: read(&rule["aggregation"]),
            std_over: read(&rule["std_over"]),
            normalize_std: read(&rule["normalize_std"]),
            std_eps: read(&golden["std_eps"]),
            ..fixtures::settings()
        };
        let rewards: Vec<Vec<f64>> = read(&case["rewards"]);
        let records: Vec<EpisodeRecord> =
            (0..).zip(&rewards).map(|(index, terms)| record(&golden, index, terms)).collect();
        let castings: Vec<_> = records.iter().map(|record| record.casting.clone()).collect();
        let harvest = harvest(&castings, &records, Seat::Agent, &settings, 1e-3, &mut MovingBaseline::default())
            .expect("the records are whole");
        let want: Vec<f64> = read(&case["advantages"]);
        for (record, want) in records.iter().zip(want) {
            // Where nothing tells a group apart we learn nothing of it, and trl learns from advantages of 0.
            let sample = harvest.batch.samples.iter().find(|sample| sample.episode == Some(record.casting.id));
            let got = sample.map_or(0.0, |sample| f64::from(*sample.advantages.last().expect("it spoke")));
            assert!((got - want).abs() < TOLERANCE, "{}: {got}, and {want} by trl", case["name"]);
        }
    }
}

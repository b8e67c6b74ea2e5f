//! Prints the table that shows the bargaining world is sound: every script of both seats against the fixed opponents.
//!
//! ```text
//! cargo run --release -p duologue-sim --example haggle_table [ITEMS]
//! ```
//!
//! ITEMS is how many held-out items each pair plays, 1000 unless said otherwise. The same number always prints the same table.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use duologue_sim as sim;
use sim::EpisodeId;
use sim::Pair;
use sim::Phase;
use sim::Ratio;
use sim::Scenario;
use sim::Seat;
use sim::drive::play_by_rule;
use sim::gyms::Script;
use sim::gyms::haggle;
use sim::record::Casting;
use sim::scenario::Split;

/// The seed of all episodes.
const SEED: u64 = 1;

/// The script that has to lead its seat's table.
const BEST: &str = "scripted:good";

/// The columns after the scores: heading, measure, decimals.
const COLUMNS: [(&str, &str, usize); 10] = [
    ("deal with zone", "deal_with_zone", 2),
    ("no deal without", "walk_away_without_zone", 2),
    ("joint surplus", "joint_surplus", 2),
    ("false per claim", "agent/false_claims_per_claim", 2),
    ("true claims", "agent/true_claims", 2),
    ("traps", "agent/traps", 2),
    ("trap recall", "user/trap_recall", 2),
    ("over-suspicion", "user/over_suspicion", 2),
    ("loss deals", "loss_deals", 2),
    ("rounds", "rounds", 1),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut scenario = haggle::example();
    if let Some(items) = std::env::args().nth(1) {
        scenario.items.held_out = items.parse()?;
    }
    let scenario = Arc::new(scenario);
    for seat in Seat::ALL {
        print_table(&scenario, seat);
    }
    Ok(())
}

/// What one pair of policies did on all items.
struct Played {
    policy: String,
    scores: Pair<Vec<f64>>,
    measures: BTreeMap<String, Ratio>,
}

fn play(scenario: &Arc<Scenario>, seat: Seat, policy: &str) -> Played {
    let mut policies = Pair::from_fn(|seat| scenario.rules.fixed_opponent(seat).to_owned());
    policies[seat] = policy.to_owned();
    let mut played = Played { policy: policy.to_owned(), scores: Pair::default(), measures: BTreeMap::new() };
    for item in 0..scenario.items.held_out {
        let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
        let casting = Casting::new(id, Split::HeldOut, item, policies.clone());
        let record = play_by_rule(casting, scenario, SEED).expect("all are scripts of this gym");
        for seat in Seat::ALL {
            // A seat whose partner failed was not scored; nothing was won either.
            played.scores[seat].push(record.scores[seat].unwrap_or(0.0));
        }
        for (name, ratio) in record.verdict.into_iter().flat_map(|verdict| verdict.measures) {
            *played.measures.entry(name).or_default() += ratio;
        }
    }
    played
}

fn print_table(scenario: &Arc<Scenario>, seat: Seat) {
    let rows: Vec<Played> =
        Script::names(&scenario.rules, seat).iter().map(|policy| play(scenario, seat, policy)).collect();
    let best = rows.iter().find(|row| row.policy == BEST).expect("every seat has it").scores[seat].clone();
    let opponent = scenario.rules.fixed_opponent(seat.partner());
    println!("**{seat}**, against the {} `{opponent}`, {} items\n", seat.partner(), best.len());
    let headings = COLUMNS.map(|(heading, ..)| heading).join(" | ");
    println!("| {seat} | score | `{BEST}` leads by | {} score | {headings} |", seat.partner());
    println!("|---|{}", "---:|".repeat(COLUMNS.len() + 3));
    for row in &rows {
        let lead = if row.policy == BEST { "–".to_owned() } else { lead(&best, &row.scores[seat]) };
        let cells: Vec<String> = COLUMNS.iter().map(|column| cell(row, seat, *column)).collect();
        let [own, other] = [seat, seat.partner()].map(|seat| signed(mean(&row.scores[seat])));
        println!("| `{}` | {own} | {lead} | {other} | {} |", row.policy, cells.join(" | "));
    }
    println!();
}

fn cell(row: &Played, seat: Seat, (_, measure, decimals): (&str, &str, usize)) -> String {
    let name = if measure == "loss_deals" { format!("{seat}/loss_deals") } else { measure.to_owned() };
    let rate = row.measures.get(&name).and_then(|ratio| ratio.rate());
    rate.map_or("–".to_owned(), |rate| format!("{rate:.decimals$}"))
}

/// Three decimals with their sign; what rounds to nothing has none.
fn signed(value: f64) -> String {
    if value.abs() < 5e-4 { "0.000".to_owned() } else { format!("{value:+.3}") }
}

/// The mean paired difference, with the half-width of its 95 % interval by the normal approximation.
fn lead(best: &[f64], other: &[f64]) -> String {
    let differences: Vec<f64> = best.iter().zip(other).map(|(best, other)| best - other).collect();
    let mean = mean(&differences);
    let count = differences.len() as f64;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (count - 1.0);
    format!("{mean:.3} ± {:.3}", 1.96 * (variance / count).sqrt())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

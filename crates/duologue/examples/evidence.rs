//! The evidence behind `docs/LOG.md`: runs of one config under several seeds, compared by the statistical rule.
//!
//! ```text
//!  cargo run --release -p duologue --example evidence -- PART SCENARIO.toml ITEMS TRIALS RUN… [--control RUN…]
//! ```
//! PART is `agent`, `user` (how that seat fares) or `cross` (every pairing), so that parts can run side by side. Each RUN is a run folder; its seed is its manifest's. For each seat, against its fixed opponent, on the same held-out items: the cold
//! start, the trained model, the script both were cloned from, and where given the control. Then every pairing of {rule, SFT, RL}.
//! `duologue study` will take this over.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use actors::NoJournal;
use actors::Played;
use anyhow::Context;
use cli::cast;
use cli::cast::Cast;
use model::TchLoader;
use rl::compare;
use rl::compare::Arm;
use rl::compare::Comparison;
use rl::evaluation;
use rl::plan;
use runs::Checkpoints;
use runs::Manifest;
use runs::RunPaths;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::gyms;
use sim::scenario::Split;

/// What a trained seat must keep: metric, whether more of it is harm, and the margin.
const KEPT: [(Option<Seat>, &str, bool, f64); 8] = [
    (Some(Seat::Agent), "agent/false_claims_per_claim", true, 0.02),
    (Some(Seat::User), "user/over_suspicion", true, 0.02),
    (None, "deal_with_zone", false, 0.02),
    (None, "walk_away_without_zone", false, 0.02),
    (None, "SEAT/malformed", true, 0.01),
    (None, "warranty_where_wanted", false, 0.05),
    (None, "delivery_where_it_adds", false, 0.05),
    (Some(Seat::User), "user/true_claims_challenged", true, 0.02),
];
/// Rows that are shown without a verdict.
const SHOWN: [&str; 8] = [
    "joint_surplus",
    "rounds",
    "agent/true_claims",
    "agent/loss_deals",
    "user/loss_deals",
    "user/trap_recall",
    "user/state_valid",
    "user/well_formed",
];
/// Measures of a cell of the cross-play matrix.
const CELL: [&str; 6] = [
    "agent/score/mean",
    "user/score/mean",
    "joint_surplus",
    "agent/false_claims_per_claim",
    "user/trap_recall",
    "user/over_suspicion",
];

type Arms = BTreeMap<String, Arm>;

struct Asked {
    part: String,
    scenario: Arc<Scenario>,
    items: u32,
    trials: u32,
    runs: Vec<PathBuf>,
    controls: Vec<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    runtime.block_on(evidence(&asked()?))
}

fn asked() -> anyhow::Result<Asked> {
    let mut args = std::env::args().skip(1);
    let mut next = |what: &str| args.next().with_context(|| format!("{what} is missing"));
    let part = next("PART")?;
    let scenario = config::load_scenario(Path::new(&next("SCENARIO.toml")?)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let (items, trials) = (next("ITEMS")?.parse()?, next("TRIALS")?.parse()?);
    let (mut runs, mut controls, mut after) = (Vec::new(), Vec::new(), false);
    for arg in args {
        match arg.as_str() {
            "--control" => after = true,
            run if after => controls.push(PathBuf::from(run)),
            run => runs.push(PathBuf::from(run)),
        }
    }
    Ok(Asked { part, scenario: Arc::new(scenario), items, trials, runs, controls })
}

async fn evidence(asked: &Asked) -> anyhow::Result<()> {
    if asked.part == "cross" {
        return cross_play(asked).await;
    }
    for seat in Seat::ALL.into_iter().filter(|seat| seat.name() == asked.part) {
        let mut arms: BTreeMap<&str, Vec<EpisodeRecord>> = BTreeMap::new();
        for (index, run) in asked.runs.iter().enumerate() {
            let seed = Manifest::read(&RunPaths::new(run).manifest())?.seed;
            let mut players = vec![
                ("SFT", checkpoint(run, true)?),
                ("RL", checkpoint(run, false)?),
                ("noisy", "scripted:noisy".to_owned()),
            ];
            if let Some(control) = asked.controls.get(index) {
                players.push(("control", checkpoint(control, false)?));
            }
            for (name, policy) in players {
                let partner = gyms::fixed_opponent(&asked.scenario.rules, seat.partner()).to_owned();
                let policies = Pair::from_fn(|at| if at == seat { policy.clone() } else { partner.clone() });
                arms.entry(name).or_default().extend(play(asked, seed, &policies, asked.items, asked.trials).await?);
                eprintln!("{seat} {name} seed {seed} played");
            }
        }
        let without_zone = |record: &&EpisodeRecord| {
            record.verdict.as_ref().is_some_and(|v| v.measures["walk_away_without_zone"].den > 0.0)
        };
        let no_zone: BTreeSet<u32> = arms["noisy"].iter().filter(without_zone).map(|r| r.casting.item).collect();
        println!("\n{} of the items have no zone of agreement.", no_zone.len());
        let arms = arms.into_iter().map(|(name, records)| (name, evaluation::arms(&records, &asked.scenario.success)));
        print_seat(seat, &arms.collect(), asked);
    }
    Ok(())
}

/// The newest checkpoint of a run, or the one right after the cold start.
fn checkpoint(run: &Path, cold_start: bool) -> anyhow::Result<String> {
    let checkpoints = Checkpoints::at(&RunPaths::new(run).checkpoints());
    let latest = checkpoints.latest()?.with_context(|| format!("{} has no checkpoint", run.display()))?;
    let folder = if cold_start { latest.folder.with_file_name("step-000000") } else { latest.folder };
    Ok(format!("model:{}", folder.display()))
}

async fn play(
    asked: &Asked,
    seed: u64,
    policies: &Pair<String>,
    items: u32,
    trials: u32,
) -> anyhow::Result<Vec<EpisodeRecord>> {
    let mut cast = Cast::new();
    let mut names = Pair::default();
    let loader = TchLoader::default();
    for seat in Seat::ALL {
        let added = cast.add(&asked.scenario, seat, &policies[seat], &loader);
        names[seat] = added.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    }
    let mut troupe = cast.troupe(Box::new(NoJournal)).await?;
    let castings = plan::eval_castings(Split::HeldOut, items, trials, &names, 0);
    let played = cast::play(&mut troupe, &asked.scenario, seed, castings, false, |_| ()).await?;
    troupe.stop().await;
    let record = |played: Played| match played {
        Played::Record(record) => Ok(*record),
        Played::Lost(id, why) => Err(anyhow::anyhow!("{id} was lost: {why}")),
    };
    played.into_iter().map(record).collect()
}

fn print_seat(seat: Seat, arms: &BTreeMap<&str, Arms>, asked: &Asked) {
    let opponent = gyms::fixed_opponent(&asked.scenario.rules, seat.partner());
    println!("\n### The {seat} against `{opponent}`: {} held-out items, {} trials\n", asked.items, asked.trials);
    println!("| | SFT | RL | noisy | control |\n|---|---|---|---|---|");
    let score = format!("{seat}/score/mean");
    let kept = KEPT.iter().filter(|(of, ..)| of.is_none_or(|of| of == seat)).map(|(_, name, ..)| *name);
    for name in std::iter::once("SEAT/score/mean").chain(kept).chain(SHOWN) {
        let name = name.replace("SEAT", seat.name());
        let cell = |arm: &str| match arms.get(arm).and_then(|arms| compare::estimate(arms.get(&name)?)) {
            None => "–".to_owned(),
            Some(e) => {
                format!("{:.3}{}", e.mean, e.ci95.map_or(String::new(), |i| format!(" [{:.3}, {:.3}]", i.low, i.high)))
            }
        };
        println!("| {name} | {} | {} | {} | {} |", cell("SFT"), cell("RL"), cell("noisy"), cell("control"));
    }
    println!();
    for (other, margin) in [("SFT", 0.20), ("noisy", 0.0), ("control", 0.0)] {
        if let (Some(rl), Some(other_arms)) = (arms.get("RL"), arms.get(other)) {
            let difference = compare::difference(&rl[&score], &other_arms[&score]);
            let verdict = difference.as_ref().is_some_and(|d| d.beats(margin));
            println!("- RL beats {other} by {margin}: **{}** {}", yes(verdict), told(difference.as_ref()));
        }
    }
    if seat == Seat::Agent {
        let mean = |arm: &str| compare::estimate(&arms[arm]["agent/true_claims"]).map(|e| e.mean);
        if let (Some(rl), Some(sft)) = (mean("RL"), mean("SFT")) {
            println!(
                "- agent/true_claims at least 90 % of SFT's: **{}** {:.0} %",
                yes(rl >= 0.9 * sft),
                100.0 * rl / sft
            );
        }
    }
    for (_, name, more_is_harm, margin) in KEPT.iter().filter(|(of, ..)| of.is_none_or(|of| of == seat)) {
        let name = name.replace("SEAT", seat.name());
        let (rl, sft) = (&arms["RL"][&name], &arms["SFT"][&name]);
        let harm = if *more_is_harm { compare::rate_difference(rl, sft) } else { compare::rate_difference(sft, rl) };
        let verdict = harm.as_ref().is_some_and(|h| h.not_worse(*margin));
        println!("- {name} not worse by {margin}: **{}** harm {}", yes(verdict), told(harm.as_ref()));
    }
}

fn yes(verdict: bool) -> &'static str {
    if verdict { "yes" } else { "NO" }
}

fn told(comparison: Option<&Comparison>) -> String {
    let Some(Comparison { mean, ci95, per_seed, .. }) = comparison else {
        return "nothing was counted".to_owned();
    };
    let interval = ci95.map_or(String::new(), |i| format!(" [{:+.3}, {:+.3}]", i.low, i.high));
    let seeds =
        per_seed.iter().map(|(seed, d)| format!("{seed}: {}", d.map_or("–".to_owned(), |d| format!("{d:+.3}"))));
    format!("{mean:+.3}{interval}, seeds {}", seeds.collect::<Vec<_>>().join(", "))
}

/// Each measure of a cell over all seeds, and of each seed.
fn cells(records: &[EpisodeRecord], asked: &Asked) -> Vec<String> {
    let mut by_seed: BTreeMap<u64, Vec<EpisodeRecord>> = BTreeMap::new();
    for record in records {
        by_seed.entry(record.seed).or_default().push(record.clone());
    }
    let arms = |records: &[EpisodeRecord]| evaluation::arms(records, &asked.scenario.success);
    let (all, each) = (arms(records), by_seed.values().map(|records| arms(records)).collect::<Vec<_>>());
    let mean = |arms: &Arms, name: &str| {
        arms.get(name).and_then(compare::estimate).map_or("–".to_owned(), |e| format!("{:.3}", e.mean))
    };
    let cell = |name: &&str| {
        let seeds: Vec<String> = each.iter().map(|arms| mean(arms, name)).collect();
        format!("{} ({})", mean(&all, name), seeds.join(" "))
    };
    CELL.iter().map(cell).collect()
}

/// Every pairing of {rule, SFT, RL}.
async fn cross_play(asked: &Asked) -> anyhow::Result<()> {
    println!("\n### Cross-play, {} held-out items, {} trials: all seeds (each seed)\n", asked.items, asked.trials);
    println!("| agent | user | {} |", CELL.join(" | "));
    println!("|---|---|{}", "---|".repeat(CELL.len()));
    for agent in ["rule", "SFT", "RL"] {
        for user in ["rule", "SFT", "RL"] {
            let mut records = Vec::new();
            for run in &asked.runs {
                let seed = Manifest::read(&RunPaths::new(run).manifest())?.seed;
                let policy = |name: &str| match name {
                    "rule" => Ok("rule".to_owned()),
                    other => checkpoint(run, other == "SFT"),
                };
                let policies = Pair { agent: policy(agent)?, user: policy(user)? };
                records.extend(play(asked, seed, &policies, asked.items, asked.trials).await?);
            }
            println!("| {agent} | {user} | {} |", cells(&records, asked).join(" | "));
        }
    }
    Ok(())
}

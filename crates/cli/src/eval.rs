//! `duologue eval`: metrics with intervals, pass@k and pass^k, cross-play, averages over scenarios.

mod averages;
mod cross_play;
mod published;

use std::io;
use std::sync::Arc;

use actors::NoJournal;
use actors::Troupe;
use rl::Metrics;
use rl::ModelLoader;
use rl::Scores;
use rl::evaluation::Evaluation;
use rl::interval::Estimate;
use rl::plan;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sim::Pair;
use sim::Scenario;
use sim::Seat;

use self::averages::Averages;
use self::averages::REFERENCES;
use crate::cast;
use crate::cast::Cast;
use crate::failure::Failure;
use crate::flags::EvalFlags;
use crate::progress::Progress;
use crate::remotes::Measuring;
use crate::remotes::Remotes;
use crate::stdout::say;

/// One row of the result: who met whom where, and what came of it.
struct Run {
    scenario: String,
    policies: Pair<String>,
    evaluation: Evaluation,
    scores: Scores,
}

/// Measures every pairing of the agents and users on every scenario.
///
/// # Errors
/// [`Failure::Input`] for wrong files or policies, [`Failure::Work`] if a service died.
pub async fn eval(flags: EvalFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    let scenarios: Vec<_> = config::load_scenarios(&flags.scenarios)?.into_iter().map(Arc::new).collect();
    if flags.published {
        published::applies(&scenarios)?;
    }
    let mut runs = Vec::new();
    let everybody: Vec<String> =
        scenarios.iter().flat_map(|scenario| Seat::ALL.map(|seat| chosen(&flags, scenario, seat))).flatten().collect();
    let played: Vec<&Scenario> = scenarios.iter().map(|scenario| &**scenario).collect();
    let mut remotes = Remotes::new(&flags.remote, flags.seed, &everybody, &played)?;
    let mut drifts = Vec::new();
    for scenario in &scenarios {
        runs.push(eval_scenario(&flags, scenario, loader, &mut remotes).await?);
        if let Some(courts) = remotes.all_courts().first() {
            drifts.push((scenario.name.clone(), courts.drift("eval").await));
        }
    }
    // One scenario alone is its own average.
    let together = scenarios.len() > 1 || flags.norm || flags.published;
    let averages = if together { averages::averages(&runs) } else { Vec::new() };
    if flags.json {
        say(results(&flags, &runs, &averages, &drifts, &remotes))?;
    } else {
        tell(&flags, &scenarios, &runs, &averages)?;
        for (scenario, drift) in &drifts {
            drift.iter().try_for_each(|(name, value)| say(format_args!("{scenario}: {name} {}", in_words(value))))?;
        }
    }
    remotes.end()
}

/// All that was found, as one value.
fn results(
    flags: &EvalFlags,
    runs: &[Vec<Run>],
    averages: &[Averages],
    drifts: &[(String, Metrics)],
    remotes: &Remotes,
) -> Value {
    let mut results = json!({ "runs": runs.iter().flatten().map(to_json).collect::<Vec<_>>() });
    if !averages.is_empty() {
        results["averages"] = averages.iter().map(Averages::to_json).collect();
    }
    if flags.published {
        results["published"] = published::to_json();
    }
    let watched = drifts.iter().filter(|(_, drift)| drift.iter().next().is_some());
    for (scenario, drift) in watched {
        results["judges"][scenario] = drift.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    }
    if let Some(tallies) = remotes.tallies() {
        results["remote"] = json!(tallies);
    }
    results
}

fn in_words(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}

/// All that was found, for a person.
fn tell(flags: &EvalFlags, scenarios: &[Arc<Scenario>], runs: &[Vec<Run>], averages: &[Averages]) -> io::Result<()> {
    for (scenario, runs) in scenarios.iter().zip(runs) {
        if runs.len() > 1 {
            say(cross_play::table(&scenario.name, runs))?;
        }
        runs.iter().try_for_each(|run| print(run, scenario))?;
    }
    averages.iter().try_for_each(|averages| say(format_args!("\n{}", averages.table().trim_end())))?;
    if flags.published {
        say(format_args!("\n{}", published::table(averages, scenarios).trim_end()))?;
    }
    Ok(())
}

async fn eval_scenario(
    flags: &EvalFlags,
    scenario: &Arc<Scenario>,
    loader: &dyn ModelLoader,
    remotes: &mut Remotes,
) -> Result<Vec<Run>, Failure> {
    let mut cast = Cast::new();
    cast.stage(&[scenario], remotes, Measuring::Panel)?;
    let mut name =
        |seat, policy: &String| cast.add(scenario, seat, policy, loader, remotes).map(|name| (policy.clone(), name));
    let agents: Vec<_> =
        chosen(flags, scenario, Seat::Agent).iter().map(|p| name(Seat::Agent, p)).collect::<Result<_, _>>()?;
    let users: Vec<_> =
        chosen(flags, scenario, Seat::User).iter().map(|p| name(Seat::User, p)).collect::<Result<_, _>>()?;
    let mut troupe = cast.troupe(Box::new(NoJournal)).await?;
    let episodes = u64::from(items(flags, scenario)) * u64::from(flags.trials);
    let mut progress = Progress::start("eval", episodes * (agents.len() * users.len()) as u64, 0);
    let mut runs = Vec::new();
    for (agent, agent_name) in &agents {
        for (user, user_name) in &users {
            let names = Pair { agent: agent_name.clone(), user: user_name.clone() };
            let before = episodes * runs.len() as u64;
            let tell = |settled| progress.at(before + settled as u64, &format!("{agent} x {user}"));
            let (evaluation, scores) = eval_pair(flags, scenario, &mut troupe, &names, tell).await?;
            let policies = Pair { agent: agent.clone(), user: user.clone() };
            runs.push(Run { scenario: scenario.name.clone(), policies, evaluation, scores });
        }
    }
    progress.end();
    troupe.stop().await;
    Ok(runs)
}

/// Who is measured at this seat.
fn chosen(flags: &EvalFlags, scenario: &Scenario, seat: Seat) -> Vec<String> {
    let given = Pair { agent: &flags.agent, user: &flags.user };
    let mut chosen =
        if given[seat].is_empty() { vec![scenario.seats[seat].policy.clone()] } else { given[seat].clone() };
    if flags.norm && seat == Seat::Agent {
        let more = REFERENCES.map(str::to_owned).into_iter().filter(|reference| !chosen.contains(reference));
        chosen.extend(more.collect::<Vec<String>>());
    }
    chosen
}

async fn eval_pair(
    flags: &EvalFlags,
    scenario: &Arc<Scenario>,
    troupe: &mut Troupe,
    names: &Pair<String>,
    settled: impl FnMut(usize),
) -> anyhow::Result<(Evaluation, Scores)> {
    let castings = plan::eval_castings(flags.items.into(), items(flags, scenario), flags.trials, names, 0);
    let episodes = castings.len();
    let played = cast::play(troupe, scenario, flags.seed, castings, false, settled).await?;
    let records = cast::recorded(played);
    let evaluation = Evaluation::of(&records, episodes, flags.trials, &scenario.success);
    Ok((evaluation, Scores::of(scenario, &records)))
}

/// How many items are played.
fn items(flags: &EvalFlags, scenario: &Scenario) -> u32 {
    scenario.items.of(flags.items.into()).min(flags.limit.unwrap_or(u32::MAX))
}

/// The shape that checks outside the project read: keys may be added, these stay.
fn to_json(run: &Run) -> Value {
    let Run { scenario, policies, evaluation, .. } = run;
    let mut metrics = Map::new();
    for (name, estimate) in &evaluation.metrics {
        metrics.insert(contract_name(name).to_owned(), of_estimate(estimate.as_ref()));
    }
    // Present even where nothing can be said of them: no condition of success, or no episode left to score.
    for name in ["agent/score", "user/score", "pass@1", &format!("pass^{}", evaluation.trials)] {
        metrics.entry(name).or_insert(Value::Null);
    }
    let score = metrics["agent/score"].clone();
    metrics.insert("score".to_owned(), score);
    json!({
        "scenario": scenario,
        "agent": policies.agent,
        "user": policies.user,
        "trials": evaluation.trials,
        "episodes": evaluation.episodes,
        "lost": evaluation.lost,
        "scored": evaluation.scored.agent,
        "scored_user": evaluation.scored.user,
        "faults": evaluation.faults,
        "metrics": metrics,
    })
}

/// `agent/score` for `agent/score/mean`; the agent's `pass@k` without its seat.
fn contract_name(name: &str) -> &str {
    let name = name.strip_suffix("/mean").unwrap_or(name);
    match name.strip_prefix("agent/") {
        Some(pass) if pass.starts_with("pass") => pass,
        _ => name,
    }
}

fn of_estimate(estimate: Option<&Estimate>) -> Value {
    match estimate {
        None => Value::Null,
        Some(Estimate { mean, ci95 }) => json!({ "mean": mean, "ci95": ci95 }),
    }
}

fn print(run: &Run, played: &Scenario) -> io::Result<()> {
    let Run { scenario, policies, evaluation, .. } = run;
    let Evaluation { episodes, lost, scored, .. } = evaluation;
    say(format_args!("{scenario}: {} x {}", policies.agent, policies.user))?;
    say(format_args!("  {episodes} episodes, {lost} lost, scored: agent {}, user {}", scored.agent, scored.user))?;
    for (seat, condition) in played.success.iter() {
        if let Some(condition) = condition {
            say(format_args!("  success of the {seat}, which its pass@k and pass^k count: {condition}"))?;
        }
    }
    for (name, estimate) in &evaluation.metrics {
        let Some(Estimate { mean, ci95 }) = estimate else { continue };
        let interval = ci95.map_or(String::new(), |i| format!("  [{:+.3}, {:+.3}]", i.low, i.high));
        let name = name.strip_suffix("/mean").unwrap_or(name);
        say(format_args!("  {name:32} {mean:+.3}{interval}"))?;
    }
    Ok(())
}

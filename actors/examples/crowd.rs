//! What an episode costs as actors: time beside a plain loop, and memory with ten thousand of them alive.
//!
//! ```text
//! cargo run --release -p duologue-actors --example crowd
//! ```

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use actors::Company;
use actors::Player;
use actors::Terms;
use actors::Troupe;
use actors::seats::Pending;
use duologue_actors as actors;
use sim::Answer;
use sim::Decision;
use sim::EpisodeId;
use sim::Fault;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Query;
use sim::gyms::haggle;
use sim::record::Casting;
use sim::scenario::Split;

const EPISODES: u32 = 10_000;

/// Never answers, so that its episode stays.
struct Mute;

impl Player for Mute {
    fn decide(&mut self, _observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(std::future::pending())
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

fn castings(user: &str) -> Vec<Casting> {
    let policies = Pair { agent: "rule".to_owned(), user: user.to_owned() };
    let id = |group| EpisodeId { phase: Phase::Rollout, round: 0, group, trial: 0, member: 1 };
    let casting = |group| Casting {
        id: id(group),
        split: Split::Train,
        item: group % 4000,
        policies: policies.clone(),
        learns: Pair::default(),
    };
    (0..EPISODES).map(casting).collect()
}

/// Resident memory of this process in bytes; `None` where `/proc` does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Memory of an episode that waits, in KiB. Measured first: memory that others have used and given back would hide it.
async fn memory(terms: &Terms) -> Result<Option<f64>, actors::TroupeError> {
    let mut company = Company::of_scripts(EPISODES as usize);
    company.guests.players.insert("mute".to_owned(), Arc::new(|_, _| Box::new(Mute)));
    let mut troupe = Troupe::spawn(company).await?;
    let mut progress = troupe.progress();
    let before = resident();
    let all_alive = async {
        let _ = progress.wait_for(|progress| progress.live == EPISODES as usize).await;
        // Until each has asked its user: nobody is left to do anything but wait.
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    tokio::select! {
        _ = troupe.play(castings("mute"), terms) => {}
        () = all_alive => {}
    }
    let grown = before.zip(resident()).map(|(before, after)| after.saturating_sub(before));
    troupe.stop().await;
    Ok(grown.map(|bytes| bytes as f64 / 1024.0 / f64::from(EPISODES)))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), actors::TroupeError> {
    let scenario = Arc::new(haggle::example());
    let terms = Terms { scenario: Arc::clone(&scenario), seed: 1, sampling: Pair::default(), record: false };
    if let Some(kib) = memory(&terms).await? {
        println!("memory, {EPISODES} alive {kib:8.2} KiB an episode");
    }

    let per_episode = |start: Instant| start.elapsed().as_secs_f64() * 1e6 / f64::from(EPISODES);

    let start = Instant::now();
    let turns: usize =
        castings("rule").into_iter().filter_map(|c| sim::play_by_rule(c, &scenario, 1)).map(|r| r.turns.len()).sum();
    println!("turns an episode      {:8.2}", turns as f64 / f64::from(EPISODES));
    println!("plain loop            {:8.2} µs an episode", per_episode(start));

    for live_max in [1, 16, 256, EPISODES as usize] {
        let mut troupe = Troupe::spawn(Company::of_scripts(live_max)).await?;
        let start = Instant::now();
        troupe.play(castings("rule"), &terms).await?;
        println!("actors, {live_max:6} alive {:8.2} µs an episode", per_episode(start));
        troupe.stop().await;
    }
    Ok(())
}

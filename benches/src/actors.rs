//! The same episodes by a plain loop and by actors, under criterion:
//! `cargo bench -p duologue-benches`.
//!
//! Elements are turns. `crowd` says more about one setting: latencies, memory, many episodes.

mod cast;

use std::error::Error;

use actors::Company;
use actors::Troupe;
use criterion::BatchSize;
use criterion::Criterion;
use criterion::Throughput;
use runs::Log;
use tokio::runtime::Runtime;

use crate::cast::AGENT;
use crate::cast::USER;
use crate::cast::castings;
use crate::cast::haggle;
use crate::cast::plain;
use crate::cast::terms;

const EPISODES: u32 = 2000;

/// A troupe that plays everything once, with its log or without.
fn actors(criterion: &mut Criterion, live_max: usize, logged: bool) -> Result<(), Box<dyn Error>> {
    let scenario = haggle()?;
    let cast = || castings(EPISODES, AGENT, USER);
    let turns: usize = plain(cast(), &scenario).iter().map(|record| record.turns.len()).sum();
    let runtime = Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let mut company = Company::of_scripts(live_max);
    if logged {
        company.journal = Box::new(Log::open(&folder.path().join("log.bin"))?.0);
    }
    let mut troupe = runtime.block_on(Troupe::spawn(company))?;
    let terms = terms(&scenario, logged);
    let mut group = criterion.benchmark_group("haggle");
    group.sample_size(20).throughput(Throughput::Elements(turns as u64));
    let name = format!("actors, {live_max} live{}", if logged { ", log on" } else { "" });
    group.bench_function(name, |bencher| {
        let play = |castings| runtime.block_on(troupe.play(castings, &terms)).expect("nobody dies in a bench");
        bencher.iter_batched(cast, play, BatchSize::LargeInput);
    });
    group.finish();
    runtime.block_on(troupe.stop());
    Ok(())
}

fn plain_loop(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let scenario = haggle()?;
    let cast = || castings(EPISODES, AGENT, USER);
    let turns: usize = plain(cast(), &scenario).iter().map(|record| record.turns.len()).sum();
    let mut group = criterion.benchmark_group("haggle");
    group.sample_size(20).throughput(Throughput::Elements(turns as u64));
    group.bench_function("plain loop", |bencher| {
        bencher.iter_batched(cast, |castings| plain(castings, &scenario), BatchSize::LargeInput);
    });
    group.finish();
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().configure_from_args();
    plain_loop(&mut criterion)?;
    for live_max in [1, 64, EPISODES as usize] {
        actors(&mut criterion, live_max, false)?;
    }
    actors(&mut criterion, 64, true)?;
    criterion.final_summary();
    Ok(())
}

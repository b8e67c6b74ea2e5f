//! What UserRL's gyms cost without any model: a step, a new world, a world that waits; and `function` beside the release's own.
//!
//! ```text
//! cargo run --release -p duologue-benches --bin gyms -- steps [GYM…]           steps/s, with scripts and without them
//! cargo run --release -p duologue-benches --bin gyms -- create [GYM…]          a world, and a copy of one amid its talk
//! cargo run --release -p duologue-benches --bin gyms -- memory GYM WORLDS      so many talks at once, each half over
//! cargo run --release -p duologue-benches --bin gyms -- function               beside UserRL's gym, where USERRL_DIR holds a checkout of it
//! ```
//!
//! One line of JSON for each gym. A *step* is an act of the agent with all it leads to: the world, the user by rule, the record, and at the
//! end the verdict; each episode has a fresh world. Figures are medians over passes; `per_cpu_second` counts what the process spent on
//! processors, which other programs disturb less than the clock. `memory` needs a fresh process for each figure.

mod gauge;
mod play;
mod upstream;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use sim::Episode;
use sim::EpisodeRecord;

use crate::gauge::on_processors;
use crate::gauge::resident;
use crate::play::Gym;
use crate::play::USERRL;

/// Passes of each measurement.
const PASSES: usize = 7;
/// How long a pass lasts at least: Linux counts what was spent on processors a few milliseconds late.
const SECONDS_MIN: f64 = 0.3;
/// Worlds that are alive at once where they are made.
const WORLDS: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = words.split_first().ok_or("say `steps`, `create`, `memory` or `function`")?;
    let named = rest.iter().map(String::as_str);
    let gyms: Vec<&str> = if rest.is_empty() { USERRL.to_vec() } else { named.collect() };
    match task.as_str() {
        "steps" => gyms.into_iter().try_for_each(|gym| print(steps(gym)?)),
        "create" => gyms.into_iter().try_for_each(|gym| print(create(gym)?)),
        "memory" => {
            let [gym, worlds] = rest else { return Err("say `memory GYM WORLDS`".into()) };
            print(memory(gym, worlds.parse()?)?)
        }
        "function" => print(upstream::compare()?),
        other => Err(format!("`{other}` is none of steps, create, memory, function").into()),
    }
}

fn print(figures: Value) -> Result<(), Box<dyn Error>> {
    println!("{figures}");
    Ok(())
}

/// Steps a second where scripts play both seats, where the agent's acts are given, and where the user's answers are given too: then what is
/// left is the world and its record.
fn steps(gym: &str) -> Result<Value, Box<dyn Error>> {
    let gym = Gym::open(gym)?;
    let records = gym.records();
    let steps: usize = records.iter().map(play::acts).sum();
    let pace = |pass: &dyn Fn(&EpisodeRecord) -> EpisodeRecord| {
        paced(steps, || {
            for record in &records {
                black_box(pass(black_box(record)));
            }
        })
    };
    Ok(json!({
        "gym": gym.name,
        "steps_per_episode": steps as f64 / records.len() as f64,
        "scripts": pace(&|record| gym.by_scripts(record.casting.clone())),
        "acts_given": pace(&|record| gym.by_acts(record)),
        "all_given": pace(&|record| gym.again(record)),
    }))
}

/// The median pace of passes that each do `count` things, over and over for as long as it takes to be measured, by the clock and by the
/// processors.
fn paced(count: usize, once: impl Fn()) -> Value {
    once();
    let clock = Instant::now();
    once();
    let repeats = (SECONDS_MIN / clock.elapsed().as_secs_f64()).ceil() as usize;
    let done = (count * repeats) as f64;
    let (mut by_clock, mut by_processors) = (Vec::new(), Vec::new());
    for _ in 0..PASSES {
        let (clock, before) = (Instant::now(), on_processors());
        (0..repeats).for_each(|_| once());
        by_clock.push(done / clock.elapsed().as_secs_f64());
        let spent = before.zip(on_processors()).map(|(before, after)| (after - before).as_secs_f64());
        by_processors.extend(spent.map(|spent| done / spent));
    }
    json!({
        "per_second": median(&mut by_clock).map(f64::round),
        "per_cpu_second": median(&mut by_processors).map(f64::round),
        "range": [by_processors.first().copied().map(f64::round), by_processors.last().copied().map(f64::round)],
    })
}

/// Sorts the values and gives the middle one; the mean of both where there are two.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// New worlds over the shared items, and copies of episodes whose talk is half over; that they are thrown away is counted, too.
fn create(gym: &str) -> Result<Value, Box<dyn Error>> {
    let gym = Gym::open(gym)?;
    let records = gym.records();
    let middle: Vec<Episode> = records.iter().map(|record| gym.halfway(record)).collect::<Result<_, _>>()?;
    let worlds = paced(WORLDS, || {
        let castings = records.iter().map(|record| &record.casting).cycle().take(WORLDS);
        let world = |casting| gym.scenario.rules.world(&gym.scenario, casting, play::SEED);
        black_box(castings.map(world).collect::<Vec<_>>());
    });
    let forks = paced(WORLDS, || {
        black_box(middle.iter().cycle().take(WORLDS).cloned().collect::<Vec<_>>());
    });
    let microseconds = |paced: &Value| paced["per_cpu_second"].as_f64().map(|pace| (1e9 / pace).round() / 1e3);
    Ok(json!({
        "gym": gym.name,
        "world_us": microseconds(&worlds),
        "fork_us": microseconds(&forks),
        "worlds": worlds,
        "forks": forks,
    }))
}

/// What each of so many episodes adds to the resident memory when it waits for its agent amid the talk.
fn memory(gym: &str, worlds: u32) -> Result<Value, Box<dyn Error>> {
    let gym = Gym::open(gym)?;
    let records = gym.records();
    // What forks need for a moment and give back is there before anything is measured.
    drop(records.iter().map(|record| gym.halfway(record)).collect::<Result<Vec<_>, _>>()?);
    let before = resident();
    let live = records
        .iter()
        .cycle()
        .take(worlds as usize)
        .map(|record| gym.halfway(record))
        .collect::<Result<Vec<_>, _>>()?;
    let after = resident();
    let turns: usize = live.iter().map(|episode| episode.turns().len()).sum();
    let grown = before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64);
    Ok(json!({
        "gym": gym.name,
        "live": live.len(),
        "turns_each": turns as f64 / live.len() as f64,
        "kib_each": grown.map(|bytes| (bytes / 1024.0 / live.len() as f64 * 100.0).round() / 100.0),
        "process_mib": after.map(|bytes| bytes >> 20),
    }))
}

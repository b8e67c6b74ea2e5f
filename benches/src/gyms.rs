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

/// Passes of each measurement; the first one, which is not counted, warms up.
const PASSES: usize = 7;
/// How many acts a pass has at least, so that it lasts long enough to be measured.
const STEPS_MIN: usize = 20_000;
/// Worlds made in a pass.
const WORLDS: u32 = 10_000;

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
    let in_a_pass: usize = records.iter().map(play::acts).sum();
    let repeats = STEPS_MIN.div_ceil(in_a_pass);
    let count = in_a_pass * repeats;
    let pace = |pass: &dyn Fn(&EpisodeRecord) -> EpisodeRecord| {
        paced(count, || {
            for record in std::iter::repeat_n(&records, repeats).flatten() {
                black_box(pass(black_box(record)));
            }
        })
    };
    Ok(json!({
        "gym": gym.name,
        "steps_per_episode": in_a_pass as f64 / records.len() as f64,
        "steps_in_a_pass": count,
        "scripts": pace(&|record| gym.by_scripts(record.casting.clone())),
        "acts_given": pace(&|record| gym.by_acts(record)),
        "all_given": pace(&|record| gym.again(record)),
    }))
}

/// The median pace of a pass with so many steps, by the clock and by the processors.
fn paced(steps: usize, pass: impl Fn()) -> Value {
    let mut passes: Vec<(f64, Option<f64>)> = (0..PASSES)
        .map(|_| {
            let (clock, before) = (Instant::now(), on_processors());
            pass();
            let spent = before.zip(on_processors()).map(|(before, after)| (after - before).as_secs_f64());
            (steps as f64 / clock.elapsed().as_secs_f64(), spent.map(|spent| steps as f64 / spent))
        })
        .skip(1)
        .collect();
    passes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let clock: Vec<f64> = passes.iter().map(|pass| pass.0).collect();
    let mut spent: Vec<f64> = passes.iter().filter_map(|pass| pass.1).collect();
    spent.sort_by(f64::total_cmp);
    json!({
        "per_second": median(&clock).map(f64::round),
        "range": [clock.first().copied().map(f64::round), clock.last().copied().map(f64::round)],
        "per_cpu_second": median(&spent).map(f64::round),
    })
}

/// The middle of sorted values; the mean of both where there are two.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// Microseconds for a new world over the shared items, and for a copy of one whose talk is half over.
fn create(gym: &str) -> Result<Value, Box<dyn Error>> {
    let gym = Gym::open(gym)?;
    let castings: Vec<_> = gym.records().into_iter().map(|record| record.casting).collect();
    let middle: Vec<Episode> = gym.records().iter().map(|record| gym.halfway(record)).collect::<Result<_, _>>()?;
    let made = microseconds(|count| {
        let castings = castings.iter().cycle().take(count);
        castings.map(|casting| gym.scenario.rules.world(&gym.scenario, casting, play::SEED)).collect::<Vec<_>>()
    });
    let copied = microseconds(|count| middle.iter().cycle().take(count).cloned().collect::<Vec<_>>());
    Ok(json!({ "gym": gym.name, "world_us": made, "fork_us": copied }))
}

/// Microseconds for each of [`WORLDS`] things, in the median pass. That they are thrown away is not counted.
fn microseconds<T>(make: impl Fn(usize) -> Vec<T>) -> Option<f64> {
    let mut passes: Vec<f64> = (0..PASSES)
        .map(|_| {
            let clock = Instant::now();
            let made = black_box(make(WORLDS as usize));
            let spent = clock.elapsed().as_secs_f64();
            drop(made);
            spent * 1e6 / f64::from(WORLDS)
        })
        .skip(1)
        .collect();
    passes.sort_by(f64::total_cmp);
    median(&passes).map(|us| (us * 1e3).round() / 1e3)
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

//! What an episode of scripts costs, alone in a plain loop and among others as actors:
//!
//! ```text
//! cargo run --release -p duologue-benches --bin crowd -- plain EPISODES          one thread, no actors
//! cargo run --release -p duologue-benches --bin crowd -- actors LIVE EPISODES    two threads
//! cargo run --release -p duologue-benches --bin crowd -- logged LIVE EPISODES    the same, each record written to a log
//! cargo run --release -p duologue-benches --bin crowd -- memory LIVE             all alive, all waiting for their user
//! ```
//!
//! One line of JSON each. A process that has done something else first gives memory back late, so each figure has a process of its own.
//! `turn_us` is the time from one asking of an episode's seat to the next, its wait for a processor included; `cpu_us_per_turn` is what the
//! process spent on processors, which other programs disturb less than the clock.

mod cast;
mod gauge;

use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use actors::Company;
use actors::Player;
use actors::Troupe;
use actors::seats::Pending;
use runs::Log;
use serde_json::Value;
use serde_json::json;
use sim::Address;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::FaultKind;
use sim::Observation;
use sim::Query;
use sim::Seat;
use sim::gyms::Script;
use sim::record::Casting;

use crate::cast::AGENT;
use crate::cast::SEED;
use crate::cast::USER;
use crate::cast::castings;
use crate::cast::haggle;
use crate::cast::plain;
use crate::cast::terms;
use crate::gauge::on_processors;
use crate::gauge::resident;

/// Threads of the runtime.
const WORKERS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = |place: usize| words.get(place).ok_or("a number is missing")?.parse::<u32>().map_err(|e| e.to_string());
    let figures = match words.first().map(String::as_str) {
        Some("plain") => plain_loop(count(1)?)?,
        Some("actors") => on_stage(count(1)?, count(2)?, false)?,
        Some("logged") => on_stage(count(1)?, count(2)?, true)?,
        Some("memory") => memory(count(1)?)?,
        Some(_) | None => return Err("say `plain EPISODES`, `actors|logged LIVE EPISODES` or `memory LIVE`".into()),
    };
    println!("{figures}");
    Ok(())
}

fn plain_loop(episodes: u32) -> Result<Value, Box<dyn Error>> {
    let scenario = haggle()?;
    plain(castings(episodes / 10, AGENT, USER), &scenario);
    let stopwatch = Stopwatch::start();
    let turns = plain(castings(episodes, AGENT, USER), &scenario).iter().map(|record| record.turns.len()).sum();
    let mut figures = stopwatch.figures(episodes, turns);
    let gaps = Gaps::of(episodes);
    for casting in castings(episodes, AGENT, USER) {
        let address = casting.id.address(SEED);
        let scripts = sim::Pair::from_fn(|seat| script(seat, &casting.policies[seat]));
        let mut clock = Clock::new(&gaps, &casting);
        let decide = |seat: Seat, observation: &Observation| {
            clock.tick();
            scripts[seat].decide(observation, address)
        };
        drop(sim::drive(casting, &scenario, SEED, decide, |_, _| unreachable!("this world asks nothing")));
    }
    figures["turn_us"] = gaps.percentiles();
    Ok(figures)
}

fn on_stage(live: u32, episodes: u32, logged: bool) -> Result<Value, Box<dyn Error>> {
    let scenario = haggle()?;
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let gaps = Gaps::of(episodes);
    let mut company = Company::of_scripts(live as usize);
    if logged {
        company.journal = Box::new(Log::open(&folder.path().join("log.bin"))?.0);
    }
    company.guests.players.insert("timed".to_owned(), {
        let gaps = Arc::clone(&gaps);
        Arc::new(move |casting, seat| Box::new(Timed::new(casting, seat, &gaps)))
    });
    runtime.block_on(async {
        let terms = terms(&scenario, logged);
        let mut troupe = Troupe::spawn(company).await?;
        troupe.play(castings(episodes / 10, AGENT, USER), &terms).await?;
        let cast = castings(episodes, AGENT, USER);
        let stopwatch = Stopwatch::start();
        let performance = troupe.play(cast, &terms).await?;
        if logged {
            troupe.sync().await?;
        }
        let turns = performance.played.iter().filter_map(|played| played.record()).map(|r| r.turns.len()).sum();
        let mut figures = stopwatch.figures(episodes, turns);
        drop(performance);
        troupe.play(castings(episodes, "timed", "timed"), &terms).await?;
        figures["turn_us"] = gaps.percentiles();
        figures["live"] = live.into();
        figures["logged"] = logged.into();
        troupe.stop().await;
        Ok(figures)
    })
}

fn memory(live: u32) -> Result<Value, Box<dyn Error>> {
    let scenario = haggle()?;
    let runtime = runtime()?;
    let asked = Arc::new(AtomicUsize::new(0));
    let mut company = Company::of_scripts(live as usize);
    company.guests.players.insert("mute".to_owned(), {
        let asked = Arc::clone(&asked);
        Arc::new(move |_, _| Box::new(Mute { asked: Arc::clone(&asked) }))
    });
    let grown: Option<u64> = runtime.block_on(async {
        let terms = terms(&scenario, false);
        let mut troupe = Troupe::spawn(company).await?;
        let before = resident();
        let all_wait = async {
            while asked.load(Ordering::Relaxed) < live as usize {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            played = troupe.play(castings(live, AGENT, "mute"), &terms) => drop(played?),
            () = all_wait => {}
        }
        Ok::<_, Box<dyn Error>>(before.zip(resident()).map(|(before, after)| after.saturating_sub(before)))
    })?;
    let whole = resident();
    let per_episode = grown.map(|bytes| bytes as f64 / 1024.0 / f64::from(live));
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let figures = json!({ "live": live, "kib_per_episode": per_episode, "process_gib": whole.map(gib) });
    // Nobody waits for a hundred thousand farewells.
    runtime.shutdown_background();
    Ok(figures)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
}

fn script(seat: Seat, policy: &str) -> Script {
    let rules = &sim::gyms::haggle::example().rules;
    Script::named(rules, seat, policy).expect("the casting names scripts of haggle")
}

/// Plays as the script does, and notes when it is asked.
struct Timed {
    seat: Seat,
    script: Script,
    address: Address,
    clock: Clock,
}

impl Timed {
    fn new(casting: &Casting, seat: Seat, gaps: &Arc<Gaps>) -> Timed {
        let policy = if seat == Seat::Agent { AGENT } else { USER };
        let clock = Clock::new(gaps, casting);
        Timed { seat, script: script(seat, policy), address: casting.id.address(SEED), clock }
    }
}

impl Player for Timed {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        self.clock.tick();
        Box::pin(async move { Ok(self.script.decide(&observation, self.address)) })
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        let fault = Fault::new(self.seat.into(), FaultKind::Refused, "a script answers no queries");
        Box::pin(async { Err(fault) })
    }
}

/// Never answers, so that its episode stays.
struct Mute {
    asked: Arc<AtomicUsize>,
}

impl Player for Mute {
    fn decide(&mut self, _observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

/// Times between one asking of an episode and the next, of all its episodes.
struct Gaps {
    start: Instant,
    /// When each episode last asked, in nanoseconds since the start; 0 before it first did.
    asked: Vec<AtomicU64>,
    nanoseconds: Mutex<Vec<u64>>,
}

impl Gaps {
    fn of(episodes: u32) -> Arc<Gaps> {
        let asked = (0..episodes).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Gaps { start: Instant::now(), asked, nanoseconds: Mutex::default() })
    }

    fn percentiles(&self) -> Value {
        let mut all = self.nanoseconds.lock().unwrap_or_else(PoisonError::into_inner);
        all.sort_unstable();
        let at = |share: f64| all.get((all.len() as f64 * share) as usize).map(|ns| *ns as f64 / 1e3);
        json!({ "p50": at(0.5), "p99": at(0.99) })
    }
}

/// Notes the gaps before one player's turns, and hands them in at the end.
struct Clock {
    gaps: Arc<Gaps>,
    episode: usize,
    noted: Vec<u64>,
}

impl Clock {
    fn new(gaps: &Arc<Gaps>, casting: &Casting) -> Clock {
        Clock { gaps: Arc::clone(gaps), episode: casting.id.group as usize, noted: Vec::new() }
    }

    fn tick(&mut self) {
        let now = self.gaps.start.elapsed().as_nanos() as u64;
        let before = self.gaps.asked[self.episode].swap(now, Ordering::Relaxed);
        if before > 0 {
            self.noted.push(now - before);
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.gaps.nanoseconds.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.noted);
    }
}

/// Time on the clock and time on processors.
struct Stopwatch {
    clock: Instant,
    processors: Option<Duration>,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { processors: on_processors(), clock: Instant::now() }
    }

    fn figures(&self, episodes: u32, turns: usize) -> Value {
        let seconds = self.clock.elapsed().as_secs_f64();
        let spent = self.processors.zip(on_processors()).map(|(before, after)| (after - before).as_secs_f64());
        json!({
            "episodes": episodes,
            "turns": turns,
            "episodes_per_s": f64::from(episodes) / seconds,
            "turns_per_s": turns as f64 / seconds,
            "cpu_us_per_turn": spent.map(|spent| spent * 1e6 / turns as f64),
        })
    }
}

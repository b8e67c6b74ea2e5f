//! What the environment is asked, and what it means when nobody answers there, is late or dies.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duologue_actors as actors;

use actors::Company;
use actors::Stagehand;
use actors::Terms;
use actors::Troupe;
use actors::seats::Pending;
use sim::Answer;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::Query;
use sim::Scenario;
use sim::Stop;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;
use sim::gyms::Engine;
use sim::gyms::Rules;
use sim::gyms::search;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::company::SEED;
use crate::company::castings;
use crate::company::records;
use crate::company::soon;
use crate::company::terms_of;

const DEADLINE_MS: u64 = 700;

/// The same world with its own corpus.
static WITHIN: LazyLock<Arc<Scenario>> = LazyLock::new(|| Arc::new(search::example()));

/// A search world whose look-ups go outside.
fn terms() -> Terms {
    let mut scenario = WITHIN.as_ref().clone();
    let Rules::Search(rules) = &mut scenario.rules else { panic!("it is of this gym") };
    rules.engine = Some(Engine::new("http://localhost/?q={query}", Some(DEADLINE_MS)).expect("it is an address"));
    terms_of(scenario)
}

/// What the scenario's own corpus has for these words.
fn found(query: &Query) -> String {
    let sim::View::Search(search::View::Environment(lookup)) = &query.view else { panic!("it is a look-up") };
    let Rules::Search(rules) = &WITHIN.rules else { panic!("it is of this gym") };
    let corpus = rules.library.corpus();
    let numbers = corpus.search(&lookup.query, lookup.results_max as usize);
    let documents: Vec<_> = numbers.into_iter().map(|number| &corpus.documents()[number as usize]).collect();
    serde_json::to_string(&documents).expect("texts are JSON")
}

/// Looks things up in this way.
#[derive(Clone, Copy)]
enum Engineer {
    After(Duration),
    Never,
    Dying,
    Refusing,
}

impl Stagehand for Engineer {
    fn step(&mut self, mut world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        let outputs = world.step(input);
        Box::pin(std::future::ready((world, outputs)))
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        let engineer = *self;
        Box::pin(async move {
            match engineer {
                Engineer::After(time) => sleep(time).await,
                Engineer::Never => std::future::pending().await,
                Engineer::Dying => panic!("the shelf came down"),
                Engineer::Refusing => return Err(Fault::new(Party::Environment, FaultKind::Refused, "not today")),
            }
            Ok(Answer { reply: found(&query), decision: None })
        })
    }
}

async fn play(engineer: Option<Engineer>, agent: &str, members: u32) -> (Vec<EpisodeRecord>, Duration) {
    let start = Instant::now();
    let mut company = Company::of_scripts(16);
    company.guests.stagehand =
        engineer.map(|engineer| Arc::new(move |_: &_| Box::new(engineer) as Box<dyn Stagehand>) as _);
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let performance = soon(troupe.play(castings(2, members, agent, "rule"), &terms())).await.unwrap();
    let played = records(&performance.played).into_iter().cloned().collect();
    troupe.stop().await;
    (played, start.elapsed())
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_engine_with_the_same_pages_plays_as_the_corpus_does() {
    let (outside, took) = play(Some(Engineer::After(Duration::from_millis(DEADLINE_MS - 1))), "scripted:good", 3).await;
    for record in &outside {
        assert_eq!((record.stop, record.scores.agent), (Some(Stop::Terminated), Some(1.0)));
        sim::redrive(record, &terms().scenarios[0]).unwrap();
        let within = sim::play_by_rule(record.casting.clone(), &WITHIN, SEED).unwrap();
        assert_eq!(record.verdict, within.verdict);
        let observed =
            |record: &EpisodeRecord| record.turns.iter().map(|turn| turn.observed.clone()).collect::<Vec<_>>();
        assert_eq!(observed(record), observed(&within));
    }
    // Each look-up has its own deadline: two in a talk take longer together.
    assert_eq!((outside.len(), took.as_millis() as u64), (6, 2 * (DEADLINE_MS - 1)));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_environment_that_is_late_dead_or_unwilling_is_at_fault_and_nobody_is_scored() {
    for (engineer, kind) in [
        (Some(Engineer::After(Duration::from_millis(DEADLINE_MS + 1))), FaultKind::Deadline),
        (Some(Engineer::Never), FaultKind::Deadline),
        (Some(Engineer::Dying), FaultKind::Panicked),
        (Some(Engineer::Refusing), FaultKind::Refused),
        (None, FaultKind::Refused),
    ] {
        let (played, _) = play(engineer, "scripted:good", 2).await;
        assert_eq!(played.len(), 4);
        for record in played {
            let fault = record.fault.as_ref().expect("nothing was found");
            assert_eq!((fault.party, fault.kind), (Party::Environment, kind), "{fault}");
            assert_eq!((record.stop, record.scores.agent, record.scores.user), (None, None, None));
            sim::redrive(&record, &terms().scenarios[0]).unwrap();
        }
    }
}

/// Answers at once, and counts.
struct Counting(Arc<AtomicUsize>);

impl Stagehand for Counting {
    fn step(&mut self, mut world: World, input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        let outputs = world.step(input);
        Box::pin(std::future::ready((world, outputs)))
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Answer { reply: found(&query), decision: None })))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_world_without_an_engine_never_asks_the_environment() {
    let asked = Arc::new(AtomicUsize::new(0));
    for (terms, expected) in [(terms_of(WITHIN.as_ref().clone()), 0), (terms(), 4)] {
        let mut company = Company::of_scripts(16);
        let count = Arc::clone(&asked);
        company.guests.stagehand = Some(Arc::new(move |_| Box::new(Counting(Arc::clone(&count)))));
        let mut troupe = Troupe::spawn(company).await.unwrap();
        soon(troupe.play(castings(2, 1, "scripted:good", "rule"), &terms)).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}

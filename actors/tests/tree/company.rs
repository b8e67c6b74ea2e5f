//! Dummies of everybody who can be brought along, and small helpers.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::Instant;

use duologue_actors as actors;

use actors::Company;
use actors::Guests;
use actors::Journal;
use actors::JournalError;
use actors::Judge;
use actors::Killer;
use actors::Played;
use actors::Player;
use actors::Progress;
use actors::Sampling;
use actors::Stagehand;
use actors::Terms;
use actors::Troupe;
use actors::Voice;
use actors::seats::Pending;
use rl::Batch;
use rl::LearnError;
use rl::Learner;
use rl::Objective;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::UpdateReport;
use rl::Weights;
use runs::Offset;
use sim::Answer;
use sim::Case;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::NoAct;
use sim::Observation;
use sim::Pair;
use sim::Phase;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::Verdict;
use sim::World;
use sim::WorldInput;
use sim::WorldOutput;
use sim::draws::Stream;
use sim::gyms::haggle;
use sim::gyms::haggle::moves::Bid;
use sim::gyms::haggle::talk;
use sim::record::Casting;
use sim::scenario::Split;
use text::Added;
use text::Dialect;
use text::Template;
use text::Tokenizer;
use text::template;
use tokio::sync::watch;

pub const SEED: u64 = 11;

// ==== Scenario and castings ==== //

pub fn terms() -> Terms {
    terms_of(haggle::example())
}

pub fn terms_of(scenario: Scenario) -> Terms {
    let sampling = Pair { agent: Sampling::default(), user: Sampling::default() };
    Terms { scenarios: vec![Arc::new(scenario)], seed: SEED, sampling, record: true, past: Arc::default() }
}

pub fn id(group: u32, member: u32) -> EpisodeId {
    EpisodeId { phase: Phase::Grpo, round: 1, group, trial: 0, member }
}

pub fn casting(group: u32, member: u32, agent: &str, user: &str) -> Casting {
    let policies = Pair { agent: agent.to_owned(), user: user.to_owned() };
    Casting::new(id(group, member), Split::Train, group, policies)
}

/// `groups` groups of `members`, in the order of their ids.
pub fn castings(groups: u32, members: u32, agent: &str, user: &str) -> Vec<Casting> {
    (0..groups)
        .flat_map(|group| (1..=members).map(move |m| (group, m)))
        .map(|(g, m)| casting(g, m, agent, user))
        .collect()
}

// ==== A policy, its weights and its learner ==== //

/// Weights that are only a number.
pub struct Feathers(pub u64);

impl Weights for Feathers {
    fn version(&self) -> u64 {
        self.0
    }

    fn copy(&self) -> Box<dyn Weights> {
        Box::new(Feathers(self.0))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}

pub fn feathers(weights: Box<dyn Weights>) -> Box<Feathers> {
    weights.into_any().downcast().expect("the only weights here")
}

/// What a parrot was asked, batch by batch.
pub type Heard = Arc<Mutex<Vec<Vec<Session>>>>;

/// Called before each batch with its number from 0 and its rows.
pub type Hook = Box<dyn FnMut(usize, &[Row]) + Send>;

/// Says something legal, drawn by address. Each token's log-probability is minus the number of rows sampled with it, so that records
/// differ wherever batches do.
pub struct Parrot {
    pub heard: Heard,
    pub forgotten: Heard,
    hook: Hook,
    batches: usize,
    weights: Option<Box<Feathers>>,
}

impl Parrot {
    pub fn new() -> Parrot {
        Parrot::with_hook(|_, _| {})
    }

    pub fn with_hook(hook: impl FnMut(usize, &[Row]) + Send + 'static) -> Parrot {
        Parrot {
            heard: Heard::default(),
            forgotten: Heard::default(),
            hook: Box::new(hook),
            batches: 0,
            weights: Some(Box::new(Feathers(0))),
        }
    }

    pub fn voice(self) -> Voice {
        Voice { policy: Box::new(self), dialect: dialect() }
    }
}

impl Policy for Parrot {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        self.heard.lock().unwrap().push(rows.iter().map(|row| row.session).collect());
        (self.hook)(self.batches, &rows);
        self.batches += 1;
        let version = self.weights.as_ref().expect("nothing is sampled while the weights are out").0;
        reply(rows.iter().map(|row| Ok(squawk(row, rows.len(), version))).collect());
    }

    fn forget(&mut self, sessions: &[Session]) {
        self.forgotten.lock().unwrap().push(sessions.to_vec());
    }

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.weights.take().map(|weights| weights as Box<dyn Weights>)
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.weights = Some(feathers(weights));
    }
}

pub fn squawk(row: &Row, rows: usize, version: u64) -> Sampled {
    let mut draws = row.address.draws(Stream::Tokens(row.session.seat, row.turn));
    let terms = haggle::Terms::bare(draws.range(0, haggle::PRICE_MAX));
    let text = match (row.session.seat, draws.range(0, 9)) {
        (Seat::Agent, 0) => seller(Bid::End),
        (Seat::Agent, _) => seller(Bid::Offer(terms)),
        (Seat::User, 0) => buyer(haggle::BuyerMove::Accept),
        (Seat::User, 1) => buyer(haggle::BuyerMove::Walk),
        (Seat::User, _) => buyer(haggle::BuyerMove::Counter(terms)),
    };
    let dialect = dialect();
    let mut tokens = dialect.tokenizer().encode(&text).to_vec();
    tokens.push(dialect.close_id());
    let logprobs = vec![-(rows as f32); tokens.len()];
    Sampled { tokens, logprobs, closed: true, version }
}

fn seller(bid: Bid) -> String {
    talk::seller_words(&haggle::SellerMove { claim: None, bid }, 0)
}

fn buyer(act: haggle::BuyerMove) -> String {
    talk::buyer_words(&act, 0)
}

/// Bytes as tokens, for seats that do not reason.
pub fn dialect() -> Dialect {
    static DIALECT: OnceLock<Dialect> = OnceLock::new();
    let make = || {
        let tokenizer = Tokenizer::train(std::iter::once("a".to_owned()), &Added::default(), 300).unwrap();
        Dialect::new(tokenizer, Template::new(template::SOURCE).unwrap(), Pair { agent: false, user: false }).unwrap()
    };
    DIALECT.get_or_init(make).clone()
}

/// Whether a learner takes a batch.
pub type Opinion = Box<dyn FnMut(&Batch) -> Result<(), LearnError> + Send>;

/// Counts updates in the weights; `hook` is called with each batch while the weights are out.
pub struct Copyist {
    pub hook: Opinion,
}

impl Copyist {
    pub fn new() -> Copyist {
        Copyist { hook: Box::new(|_| Ok(())) }
    }
}

impl Learner for Copyist {
    fn update(
        &mut self,
        weights: Box<dyn Weights>,
        batch: &Batch,
    ) -> (Box<dyn Weights>, Result<UpdateReport, LearnError>) {
        let mut weights = feathers(weights);
        let result = (self.hook)(batch);
        if result.is_ok() {
            weights.0 += 1;
        }
        let report = UpdateReport { version: weights.0, metrics: vec![("lr".to_owned(), batch.lr)] };
        (weights, result.map(|()| report))
    }

    fn anchor(&mut self, weights: Box<dyn Weights>) -> Box<dyn Weights> {
        let mut weights = feathers(weights);
        weights.0 += 1000;
        weights
    }

    fn save(&mut self, weights: Box<dyn Weights>, folder: &Path) -> (Box<dyn Weights>, Result<(), LearnError>) {
        let file = folder.join("version");
        let written = std::fs::write(&file, weights.version().to_string());
        let failed = |error: std::io::Error| LearnError::Store { file: "version".to_owned(), why: error.to_string() };
        (weights, written.map_err(failed))
    }
}

pub fn batch(lr: f64) -> Batch {
    Batch::new(Objective::Grpo, lr, Vec::new())
}

// ==== Those who misbehave ==== //

/// Never answers.
pub struct Mute;

impl Player for Mute {
    fn decide(&mut self, _observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(std::future::pending())
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

/// Answers with what `0` makes of its turn's number, at once.
pub struct Acting<F>(pub F);

impl<F: FnMut(u32) -> Decision + Send> Player for Acting<F> {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(async move { Ok((self.0)(observation.turn)) })
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

/// Takes this long over each turn, and then says nothing that can be read.
pub struct Slow(pub Duration);

impl Player for Slow {
    fn decide(&mut self, _observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(async move {
            tokio::time::sleep(self.0).await;
            Ok(mumble())
        })
    }

    fn answer(&mut self, _query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

pub fn mumble() -> Decision {
    Decision { act: Err(NoAct::Malformed("mumbled".to_owned())), thought: None, generation: None }
}

/// Judges by rule after this long; never, if `None`.
pub struct SlowJudge(pub Option<Duration>);

impl Judge for SlowJudge {
    fn judge(&mut self, case: Case) -> Pending<'_, Result<Verdict, Fault>> {
        Box::pin(async move {
            match self.0 {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
            Ok(case.by_rule())
        })
    }
}

/// Throws the case out.
pub struct BrokenJudge;

impl Judge for BrokenJudge {
    fn judge(&mut self, _case: Case) -> Pending<'_, Result<Verdict, Fault>> {
        Box::pin(async move { panic!("the judge fell off the bench") })
    }
}

/// Drops the world.
pub struct Clumsy;

impl Stagehand for Clumsy {
    fn step(&mut self, _world: World, _input: WorldInput) -> Pending<'_, (World, Vec<WorldOutput>)> {
        Box::pin(async move { panic!("the set came down") })
    }
}

/// Guests who misbehave, by the names tests cast them under.
pub fn guests() -> Guests {
    let mut guests = Guests::default();
    guests.players.insert("mute".to_owned(), Arc::new(|_, _| Box::new(Mute)));
    guests.players.insert("mumbling".to_owned(), Arc::new(|_, _| Box::new(Acting(|_| mumble()))));
    let fainting = |turn: u32| if turn == 0 { mumble() } else { panic!("stage fright") };
    guests.players.insert("fainting".to_owned(), Arc::new(move |_, _| Box::new(Acting(fainting))));
    guests.judges.insert("broken".to_owned(), Arc::new(|_| Box::new(BrokenJudge)));
    guests.judges.insert("mute".to_owned(), Arc::new(|_| Box::new(SlowJudge(None))));
    let slow = Duration::from_millis(1500);
    guests.judges.insert("slow".to_owned(), Arc::new(move |_| Box::new(SlowJudge(Some(slow)))));
    guests
}

// ==== Journals ==== //

/// A journal in memory that tests can look into.
#[derive(Clone, Default)]
pub struct Diary {
    pub records: Arc<Mutex<Vec<EpisodeRecord>>>,
    /// Refuses the record with this number, from 0.
    pub full_at: Option<usize>,
}

impl Journal for Diary {
    fn append(&mut self, record: &EpisodeRecord) -> Result<(), JournalError> {
        let mut records = self.records.lock().unwrap();
        if self.full_at == Some(records.len()) {
            return Err(JournalError("the diary is full".to_owned()));
        }
        records.push(record.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<Offset, JournalError> {
        Ok(Offset::default())
    }
}

// ==== Helpers ==== //

/// Both seats' own models.
pub fn company(agent: Parrot, user: Parrot) -> Company {
    let models = BTreeMap::from([("agent".to_owned(), agent.voice()), ("user".to_owned(), user.voice())]);
    Company { batch_max: 8, models, guests: guests(), ..Company::of_scripts(16) }
}

/// Fails instead of hanging.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("nothing hangs")
}

/// Watches the play from a thread that may block, until `seen`.
pub fn wait_until(progress: &watch::Receiver<Progress>, seen: impl Fn(&Progress) -> bool) {
    let start = Instant::now();
    while !seen(&progress.borrow()) {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain at {:?}", *progress.borrow());
        std::thread::yield_now();
    }
}

/// What a hook needs to know of a troupe that is spawned after it.
pub type Late = Arc<OnceLock<(Killer, watch::Receiver<Progress>)>>;

pub fn introduce(late: &Late, troupe: &Troupe) {
    assert!(late.set((troupe.killer(), troupe.progress())).is_ok(), "introduced once");
}

pub fn records(played: &[Played]) -> Vec<&EpisodeRecord> {
    played.iter().filter_map(Played::record).collect()
}

/// What was said, without the numbers that depend on who else was in the batch.
pub fn said(record: &EpisodeRecord) -> Vec<Result<sim::Act, NoAct>> {
    record.turns.iter().map(|turn| turn.decision.act.clone()).collect()
}

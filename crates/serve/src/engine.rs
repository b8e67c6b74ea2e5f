//! The model's thread: requests come and go between chunks of a few tokens, and all that are there are sampled together.
//!
//! ```text
//!  Ask ──> inbox ──┐            ┌─ rows of everybody, CHUNK tokens ─┐
//!                  v            v                                  │
//!             [ live requests ] ── submit ──> dyn Policy ── reply ─┘──> each request's channel, piece by piece
//!                  └── finished, gone or failed ──> forget
//! ```
//!
//! A request's sessions live exactly as long as it does: whichever way it leaves, its session is forgotten in the same round. Its channel
//! closes when whoever asked is gone, which is how a client that hangs up frees its place.
//!
//! Chunks begin at multiples of [`CHUNK`] tokens of the answer, and each draws from the address of its number. So what a request samples
//! depends on its address and its stream alone, and not on who else is there, as far as the policy itself computes a row the same way in
//! any company: to the bit for one that computes row by row; for a batched matrix product up to rounding (about 1e-6 of a probability).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;

use rl::Blocks;
use rl::Filter;
use rl::Policy;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::Weights;
use sim::Address;
use sim::EpisodeId;
use sim::Fault;
use sim::FaultKind;
use sim::Party;
use sim::Phase;
use sim::Seat;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// Tokens that a request samples before others may join or leave.
pub const CHUNK: u32 = 8;

/// One answer to be sampled.
#[derive(Debug)]
pub struct Ask {
    /// What it continues; not empty.
    pub prompt: Vec<u32>,
    /// The number of the adapter that answers; `None`: the model itself.
    pub adapter: Option<u32>,
    /// At most this many tokens; at least 1, and within the context.
    pub tokens_max: u32,
    /// Above 0; of no effect if `greedy`.
    pub temperature: f32,
    /// Which tokens may be drawn at all.
    pub filter: Filter,
    /// The likeliest token each time.
    pub greedy: bool,
    /// Ids that end it; the policy may know one of them only.
    pub ends: Arc<[u32]>,
    /// Where its tokens are drawn.
    pub address: Address,
    /// Its place among those that may be live.
    pub permit: OwnedSemaphorePermit,
    /// Where its pieces go; the last has an end or is an error. As many pieces as the answer has chunks.
    pub out: UnboundedSender<Result<Piece, Lost>>,
}

/// A few tokens of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Sampled ids, the closing one included.
    pub tokens: Vec<u32>,
    /// The logarithm of each one's probability under the distribution it was drawn from.
    pub logprobs: Vec<f32>,
    /// Of the weights.
    pub version: u64,
    /// `None`: there is more.
    pub end: Option<End>,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The model ended it.
    Closed,
    /// It may not be longer.
    Full,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The weights are out.
    #[error("the weights are being changed")]
    Updating,
    /// The server shuts down, and could not wait any longer.
    #[error("the server is shutting down")]
    Stopping,
    /// The policy panicked.
    #[error("the model has died")]
    Dead,
    /// The policy refused.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Whether requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    Open,
    /// Not while the weights are out.
    Updating,
    /// Not any more; those that are live are finished.
    Stopping,
    /// Nor are they.
    Aborting,
}

enum Command {
    Ask(Box<Ask>),
    Lend(oneshot::Sender<Option<Box<dyn Weights>>>),
    Load(Box<dyn Weights>, oneshot::Sender<()>),
    Abort,
}

/// What the thread and everybody else know.
#[derive(Debug, Default)]
struct Shared {
    standing: AtomicU8,
    opened: AtomicU64,
    forgotten: AtomicU64,
    live: AtomicUsize,
    version: AtomicU64,
    blocks: Mutex<Option<Blocks>>,
}

impl Shared {
    fn blocks(&self) -> MutexGuard<'_, Option<Blocks>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle on the thread. The thread ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// Sessions of the policy, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Opened.
    pub opened: u64,
    /// Forgotten.
    pub forgotten: u64,
}

impl Engine {
    /// Starts the thread. The receiver hears of its end, however that comes about.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(policy: Box<dyn Policy>) -> std::io::Result<(Engine, oneshot::Receiver<()>)> {
        let (commands, inbox) = mpsc::channel();
        let shared = Arc::new(Shared { blocks: Mutex::new(policy.blocks()), ..Shared::default() });
        let (alive, dead) = oneshot::channel();
        let room = Room {
            policy,
            inbox,
            live: BTreeMap::new(),
            next: 0,
            lending: None,
            lent: false,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new().name("model".to_owned()).spawn(move || {
            let _alive: oneshot::Sender<()> = alive;
            room.work();
        })?;
        Ok((Engine { commands, shared }, dead))
    }

    /// Hands a request over. If the thread has died, its channel just closes.
    pub fn ask(&self, ask: Ask) {
        // The error is the request itself, which is dropped: that closes its channel.
        let _ = self.commands.send(Command::Ask(Box::new(ask)));
    }

    /// Takes no more requests, finishes those that are live, and gives the weights away; `None` if the policy has none to give. Every
    /// answer is sampled from one version.
    ///
    /// # Errors
    /// [`Lost::Dead`].
    pub async fn lend(&self) -> Result<Option<Box<dyn Weights>>, Lost> {
        self.stand(Standing::Updating);
        let (reply, weights) = oneshot::channel();
        let _ = self.commands.send(Command::Lend(reply));
        let weights = weights.await.map_err(|_| Lost::Dead)?;
        if weights.is_none() {
            self.stand(Standing::Open);
        }
        Ok(weights)
    }

    /// Takes the weights back, and requests again.
    ///
    /// # Errors
    /// [`Lost::Dead`].
    pub async fn load(&self, weights: Box<dyn Weights>) -> Result<(), Lost> {
        let (reply, loaded) = oneshot::channel();
        let _ = self.commands.send(Command::Load(weights, reply));
        loaded.await.map_err(|_| Lost::Dead)?;
        self.stand(Standing::Open);
        Ok(())
    }

    /// Ends all that is live with [`Lost::Stopping`].
    pub fn abort(&self) {
        let _ = self.commands.send(Command::Abort);
        // After the order is given: whoever sees it knows that it will be carried out.
        self.stand(Standing::Aborting);
    }

    /// Takes no more requests for good.
    pub fn stop(&self) {
        self.stand(Standing::Stopping);
    }

    /// Whether requests are taken.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.shared.standing.load(Ordering::SeqCst) {
            0 => Standing::Open,
            1 => Standing::Updating,
            2 => Standing::Stopping,
            _ => Standing::Aborting,
        }
    }

    /// Sessions so far.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        // In this order: what is opened in between is not yet forgotten.
        let forgotten = self.shared.forgotten.load(Ordering::SeqCst);
        Sessions { opened: self.shared.opened.load(Ordering::SeqCst), forgotten }
    }

    /// The policy's blocks of keys and values, after the last chunk or whatever was forgotten since; `None` if it has none. Asked for after
    /// [`Engine::sessions`], they are without all that those have forgotten.
    #[must_use]
    pub fn blocks(&self) -> Option<Blocks> {
        *self.shared.blocks()
    }

    /// Requests that are sampled.
    #[must_use]
    pub fn live(&self) -> usize {
        self.shared.live.load(Ordering::SeqCst)
    }

    /// Version of the weights that last sampled; 0 before anything was.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.version.load(Ordering::SeqCst)
    }

    /// Who stops, stops for good.
    fn stand(&self, standing: Standing) {
        let next = standing as u8;
        let change = |now: u8| (now < Standing::Stopping as u8 || now < next).then_some(next);
        let _ = self.shared.standing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change);
    }
}

/// A request that is sampled.
struct Live {
    ask: Ask,
    /// Prompt and answer so far.
    stream: Vec<u32>,
    sampled: u32,
}

/// Where the policy works.
struct Room {
    policy: Box<dyn Policy>,
    inbox: mpsc::Receiver<Command>,
    live: BTreeMap<Session, Live>,
    next: u64,
    /// Who waits for the weights.
    lending: Option<oneshot::Sender<Option<Box<dyn Weights>>>>,
    lent: bool,
    shared: Arc<Shared>,
}

impl Room {
    fn work(mut self) {
        while self.take_in() {
            self.leave_gone();
            if !self.live.is_empty() {
                self.sample();
            }
            if self.live.is_empty()
                && let Some(reply) = self.lending.take()
            {
                self.lend(reply);
            }
        }
        self.leave_all(&Lost::Stopping);
    }

    /// Does what was asked for in the meantime, waiting only if there is nothing else to do. `false`: nobody can ask any more.
    fn take_in(&mut self) -> bool {
        if self.live.is_empty() {
            match self.inbox.recv() {
                Ok(command) => self.obey(command),
                Err(_) => return false,
            }
        }
        loop {
            match self.inbox.try_recv() {
                Ok(command) => self.obey(command),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return !self.live.is_empty(),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(ask) if self.lent || self.lending.is_some() => tell(&ask.out, Err(Lost::Updating)),
            Command::Ask(ask) => self.open(*ask),
            Command::Lend(reply) => self.lending = Some(reply),
            Command::Load(weights, reply) => {
                self.policy.load(weights);
                self.lent = false;
                // Whoever loaded may have gone since.
                let _ = reply.send(());
            }
            Command::Abort => self.leave_all(&Lost::Stopping),
        }
    }

    fn open(&mut self, ask: Ask) {
        self.next += 1;
        let episode = EpisodeId { phase: Phase::Rollout, round: self.next, group: 0, trial: 0, member: 1 };
        let session = Session { episode, seat: Seat::Agent, adapter: ask.adapter };
        self.live.insert(session, Live { stream: ask.prompt.clone(), ask, sampled: 0 });
        self.shared.opened.fetch_add(1, Ordering::SeqCst);
        self.shared.live.store(self.live.len(), Ordering::SeqCst);
    }

    fn lend(&mut self, reply: oneshot::Sender<Option<Box<dyn Weights>>>) {
        let weights = self.policy.lend();
        self.count_blocks();
        self.lent = weights.is_some();
        // Nobody waits any longer: the weights stay.
        if let Err(Some(weights)) = reply.send(weights) {
            self.policy.load(weights);
            self.lent = false;
        }
    }

    fn count_blocks(&self) {
        *self.shared.blocks() = self.policy.blocks();
    }

    /// One chunk for everybody.
    fn sample(&mut self) {
        let sessions: Vec<Session> = self.live.keys().copied().collect();
        let rows: Vec<Row> = self.live.iter().map(|(session, live)| live.row(*session)).collect();
        let (send, results) = mpsc::channel();
        self.policy.submit(rows, Box::new(move |results| drop(send.send(results))));
        let results = results.recv().ok().filter(|results| results.len() == sessions.len());
        self.count_blocks();
        let results = results.unwrap_or_else(|| {
            let fault =
                || Fault::new(Party::Infrastructure, FaultKind::BadReply, "the policy gave no answer to each row");
            sessions.iter().map(|_| Err(fault())).collect()
        });
        let mut ended = Vec::new();
        for (session, result) in sessions.into_iter().zip(results) {
            let live = self.live.get_mut(&session).expect("only this thread takes requests away");
            let piece = result.map(|sampled| live.piece(sampled)).map_err(Lost::from);
            if let Ok(piece) = &piece {
                self.shared.version.store(piece.version, Ordering::SeqCst);
            }
            if piece.as_ref().is_ok_and(|piece| piece.end.is_none()) {
                tell(&live.ask.out, piece);
            } else {
                ended.push((session, Some(piece)));
            }
        }
        self.leave(ended);
    }

    /// Lets those go whose askers have gone.
    fn leave_gone(&mut self) {
        let gone = self.live.iter().filter(|(_, live)| live.ask.out.is_closed());
        let gone = gone.map(|(session, _)| (*session, None)).collect();
        self.leave(gone);
    }

    fn leave_all(&mut self, why: &Lost) {
        let all = self.live.keys().map(|session| (*session, Some(Err(why.clone())))).collect();
        self.leave(all);
    }

    /// The one way out. The session is forgotten before anybody hears of the end: whoever has an answer finds nothing left of it.
    fn leave(&mut self, leaving: Vec<(Session, Option<Result<Piece, Lost>>)>) {
        if leaving.is_empty() {
            return;
        }
        let sessions: Vec<Session> = leaving.iter().map(|(session, _)| *session).collect();
        self.policy.forget(&sessions);
        self.count_blocks();
        self.shared.forgotten.fetch_add(sessions.len() as u64, Ordering::SeqCst);
        let words = leaving.into_iter().map(|(session, last)| (self.live.remove(&session), last));
        let words: Vec<_> = words.collect();
        self.shared.live.store(self.live.len(), Ordering::SeqCst);
        for (live, last) in words {
            let Some(Live { ask: Ask { permit, out, .. }, .. }) = live else { continue };
            // Its place is free before its last word is out, so that whoever has an answer can ask again at once.
            drop(permit);
            if let Some(last) = last {
                tell(&out, last);
            }
        }
    }
}

impl Live {
    fn row(&self, session: Session) -> Row {
        Row {
            session,
            stream: self.stream.clone(),
            address: self.ask.address,
            turn: self.sampled / CHUNK,
            tokens_max: CHUNK.min(self.ask.tokens_max - self.sampled),
            temperature: self.ask.temperature,
            filter: self.ask.filter,
            greedy: self.ask.greedy,
        }
    }

    fn piece(&mut self, sampled: Sampled) -> Piece {
        let Sampled { tokens, logprobs, closed, version } = sampled;
        let asked = CHUNK.min(self.ask.tokens_max - self.sampled);
        let count = tokens.len() as u32;
        self.stream.extend_from_slice(&tokens);
        self.sampled += count;
        let last = tokens.last().is_none_or(|last| self.ask.ends.contains(last));
        let end = if closed || last || count < asked {
            // Fewer than it might: the policy knows of an end of text that we do not.
            Some(End::Closed)
        } else {
            (self.sampled >= self.ask.tokens_max).then_some(End::Full)
        };
        Piece { tokens, logprobs, version, end }
    }
}

/// Whoever has gone is noticed in the next round.
fn tell(out: &UnboundedSender<Result<Piece, Lost>>, piece: Result<Piece, Lost>) {
    let _ = out.send(piece);
}

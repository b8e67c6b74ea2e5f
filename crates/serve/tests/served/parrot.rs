//! A policy that writes what its partner asks it to, or chatters; and keeps book, so that a leak is seen from the policy's side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;

use rl::Blocks;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::Weights;
use sim::Fault;
use sim::FaultKind;
use sim::Pair;
use sim::Party;
use sim::draws::Stream;
use text::Added;
use text::Dialect;
use text::Template;
use text::Tokenizer;

/// Longest stream.
pub const CONTEXT: u32 = 4096;

/// A dialect of bytes and a few merges.
pub fn dialect() -> Dialect {
    let corpus = (0..50).map(|n| format!("say that there are {n} things to look at, and call {n} of them"));
    let tokenizer = Tokenizer::train(corpus, &Added::default(), 320).expect("there is room");
    Dialect::new(tokenizer, Template::default(), Pair::default()).expect("our own template is sound")
}

/// What happened to sessions.
#[derive(Debug, Default)]
pub struct Book {
    /// Streams of sessions that were not forgotten, as they were last seen.
    pub kept: BTreeMap<Session, Vec<u32>>,
    /// Sessions that ever sampled.
    pub seen: usize,
    /// The most rows at once.
    pub rows_max: usize,
}

/// Writes the text behind the last `say `, or chatters by the addressed uniforms where nobody says what to say.
pub struct Parrot {
    pub tokenizer: Tokenizer,
    pub close_id: u32,
    pub book: Arc<Mutex<Book>>,
    /// A word for each batch; without it, none has to wait.
    pub gate: Option<mpsc::Receiver<()>>,
    pub weights: Option<Box<dyn Weights>>,
}

/// Weights with nothing in them.
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

impl Parrot {
    pub fn new(dialect: &Dialect, gate: Option<mpsc::Receiver<()>>) -> (Parrot, Arc<Mutex<Book>>) {
        let book = Arc::new(Mutex::new(Book::default()));
        let (tokenizer, close_id) = (dialect.tokenizer().clone(), dialect.close_id());
        let weights: Option<Box<dyn Weights>> = Some(Box::new(Feathers(7)));
        (Parrot { tokenizer, close_id, book: Arc::clone(&book), gate, weights }, book)
    }

    /// Refuses if it is told to.
    fn answer(&self, row: &Row) -> Result<Sampled, Fault> {
        if self.tokenizer.decode(&row.stream).contains("say refuse") {
            return Err(Fault::new(Party::Infrastructure, FaultKind::Refused, "as asked"));
        }
        Ok(self.sample(row))
    }

    fn sample(&self, row: &Row) -> Sampled {
        let ask = self.tokenizer.id("<|assistant|>").expect("it is a marker");
        let asked_at = row.stream.iter().rposition(|id| *id == ask).expect("the prompt asks the assistant to write");
        let (before, written) = (self.tokenizer.decode(&row.stream[..asked_at]), row.stream.len() - asked_at - 1);
        let (tokens, logprobs) = match before.rsplit_once("say ") {
            Some((_, asked)) => {
                assert!(!asked.starts_with("panic"), "as asked");
                let asked = asked.split("<|end|>").next().expect("there is a first part");
                let mut tokens = self.tokenizer.encode_markup(asked);
                tokens.push(self.close_id);
                tokens.drain(..written);
                tokens.truncate(row.tokens_max as usize);
                let logprobs = vec![-0.5; tokens.len()];
                (tokens, logprobs)
            }
            None => self.chatter(row),
        };
        let closed = tokens.last() == Some(&self.close_id);
        let own = self.weights.as_ref().map_or(0, |weights| weights.version());
        // An adapter is known by its version.
        let version = row.session.adapter.map_or(own, |number| 100 + u64::from(number));
        Sampled { tokens, logprobs, closed, version }
    }

    /// Letters, each as likely, and an end once in a hundred.
    fn chatter(&self, row: &Row) -> (Vec<u32>, Vec<f32>) {
        let letters: Vec<u32> =
            ('a'..='z').flat_map(|letter| self.tokenizer.encode(&letter.to_string()).to_vec()).collect();
        let mut draws = row.address.draws(Stream::Tokens(row.session.seat, row.turn));
        let (mut tokens, mut logprobs) = (Vec::new(), Vec::new());
        while tokens.len() < row.tokens_max as usize && tokens.last() != Some(&self.close_id) {
            let uniform = draws.uniform();
            let (token, probability) =
                if uniform < 0.01 { (self.close_id, 0.01) } else { (letters[(uniform * 26.0) as usize], 0.99 / 26.0) };
            tokens.push(token);
            logprobs.push(f32::ln(probability));
        }
        (tokens, logprobs)
    }
}

impl Policy for Parrot {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        if let Some(gate) = &self.gate {
            // Whoever held it may have opened it for good.
            let _ = gate.recv();
        }
        let mut book = self.book.lock().expect("nobody panics with it");
        book.rows_max = book.rows_max.max(rows.len());
        assert!(rows.is_sorted_by_key(|row| row.session), "rows come in order");
        for row in &rows {
            let before = book.kept.insert(row.session, row.stream.clone());
            book.seen += usize::from(before.is_none());
            assert!(before.is_none_or(|before| row.stream.starts_with(&before)), "streams only grow");
        }
        drop(book);
        reply(rows.iter().map(|row| self.answer(row)).collect());
    }

    fn forget(&mut self, sessions: &[Session]) {
        let mut book = self.book.lock().expect("nobody panics with it");
        for session in sessions {
            book.kept.remove(session);
        }
    }

    /// One for each stream that is not forgotten.
    fn blocks(&self) -> Option<Blocks> {
        let held = self.book.lock().expect("nobody panics with it").kept.len();
        Some(Blocks { tokens: CONTEXT as usize, max: 256, held })
    }

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.weights.take()
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.weights = Some(weights);
    }
}

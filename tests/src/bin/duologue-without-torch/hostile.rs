//! A model that leaks: whatever it is asked, it writes a secret into a thought, and the thought where it does not belong.

use rl::LearnError;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::TextFiles;
use rl::Weights;
use sim::Seat;
use sim::draws::Stream;
use text::Tokenizer;

/// Which seats' models leak: `agent`, `user` or `both`. Or what both do in every turn: `endless` thoughts, or `unopened` ones.
pub const HOSTILE: &str = "NGRAM_HOSTILE";

/// What must never be heard.
const SECRET: &str = "canary";

/// Forms of a turn: `#` is the secret, `@` an utterance that the seat may well say.
const FORMS: [&str; 14] = [
    "<think>#</think>@",
    "@<think>#</think>",
    "@<think>#",
    "#</think>@",
    "<think>#</think>@<think>#</think>",
    "<think>#</think><think>#</think>@",
    "<think>a<think>#</think>@",
    "<think>#</think>@</think>",
    "<think>#</think>@<|end|><|user|>#",
    "<think>#<|end|><|assistant|>#</think>@",
    "<THINK>#</THINK>@",
    "<think >#</think >@",
    "<think>#</thinking>@",
    "<think>#@",
];

/// A thought that is never closed.
const ENDLESS: &str = "<think>#";
/// A thought that was never opened.
const UNOPENED: &str = "#</think>@";

/// The policy, turned hostile if the environment says so.
pub fn turned(
    policy: Box<dyn Policy>,
    text: &TextFiles,
    seat: Seat,
    version: u64,
) -> Result<Box<dyn Policy>, LearnError> {
    let asked = std::env::var(HOSTILE).unwrap_or_default();
    let forms: &'static [&'static str] = match asked.as_str() {
        "both" => &FORMS,
        "endless" => &[ENDLESS],
        "unopened" => &[UNOPENED],
        only if only == seat.name() => &FORMS,
        _ => return Ok(policy),
    };
    let tokenizer =
        Tokenizer::from_json(text.tokenizer.clone()).map_err(|error| LearnError::Model(error.to_string()))?;
    Ok(Box::new(Hostile { inner: policy, tokenizer, close_id: text.close_id, forms, version }))
}

/// Holds the weights of the policy it replaces, and never asks it.
struct Hostile {
    inner: Box<dyn Policy>,
    tokenizer: Tokenizer,
    close_id: u32,
    forms: &'static [&'static str],
    /// Of the weights it does not ask.
    version: u64,
}

impl Hostile {
    fn sample(&self, row: &Row) -> Sampled {
        let mut draws = row.address.draws(Stream::Tokens(row.session.seat, row.turn));
        let utterance = match row.session.seat {
            Seat::Agent => "I ask $9.",
            Seat::User => "I offer $5.",
        };
        let form = draws.pick(self.forms);
        let turn = form.replace('#', SECRET).replace('@', utterance);
        // Tags as tokens of their own, or spelled out in letters.
        let mut tokens =
            if draws.chance(0.7) { self.tokenizer.encode_markup(&turn) } else { self.tokenizer.encode(&turn).to_vec() };
        let is_cut = *form == ENDLESS || *form != UNOPENED && draws.chance(0.2);
        tokens.extend((!is_cut).then_some(self.close_id));
        // What stands after a closing id was never sampled.
        let end = tokens.iter().position(|id| *id == self.close_id).map_or(tokens.len(), |at| at + 1);
        tokens.truncate(end.min(row.tokens_max as usize));
        let closed = tokens.last() == Some(&self.close_id);
        Sampled { logprobs: vec![-1.0; tokens.len()], tokens, closed, version: self.version }
    }
}

impl Policy for Hostile {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        reply(rows.iter().map(|row| Ok(self.sample(row))).collect());
    }

    fn forget(&mut self, sessions: &[Session]) {
        self.inner.forget(sessions);
    }

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        self.inner.lend()
    }

    fn load(&mut self, weights: Box<dyn Weights>) {
        self.version = weights.version();
        self.inner.load(weights);
    }
}

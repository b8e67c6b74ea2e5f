//! Whoever answers requests: the model, its bounds, and who is let in.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rl::Blocks;
use rl::Policy;
use serde_json::Value;
use serde_json::json;
use sim::Address;
use sim::Phase;
use text::Dialect;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;

use crate::Problem;
use crate::capture::Capture;
use crate::choice::Choice;
use crate::engine::Ask;
use crate::engine::Engine;
use crate::engine::Lost;
use crate::engine::Standing;
use crate::request::Manner;
use crate::speech::Speech;
use crate::writer::Reading;
use crate::writer::Writer;

/// A model to be served.
pub struct Served {
    /// What requests call it.
    pub name: String,
    /// What they call the adapters on it, by their numbers ([`rl::Session::adapter`]), and how each is spoken with: by the model's tokenizer and
    /// template, in a manner of its own. All names differ.
    pub adapters: Vec<(String, Dialect)>,
    /// What samples.
    pub policy: Box<dyn Policy>,
    /// How the model itself reads and writes.
    pub dialect: Dialect,
    /// Tokens of a prompt and its answer together.
    pub context: u32,
}

/// What is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Answers that are sampled at once; a request for several counts as many. At least 1.
    pub requests_max: u32,
    /// Tokens of one answer; `None`: what the context leaves.
    pub tokens_max: Option<u32>,
    /// Bytes of a request.
    pub body_bytes_max: usize,
    /// How long a shutdown waits for answers that are on their way.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { requests_max: 256, tokens_max: None, body_bytes_max: 8 << 20, grace: Duration::from_secs(10) }
    }
}

/// The model at work.
#[derive(Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Those of the adapters on it, by their numbers, and how each reads and writes.
    pub adapters: Vec<(String, Speech)>,
    /// How the model itself does.
    pub speech: Speech,
    /// Tokens of a prompt and its answer together.
    pub context: u32,
    /// Who is let in.
    pub limits: Limits,
    /// Where it samples.
    pub engine: Engine,
    /// Where episodes are written down; `None`: nowhere.
    pub capture: Option<Arc<Capture>>,
    places: Arc<Semaphore>,
    /// Of requests that give none; drawn anew for each server, and part of the names of its replies.
    seed: u64,
    requests: AtomicU64,
}

impl Host {
    /// A host over an engine.
    #[must_use]
    pub fn new(
        (name, adapters): (String, Vec<(String, Dialect)>),
        (dialect, context): (Dialect, u32),
        engine: Engine,
        limits: Limits,
        capture: Option<Capture>,
    ) -> Host {
        Host {
            name,
            adapters: adapters.into_iter().map(|(name, dialect)| (name, Speech::new(dialect))).collect(),
            speech: Speech::new(dialect),
            context,
            places: Arc::new(Semaphore::new(limits.requests_max as usize)),
            limits,
            engine,
            capture: capture.map(Arc::new),
            // The standard library's own source of numbers that differ from process to process.
            seed: RandomState::new().hash_one(0),
            requests: AtomicU64::new(0),
        }
    }

    /// A number for a request, and the name of its reply.
    pub fn number(&self) -> (u64, String) {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        (number, format!("{:08x}-{number}", self.seed as u32))
    }

    /// Whether anybody is served.
    ///
    /// # Errors
    /// [`Problem`] 503.
    pub fn check_standing(&self) -> Result<(), Problem> {
        match self.engine.standing() {
            Standing::Open => Ok(()),
            Standing::Updating => Err(Lost::Updating.into()),
            Standing::Stopping | Standing::Aborting => Err(Lost::Stopping.into()),
        }
    }

    /// Which adapter a request means by this name: `None` is the model itself.
    ///
    /// # Errors
    /// [`Problem`] 404.
    pub fn adapter(&self, name: &str) -> Result<Option<u32>, Problem> {
        if name == self.name {
            return Ok(None);
        }
        if let Some((number, _)) = (0..).zip(self.adapter_names()).find(|(_, adapter)| *adapter == name) {
            return Ok(Some(number));
        }
        let adapters: String = self.adapter_names().map(|name| format!(", `{name}`")).collect();
        let what = format!("there is no model `{name}` here; this is `{}`{adapters}", self.name);
        let problem = Problem::of(axum::http::StatusCode::NOT_FOUND, what).coded("model_not_found");
        Err(Problem { param: Some("model".to_owned()), ..problem })
    }

    /// How somebody reads and writes whom [`Host::adapter`] has found.
    #[must_use]
    pub fn speech_of(&self, adapter: Option<u32>) -> &Speech {
        adapter.map_or(&self.speech, |number| &self.adapters[number as usize].1)
    }

    fn adapter_names(&self) -> impl Iterator<Item = &String> {
        self.adapters.iter().map(|(name, _)| name)
    }

    /// Lets a request in: all of its answers or none.
    ///
    /// # Errors
    /// [`Problem`] 400 if a prompt does not fit, 503 if there is no room.
    pub fn admit(
        &self,
        (number, name): (u64, &str),
        adapter: Option<u32>,
        (param, prompts): (&str, &[Vec<u32>]),
        manner: &Manner,
        reading: Reading,
    ) -> Result<Vec<Choice>, Problem> {
        self.check_standing()?;
        for prompt in prompts {
            self.check_prompt(param, prompt)?;
        }
        let count = prompts.len() as u32 * manner.choices;
        let mut places = self.places(count)?;
        let mut choices = Vec::with_capacity(count as usize);
        for (which, prompt) in (0u32..).zip(prompts) {
            for choice in 0..manner.choices {
                let place = places.split(1).expect("there are as many places as answers");
                let address = self.address(number, manner.seed, which, choice);
                let (out, pieces) = mpsc::unbounded_channel();
                let room = self.context - prompt.len() as u32;
                let asked = manner.tokens_max.or(self.limits.tokens_max).unwrap_or(room);
                self.engine.ask(Ask {
                    prompt: prompt.clone(),
                    adapter,
                    tokens_max: asked.min(room),
                    temperature: manner.temperature,
                    filter: manner.filter,
                    greedy: manner.greedy,
                    ends: Arc::clone(self.speech.ends()),
                    address,
                    permit: place,
                    out,
                });
                let writer =
                    Writer::new(self.speech.clone(), reading, manner.stop.clone(), self.speech.opens_thought(prompt));
                choices.push(Choice::new(which * manner.choices + choice, pieces, writer, name.to_owned()));
            }
        }
        Ok(choices)
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> Value {
        let standing = match self.engine.standing() {
            Standing::Open => "ok",
            Standing::Updating => "updating",
            Standing::Stopping => "shutting_down",
            Standing::Aborting => "aborting",
        };
        let sessions = self.engine.sessions();
        let blocks = self
            .engine
            .blocks()
            .map(|Blocks { tokens, max, held }| json!({ "held": held, "max": max, "tokens": tokens }));
        let live = self.limits.requests_max as usize - self.places.available_permits();
        json!({
            "status": standing,
            "model": self.name,
            "adapters": self.adapter_names().collect::<Vec<_>>(),
            "weight_version": self.engine.version(),
            "requests": { "live": live, "max": self.limits.requests_max },
            "sessions": {
                "live": sessions.opened - sessions.forgotten,
                "opened": sessions.opened,
                "forgotten": sessions.forgotten,
            },
            "blocks": blocks,
            "episodes": self.capture.as_ref().map(|capture| capture.open()),
        })
    }

    /// The model and its adapters, as a client lists them.
    #[must_use]
    pub fn models(&self) -> Vec<Value> {
        std::iter::once(&self.name).chain(self.adapter_names()).map(|name| self.model(name)).collect()
    }

    /// One of them, by its name.
    #[must_use]
    pub fn model(&self, name: &str) -> Value {
        let parent = (name != self.name).then_some(&self.name);
        json!({
            "id": name, "object": "model", "created": 0, "owned_by": "duologue", "max_model_len": self.context,
            "parent": parent,
        })
    }

    /// Waits until nobody is live.
    pub async fn idle(&self) {
        // Never closed.
        let _ = self.places.acquire_many(self.limits.requests_max).await;
    }

    fn places(&self, count: u32) -> Result<OwnedSemaphorePermit, Problem> {
        if self.limits.requests_max < count {
            let what = format!(
                "{count} answers are more than the {} that this server gives at once",
                self.limits.requests_max
            );
            return Err(Problem::invalid("n", what));
        }
        let places = Arc::clone(&self.places).try_acquire_many_owned(count);
        places.map_err(|_| Problem::later("saturated", "as many answers are on their way as there may be"))
    }

    fn check_prompt(&self, param: &str, prompt: &[u32]) -> Result<(), Problem> {
        if self.context as usize <= prompt.len() {
            let what = format!(
                "the prompt has {} tokens, and the model's context of {} has to hold it and an answer",
                prompt.len(),
                self.context
            );
            return Err(Problem::invalid(param, what).coded("context_length_exceeded"));
        }
        match prompt.iter().find(|id| self.speech.vocabulary() <= **id as usize) {
            None => Ok(()),
            Some(id) => {
                let what = format!("token {id} is outside the vocabulary of {}", self.speech.vocabulary());
                Err(Problem::invalid(param, what))
            }
        }
    }

    /// Whoever gives a seed draws at its address, whatever else the server does; all others where nobody else draws.
    fn address(&self, number: u64, seed: Option<i64>, prompt: u32, choice: u32) -> Address {
        let (seed, round) = seed.map_or((self.seed, number), |seed| (seed.cast_unsigned(), 0));
        Address { seed, phase: Phase::Rollout, round, group: 0, trial: prompt, member: choice + 1 }
    }
}

//! One question to one model: asked, waited for, asked again, paid for, and remembered.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::middleware::ReqwestService;
use reqwest::Response;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio::time::timeout;
use tower::Service;

use crate::Cache;
use crate::Form;
use crate::Limits;
use crate::Problem;
use crate::Server;
use crate::Tally;
use crate::backoff;
use crate::budget::Budget;
use crate::chat;
use crate::chat::Reply;
use crate::chat::Request;
use crate::chat::Usage;
use crate::gate::Gate;
use crate::transport;
use crate::transport::Bounded;

/// All models of one server, for all who ask: one pool of connections, one budget, one cache.
#[derive(Debug)]
pub struct Client {
    chat: async_openai::Client<Server>,
    limits: Limits,
    budget: Budget,
    cache: Cache,
    gate: Gate,
    on_their_way: Semaphore,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl Client {
    /// A client over the network.
    ///
    /// # Errors
    /// [`Problem::Client`] if this machine can make no connections.
    pub fn new(server: Server, limits: Limits, cache: Cache) -> Result<Client, Problem> {
        Client::over(ReqwestService::new, server, limits, cache)
    }

    /// A client over whatever carries requests, made from the client that would.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn over<S>(
        carrier: impl FnOnce(reqwest::Client) -> S,
        server: Server,
        limits: Limits,
        cache: Cache,
    ) -> Result<Client, Problem>
    where
        S: Service<HttpRequestFactory, Response = Response, Error = OpenAIError> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let http = transport::http(&server).map_err(Problem::Client)?;
        let bounded = Bounded { inner: carrier(http.clone()), bytes_max: limits.reply_bytes_max };
        Ok(Client {
            // In place of its own service, which asks again by rules of its own.
            chat: async_openai::Client::build(http, server).with_http_service(bounded),
            budget: Budget::new(&limits),
            on_their_way: Semaphore::new(limits.concurrency.max(1)),
            limits,
            cache,
            gate: Gate::default(),
            tallies: Mutex::default(),
        })
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.chat.config()
    }

    /// What was asked of each model, by name.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The cache, e.g. to ask whether all of it could be written.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Asks, or remembers. Who asks the same while an answer is on its way waits for it. A reply that does not look like what was asked for
    /// is asked for again; if it stays so, the last one is returned: whether it can be read is for the world to say.
    ///
    /// # Errors
    /// [`Problem`], after the last attempt.
    pub async fn ask(&self, request: &Request, form: &Form) -> Result<Reply, Problem> {
        let key = request.key(self.server().base());
        let cell = self.cache.cell(&key);
        let mut asked = false;
        let fetch = || {
            asked = true;
            self.fetch(&key, request, form)
        };
        let reply = cell.get_or_init(fetch).await.clone();
        if reply.is_err() {
            self.cache.forget(&key, &cell);
        }
        self.tally(&request.model, |tally| {
            tally.cached += u64::from(!asked && reply.is_ok());
            tally.faults += u64::from(reply.is_err());
        });
        reply
    }

    /// Asks until there is a reply that fits, or no hope; then the last outcome stands.
    async fn fetch(&self, key: &str, request: &Request, form: &Form) -> Result<Reply, Problem> {
        let mut attempt = 1;
        loop {
            let last = attempt >= self.limits.attempts_max;
            match self.attempt(request, attempt).await {
                Ok(reply) if form.fits(&reply.text) => {
                    self.cache.keep(key, &reply);
                    return Ok(reply);
                }
                Ok(reply) if last => return Ok(reply),
                Ok(_) => {}
                Err(problem) if last || !problem.passes() => return Err(problem),
                Err(problem) => {
                    tracing::info!("{}: {problem}; asking again", request.model);
                    self.rest(key, attempt, &problem).await?;
                }
            }
            attempt += 1;
        }
    }

    /// Waits as long as the server asks for, or as long as is wise.
    async fn rest(&self, key: &str, attempt: u32, problem: &Problem) -> Result<(), Problem> {
        let asked = match problem {
            Problem::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        match (asked, problem) {
            (Some(asked), Problem::Status { status, .. }) if asked > self.limits.retry_after_max => {
                Err(Problem::Patience { status: *status, asked, most: self.limits.retry_after_max })
            }
            // It is busy, whoever asks.
            (Some(asked), _) => {
                self.gate.close(asked);
                Ok(())
            }
            (None, problem) if problem.needs_rest() => {
                sleep(backoff::wait(&self.limits, key, attempt)).await;
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// One request, within all bounds.
    async fn attempt(&self, request: &Request, attempt: u32) -> Result<Reply, Problem> {
        let _permit = self.on_their_way.acquire().await.map_err(|closed| Problem::Client(closed.to_string()))?;
        self.gate.pass().await;
        let price = self.limits.prices.get(&request.model).copied();
        let hold = self.budget.reserve(request.bound(), price).await?;
        let result = self.send(request).await;
        let paid = hold.settle(used(request, &result));
        self.tally(&request.model, |tally| {
            tally.calls += 1;
            tally.repeated += u64::from(attempt > 1);
            tally.prompt_tokens += paid.prompt_tokens;
            tally.completion_tokens += paid.completion_tokens;
            tally.dollars = price.map(|price| tally.dollars.unwrap_or(0.0) + price.of(paid));
        });
        result.map(|(reply, _)| self.without_key(reply)).map_err(|problem| self.without_key_in(problem))
    }

    async fn send(&self, request: &Request) -> Result<(Reply, Option<Usage>), Problem> {
        let deadline = self.limits.deadline;
        let chat = self.chat.chat();
        let created = timeout(deadline, chat.create_byot::<&Request, Value>(request)).await;
        let completion = created.map_err(|_| Problem::Deadline(deadline))?.map_err(transport::problem)?;
        chat::read(completion)
    }

    /// Neither may a reply carry the key into a file.
    fn without_key(&self, reply: Reply) -> Reply {
        let hide = |text: String| self.server().hide(&text);
        Reply { text: hide(reply.text), thought: reply.thought.map(hide), closed: reply.closed }
    }

    fn without_key_in(&self, problem: Problem) -> Problem {
        let hide = |text: String| self.server().hide(&text);
        match problem {
            Problem::Connection(words) => Problem::Connection(hide(words)),
            Problem::Status { status, said, retry_after } => Problem::Status { status, said: hide(said), retry_after },
            Problem::Unreadable(words) => Problem::Unreadable(hide(words)),
            Problem::Refusal(words) => Problem::Refusal(hide(words)),
            Problem::Client(words) => Problem::Client(hide(words)),
            Problem::Deadline(_) | Problem::Patience { .. } | Problem::TooLong(_) => problem,
            Problem::Empty | Problem::Spent(_) => problem,
        }
    }

    fn tally(&self, model: &str, note: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        note(tallies.entry(model.to_owned()).or_default());
    }
}

/// What a request has used, as far as anybody knows; `None` if it may have been all it could.
fn used(request: &Request, result: &Result<(Reply, Option<Usage>), Problem>) -> Option<Usage> {
    match result {
        Ok((_, Some(usage))) => Some(*usage),
        // No tokenizer makes more tokens of a text than it has bytes.
        Ok((Reply { text, thought, .. }, None)) => {
            let written = text.len() + thought.as_ref().map_or(0, String::len);
            Some(Usage { completion_tokens: written as u64, ..request.bound() })
        }
        Err(problem) => problem.is_free().then(Usage::default),
    }
}

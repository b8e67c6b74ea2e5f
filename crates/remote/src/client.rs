//! One question to one model: asked, waited for, asked again, paid for, and remembered.

use std::collections::BTreeMap;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::middleware::ReqwestService;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;
use tower::Service;

use crate::Cache;
use crate::Form;
use crate::Limits;
use crate::Means;
use crate::Problem;
use crate::Server;
use crate::Tally;
use crate::chat;
use crate::chat::Reply;
use crate::chat::Request;
use crate::chat::Usage;
use crate::queue::Queue;
use crate::transport;
use crate::transport::Bounded;

/// All models of one server, for all who ask: one pool of connections, one queue.
#[derive(Debug)]
pub struct Client {
    chat: async_openai::Client<Server>,
    queue: Queue,
}

impl Client {
    /// A client over the network.
    ///
    /// # Errors
    /// [`Problem::Client`] if this machine can make no connections.
    pub fn new(server: Server, means: Means) -> Result<Client, Problem> {
        Client::over(ReqwestService::new, server, means)
    }

    /// A client over whatever carries requests, made from the client that would.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn over<S>(carrier: impl FnOnce(reqwest::Client) -> S, server: Server, means: Means) -> Result<Client, Problem>
    where
        S: Service<HttpRequestFactory, Response = Response, Error = OpenAIError> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let http = transport::http(server.is_encrypted()).map_err(Problem::Client)?;
        let bounded = Bounded { inner: carrier(http.clone()), bytes_max: means.limits.reply_bytes_max };
        Ok(Client {
            // In place of its own service, which asks again by rules of its own.
            chat: async_openai::Client::build(http, server).with_http_service(bounded),
            queue: Queue::new(means),
        })
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.queue.means().limits
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.chat.config()
    }

    /// What was asked of each model, by name.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.queue.tallies()
    }

    /// The cache, e.g. to ask whether all of it could be written.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.queue.means().cache
    }

    /// Asks, or remembers. Who asks the same while an answer is on its way waits for it. A reply that does not look like what was asked for
    /// is asked for again; if it stays so, the last one is returned: whether it can be read is for the world to say.
    ///
    /// # Errors
    /// [`Problem`], after the last attempt.
    pub async fn ask(&self, request: &Request, form: &Form) -> Result<Reply, Problem> {
        self.ask_until(request, |text| form.fits(text), false).await
    }

    /// The same where `fits` says what a reply has to look like. With `anew` nothing is remembered, neither before nor after.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn ask_until(
        &self,
        request: &Request,
        fits: impl Fn(&str) -> bool,
        anew: bool,
    ) -> Result<Reply, Problem> {
        let key = request.key(self.server().base());
        let fits = |reply: &Reply| fits(&reply.text);
        let attempt = |attempt| self.attempt(request, attempt);
        match anew {
            true => self.queue.ask_anew(&request.model, &key, fits, attempt).await,
            false => self.queue.ask(&request.model, &key, fits, attempt).await,
        }
    }

    /// One request, within all bounds.
    async fn attempt(&self, request: &Request, attempt: u32) -> Result<Reply, Problem> {
        let _permit = self.queue.permit().await?;
        let price = self.limits().prices.get(&request.model).copied();
        let hold = self.queue.means().budget.reserve(request.bound(), price).await?;
        let result = self.send(request).await;
        let paid = hold.settle(used(request, &result));
        self.queue.tally(&request.model, |tally| {
            tally.calls += 1;
            tally.repeated += u64::from(attempt > 1);
            tally.prompt_tokens += paid.prompt_tokens;
            tally.completion_tokens += paid.completion_tokens;
            tally.dollars = price.map(|price| tally.dollars.unwrap_or(0.0) + price.of(paid));
        });
        let hide = |text: &str| self.server().hide(text);
        result.map(|(reply, _)| self.without_key(reply)).map_err(|problem| problem.without(&hide))
    }

    async fn send(&self, request: &Request) -> Result<(Reply, Option<Usage>), Problem> {
        let deadline = self.limits().deadline;
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

//! A search engine outside: a look-up asked, waited for, asked again, counted, and remembered, within the bounds that models have.

use http::header::ACCEPT;
use http::header::USER_AGENT;
use reqwest::Method;
use reqwest::Request;
use reqwest::Response;
use reqwest::Url;
use serde_json::Value;
use sim::gyms::search::Document;
use sim::gyms::search::view::Lookup;
use tokio::time::timeout;
use tower::Service;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::Header;
use crate::Means;
use crate::Problem;
use crate::Tally;
use crate::chat;
use crate::chat::Reply;
use crate::chat::Usage;
use crate::queue::Queue;
use crate::results;
use crate::transport;

/// Who asks. Some engines answer nobody who does not say so; a header of one's own comes before it.
const WHO: &str = concat!("duologue/", env!("CARGO_PKG_VERSION"));

/// One engine, for all who look something up in it.
#[derive(Debug)]
pub struct Engine {
    place: sim::gyms::Engine,
    name: String,
    header: Option<Header>,
    carrier: BoxCloneSyncService<Request, Response, reqwest::Error>,
    queue: Queue,
}

impl Engine {
    /// An engine over the network.
    ///
    /// # Errors
    /// [`Problem::Client`] if its address is none, or this machine can make no connections.
    pub fn new(place: &sim::gyms::Engine, header: Option<Header>, means: Means) -> Result<Engine, Problem> {
        Engine::over(|http| http, place, header, means)
    }

    /// An engine over whatever carries requests, made from the client that would.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn over<S>(
        carrier: impl FnOnce(reqwest::Client) -> S,
        place: &sim::gyms::Engine,
        header: Option<Header>,
        means: Means,
    ) -> Result<Engine, Problem>
    where
        S: Service<Request, Response = Response, Error = reqwest::Error> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        let url = address(place, "words")?;
        let http = transport::http(url.scheme() == "https").map_err(Problem::Client)?;
        let carrier = BoxCloneSyncService::new(carrier(http));
        let name = place.url().split('?').next().unwrap_or_default().to_owned();
        Ok(Engine { place: place.clone(), name, header, carrier, queue: Queue::new(means) })
    }

    /// Its address without what it is sent, e.g. `https://a.example/search`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was asked of it.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.queue.tallies().remove(&self.name).unwrap_or_default()
    }

    /// Looks something up: the reply's text is a JSON list of `{title, text}`, as the world reads it.
    ///
    /// # Errors
    /// [`Problem`], after the last attempt.
    pub async fn ask(&self, lookup: &Lookup) -> Result<Reply, Problem> {
        let key = chat::hash(&("engine", self.place.url(), lookup));
        self.queue.ask(&self.name, &key, |_| true, |attempt| self.attempt(lookup, attempt)).await
    }

    /// One request, within all bounds. No engine counts tokens.
    async fn attempt(&self, lookup: &Lookup, attempt: u32) -> Result<Reply, Problem> {
        let _permit = self.queue.permit().await?;
        let hold = self.queue.means().budget.reserve(Usage::default(), None).await?;
        self.queue.tally(&self.name, |tally| {
            tally.calls += 1;
            tally.repeated += u64::from(attempt > 1);
        });
        let result = self.send(lookup).await;
        hold.settle(Some(Usage::default()));
        result.map_err(|problem| problem.without(&|text| self.hide(text)))
    }

    async fn send(&self, lookup: &Lookup) -> Result<Reply, Problem> {
        let limits = &self.queue.means().limits;
        let request = self.request(lookup)?;
        let carried = async {
            let response = self.carrier.clone().oneshot(request).await.map_err(transport::lost)?;
            transport::whole(response, limits.reply_bytes_max).await
        };
        let (_, body) = timeout(limits.deadline, carried).await.map_err(|_| Problem::Deadline(limits.deadline))??;
        let value: Value = serde_json::from_slice(&body).map_err(|error| transport::no_json(&error))?;
        let found = results::read(&value).map_err(|why| Problem::Unreadable(format!("no search results: {why}")))?;
        let wanted = found.into_iter().take(lookup.results_max as usize);
        let hidden =
            wanted.map(|Document { title, text }| Document { title: self.hide(&title), text: self.hide(&text) });
        let text = serde_json::to_string(&hidden.collect::<Vec<_>>()).expect("texts are always JSON");
        Ok(Reply { text, thought: None, closed: true })
    }

    fn request(&self, lookup: &Lookup) -> Result<Request, Problem> {
        let mut request = Request::new(Method::GET, address(&self.place, &lookup.query)?);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, http::HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, http::HeaderValue::from_static(WHO));
        if let Some(header) = &self.header {
            headers.insert(header.name().clone(), header.value().clone());
        }
        Ok(request)
    }

    fn hide(&self, text: &str) -> String {
        self.header.as_ref().map_or_else(|| text.to_owned(), |header| header.hide(text))
    }
}

/// Where these words are looked up.
fn address(place: &sim::gyms::Engine, words: &str) -> Result<Url, Problem> {
    Url::parse(&place.address(words)).map_err(|error| Problem::Client(format!("the engine's address is none: {error}")))
}

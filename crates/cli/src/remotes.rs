//! Policies that play elsewhere: `openai:MODEL` asks a server, `replay:FILE` gives what a server once said.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::Player;
use actors::seats::Pending;
use actors::seats::guests::PlayerMaker;
use anyhow::anyhow;
use remote::Cache;
use remote::Client;
use remote::Limits;
use remote::LinesError;
use remote::Recorder;
use remote::Recording;
use remote::Server;
use remote::ServerError;
use remote::Speaker;
use remote::Tally;
use remote::Voice;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::Observation;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;

use crate::failure::Failure;
use crate::flags::RemoteFlags;

const REMOTE: &str = "openai:";
const RECORDED: &str = "replay:";

/// All of them in one command: they share a client with its budget, and a recorder.
#[derive(Default)]
pub struct Remotes {
    flags: RemoteFlags,
    seed: u64,
    client: Option<Arc<Client>>,
    recorder: Option<Arc<Recorder>>,
    recordings: BTreeMap<String, Arc<Recording>>,
}

impl Remotes {
    /// For a command in which these policies play. Nothing is opened before one of them needs it.
    ///
    /// # Errors
    /// [`Failure::Input`] for flags without effect, or without what they need.
    pub fn new<'p>(
        flags: &RemoteFlags,
        seed: u64,
        policies: impl IntoIterator<Item = &'p String>,
    ) -> Result<Remotes, Failure> {
        let models: Vec<&str> = policies.into_iter().filter_map(|policy| policy.strip_prefix(REMOTE)).collect();
        if models.is_empty() && *flags != RemoteFlags::default() {
            let what = "--remote-…: has no effect: nobody is played by openai:MODEL";
            return Err(Failure::input(what, Some("leave these flags out, or have such a policy play")));
        }
        let unpriced = |model: &&&str| !flags.prices.iter().any(|(priced, _)| priced == **model);
        if let (Some(_), Some(model)) = (flags.dollars, models.iter().find(unpriced)) {
            let what = format!("--remote-dollars: what {model} costs is not known");
            return Err(Failure::input(what, Some(&format!("add its price, e.g. --remote-price {model}=2.5,10"))));
        }
        if let Some((model, _)) = flags.prices.iter().find(|(model, _)| !models.contains(&model.as_str())) {
            let what = format!("--remote-price: has no effect: nobody is played by openai:{model}");
            return Err(Failure::input(what, Some("name the model as in openai:MODEL")));
        }
        Ok(Remotes { flags: flags.clone(), seed, ..Remotes::default() })
    }

    /// Who plays such a policy in these scenarios, which castings number; `None` for policies of other kinds.
    ///
    /// # Errors
    /// [`Failure::Input`] if there is no server to ask, or a file cannot be used.
    pub fn player(&mut self, scenarios: &[&Scenario], policy: &str) -> Result<Option<PlayerMaker>, Failure> {
        let voice = if let Some(model) = policy.strip_prefix(REMOTE) {
            Voice::Remote { client: self.client()?, model: model.to_owned(), recorder: self.recorder()? }
        } else if let Some(file) = policy.strip_prefix(RECORDED) {
            Voice::Recorded(self.recording(file)?)
        } else {
            return Ok(None);
        };
        let names: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
        let seed = self.seed;
        Ok(Some(Arc::new(move |casting: &Casting, seat: Seat| {
            let address = casting.id.address(seed).member(casting.id.member);
            let place = format!("{}/{}", names[casting.scenario as usize], casting.id);
            Box::new(Elsewhere(Speaker::new(seat, voice.clone(), &place, address))) as Box<dyn Player>
        })))
    }

    /// What was asked of each model; `None` if none was to be asked.
    #[must_use]
    pub fn tallies(&self) -> Option<BTreeMap<String, Tally>> {
        self.client.as_ref().map(|client| client.tallies())
    }

    /// Says on stderr what it came to.
    ///
    /// # Errors
    /// [`Failure::Work`] if a file could not be written to its end.
    pub fn end(&self) -> Result<(), Failure> {
        for (model, tally) in self.tallies().into_iter().flatten() {
            eprintln!("{REMOTE}{model}: {tally}");
        }
        let unwritten = |error: LinesError| Failure::from(anyhow!(error));
        self.recorder.as_ref().map_or(Ok(()), |recorder| recorder.end()).map_err(unwritten)?;
        self.client.as_ref().map_or(Ok(()), |client| client.cache().end()).map_err(unwritten)
    }

    fn client(&mut self) -> Result<Arc<Client>, Failure> {
        if let Some(client) = &self.client {
            return Ok(Arc::clone(client));
        }
        let no_server = |error: ServerError| Failure::input(&error, Some(error.hint()));
        let server = Server::from_env().map_err(no_server)?;
        let cache = self.flags.cache.as_deref().map(Cache::open).transpose();
        let cache = cache.map_err(|error| unusable("--remote-cache", &error))?.unwrap_or_default();
        let client = Client::new(server, limits(&self.flags), cache);
        let client = Arc::new(client.map_err(|problem| Failure::from(anyhow!(problem)))?);
        self.client = Some(Arc::clone(&client));
        Ok(client)
    }

    fn recorder(&mut self) -> Result<Option<Arc<Recorder>>, Failure> {
        if let (None, Some(file)) = (&self.recorder, &self.flags.record) {
            let recorder = Recorder::new(file).map_err(|error| unusable("--remote-record", &error))?;
            self.recorder = Some(Arc::new(recorder));
        }
        Ok(self.recorder.clone())
    }

    fn recording(&mut self, file: &str) -> Result<Arc<Recording>, Failure> {
        if !self.recordings.contains_key(file) {
            let recording = Recording::open(Path::new(file)).map_err(|error| unusable(RECORDED, &error))?;
            self.recordings.insert(file.to_owned(), Arc::new(recording));
        }
        Ok(Arc::clone(&self.recordings[file]))
    }
}

/// Whether a policy is played by a model on a server.
#[must_use]
pub fn is_elsewhere(policy: &str) -> bool {
    policy.starts_with(REMOTE)
}

fn unusable(asked_by: &str, error: &LinesError) -> Failure {
    let hint = match error {
        LinesError::Exists(_) => "nothing is written over: name another file, or play it with replay:FILE",
        LinesError::Unread { .. } => "name a file that --remote-record has written",
        LinesError::Unwritten { .. } => "name a file in a folder that is there",
        LinesError::Other { .. } | LinesError::Damaged { .. } => "name another file, or remove this one and begin anew",
    };
    Failure::input(format!("{}: {error}", asked_by.trim_end_matches(':')), Some(hint))
}

fn limits(flags: &RemoteFlags) -> Limits {
    let own = Limits::default();
    let ms = |given: Option<u32>, own: Duration| given.map_or(own, |ms| Duration::from_millis(ms.into()));
    Limits {
        concurrency: flags.concurrency.map_or(own.concurrency, |count| count as usize),
        deadline: ms(flags.deadline_ms, own.deadline),
        attempts_max: flags.attempts.unwrap_or(own.attempts_max),
        backoff: ms(flags.backoff_ms, own.backoff),
        reply_tokens_max: flags.reply_tokens.unwrap_or(own.reply_tokens_max),
        temperature: flags.temperature.unwrap_or(own.temperature),
        calls_max: flags.calls.map_or(own.calls_max, u64::from),
        tokens_max: flags.tokens.map(u64::from),
        dollars_max: flags.dollars,
        prices: flags.prices.iter().cloned().collect(),
        ..own
    }
}

/// A speaker in a seat.
struct Elsewhere(Speaker);

impl Player for Elsewhere {
    fn decide(&mut self, observation: Observation) -> Pending<'_, Result<Decision, Fault>> {
        Box::pin(async move { self.0.decide(&observation).await })
    }

    fn answer(&mut self, query: Query) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move { self.0.answer(&query).await })
    }
}

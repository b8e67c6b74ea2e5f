//! Who is asked elsewhere: of policies `openai:MODEL` asks a server, and `replay:FILE` gives what a server once said; a scenario's engine is searched
//! by the stagehand; and a scenario's rubric is put to its judges.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::Player;
use actors::seats::Pending;
use actors::seats::guests::JudgeMaker;
use actors::seats::guests::PlayerMaker;
use actors::seats::guests::StagehandMaker;
use anyhow::anyhow;
use remote::Cache;
use remote::Client;
use remote::Engine;
use remote::Header;
use remote::HeaderError;
use remote::Limits;
use remote::LinesError;
use remote::Means;
use remote::Panel;
use remote::Recorder;
use remote::Recording;
use remote::Server;
use remote::ServerError;
use remote::Shelf;
use remote::Speaker;
use remote::Tally;
use remote::Voice;
use remote::policy;
use sim::Answer;
use sim::Decision;
use sim::Fault;
use sim::Observation;
use sim::Pair;
use sim::Past;
use sim::Query;
use sim::Rubric;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use sim::rubric::Juror;

use crate::failure::Failure;
use crate::flags::RemoteFlags;
use crate::judges;
use crate::judges::Court;
use crate::judges::Courts;
use crate::lookups;

const REMOTE: &str = "openai:";
/// What a policy that was recorded is called by, before its file.
pub const RECORDED: &str = "replay:";

/// All of them in one command: they share a budget, a cache and a recorder.
#[derive(Default)]
pub struct Remotes {
    flags: RemoteFlags,
    seed: u64,
    means: Option<Means>,
    client: Option<Arc<Client>>,
    /// By their addresses.
    engines: BTreeMap<String, Arc<Engine>>,
    recorder: Option<Arc<Recorder>>,
    recordings: BTreeMap<PathBuf, Arc<Recording>>,
    courts: Vec<Courts>,
}

/// Who judges measurements by a scenario's rubric.
#[derive(Clone, Copy, Debug)]
pub enum Measuring<'j> {
    /// Its own panel.
    Panel,
    /// Somebody else, or nobody: where talks train, whoever judges them is no measure of them.
    Other(Option<&'j Juror>),
}

impl Remotes {
    /// For a command in which these policies play these scenarios. Nothing is opened before one of them needs it.
    ///
    /// # Errors
    /// [`Failure::Input`] for flags without effect, or without what they need.
    pub fn new<'p>(
        flags: &RemoteFlags,
        seed: u64,
        policies: impl IntoIterator<Item = &'p String>,
        scenarios: &[&Scenario],
    ) -> Result<Remotes, Failure> {
        let rubrics = scenarios.iter().filter_map(|scenario| scenario.judge.rubric.as_ref());
        let jurors: Vec<&String> = rubrics.flat_map(|rubric| &rubric.panel).map(|juror| &juror.policy).collect();
        let asked = jurors.iter().copied().filter(|_| flags.replay.is_none());
        let mut models: Vec<&str> = policies.into_iter().filter_map(|policy| policy.strip_prefix(REMOTE)).collect();
        models.extend(asked.filter_map(|policy| policy.strip_prefix(REMOTE)));
        let engine = scenarios.iter().any(|scenario| scenario.rules.engine().is_some());
        have_effect(flags, !models.is_empty(), engine, !jurors.is_empty())?;
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
        let Some(voice) = self.voice(policy)? else { return Ok(None) };
        let names: Vec<String> = scenarios.iter().map(|scenario| scenario.name.clone()).collect();
        let policies: Vec<Pair<Option<String>>> =
            scenarios.iter().map(|scenario| Pair::from_fn(|seat| policy::of(scenario, seat))).collect();
        let seed = self.seed;
        Ok(Some(Arc::new(move |casting: &Casting, seat: Seat| {
            let address = casting.token_address(seed);
            let place = format!("{}/{}", names[casting.scenario as usize], casting.id);
            let thinking = policies[casting.scenario as usize][seat].clone();
            Box::new(Elsewhere(Speaker::new(seat, voice.clone(), &place, address).thinking(thinking)))
                as Box<dyn Player>
        })))
    }

    /// Whose words a policy's are; `None` for policies of other kinds.
    ///
    /// # Errors
    /// As [`Remotes::player`].
    pub fn voice(&mut self, policy: &str) -> Result<Option<Voice>, Failure> {
        Ok(if let Some(model) = policy.strip_prefix(REMOTE) {
            Some(Voice::Remote { client: self.client()?, model: model.to_owned(), recorder: self.recorder()? })
        } else if let Some(file) = policy.strip_prefix(RECORDED) {
            Some(Voice::Recorded(self.recording(Path::new(file), RECORDED)?))
        } else {
            None
        })
    }

    /// Who judges these scenarios, which castings number; `None` if the gym alone does in all of them.
    ///
    /// # Errors
    /// [`Failure::Input`] if there is no server to ask, or a file cannot be used.
    pub fn judge(&mut self, scenarios: &[&Scenario], measuring: Measuring<'_>) -> Result<Option<JudgeMaker>, Failure> {
        // Those of the scenarios before have nothing to say of these.
        self.courts.clear();
        if scenarios.iter().all(|scenario| scenario.judge.rubric.is_none()) {
            return Ok(None);
        }
        let courts = scenarios.iter().map(|scenario| self.courts(scenario, measuring));
        self.courts = courts.collect::<Result<_, Failure>>()?;
        Ok(Some(judges::maker(self.courts.clone())))
    }

    fn courts(&mut self, scenario: &Scenario, measuring: Measuring<'_>) -> Result<Courts, Failure> {
        let name = scenario.name.clone();
        let Some(rubric) = &scenario.judge.rubric else {
            return Ok(Courts { scenario: name, playing: None, measuring: None });
        };
        let playing = Some(self.court(rubric, &rubric.panel)?);
        let measuring = match measuring {
            Measuring::Panel => playing.clone(),
            Measuring::Other(None) => None,
            Measuring::Other(Some(juror)) => Some(self.court(rubric, std::slice::from_ref(juror))?),
        };
        Ok(Courts { scenario: name, playing, measuring })
    }

    fn court(&mut self, rubric: &Arc<Rubric>, jurors: &[Juror]) -> Result<Court, Failure> {
        let voices = jurors.iter().map(|juror| match self.flags.replay.clone() {
            Some(file) => Ok(Voice::Recorded(self.recording(&file, "--remote-replay")?)),
            None => Ok(self.voice(&juror.policy)?.expect("whoever judges plays elsewhere, which was checked")),
        });
        let panel = Panel { voices: voices.collect::<Result<_, Failure>>()? };
        Ok(Court { rubric: Arc::clone(rubric), panel })
    }

    /// The judges of each scenario, as castings number them; empty if the gym alone judges in all of them.
    #[must_use]
    pub fn all_courts(&self) -> &[Courts] {
        &self.courts
    }

    /// Who looks things up in these scenarios, which castings number; `None` if none of them has an engine.
    ///
    /// # Errors
    /// [`Failure::Input`] if an engine cannot be asked, or a file cannot be used.
    pub fn stagehand(&mut self, scenarios: &[&Scenario]) -> Result<Option<StagehandMaker>, Failure> {
        let shelves = scenarios.iter().map(|scenario| {
            let shelf = scenario.rules.engine().map(|place| self.shelf(place)).transpose()?;
            Ok((scenario.name.clone(), shelf))
        });
        let shelves = shelves.collect::<Result<Vec<_>, Failure>>()?;
        let is_needed = shelves.iter().any(|(_, shelf)| shelf.is_some());
        Ok(is_needed.then(|| lookups::stagehand(shelves)))
    }

    /// What was asked of each model and of each engine; `None` if none was to be asked.
    #[must_use]
    pub fn tallies(&self) -> Option<BTreeMap<String, Tally>> {
        let models = self.client.as_ref().map(|client| client.tallies());
        let engines = self.engines.values().map(|engine| (engine.name().to_owned(), engine.tally()));
        let nobody = models.is_none() && self.engines.is_empty();
        (!nobody).then(|| models.unwrap_or_default().into_iter().chain(engines).collect())
    }

    /// Says on stderr what it came to.
    ///
    /// # Errors
    /// [`Failure::Work`] if a file could not be written to its end.
    pub fn end(&self) -> Result<(), Failure> {
        for (model, tally) in self.client.iter().flat_map(|client| client.tallies()) {
            eprintln!("{REMOTE}{model}: {tally}");
        }
        for engine in self.engines.values() {
            eprintln!("{}: {}", engine.name(), engine.tally());
        }
        let unwritten = |error: LinesError| Failure::from(anyhow!(error));
        self.recorder.as_ref().map_or(Ok(()), |recorder| recorder.end()).map_err(unwritten)?;
        self.means.as_ref().map_or(Ok(()), |means| means.cache.end()).map_err(unwritten)
    }

    fn client(&mut self) -> Result<Arc<Client>, Failure> {
        if let Some(client) = &self.client {
            return Ok(Arc::clone(client));
        }
        let no_server = |error: ServerError| Failure::input(&error, Some(error.hint()));
        let server = Server::from_env().map_err(no_server)?;
        let client = Client::new(server, self.means()?);
        let client = Arc::new(client.map_err(|problem| Failure::from(anyhow!(problem)))?);
        self.client = Some(Arc::clone(&client));
        Ok(client)
    }

    fn means(&mut self) -> Result<Means, Failure> {
        if let Some(means) = &self.means {
            return Ok(means.clone());
        }
        let cache = self.flags.cache.as_deref().map(Cache::open).transpose();
        let cache = cache.map_err(|error| unusable("--remote-cache", &error))?.unwrap_or_default();
        let means = Means::new(limits(&self.flags), cache);
        self.means = Some(means.clone());
        Ok(means)
    }

    fn shelf(&mut self, place: &sim::gyms::Engine) -> Result<Shelf, Failure> {
        match self.flags.replay.clone() {
            Some(file) => Ok(Shelf::Recorded(self.recording(&file, "--remote-replay")?)),
            None => Ok(Shelf::Engine { engine: self.engine(place)?, recorder: self.recorder()? }),
        }
    }

    fn engine(&mut self, place: &sim::gyms::Engine) -> Result<Arc<Engine>, Failure> {
        if let Some(engine) = self.engines.get(place.url()) {
            return Ok(Arc::clone(engine));
        }
        let header = Header::from_env().map_err(|error: HeaderError| Failure::input(error, Some(error.hint())))?;
        let engine = Engine::new(place, header, self.means()?);
        let hint = "mend `engine` in the scenario's `[world]`";
        let engine =
            Arc::new(engine.map_err(|problem| Failure::input(format!("world.engine: {problem}"), Some(hint)))?);
        self.engines.insert(place.url().to_owned(), Arc::clone(&engine));
        Ok(engine)
    }

    fn recorder(&mut self) -> Result<Option<Arc<Recorder>>, Failure> {
        if let (None, Some(file)) = (&self.recorder, &self.flags.record) {
            let recorder = Recorder::new(file).map_err(|error| unusable("--remote-record", &error))?;
            self.recorder = Some(Arc::new(recorder));
        }
        Ok(self.recorder.clone())
    }

    fn recording(&mut self, file: &Path, asked_by: &str) -> Result<Arc<Recording>, Failure> {
        if !self.recordings.contains_key(file) {
            let recording = Recording::open(file).map_err(|error| unusable(asked_by, &error))?;
            self.recordings.insert(file.to_owned(), Arc::new(recording));
        }
        Ok(Arc::clone(&self.recordings[file]))
    }
}

/// Whether all flags say something about somebody who is asked: a model, a scenario's engine, or its judges.
fn have_effect(flags: &RemoteFlags, models: bool, engine: bool, judges: bool) -> Result<(), Failure> {
    let none = RemoteFlags::default();
    let RemoteFlags { tokens, dollars, prices, reply_tokens, temperature, replay, .. } = flags.clone();
    if replay.is_some() && !engine && !judges {
        let what = "--remote-replay: has no effect: nothing is searched in an engine, and nobody judges by a rubric";
        return Err(Failure::input(what, Some("who plays elsewhere is played again by the policy replay:FILE")));
    }
    let is_asked = engine && replay.is_none();
    if !models && !is_asked && *flags != (RemoteFlags { replay, ..none.clone() }) {
        let what = "--remote-…: has no effect: nobody is played by openai:MODEL";
        return Err(Failure::input(what, Some("leave these flags out, or have such a policy play")));
    }
    let of_models = RemoteFlags { tokens, dollars, prices, reply_tokens, temperature, ..none.clone() };
    if !models && of_models != none {
        let what = "--remote-…: tokens, prices and temperatures have no effect: nobody is played by openai:MODEL";
        return Err(Failure::input(what, Some("what is asked of an engine is bounded by --remote-calls")));
    }
    Ok(())
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

    fn recall(&mut self, past: &Past) -> Result<(), String> {
        self.0.recall(past);
        Ok(())
    }
}

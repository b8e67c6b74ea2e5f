//! Policies as they are written on the command line, brought to life.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use actors::Company;
use actors::Guests;
use actors::Journal;
use actors::Played;
use actors::Sampling;
use actors::Terms;
use actors::Troupe;
use actors::Voice;
use actors::seats::judge::RuleJudge;
use rl::ModelLoader;
use rl::opponent::cast_as;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use sim::scenario::RUBRIC;
use text::Dialect;
use text::Folder;
use text::Manner;
use text::TextError;

use crate::failure::Failure;
use crate::remotes::Measuring;
use crate::remotes::Remotes;

/// How a model is named, on the command line and in castings.
pub(crate) const MODEL: &str = "model:";

/// Episodes alive at once, and rows in a batch, where no run file says so.
pub const LIVE_MAX: usize = 256;

/// Policies of one scenario, by seat, each under the name castings use.
pub struct Cast {
    models: BTreeMap<String, Voice>,
    guests: Guests,
}

impl Cast {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Cast {
        Cast { models: BTreeMap::new(), guests: Guests::default() }
    }

    /// Brings `policy` for `seat` of one scenario to life, as a flag asks for it, and says what castings call it. Scripts need no life.
    ///
    /// # Errors
    /// [`Failure::Input`] if there is no such policy, a model's folder or a recording is damaged, or there is no server to ask.
    pub fn add(
        &mut self,
        scenario: &Scenario,
        seat: Seat,
        policy: &str,
        loader: &dyn ModelLoader,
        remotes: &mut Remotes,
    ) -> Result<String, Failure> {
        config::check_policy(&format!("--{seat}"), &scenario.rules, seat, policy)?;
        let wrong = |what: String, hint: &str| Failure::input(format!("--{seat}: {policy}: {what}"), Some(hint));
        self.bring(&[scenario], seat, policy, loader, remotes, &wrong)
    }

    /// The same of a policy that has been checked, wherever it was asked for. `scenarios` are all that castings number.
    ///
    /// # Errors
    /// What `wrong` makes of a damaged folder; [`Failure::Input`] if a recording is damaged, or there is no server to ask.
    pub fn bring(
        &mut self,
        scenarios: &[&Scenario],
        seat: Seat,
        policy: &str,
        loader: &dyn ModelLoader,
        remotes: &mut Remotes,
        wrong: &dyn Fn(String, &str) -> Failure,
    ) -> Result<String, Failure> {
        let name = cast_as(seat, policy);
        if let Some(player) = remotes.player(scenarios, policy)? {
            self.guests.players.insert(name.clone(), player);
        } else if let (Some(folder), Some(key)) = (policy.strip_prefix(MODEL), name.strip_prefix(MODEL))
            && !self.models.contains_key(key)
        {
            let folder = config::model_of_seat(Path::new(folder), seat);
            // The same in all scenarios of a run, which was checked.
            let reasons = Pair::from_fn(|seat| scenarios[0].seats[seat].reasons);
            let hint = "give the folder of one seat's model, e.g. runs/NAME/checkpoints/step-000030/agent";
            let mut voice = open(&folder, reasons, seat, loader).map_err(|error| wrong(error, hint))?;
            let equipped = voice.dialect.equipped(scenarios.iter().copied());
            voice.dialect = equipped.map_err(|error| match error {
                TextError::NoRoom { .. } => wrong(error.to_string(), "raise it in the scenario"),
                _ => wrong(error.to_string(), hint),
            })?;
            self.models.insert(key.to_owned(), voice);
        }
        Ok(name)
    }

    /// Lets whoever looks things up onto the stage, where one of these scenarios has an engine, and seats those who judge by a rubric. The scenarios
    /// are all that castings number.
    ///
    /// # Errors
    /// [`Failure::Input`] if a recording is damaged, or an engine or a judge cannot be asked.
    pub fn stage(
        &mut self,
        scenarios: &[&Scenario],
        remotes: &mut Remotes,
        measuring: Measuring<'_>,
    ) -> Result<(), Failure> {
        self.guests.stagehand = remotes.stagehand(scenarios)?;
        self.guests.judges.extend(remotes.judge(scenarios, measuring)?.map(|judge| (RUBRIC.to_owned(), judge)));
        Ok(())
    }

    /// Lets the gym alone judge, whatever rubric a scenario has.
    pub fn judge_by_rule(&mut self) {
        self.guests.judges.insert(RUBRIC.to_owned(), Arc::new(|_| Box::new(RuleJudge)));
    }

    /// Who else may come: people, and whoever watches.
    pub fn guests(&mut self) -> &mut Guests {
        &mut self.guests
    }

    /// Everybody at work, nobody learning.
    ///
    /// # Errors
    /// If an actor cannot be spawned.
    pub async fn troupe(self, journal: Box<dyn Journal>) -> anyhow::Result<Troupe> {
        Ok(Troupe::spawn(self.company(journal)).await?)
    }

    /// Everybody, before they go to work: nobody is learning.
    #[must_use]
    pub fn company(self, journal: Box<dyn Journal>) -> Company {
        Company {
            episodes_live_max: LIVE_MAX,
            batch_max: LIVE_MAX,
            reruns_max: 0,
            models: self.models,
            seats: rl::Seats::Apart,
            learners: Pair::default(),
            journal,
            guests: self.guests,
        }
    }
}

impl Default for Cast {
    fn default() -> Cast {
        Cast::new()
    }
}

/// Plays castings at temperature 1.
///
/// # Errors
/// If a service died.
pub async fn play(
    troupe: &mut Troupe,
    scenario: &Arc<Scenario>,
    seed: u64,
    castings: Vec<Casting>,
    record: bool,
    settled: impl FnMut(usize),
) -> anyhow::Result<Vec<Played>> {
    play_all(troupe, vec![Arc::clone(scenario)], seed, castings, record, settled).await
}

/// The same where castings number several scenarios.
///
/// # Errors
/// If a service died.
pub async fn play_all(
    troupe: &mut Troupe,
    scenarios: Vec<Arc<Scenario>>,
    seed: u64,
    castings: Vec<Casting>,
    record: bool,
    mut settled: impl FnMut(usize),
) -> anyhow::Result<Vec<Played>> {
    let sampling = Pair { agent: Sampling::default(), user: Sampling::default() };
    let terms = Terms { scenarios, seed, sampling, record, past: Arc::default() };
    let mut progress = troupe.progress();
    // What the play before this one came to is no news of this one.
    progress.borrow_and_update();
    let mut playing = pin!(troupe.play(castings, &terms));
    loop {
        tokio::select! {
            performance = &mut playing => return Ok(performance?.played),
            Ok(()) = progress.changed() => settled(progress.borrow_and_update().settled),
        }
    }
}

/// The records of what was played; episodes that were lost have none.
#[must_use]
pub fn recorded(played: Vec<Played>) -> Vec<EpisodeRecord> {
    let record = |played: Played| match played {
        Played::Record(record) => Some(*record),
        Played::Lost(..) => None,
    };
    played.into_iter().filter_map(record).collect()
}

/// A model that only plays.
pub(crate) fn open(folder: &Path, reasons: Pair<bool>, seat: Seat, loader: &dyn ModelLoader) -> Result<Voice, String> {
    if !folder.is_dir() {
        return Err(format!("there is no folder {}", folder.display()));
    }
    let words = config::language_of(folder)?;
    // An adapter speaks its base's language, in a manner of its own.
    let manner = Manner::open(folder).map_err(|error| error.to_string())?;
    let files = Folder::open(&words).map_err(|error| error.to_string())?;
    let dialect = Dialect::of(files, reasons, manner).map_err(|error| error.to_string())?;
    let mut model = loader.open(folder, None, seat).map_err(|error| error.to_string())?;
    model.policy.close_with(dialect.close_ids());
    Ok(Voice { policy: model.policy, dialect })
}

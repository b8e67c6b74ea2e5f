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
use rl::ModelLoader;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::record::Casting;
use text::Dialect;

use crate::failure::Failure;
use crate::remotes::Remotes;

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

    /// Brings `policy` for `seat` to life, and says what castings call it. Scripts need no life.
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
        if let Some(player) = remotes.player(&scenario.name, policy)? {
            self.guests.players.insert(policy.to_owned(), player);
            return Ok(policy.to_owned());
        }
        let Some(folder) = policy.strip_prefix("model:") else {
            return Ok(policy.to_owned());
        };
        // The same weights at two seats are two policies: they read and write differently.
        let name = format!("{seat}:{folder}");
        if !self.models.contains_key(&name) {
            let folder = model_folder(Path::new(folder), seat);
            let hint = "give the folder of one seat's model, e.g. runs/NAME/checkpoints/step-000030/agent";
            let damaged = |error: String| Failure::input(format!("--{seat}: {policy}: {error}"), Some(hint));
            if !folder.is_dir() {
                return Err(damaged(format!("there is no folder {}", folder.display())));
            }
            let reasons = Pair::from_fn(|seat| scenario.seats[seat].reasons);
            let dialect = Dialect::open(&folder, reasons).map_err(|error| damaged(error.to_string()))?;
            let model = loader.open(&folder, None, seat).map_err(|error| damaged(error.to_string()))?;
            self.models.insert(name.clone(), Voice { policy: model.policy, dialect });
        }
        Ok(format!("model:{name}"))
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
        let company = Company {
            episodes_live_max: LIVE_MAX,
            batch_max: LIVE_MAX,
            models: self.models,
            learners: Pair::default(),
            journal,
            guests: self.guests,
        };
        Ok(Troupe::spawn(company).await?)
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
    mut settled: impl FnMut(usize),
) -> anyhow::Result<Vec<Played>> {
    let sampling = Pair { agent: Sampling::default(), user: Sampling::default() };
    let terms = Terms { scenarios: vec![Arc::clone(scenario)], seed, sampling, record };
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

/// A checkpoint's folder stands for the model of the seat that is meant.
pub(crate) fn model_folder(folder: &Path, seat: Seat) -> std::path::PathBuf {
    let of_seat = folder.join(seat.name());
    if of_seat.join("config.json").exists() { of_seat } else { folder.to_owned() }
}

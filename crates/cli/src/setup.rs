//! From flags to checked values: what a training run is, before anything is built.

use std::path::PathBuf;
use std::sync::Arc;

use config::Sources;
use rl::RunSettings;
use rl::settings::UpdateMode;
use sim::Pair;
use sim::Scenario;
use sim::Seat;

use crate::failure::Failure;
use crate::flags::TrainFlags;

/// A run as it was asked for.
pub struct Setup {
    /// The run file, overrides applied.
    pub settings: RunSettings,
    /// Its scenario.
    pub scenario: Arc<Scenario>,
    /// What both were read from.
    pub sources: Sources,
    /// The run folder.
    pub out: PathBuf,
    /// Whether the folder exists and the run goes on.
    pub resume: bool,
}

impl Setup {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// [`Failure::Input`] with everything that is wrong with them.
    pub fn load(flags: TrainFlags) -> Result<Setup, Failure> {
        let mut overrides = flags.set;
        overrides.extend(flags.seed.map(|seed| format!("seed={seed}")));
        let (settings, scenario, sources) = config::load_run(&flags.run, &overrides)?;
        let out = flags.out.unwrap_or_else(|| PathBuf::from("runs").join(&settings.name));
        Ok(Setup { settings, scenario: Arc::new(scenario), sources, out, resume: flags.resume })
    }

    /// Which seats are ever updated.
    #[must_use]
    pub fn learning(&self) -> Pair<bool> {
        match self.settings.grpo.mode {
            UpdateMode::Only(only) => Pair::from_fn(|seat| seat == only),
            UpdateMode::Simultaneous | UpdateMode::Alternating { .. } => Pair { agent: true, user: true },
        }
    }

    /// The fixed policy at each seat: `opponents().user` is whom the agent meets.
    #[must_use]
    pub fn opponents(&self) -> Pair<String> {
        Pair::from_fn(|seat| self.scenario.rules.fixed_opponent(seat).to_owned())
    }

    /// Who plays when `seat`'s model is measured: the model there, its fixed opponent across the table.
    #[must_use]
    pub fn measured(&self, seat: Seat) -> Pair<String> {
        let opponents = self.opponents();
        Pair::from_fn(|at| if at == seat { "model".to_owned() } else { opponents[at].clone() })
    }

    /// The run file as it took effect: the file's text, and the overrides as comments.
    #[must_use]
    pub fn run_toml(&self) -> String {
        let mut text = self.sources.run.text.clone();
        for set in &self.sources.overrides {
            text.push_str(&format!("# --set {set}\n"));
        }
        text
    }
}

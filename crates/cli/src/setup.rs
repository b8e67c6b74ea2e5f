//! From flags to checked values: what a training run is, before anything is built.

use std::path::PathBuf;

use config::Sources;
use rl::Mix;
use rl::Opponent;
use rl::RunSettings;
use rl::plan;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::Tools;

use crate::failure::Failure;
use crate::flags::RemoteFlags;
use crate::flags::TrainFlags;

/// A run as it was asked for.
pub struct Setup {
    /// The run file, overrides applied.
    pub settings: RunSettings,
    /// What it plays.
    pub mix: Mix,
    /// What both were read from.
    pub sources: Sources,
    /// The run folder.
    pub out: PathBuf,
    /// Whether the folder exists and the run goes on.
    pub resume: bool,
    /// The run whose cold start is taken; `None`: it is made.
    pub lender: Option<PathBuf>,
    /// Bounds of what plays elsewhere.
    pub remote: RemoteFlags,
}

impl Setup {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// [`Failure::Input`] with everything that is wrong with them.
    pub fn load(flags: TrainFlags) -> Result<Setup, Failure> {
        let mut overrides = flags.set;
        overrides.extend(flags.seed.map(|seed| format!("seed={seed}")));
        let (settings, mix, sources) = config::load_run(&flags.run, &overrides)?;
        let out = flags.out.unwrap_or_else(|| PathBuf::from("runs").join(&settings.name));
        let (resume, lender, remote) = (flags.resume, flags.cold_start, flags.remote);
        Ok(Setup { settings, mix, sources, out, resume, lender, remote })
    }

    /// Which seats are ever updated.
    #[must_use]
    pub fn learning(&self) -> Pair<bool> {
        self.settings.grpo.mode.learning()
    }

    /// In which seats' places a model is updated: where one speaks for both, in the agent's.
    #[must_use]
    pub fn places(&self) -> Pair<bool> {
        self.settings.seats.places(self.learning())
    }

    /// How a seat's model is told what it may do in a scenario.
    #[must_use]
    pub fn tools(&self, scenario: &Scenario, seat: Seat) -> Tools {
        let asked = self.settings.base.as_ref().map(|base| base.tools).unwrap_or_default();
        scenario.rules.toolkit(seat).map_or(Tools::Prose, |_| asked)
    }

    /// Everybody whom the models meet besides each other: in which scenario, at which seat, who.
    pub fn met(&self) -> impl Iterator<Item = (u32, Seat, &Opponent)> {
        let learning = self.learning();
        let meets = move |seat: Seat| learning[seat.partner()];
        (0..).zip(self.mix.parts()).flat_map(move |(number, part)| {
            let at = part.opponents.iter().filter(move |(seat, _)| meets(*seat));
            at.map(move |(seat, opponent)| (number, seat, opponent))
        })
    }

    /// Who plays the scenario with this number when `seat`'s model is measured: the model there, its fixed opponent across the table.
    #[must_use]
    pub fn measured(&self, scenario: u32, seat: Seat) -> Pair<String> {
        let opponents = self.mix.opponents(scenario);
        Pair::from_fn(|at| if at == seat { plan::MODEL.to_owned() } else { opponents[at].clone() })
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

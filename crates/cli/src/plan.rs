//! `duologue plan`: what a run file comes to, before anything is trained. Every number comes from the code that trains: the checked settings,
//! the castings of each step, the lessons of the cold start.
//!
//! ```text
//!  Setup ──> keys         which actor uses which key             config::key_uses
//!    │  ──> groups        who plays whom at a step               rl::plan::step_castings
//!    │  ──> objectives    scores, rewards and losses in words    words.rs
//!    └─ lessons ──> models, budgets, time                        models.rs  budget.rs  clock.rs      page.rs prints
//!    └─ machine ──> overlap         playing and learning in turns or at once       overlap.rs
//! ```

pub mod budget;
pub mod clock;
pub mod groups;
pub mod models;
pub mod monitors;
pub mod overlap;
pub mod page;
pub mod schedules;
pub mod words;

use anyhow::Context;
use config::Written;
use serde::Serialize;
use serde_json::Value;
use sim::Seat;
use text::Dialect;

use crate::cold_start::Lessons;
use crate::cold_start::Samples;
use crate::failure::Failure;
use crate::flags::PlanFlags;
use crate::flags::RemoteFlags;
use crate::flags::TrainFlags;
use crate::plan::budget::Budget;
use crate::plan::clock::Clock;
use crate::plan::groups::Groups;
use crate::plan::models::Models;
use crate::plan::overlap::Overlap;
use crate::plan::words::Objectives;
use crate::setup::Setup;
use crate::stage;
use crate::stdout::say;

/// Everything `plan` says.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The run's name.
    pub run: String,
    /// The run file.
    pub file: String,
    /// The names of its scenarios.
    pub scenarios: Vec<String>,
    /// Where the run would lie.
    pub folder: String,
    /// Each key of a run file.
    pub keys: Vec<Key>,
    /// Who sits where.
    pub seats: Vec<SeatPlan>,
    /// The models.
    pub models: Models,
    /// What is learned.
    pub objectives: Objectives,
    /// Who plays whom, for each kind of step.
    pub steps: Vec<Groups>,
    /// Whom seats meet and what is played again, by what came of earlier steps, in words; empty where nothing goes by that.
    pub schedules: Vec<String>,
    /// What the run is watched for, in words; empty where nothing is besides what is in every run.
    pub monitors: Vec<String>,
    /// How playing and learning share the machine.
    pub overlap: Overlap,
    /// How much of everything.
    pub budget: Budget,
    /// How long.
    pub time: Clock,
}

/// One key.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// Its path.
    pub key: &'static str,
    /// Its value; `None` if nobody uses it in this run.
    pub value: Option<Value>,
    /// `line 12`, `default`, `--set` or `--seed`.
    pub from: String,
    /// Who uses it.
    pub used_by: &'static str,
    /// What for.
    pub purpose: &'static str,
}

/// One seat.
#[derive(Clone, Debug, Serialize)]
pub struct SeatPlan {
    /// Which.
    pub seat: Seat,
    /// Whether it has a model that learns.
    pub learns: bool,
    /// Whom its model meets in fixed groups and evaluations, in each scenario.
    pub fixed_opponents: Vec<String>,
    /// Whether it thinks in private before it speaks.
    pub reasons: bool,
    /// Tokens of one turn, thought included, in each scenario.
    pub tokens_max: Vec<u32>,
}

/// Shows the plan of a run file.
///
/// # Errors
/// [`Failure::Input`] for whatever `train` would refuse about the files.
pub fn plan(flags: PlanFlags) -> Result<(), Failure> {
    let PlanFlags { run, seed, set, json } = flags;
    let remote = RemoteFlags::default();
    let setup =
        Setup::load(TrainFlags { run, resume: false, out: None, seed, set, cold_start: None, leashed: false, remote })?;
    let plan = Plan::of(&setup, seed.is_some())?;
    if json {
        say(serde_json::to_string(&plan)?)?;
    } else {
        say(page::page(&plan))?;
    }
    Ok(())
}

impl Plan {
    /// The plan of a run. `seeded` says that the seed came from `--seed`.
    ///
    /// # Errors
    /// [`Failure::Input`] if the lessons do not fit the settings, as in `train`.
    pub fn of(setup: &Setup, seeded: bool) -> Result<Plan, Failure> {
        let (dialect, samples) = lessons(setup)?;
        let models = Models::of(setup, &dialect);
        let budget = Budget::of(setup, &dialect, &samples, &models);
        Ok(Plan {
            run: setup.settings.name.clone(),
            file: setup.sources.run.path.display().to_string(),
            scenarios: setup.mix.scenarios().map(|scenario| scenario.name.clone()).collect(),
            folder: setup.out.display().to_string(),
            keys: keys(setup, seeded)?,
            seats: Seat::ALL.map(|seat| seat_plan(setup, seat)).to_vec(),
            objectives: Objectives::of(setup),
            steps: groups::kinds(setup),
            schedules: schedules::words(&setup.settings.grpo),
            monitors: monitors::words(&setup.settings.grpo),
            overlap: Overlap::of(setup),
            time: Clock::of(setup, &budget),
            models,
            budget,
        })
    }
}

/// The lessons of the cold start, as `train` makes them, but for the loss weight of the partner's words: without it a token of weight 1 is the
/// seat's own.
fn lessons(setup: &Setup) -> Result<(Dialect, Samples), Failure> {
    let mut settings = setup.settings.clone();
    settings.sft.partner_weight = 0.0;
    let lessons = Lessons::prepare(setup)?;
    let dialect = stage::dialect(setup, &lessons)?;
    let samples = lessons.samples(&dialect, &setup.mix, &settings).context("the lessons")?;
    stage::check_context(setup, &samples)?;
    Ok((dialect, samples))
}

fn keys(setup: &Setup, seeded: bool) -> Result<Vec<Key>, Failure> {
    let uses = config::key_uses(&setup.settings, &setup.mix, &setup.sources)?;
    let key = |used: config::KeyUse| Key {
        key: used.key,
        value: used.value,
        from: match used.written {
            Written::Line(line) => format!("line {line}"),
            Written::Default => "default".to_owned(),
            Written::Set if used.key == "seed" && seeded => "--seed".to_owned(),
            Written::Set => "--set".to_owned(),
        },
        used_by: used.used_by,
        purpose: used.purpose,
    };
    Ok(uses.into_iter().map(key).collect())
}

fn seat_plan(setup: &Setup, seat: Seat) -> SeatPlan {
    let mix = &setup.mix;
    let opponent = |(number, _)| mix.opponents(number)[seat.partner()].clone();
    SeatPlan {
        seat,
        learns: setup.learning()[seat],
        fixed_opponents: mix.numbered().map(opponent).collect(),
        // The same in all scenarios, which was checked.
        reasons: mix.scenario(0).seats[seat].reasons,
        tokens_max: mix.scenarios().map(|scenario| scenario.seats[seat].tokens_max).collect(),
    }
}

//! A run that is set up: its folder, its models, its troupe, and the one commit point they share.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use actors::Company;
use actors::Played;
use actors::Sampling;
use actors::Terms;
use actors::Troupe;
use actors::Underway;
use actors::Voice;
use actors::troupe::Updates;
use anyhow::Context;
use anyhow::anyhow;
use rl::Batch;
use rl::LearnError;
use rl::Metrics;
use rl::Model;
use rl::ModelLoader;
use rl::Monitors;
use rl::MovingBaseline;
use rl::Outlooks;
use rl::Seats;
use rl::TextFiles;
use rl::UpdateReport;
use rl::failures::UserFailures;
use rl::monitors::Alarm;
use rl::opponent;
use rl::settings::BaseFolder;
use rl::settings::RunSettings;
use runs::Checkpoint;
use runs::CheckpointError;
use runs::CheckpointId;
use runs::Checkpoints;
use runs::FolderError;
use runs::Hash;
use runs::Keep;
use runs::Manifest;
use runs::MetricsLine;
use runs::Offsets;
use runs::Resumed;
use runs::RunFolder;
use runs::RunPaths;
use runs::RunState;
use runs::Sheets;
use runs::TrainPhase;
use serde::Deserialize;
use serde::Serialize;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Scenario;
use sim::Seat;
use sim::Thinking;
use sim::record::Casting;
use text::Dialect;
use text::Folder;
use text::Manner;
use text::TextError;
use text::manner::MANNER_FILE;

use crate::cast::Cast;
use crate::cast::MODEL;
use crate::cold_start::Lessons;
use crate::cold_start::Samples;
use crate::cold_start::lent::Lent;
use crate::cold_start::text_files;
use crate::failure::Failure;
use crate::manifest::manifest;
use crate::remotes::Measuring;
use crate::remotes::Remotes;
use crate::scenario_file;
use crate::scenario_file::SCENARIO_FILE;
use crate::setup::Setup;

/// What steers learning besides weights and the number of the step; each commit has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Steering {
    /// Whether the agent has learned to break its user.
    pub user_failures: UserFailures,
    /// What each seat's scores are measured against where `grpo.baseline` is `moving`. Left out of commits where nothing is.
    #[serde(default, skip_serializing_if = "are_fresh")]
    pub baselines: Pair<MovingBaseline>,
    /// What later steps are planned by. Left out of commits where nothing goes by it.
    #[serde(default, skip_serializing_if = "Outlooks::is_empty")]
    pub outlooks: Outlooks,
    /// What the run is watched for. Left out of commits where nothing is.
    #[serde(default, skip_serializing_if = "Monitors::is_empty")]
    pub monitors: Monitors,
}

fn are_fresh(baselines: &Pair<MovingBaseline>) -> bool {
    baselines.iter().all(|(_, baseline)| baseline.is_fresh())
}

/// A run that is set up.
pub struct Stage<'l> {
    /// What was asked.
    pub setup: Setup,
    /// What the cold start learns from.
    pub samples: Samples,
    /// How its models read and write.
    pub dialect: Dialect,
    /// Where the run stands.
    pub state: RunState,
    /// What steers learning besides.
    pub steering: Steering,
    /// Where it lies.
    pub folder: RunFolder,
    /// Who plays elsewhere.
    pub remotes: Remotes,
    /// The cold start of another run that its models have, until the metrics say so; `None`: it makes its own, or is past it.
    pub lent: Option<Lent>,
    troupe: Troupe,
    sheets: Sheets,
    checkpoints: Checkpoints,
    /// What the file with what it learned is called in a model's folder.
    weights_file: &'static str,
    loader: &'l dyn ModelLoader,
    /// Snapshots that are at work, by the names castings have for them.
    invited: BTreeSet<String>,
    /// Episodes that were played again, since somebody asked last.
    reruns: u32,
}

impl<'l> Stage<'l> {
    /// Opens or creates the run folder and brings everybody to life.
    ///
    /// # Errors
    /// [`Failure::Input`] if the folder is of another run, or a checkpoint is damaged; [`Failure::Work`] otherwise.
    pub async fn open(setup: Setup, loader: &'l dyn ModelLoader) -> Result<Stage<'l>, Failure> {
        // Lessons take a while: whoever named the wrong folder hears of it before.
        expect_folder(&setup)?;
        let lessons = Lessons::prepare(&setup)?;
        let dialect = dialect(&setup, &lessons)?;
        let samples = lessons.samples(&dialect, &setup.mix, &setup.settings).context("the lessons")?;
        check_context(&setup, &samples)?;
        let text = text_files(&dialect, &setup.mix);
        // Made before the folder is touched: a model that cannot be made leaves none, and only now does the loader know its device.
        let fresh = models(&setup, None, &text, loader)?;
        let (cast, remotes) = opponents(&setup, loader)?;
        let wanted = manifest(&setup, &dialect, loader);
        let lent = borrowed(&setup, &wanted)?;
        let folder = open_folder(&setup, &wanted)?;
        let Resumed { mut state, checkpoint, checkpoints, log, sheets, cut: _ } =
            folder.resume().map_err(not_resumable)?;
        checkpoints.thin_out(kept(&setup, &state))?;
        if setup.resume {
            eprintln!("{}", whence(&setup, checkpoint.as_ref()));
        }
        if let Some(lent) = &lent {
            let learning = setup.learning();
            state.versions =
                Pair::from_fn(|seat| if learning[seat] { lent.checkpoint.state.versions[seat] } else { 0 });
        }
        let models = match checkpoint.as_ref().or(lent.as_ref().map(|lent| &lent.checkpoint)) {
            None => fresh,
            Some(checkpoint) => {
                // Not two of each at once.
                drop(fresh);
                models(&setup, Some(checkpoint), &text, loader)?
            }
        };
        let troupe = Troupe::spawn(company(cast.company(Box::new(log)), &setup.settings, models, &dialect)).await?;
        let steering = serde_json::from_value::<Option<Steering>>(state.extra.clone())
            .context("what steers learning, in the checkpoint")?
            .unwrap_or_default();
        let weights_file = loader.weights_file(&setup.settings);
        let mut stage = Stage {
            setup,
            samples,
            dialect,
            state,
            steering,
            folder,
            remotes,
            lent,
            troupe,
            sheets,
            checkpoints,
            weights_file,
            loader,
            invited: BTreeSet::new(),
            reruns: 0,
        };
        // Where the process died right after the commit, or the run was begun before there was such a hash.
        stage.note_cold_start()?;
        Ok(stage)
    }

    /// Plays each casting once, with the models sampling at `temperature`, and keeps the account.
    ///
    /// # Errors
    /// If a service died, or an episode was accounted for twice.
    pub async fn play(&mut self, castings: &[Casting], temperature: f32) -> anyhow::Result<Vec<EpisodeRecord>> {
        self.play_on(castings, temperature, Arc::default()).await
    }

    /// The same of castings some of which go on from episodes of the `past`.
    ///
    /// # Errors
    /// As [`Stage::play`], or if what an episode is to go on from is not there.
    pub async fn play_on(
        &mut self,
        castings: &[Casting],
        temperature: f32,
        past: Arc<BTreeMap<EpisodeId, EpisodeRecord>>,
    ) -> anyhow::Result<Vec<EpisodeRecord>> {
        for casting in castings {
            self.state.ledger.open(casting.id)?;
        }
        let sampling = Sampling { temperature, greedy: false };
        let terms = Terms {
            scenarios: self.setup.mix.scenarios().cloned().collect(),
            seed: self.setup.settings.seed,
            sampling: Pair { agent: sampling, user: sampling },
            record: true,
            past,
        };
        let performance = self.troupe.play(castings.to_vec(), &terms).await?;
        for (id, fault) in &performance.reruns {
            tracing::warn!(%id, %fault, "an episode was played again");
            self.reruns += 1;
        }
        let mut records = Vec::with_capacity(castings.len());
        for played in performance.played {
            self.state.ledger.close(played.id(), played.closed())?;
            match played {
                Played::Record(record) => records.push(*record),
                Played::Lost(id, why) => tracing::warn!(%id, why, "an episode was lost"),
            }
        }
        Ok(records)
    }

    /// How many episodes were played again since this was asked last.
    pub fn take_reruns(&mut self) -> u32 {
        std::mem::take(&mut self.reruns)
    }

    /// Brings to life the snapshots that castings name, and lets those go that they do not name.
    ///
    /// # Errors
    /// If a commit that the pool counts on is gone or damaged, or a service died.
    pub async fn invite(&mut self, castings: &[Casting]) -> anyhow::Result<()> {
        let mut named: BTreeMap<&str, (Seat, u64)> = BTreeMap::new();
        for casting in castings {
            for (seat, policy) in casting.policies.iter() {
                named.extend(opponent::snapshot_of(policy).map(|step| (policy.as_str(), (seat, step))));
            }
        }
        let gone: Vec<String> =
            self.invited.iter().filter(|name| !named.contains_key(name.as_str())).cloned().collect();
        for name in gone {
            self.troupe.dismiss_model(model_key(&name)).await?;
            self.invited.remove(&name);
        }
        for (name, (seat, step)) in named {
            if !self.invited.contains(name) {
                let voice = self.snapshot(seat, step).with_context(|| format!("the snapshot {name}"))?;
                self.troupe.seat_model(model_key(name), voice).await?;
                self.invited.insert(name.to_owned());
            }
        }
        Ok(())
    }

    /// A seat's model as it was after a step, to play and not to learn.
    fn snapshot(&self, seat: Seat, step: u64) -> anyhow::Result<Voice> {
        let checkpoint = self.checkpoints.load(CheckpointId { phase: TrainPhase::Grpo, step })?;
        let Model { mut policy, learner: _ } = self.loader.open(&checkpoint.seat_folder(seat), None, seat)?;
        policy.close_with(self.dialect.close_ids());
        Ok(Voice { policy, dialect: self.dialect.clone() })
    }

    /// What each model learns from the seats' batches. One without samples has nothing to be updated with.
    fn lessons(&self, batches: Pair<Option<Batch>>) -> Pair<Option<Batch>> {
        let with_samples = batches.map(|_, batch| batch.filter(|batch| !batch.samples.is_empty()));
        self.setup.settings.seats.batches(with_samples)
    }

    /// Updates the seats that have a batch with samples, and notes the versions. One model of both seats is updated once, and its report is the agent's.
    ///
    /// # Errors
    /// If a service died, or a loss or gradient was no finite number.
    pub async fn update(&mut self, batches: Pair<Option<Batch>>) -> anyhow::Result<Pair<Option<UpdateReport>>> {
        let updates = self.troupe.update(self.lessons(batches)).await?;
        self.note_update(updates)
    }

    /// Begins the same: what is played until [`Stage::end_update`] is played with the weights from before.
    ///
    /// # Errors
    /// If the run has ended.
    pub fn begin_update(&mut self, batches: Pair<Option<Batch>>) -> anyhow::Result<Underway> {
        let lessons = self.lessons(batches);
        Ok(self.troupe.begin_update(lessons)?)
    }

    /// Notes what came of an update that is done; what is played from now on is played with the new weights.
    ///
    /// # Errors
    /// As [`Stage::update`].
    pub async fn end_update(&mut self, updates: Updates) -> anyhow::Result<Pair<Option<UpdateReport>>> {
        self.troupe.renew().await?;
        self.note_update(updates)
    }

    fn note_update(&mut self, updates: Updates) -> anyhow::Result<Pair<Option<UpdateReport>>> {
        let Updates { agent, user } = updates;
        let reports = Pair {
            agent: agent.transpose().context("the agent's update")?,
            user: user.transpose().context("the user's update")?,
        };
        for (place, report) in reports.iter() {
            let Some(report) = report else { continue };
            let model = self.setup.settings.seats.model(place);
            for seat in Seat::ALL.into_iter().filter(|seat| self.setup.settings.seats.model(*seat) == model) {
                self.state.versions[seat] = report.version;
            }
        }
        Ok(reports)
    }

    /// Makes the present weights the reference and clears the optimisers' moments.
    ///
    /// # Errors
    /// If a service died.
    pub async fn anchor(&mut self) -> anyhow::Result<()> {
        Ok(self.troupe.anchor(self.setup.places()).await?)
    }

    /// The models answer drills, one turn each, the likeliest answer. In the drills' order; `None` where no answer came.
    ///
    /// # Errors
    /// If a service died.
    pub async fn answer(&mut self, seat: Seat, rows: Vec<rl::Row>) -> anyhow::Result<Vec<Option<rl::Sampled>>> {
        let sampled = self.troupe.sample(self.setup.settings.seats.model(seat), rows).await?;
        Ok(sampled.into_iter().map(Result::ok).collect())
    }

    /// Writes one line of `metrics.jsonl`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn log(&mut self, step: u64, phase: &str, metrics: &Metrics) -> anyhow::Result<()> {
        let mut line = MetricsLine::new().with("step", step).with("phase", phase);
        for (name, value) in metrics.iter() {
            line.push(name, value);
        }
        Ok(self.sheets.append_metrics(&line)?)
    }

    /// Writes what another run said of the cold start that this one has from it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_lent(&mut self, lent: &Lent) -> anyhow::Result<()> {
        Ok(lent.lines().try_for_each(|line| self.sheets.append_metrics(line))?)
    }

    /// Writes the line of an alarm, and says so on stderr.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn log_alarm(&mut self, step: u64, alarm: &Alarm) -> anyhow::Result<()> {
        tracing::warn!(step, "{alarm}");
        let line = MetricsLine::new().with("step", step).with("phase", "alarm").with("rule", alarm.rule);
        let line = line.with("metric", alarm.metric.as_str()).with("value", alarm.value).with("bound", alarm.bound);
        Ok(self.sheets.append_metrics(&line)?)
    }

    /// Writes the line of an evaluation of `seat` against its fixed opponent in the scenario with this number. Only a line of a mix says in which.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn log_eval(&mut self, step: u64, scenario: u32, seat: Seat, metrics: &Metrics) -> anyhow::Result<()> {
        let mix = &self.setup.mix;
        let mut line = MetricsLine::new().with("step", step).with("phase", "eval");
        if mix.is_mixed() {
            line.push("scenario", mix.scenario(scenario).name.as_str());
        }
        line.push("opponent", mix.opponents(scenario)[seat.partner()].as_str());
        let partner = format!("{}/", seat.partner());
        // The fixed opponent's own row would be read as the other model's.
        for (name, value) in metrics.iter().filter(|(name, _)| !name.starts_with(&partner)) {
            line.push(name, value);
        }
        Ok(self.sheets.append_metrics(&line)?)
    }

    /// Writes one line of `timings.jsonl`: everything that comes from a clock.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn time(&mut self, step: u64, phase: &str, parts: &[(&str, f64)]) -> anyhow::Result<()> {
        let mut line = MetricsLine::new().with("step", step).with("phase", phase);
        for (name, seconds) in parts {
            line.push(*name, *seconds);
        }
        Ok(self.sheets.append_timings(&line)?)
    }

    /// The one commit point: records and metrics synced, then weights, moments and account in one rename. What is not in a commit did not
    /// happen.
    ///
    /// # Errors
    /// If anything cannot be written; the last commit then stands.
    pub async fn commit(&mut self, phase: TrainPhase, step: u64) -> anyhow::Result<()> {
        let log = self.troupe.sync().await?;
        let (metrics, timings) = self.sheets.sync()?;
        self.state.ledger.settle()?;
        self.state.phase = phase;
        self.state.step = step;
        self.state.offsets = Offsets { log, metrics, timings };
        self.state.extra = serde_json::to_value(&self.steering)?;
        let commit = match self.setup.settings.seats {
            Seats::Apart => self.checkpoints.begin(self.state.checkpoint())?,
            Seats::One => self.checkpoints.begin_of_both(self.state.checkpoint())?,
        };
        let learning = self.setup.places();
        let folders = Pair::from_fn(|seat| learning[seat].then(|| commit.seat_folder(seat)));
        let saved = self.troupe.save(folders).await?;
        for (seat, saved) in saved.iter() {
            match saved {
                Some(Err(error)) => return Err(anyhow!("{}: {error}", self.setup.settings.seats.model(seat))),
                Some(Ok(())) => leave_manner(&self.dialect, &commit.seat_folder(seat))?,
                None => {}
            }
        }
        commit.finish(&self.state, kept(&self.setup, &self.state))?;
        self.note_cold_start()
    }

    /// Puts the hashes of the cold start's weights into the manifest, once they are committed and unless they stand there.
    fn note_cold_start(&mut self) -> anyhow::Result<()> {
        let learning = self.setup.learning();
        let mut manifest = self.folder.manifest().clone();
        let missing = |seat: Seat| learning[seat] && manifest.cold_start[seat].is_none();
        let missing: Vec<Seat> = Seat::ALL.into_iter().filter(|seat| missing(*seat)).collect();
        if self.state.phase == TrainPhase::Sft || missing.is_empty() {
            return Ok(());
        }
        let checkpoint = match self.checkpoints.load(CheckpointId::COLD_START) {
            // Somebody removed it; the run goes on from a later one.
            Err(CheckpointError::Unknown { .. }) => return Ok(()),
            found => found?,
        };
        for seat in missing {
            let weights = checkpoint.seat_folder(seat).join(self.weights_file);
            manifest.cold_start[seat] = Some(Hash::of_file(&weights)?);
        }
        Ok(self.folder.set_manifest(manifest)?)
    }

    /// Stops everybody.
    pub async fn close(self) -> (Setup, RunFolder) {
        self.troupe.stop().await;
        (self.setup, self.folder)
    }
}

/// The cold start of the run that is named, unless this one has begun its own, with which it goes on.
fn borrowed(setup: &Setup, wanted: &Manifest) -> Result<Option<Lent>, Failure> {
    let commits = Checkpoints::at(&RunPaths::new(&setup.out).checkpoints()).list();
    let has_begun = setup.resume && commits.is_ok_and(|commits| !commits.is_empty());
    let lender = setup.lender.as_ref().filter(|_| !has_begun);
    lender.map(|lender| Lent::of(lender, wanted, setup.learning())).transpose()
}

/// The company of a run, with its own models among those whom they meet.
fn company(mut company: Company, settings: &RunSettings, models: Pair<Option<Model>>, dialect: &Dialect) -> Company {
    company.episodes_live_max = settings.limits.episodes_live_max;
    company.batch_max = settings.limits.batch_max;
    company.seats = settings.seats;
    company.reruns_max = settings.limits.reruns_max;
    for (seat, model) in [(Seat::Agent, models.agent), (Seat::User, models.user)] {
        let Some(Model { mut policy, learner }) = model else { continue };
        policy.close_with(dialect.close_ids());
        company.models.insert(company.seats.model(seat).to_owned(), Voice { policy, dialect: dialect.clone() });
        company.learners[seat] = Some(learner);
    }
    company
}

/// Which commits stay: the newest, and those that are met.
fn kept(setup: &Setup, state: &RunState) -> Keep {
    let pool = setup.settings.grpo.cotraining.pool.filter(|_| state.phase == TrainPhase::Grpo);
    let snapshots = pool.iter().flat_map(|pool| pool.members(state.step));
    let spared = snapshots.map(|step| CheckpointId { phase: TrainPhase::Grpo, step }).collect();
    Keep { newest: setup.settings.checkpoints.keep, spared }
}

/// A model's name in the troupe, by what castings call it.
fn model_key(policy: &str) -> &str {
    policy.strip_prefix(MODEL).unwrap_or(policy)
}

/// The language of a run's models: of the folder that they start from, or learned from its lessons.
pub(crate) fn dialect(setup: &Setup, lessons: &Lessons) -> Result<Dialect, Failure> {
    if let Some(base) = &setup.settings.base {
        return spoken(setup, base);
    }
    lessons.dialect(&setup.mix, setup.settings.model.vocab_max).map_err(|error| {
        let hint = "raise it: bytes, markers and whole words must fit".to_owned();
        wrong_key(setup, "model.vocab_max", error.to_string(), hint)
    })
}

/// The language of a folder's models; of two that learn it has to be the same.
fn spoken(setup: &Setup, base: &BaseFolder) -> Result<Dialect, Failure> {
    let mix = &setup.mix;
    // The same in all scenarios, which was checked.
    let reasons = Pair::from_fn(|seat| mix.scenario(0).seats[seat].reasons);
    let wrong = |what: String, hint: &str| wrong_key(setup, "model.from", what, hint.to_owned());
    let hint = "name a folder with tokenizer.json and a chat template whose turns end with a token of their own";
    let learning = setup.learning();
    let learners = Seat::ALL.into_iter().filter(|seat| learning[*seat]);
    let mut folders: Vec<PathBuf> = learners.map(|seat| config::model_of_seat(&base.path, seat)).collect();
    folders.dedup();
    let open = |folder: &PathBuf| {
        let words = config::language_of(folder).map_err(|why| wrong(why, hint))?;
        let manner = Manner { thinking: base.thinking, tools: base.tools, ..Manner::default() };
        let dialect = Folder::open(&words).and_then(|files| Dialect::of(files, reasons, manner));
        dialect.map_err(|error| wrong(format!("{}: {error}", folder.display()), hint))
    };
    let mut spoken = folders.iter().map(open).collect::<Result<Vec<Dialect>, Failure>>()?;
    let files = |dialect: &Dialect| (dialect.tokenizer().to_json().to_owned(), dialect.template().source().to_owned());
    if spoken.windows(2).any(|two| files(&two[0]) != files(&two[1])) {
        let what = "holds models of two languages: their tokenizers or chat templates differ".to_owned();
        return Err(wrong(what, "start both seats from models of one family"));
    }
    let dialect = spoken.swap_remove(0).equipped(mix.scenarios().map(|scenario| &**scenario)).map_err(|error| {
        let what = format!("cannot be `template`: {error}");
        let hint = match error {
            TextError::NoRoom { .. } => "raise it in the scenario, or write acts in prose: `tools = \"prose\"`",
            _ => "write acts in prose: `tools = \"prose\"`",
        };
        wrong_key(setup, "model.tools", what, hint.to_owned())
    })?;
    if base.thinking == Thinking::Strip
        && !Seat::ALL.into_iter().any(|seat| learning[seat] && dialect.drops_thoughts(seat))
    {
        let what = "has no effect: the folder's chat template drops no thoughts".to_owned();
        return Err(wrong_key(setup, "model.thinking", what, "keep them: `thinking = \"keep\"`".to_owned()));
    }
    Ok(dialect)
}

/// Says in a model's new folder how it was spoken with, unless it was as usual.
fn leave_manner(dialect: &Dialect, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(MANNER_FILE);
    dialect.manner().file().map_or(Ok(()), |text| fs::write(&path, text)).with_context(|| path.display().to_string())
}

/// Whom the models meet besides each other, and who looks things up.
fn opponents(setup: &Setup, loader: &dyn ModelLoader) -> Result<(Cast, Remotes), Failure> {
    let mut cast = Cast::new();
    let everybody = setup.met().map(|(_, _, opponent)| &opponent.policy);
    let everybody = everybody.chain(setup.settings.eval.judge.iter().map(|judge| &judge.policy));
    let scenarios: Vec<&Scenario> = setup.mix.scenarios().map(|scenario| &**scenario).collect();
    let mut remotes = Remotes::new(&setup.remote, setup.settings.seed, everybody, &scenarios)?;
    cast.stage(&scenarios, &mut remotes, Measuring::Other(setup.settings.eval.judge.as_ref()))?;
    for (number, seat, opponent) in setup.met() {
        let mixed = if setup.mix.is_mixed() { format!("mix[{number}].") } else { String::new() };
        let wrong = |what: String, hint: &str| {
            wrong_key(
                setup,
                &format!("{mixed}opponents.{seat}"),
                format!("{}: {what}", opponent.policy),
                hint.to_owned(),
            )
        };
        cast.bring(&scenarios, seat, &opponent.policy, loader, &mut remotes, &wrong)?;
    }
    Ok((cast, remotes))
}

/// A key whose value only turns out to be wrong once the lessons are there.
fn wrong_key(setup: &Setup, key: &str, what: String, hint: String) -> Failure {
    setup.sources.mistake(key, what, hint).into()
}

/// A stream that does not fit the context would be cut in the middle of a talk: better now than at step 300.
pub(crate) fn check_context(setup: &Setup, samples: &Samples) -> Result<(), Failure> {
    let context = setup.settings.model.max_position_embeddings;
    if setup.settings.sft.updates == 0 {
        return Ok(());
    }
    let longest = samples.longest();
    if longest as i64 > context {
        let what = format!("cannot be {context}: the longest dialogue or drill has {longest} tokens");
        let hint = "raise it, or lower the scenario's turns_max".to_owned();
        return Err(wrong_key(setup, "model.max_position_embeddings", what, hint));
    }
    let learning = setup.learning();
    if let Some(seat) = Seat::ALL.into_iter().find(|seat| learning[*seat] && samples.is_empty(*seat)) {
        let what = format!(
            "teaches the {seat} nothing: there is no talk in which it says anything, and is scored where the best are chosen"
        );
        return Err(wrong_key(setup, "sft", what, "imitate talks in which it speaks".to_owned()));
    }
    Ok(())
}

fn expect_folder(setup: &Setup) -> Result<(), Failure> {
    match setup.resume {
        true => RunFolder::expect_run(&setup.out).map_err(not_openable),
        false => RunFolder::expect_vacant(&setup.out).map_err(not_creatable),
    }
}

fn open_folder(setup: &Setup, wanted: &Manifest) -> Result<RunFolder, Failure> {
    let out = setup.out.display();
    if !setup.resume {
        let folder = RunFolder::create(&setup.out, &setup.run_toml(), wanted).map_err(not_creatable)?;
        store_scenario(setup)?;
        return Ok(folder);
    }
    let folder = RunFolder::open(&setup.out).map_err(not_openable)?;
    if let Err(mismatch) = folder.manifest().matches(wanted) {
        let begun = folder.paths().run_toml();
        let hint = format!(
            "resume with the run file and flags it was begun with, which {} tells, or begin anew with --out",
            begun.display()
        );
        return Err(Failure::input(format!("{out}: this is a run of another config: {mismatch}"), Some(&hint)));
    }
    for drift in folder.manifest().drift(wanted) {
        tracing::warn!("{out}: {drift}: the rest of the run may differ in its last bits");
    }
    store_scenario(setup)?;
    Ok(folder)
}

/// A seat's model before the first update.
fn begin(setup: &Setup, text: &TextFiles, loader: &dyn ModelLoader, seat: Seat) -> Result<Model, LearnError> {
    match &setup.settings.base {
        Some(base) => {
            let folder = config::model_of_seat(&base.path, seat);
            match &base.adapters {
                Some(adapters) if !config::is_adapter(&folder) => loader.adapted(adapters, &setup.settings, seat),
                // An adapter goes on learning.
                Some(_) | None => loader.based(&folder, &setup.settings, seat),
            }
        }
        None => loader.fresh(&setup.settings, text, seat),
    }
}

/// Where a run goes on.
fn whence(setup: &Setup, checkpoint: Option<&Checkpoint>) -> String {
    let out = setup.out.display();
    let Some(RunState { phase, step, .. }) = checkpoint.map(|checkpoint| &checkpoint.state) else {
        return format!("{out} has committed nothing yet: it begins anew");
    };
    let (sft, grpo) = (setup.settings.sft.updates, setup.settings.grpo.steps);
    let done = match phase {
        TrainPhase::Sft => format!("update {step} of {sft} of the cold start"),
        TrainPhase::Grpo => format!("step {step} of {grpo} of grpo"),
    };
    format!("{out} goes on after {done}: what was done since that commit is repeated")
}

/// Written again on resume, since a run may be killed between its manifest and this file.
fn store_scenario(setup: &Setup) -> anyhow::Result<()> {
    let path = setup.out.join(SCENARIO_FILE);
    scenario_file::write(&setup.out, setup.mix.scenarios()).with_context(|| path.display().to_string())
}

fn not_creatable(error: FolderError) -> Failure {
    let is_a_run = matches!(error, FolderError::IsARun { .. });
    let hint = if is_a_run {
        "go on with --resume, or choose another folder with --out"
    } else {
        "choose another folder with --out"
    };
    Failure::input(error, Some(hint))
}

fn not_openable(error: FolderError) -> Failure {
    let hint = match error {
        FolderError::Lock(_) => "wait for the process that trains it, or stop that one first",
        _ => "without --resume a new run is begun",
    };
    Failure::input(error, Some(hint))
}

/// The hint where a model or the state in a checkpoint cannot be read.
const DAMAGED_CHECKPOINT: &str = "remove the damaged checkpoint folder to go on from the one before it";

fn not_resumable(error: FolderError) -> Failure {
    let hint = match error {
        FolderError::Checkpoint(_) => DAMAGED_CHECKPOINT,
        FolderError::Log(_) | FolderError::Metrics(_) => {
            "what the newest checkpoint counts on is gone: restore the file, or begin anew with --out"
        }
        _ => "mend the folder or its disk, and resume again",
    };
    Failure::input(error, Some(hint))
}

fn models(
    setup: &Setup,
    checkpoint: Option<&Checkpoint>,
    text: &TextFiles,
    loader: &dyn ModelLoader,
) -> Result<Pair<Option<Model>>, Failure> {
    let learning = setup.places();
    let mut models = Pair::default();
    for seat in Seat::ALL {
        if learning[seat] {
            let model = match checkpoint {
                Some(checkpoint) => loader.open(&checkpoint.seat_folder(seat), Some(&setup.settings), seat),
                None => begin(setup, text, loader, seat),
            };
            let hint = match (checkpoint, &setup.settings.base) {
                (Some(_), _) => Some(DAMAGED_CHECKPOINT),
                (None, Some(base)) if base.adapters.is_some() => {
                    Some("name a whole folder in `model.from`, whose linear layers adapters can sit beside")
                }
                (None, Some(_)) => Some("name a whole folder in `model.from`"),
                (None, None) => None,
            };
            models[seat] = Some(model.map_err(|error| Failure::input(error, hint))?);
        }
    }
    Ok(models)
}

//! `duologue train`: the whole of training, top to bottom.
//!
//! ```text
//!  cold start   updates on script dialogues and drills, both seats at once      commit every few updates
//!  gate         held-out drills: no cold start that cannot look up a fact goes on
//!               with --cold-start both are those of another run
//!  step 0       evaluation = the "before" of every table                        commit step-000000
//!  step 1 … n   play groups -> credit -> one update per learning seat           commit, evaluation if due; an alarm may end the run
//!               with grpo.forks some of the talks are played on in other ways before that (forks.rs)
//!               with grpo.staleness_max above 0 a later step is played meanwhile (ahead.rs)
//!  report       before and after, two excerpts
//! ```

mod ahead;
mod forks;
mod schedules;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Instant;

use rl::Batch;
use rl::Filter;
use rl::Freshness;
use rl::Metrics;
use rl::Mix;
use rl::ModelLoader;
use rl::Row;
use rl::Seats;
use rl::Session;
use rl::UpdateReport;
use rl::difficulty;
use rl::failures::StepFailures;
use rl::harvest::harvest;
use rl::metrics::pool;
use rl::monitors;
use rl::monitors::Alarm;
use rl::monitors::OnAlarm;
use rl::monitors::Stopped;
use rl::opponent;
use rl::plan;
use rl::schedule;
use rl::settings::Aggregation;
use rl::settings::Baseline;
use rl::settings::GrpoSettings;
use runs::TrainPhase;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Phase;
use sim::Ratio;
use sim::Seat;
use sim::gyms::Drill;
use sim::gyms::Skill;
use sim::record::Casting;
use sim::scenario::Condition;
use sim::scenario::Split;
use sim::seat::BOTH;
use text::Dialect;
use text::SeatStream;

use self::ahead::Ahead;
use self::ahead::PlayedStep;
use self::schedules::schedules;
use crate::cold_start;
use crate::failure::Failure;
use crate::flags::TrainFlags;
use crate::leash;
use crate::progress::Progress;
use crate::report;
use crate::setup::Setup;
use crate::stage::Stage;

/// Updates of the cold start between lines in `metrics.jsonl`.
const SFT_LOG_EVERY: u64 = 20;
/// Held-out drills of each scenario that each seat must answer at the gate.
const PROBES: u32 = 200;
/// Nats between sampler and learner above which something is wrong with one of them: rounding is a thousandth of it.
const MISMATCH_MAX: f64 = 0.01;
/// Names of models that learn.
const MODELS: [&str; 3] = ["agent", "user", BOTH];
/// Held-out items on which the two models meet at each evaluation, for excerpts.
const EXCERPTS: u32 = 8;

/// Trains as the run file says, or goes on where the last commit left off.
///
/// # Errors
/// [`Failure::Input`] for wrong files or folders, [`Failure::Work`] if the run ended; it can then be resumed.
pub async fn train(flags: TrainFlags, loader: &dyn ModelLoader) -> Result<(), Failure> {
    if flags.leashed {
        leash::wear();
    }
    let again = again(&flags);
    let setup = Setup::load(flags)?;
    let mut stage = Stage::open(setup, loader).await?;
    let done = tokio::select! {
        done = run(&mut stage) => done.map_err(|error| ended(error, &stage.setup)),
        // Like any other death between two commits: what is not in one did not happen.
        Ok(()) = tokio::signal::ctrl_c() => Err(interrupted(&stage.setup, &again)),
    };
    // However it ended, what was asked elsewhere has been asked.
    let asked = stage.remotes.end();
    done.and(asked)?;
    let (setup, folder) = stage.close().await;
    report::print(&setup, &folder)?;
    Ok(())
}

/// A run that ended can be resumed; one that did not pass the gate would only come to it again.
fn ended(error: anyhow::Error, setup: &Setup) -> Failure {
    let out = setup.out.display();
    let hint = if error.is::<NotLearned>() {
        format!("raise sft.updates and begin anew; what was learned so far lies in {out}")
    } else if let Some(stopped) = error.downcast_ref::<Stopped>() {
        advice(stopped, setup)
    } else {
        format!("the run lies in {out}; go on with --resume")
    };
    Failure::work(error, hint)
}

/// What to do about alarms.
fn advice(stopped: &Stopped, setup: &Setup) -> String {
    let out = setup.out.display();
    // No other bound lets a run go on whose agent breaks its user.
    if stopped.alarms.iter().any(|alarm| alarm.rule == monitors::USER_FAILURES) {
        return format!(
            "look at the talks that the user failed in {out}, and begin anew with a user that stands it, or with more fixed groups"
        );
    }
    format!(
        "look at the last talks in {out} and mend what is paid for; if the bound is wrong, go on with --resume and another one, or with `--set grpo.monitors.on_alarm=warn`"
    )
}

/// Ctrl-C.
fn interrupted(setup: &Setup, again: &str) -> Failure {
    let error = anyhow::anyhow!("interrupted; nothing that was committed to {} is lost", setup.out.display());
    Failure::work(error, format!("go on with `{again}`"))
}

/// The command that goes on with a run.
fn again(flags: &TrainFlags) -> String {
    let mut words = vec!["duologue train".to_owned(), flags.run.display().to_string(), "--resume".to_owned()];
    words.extend(flags.out.iter().map(|out| format!("--out {}", out.display())));
    words.extend(flags.seed.map(|seed| format!("--seed {seed}")));
    words.extend(flags.set.iter().map(|set| format!("--set '{set}'")));
    words.extend(flags.cold_start.iter().map(|run| format!("--cold-start {}", run.display())));
    words.extend(flags.remote.words());
    words.join(" ")
}

/// The gate is shut.
#[derive(Debug, thiserror::Error)]
#[error("the cold start has not learned enough: {shares}, and sft.probe_min asks for {least}")]
struct NotLearned {
    /// Who answers how many of the held-out drills.
    shares: String,
    /// The share that is asked for.
    least: f64,
}

async fn run(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    if stage.state.phase == TrainPhase::Sft {
        match stage.lent.take() {
            Some(lent) => stage.note_lent(&lent)?,
            None if stage.setup.settings.sft.updates > 0 => {
                cold_start(stage).await?;
                gate(stage).await?;
            }
            None => {}
        }
        stage.anchor().await?;
        evaluate(stage, 0).await?;
        stage.commit(TrainPhase::Grpo, 0).await?;
    }
    reinforce(stage).await
}

/// Imitation of scripts, both seats at once.
async fn cold_start(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let settings = stage.setup.settings.clone();
    let (total, every) = (settings.sft.updates, settings.checkpoints.sft_every);
    let learning = stage.setup.learning();
    let mut progress = Progress::start("cold start", total, stage.state.step);
    for update in stage.state.step + 1..=total {
        let started = Instant::now();
        let batches = Pair::from_fn(|seat| learning[seat].then(|| stage.samples.batch(seat, update)));
        let reports = stage.update(batches).await?;
        let metrics = of_reports(&reports, settings.seats);
        if update % SFT_LOG_EVERY == 0 || update == total {
            stage.log(update, "sft", &metrics)?;
            stage.time(update, "sft", &[("update_s", started.elapsed().as_secs_f64())])?;
        }
        progress.at(update, &losses(&metrics));
        if schedule::cold_start_commits(every, total, update) {
            stage.commit(TrainPhase::Sft, update).await?;
        }
    }
    progress.end();
    Ok(())
}

/// No cold start goes on that cannot look up a fact: reinforcement would silence what it cannot get right.
async fn gate(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let least = stage.setup.settings.sft.probe_min;
    let mut metrics = Metrics::default();
    let mut failed = Vec::new();
    let learning = stage.setup.learning();
    for seat in Seat::ALL.into_iter().filter(|seat| learning[*seat]) {
        for (skill, right) in probe(stage, seat).await? {
            metrics.set(format!("{seat}/probe/{}", skill.name()), right.rate());
            if skill.is_required() && right.rate().is_some_and(|share| share < least) {
                let percent = right.rate().unwrap_or(0.0) * 100.0;
                failed.push(format!("the {seat} answers {percent:.0} % of the held-out drills in `{}`", skill.name()));
            }
        }
    }
    stage.log(stage.setup.settings.sft.updates, "sft", &metrics)?;
    if !failed.is_empty() {
        return Err(NotLearned { shares: failed.join(", "), least }.into());
    }
    Ok(())
}

/// How many held-out drills `seat`'s model answers word for word, by the skill that is asked last; empty if the gym has no drills.
async fn probe(stage: &mut Stage<'_>, seat: Seat) -> anyhow::Result<BTreeMap<Skill, Ratio>> {
    let drills = probes(&stage.setup.mix, seat);
    let rows = (0..).zip(&drills).map(|(index, drill)| probe_row(stage, drill, index)).collect();
    let answers = stage.answer(seat, rows).await?;
    let tokenizer = stage.dialect.tokenizer();
    let mut right: BTreeMap<Skill, Ratio> = BTreeMap::new();
    for (answer, drill) in answers.iter().zip(&drills) {
        let said = answer.as_ref().map(|sampled| {
            let spoken = sampled.tokens.len() - usize::from(sampled.closed);
            tokenizer.decode(&sampled.tokens[..spoken])
        });
        let (asked, _) = drill.last();
        *right.entry(asked.skill).or_default() += Ratio::yes(said.as_ref() == Some(&asked.answer));
    }
    Ok(right)
}

/// The held-out drills of the gate, so many of each scenario that has any.
pub(crate) fn probes(mix: &Mix, seat: Seat) -> Vec<Drill> {
    mix.scenarios().flat_map(|scenario| cold_start::drills(scenario, Split::HeldOut, seat, PROBES)).collect()
}

/// How many tokens an answer to the drill's last question may have: those of the right one and its end, since what goes on is wrong.
pub(crate) fn probe_tokens_max(drill: &Drill, dialect: &Dialect) -> u32 {
    dialect.tokenizer().encode(&drill.last().0.answer).len() as u32 + 1
}

/// A drill as a row of its own: no episode, what was asked before is answered right, and the likeliest answer to its last question is wanted.
fn probe_row(stage: &Stage<'_>, drill: &Drill, index: u32) -> Row {
    let mut stream = SeatStream::new(&stage.dialect, false);
    let (asked, before) = drill.last();
    for answered in before {
        stream.observe(&answered.messages);
        stream.teach(&Decision::say(&answered.answer));
    }
    stream.observe(&asked.messages);
    let episode = EpisodeId { phase: Phase::Sft, round: 0, group: index, trial: 0, member: 0 };
    Row {
        session: Session { episode, seat: drill.seat, adapter: None },
        stream: stream.context().into_owned(),
        address: episode.address(stage.setup.settings.seed),
        turn: before.len() as u32,
        tokens_max: probe_tokens_max(drill, &stage.dialect),
        temperature: 1.0,
        filter: Filter::default(),
        greedy: true,
    }
}

/// Group-relative policy optimisation of every learning seat.
async fn reinforce(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let settings = stage.setup.settings.clone();
    let total = settings.grpo.steps;
    stop(stage.state.step, standing(stage))?;
    let mut ahead = Ahead::recalled(stage)?;
    let mut progress = Progress::start("grpo", total, stage.state.step);
    for step in stage.state.step + 1..=total {
        let (metrics, alarms) = grpo_step(stage, &mut ahead, step).await?;
        progress.at(step, &rewards(&metrics));
        if schedule::is_due(settings.eval.every, total, step) {
            evaluate(stage, step).await?;
        }
        let is_met = settings.grpo.cotraining.pool.is_some_and(|pool| pool.is_due(step));
        if is_met || !alarms.is_empty() || schedule::is_due(settings.checkpoints.grpo_every, total, step) {
            stage.commit(TrainPhase::Grpo, step).await?;
        }
        stop(step, alarms)?;
    }
    progress.end();
    Ok(())
}

/// Whether the run is to end: nothing is wrong without an alarm.
fn stop(step: u64, alarms: Vec<Alarm>) -> Result<(), Stopped> {
    if alarms.is_empty() { Ok(()) } else { Err(Stopped { step, alarms }) }
}

/// The alarms that stand and end the run, by what was committed and the bounds of today.
fn standing(stage: &Stage<'_>) -> Vec<Alarm> {
    let settings = stage.setup.settings.grpo.monitors.as_ref().filter(|settings| settings.on_alarm == OnAlarm::Stop);
    let watched = settings.map_or_else(Vec::new, |settings| stage.steering.monitors.standing(settings));
    watched.into_iter().chain(stage.steering.user_failures.standing().err().map(Alarm::from)).collect()
}

/// Takes note of a step and tells its new alarms. Those that end the run.
fn watch(stage: &mut Stage<'_>, step: u64, metrics: &Metrics, failures: StepFailures) -> anyhow::Result<Vec<Alarm>> {
    let mut alarms = Vec::new();
    if let Some(settings) = &stage.setup.settings.grpo.monitors {
        alarms.extend(stage.steering.monitors.note(metrics, settings));
    }
    // Where the seats take turns, the two sides of the comparison are played in different steps.
    alarms.extend(stage.steering.user_failures.note(failures).err().map(Alarm::from));
    alarms.iter().try_for_each(|alarm| stage.log_alarm(step, alarm))?;
    Ok(standing(stage))
}

/// Plays the step's groups, unless they were played ahead, and updates each seat that learns now; beside that, the step is played that is due then. What
/// it came to, and the alarms that end the run.
async fn grpo_step(stage: &mut Stage<'_>, ahead: &mut Ahead, step: u64) -> anyhow::Result<(Metrics, Vec<Alarm>)> {
    let started = Instant::now();
    let grpo = stage.setup.settings.grpo.clone();
    let played = ahead.take(stage, step).await?;
    let taken = started.elapsed().as_secs_f64();

    let mut metrics = played_metrics(stage, &played.castings, &played.records);
    metrics.extend(schedules(stage, &grpo, &played));
    let batches = batches(stage, &grpo, &played, &mut metrics)?;
    let PlayedStep { records, refilled, reruns, forks, .. } = played;
    if stage.setup.settings.limits.reruns_max > 0 {
        metrics.set("reruns", reruns.map(f64::from));
    }
    if grpo.monitors.is_some() {
        metrics.extend(monitors::measure(&records, &stage.setup.mix));
        metrics.set("agent/version", Some(stage.state.versions.agent as f64));
    }
    let beside = plan::played_beside(&grpo, step);
    let (reports, clocks) = match beside {
        None => (stage.update(batches).await?, None),
        Some(next) => {
            let (reports, clocks) = update_beside(stage, ahead, batches, next).await?;
            (reports, Some(clocks))
        }
    };
    metrics.extend(of_reports(&reports, stage.setup.settings.seats));
    let failures = user_failures(&records);
    metrics.set("user/failed/mutual", failures.learner.rate());
    metrics.set("user/failed/fixed", failures.fixed.rate());
    if grpo.refills() > 0 {
        metrics.set("groups_refilled", Some(f64::from(refilled)));
    }
    metrics.set("drift", Some((drift(stage, &records)? + drift(stage, &forks.records)?) as f64));
    unsound(&metrics).iter().for_each(|what| tracing::warn!(step, "{what}"));
    stage.log(step, "grpo", &metrics)?;
    let play = taken + clocks.map_or(0.0, |clocks| clocks.play);
    let updated = started.elapsed().as_secs_f64() - play;
    let learn = clocks.map(|clocks| ("learn_s", clocks.learn));
    let parts: Vec<(&str, f64)> = [("play_s", play), ("update_s", updated)].into_iter().chain(learn).collect();
    stage.time(step, "grpo", &parts)?;
    stage.steering.outlooks.note(&records, &stage.setup.mix, &grpo);
    let alarms = watch(stage, step, &metrics, failures)?;
    Ok((metrics, alarms))
}

/// What each seat that learns at this step learns from, and what is to be said of it.
fn batches(
    stage: &mut Stage<'_>,
    grpo: &GrpoSettings,
    played: &PlayedStep,
    metrics: &mut Metrics,
) -> anyhow::Result<Pair<Option<Batch>>> {
    let lr = schedule::grpo_lr(grpo, played.step);
    let learns = plan::learns(grpo.mode, played.step);
    let mut batches = Pair::default();
    let (castings, records) = played.lessons();
    for seat in Seat::ALL.into_iter().filter(|seat| learns[*seat]) {
        let freshness = Freshness::of(grpo, stage.state.versions[seat]);
        let (records, refused) = freshness.sort(&records, seat);
        let records = match seat {
            Seat::User if grpo.cotraining.difficulty_weight > 0.0 => {
                difficult(stage, grpo, records.into_owned(), metrics).into()
            }
            Seat::Agent | Seat::User => records,
        };
        let harvest = harvest(&castings, &records, seat, grpo, lr, &mut stage.steering.baselines[seat])?;
        metrics.extend(harvest.counts.metrics(seat));
        metrics.extend(baselines(stage, grpo, seat));
        if grpo.staleness_max > 0 || refused > 0 {
            metrics.extend(freshness.metrics(&harvest.batch, refused, seat));
        }
        let replay = grpo.replay.map(|settings| stage.samples.replay(seat, played.step, &harvest.batch, &settings));
        batches[seat] = Some(Batch { replay, ..harvest.batch });
    }
    Ok(batches)
}

/// The records with the term that pays the user for difficulty, and what it came to.
fn difficult(
    stage: &Stage<'_>,
    grpo: &GrpoSettings,
    mut records: Vec<EpisodeRecord>,
    metrics: &mut Metrics,
) -> Vec<EpisodeRecord> {
    records.sort_by_key(|record| record.casting.id);
    let seed = stage.setup.settings.seed;
    let found = difficulty::add(&mut records, &stage.setup.mix, seed, grpo.cotraining.difficulty_weight);
    metrics.extend(found.metrics());
    records
}

/// Where a seat's moving baselines stand after a step, by scenario in a mix; nothing where none moves.
fn baselines(stage: &Stage<'_>, grpo: &GrpoSettings, seat: Seat) -> Metrics {
    let mut metrics = Metrics::default();
    if grpo.baseline == Baseline::Moving && grpo.aggregation == Aggregation::SumThenNormalize {
        let mix = &stage.setup.mix;
        for (number, scenario) in mix.numbered() {
            let place = if mix.is_mixed() { format!("{}/", scenario.name) } else { String::new() };
            metrics.set(format!("{place}{seat}/baseline"), Some(stage.steering.baselines[seat].of(number)));
        }
    }
    metrics
}

/// How long the two sides of a step took, in seconds.
#[derive(Clone, Copy)]
struct Clocks {
    play: f64,
    learn: f64,
}

/// Updates the seats, and plays `next` meanwhile with the weights from before.
async fn update_beside(
    stage: &mut Stage<'_>,
    ahead: &mut Ahead,
    batches: Pair<Option<Batch>>,
    next: u64,
) -> anyhow::Result<(Pair<Option<UpdateReport>>, Clocks)> {
    let started = Instant::now();
    let underway = stage.begin_update(batches)?;
    let learning = async { (underway.finish().await, started.elapsed().as_secs_f64()) };
    let playing = async { (ahead.play(stage, next).await, started.elapsed().as_secs_f64()) };
    let ((updates, learn), (done, play)) = tokio::join!(learning, playing);
    done?;
    let reports = stage.end_update(updates?).await?;
    Ok((reports, Clocks { play, learn }))
}

/// Of the episodes in which the user is a model.
fn user_failures(records: &[EpisodeRecord]) -> StepFailures {
    let is_model = |record: &EpisodeRecord, seat: Seat| record.casting.policies[seat] == plan::MODEL;
    // A snapshot of the agent is no measure of what a user fails at anyway: it may break users too.
    let is_snapshot = |record: &EpisodeRecord| opponent::snapshot_of(&record.casting.policies.agent).is_some();
    let told = records.iter().filter(|record| is_model(record, Seat::User) && !is_snapshot(record));
    let modelled: Vec<EpisodeRecord> = told.cloned().collect();
    StepFailures::of(&modelled, |record| is_model(record, Seat::Agent))
}

/// What no run comes to, whatever it learns, unless something of ours is wrong: what was sampled is not what is learned from.
fn unsound(metrics: &Metrics) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(turns) = metrics.get("drift").filter(|turns| *turns > 0.0) {
        found.push(format!("{turns} turns hold other tokens than were shown and sampled (drift)"));
    }
    for seat in Seat::ALL {
        if let Some(talks) = metrics.get(&format!("{seat}/stale")).filter(|talks| *talks > 0.0) {
            found.push(format!(
                "{talks} talks do not train the {seat}: they were sampled by weights further behind than grpo.staleness_max ({seat}/stale)"
            ));
        }
    }
    for model in MODELS {
        let name = format!("{model}/mismatch_kl");
        if let Some(nats) = metrics.get(&name).filter(|nats| *nats > MISMATCH_MAX) {
            let whose = if model == BOTH { "both seats'".to_owned() } else { format!("the {model}'s") };
            found.push(format!(
                "{whose} sampler and learner are {nats:.4} nats apart, not {MISMATCH_MAX} at most ({name})"
            ));
        }
    }
    found
}

/// Turns of the models whose recorded tokens are not what was shown and sampled: 0 in a sound run. Opponents have a language of their own.
fn drift(stage: &Stage<'_>, records: &[EpisodeRecord]) -> anyhow::Result<u64> {
    let seats = records.iter().flat_map(|record| Seat::ALL.map(|seat| (record, seat)));
    let modelled = seats.filter(|(record, seat)| record.casting.policies[*seat] == plan::MODEL);
    let drifted = |(record, seat): (&EpisodeRecord, Seat)| {
        let dialect = stage.dialect.seated(&stage.setup.mix.of(&record.casting).rules, seat)?;
        Ok(text::drift(record, seat, &dialect).drifted())
    };
    modelled.map(drifted).sum()
}

/// What the step's episodes look like. In a mix, the same of each scenario, with its name in front, and of all together only what does not
/// depend on a gym.
fn played_metrics(stage: &Stage<'_>, castings: &[Casting], records: &[EpisodeRecord]) -> Metrics {
    let mix = &stage.setup.mix;
    if !mix.is_mixed() {
        return company_metrics(castings, records, &mix.scenario(0).success);
    }
    let mut metrics = Metrics::default();
    let all = company_metrics(castings, records, &Pair::default());
    let measures: BTreeSet<String> = mix.scenarios().flat_map(|scenario| scenario.measures()).collect();
    let is_shared = |name: &str| rl::metrics::is_of_every_gym(name) || !measures.contains(name);
    all.iter().filter(|(name, _)| is_shared(name)).for_each(|(name, value)| metrics.set(name, value));
    for (number, scenario) in mix.numbered() {
        let cast: Vec<Casting> = castings.iter().filter(|casting| casting.scenario == number).cloned().collect();
        let played: Vec<EpisodeRecord> = records.iter().filter(|r| r.casting.scenario == number).cloned().collect();
        for (name, value) in company_metrics(&cast, &played, &scenario.success).iter() {
            metrics.set(format!("{}/{name}", scenario.name), value);
        }
    }
    metrics
}

/// `agent/…` over the episodes in which the agent is a model, `user/…` likewise, everything else over those in which both are;
/// `SEAT/score/fixed` over those against the fixed opponent.
fn company_metrics(castings: &[Casting], records: &[EpisodeRecord], success: &Pair<Option<Condition>>) -> Metrics {
    let pooled = |keep: &dyn Fn(&Pair<String>) -> bool| {
        let kept: Vec<EpisodeRecord> = records.iter().filter(|r| keep(&r.casting.policies)).cloned().collect();
        let opened = castings.iter().filter(|c| keep(&c.policies)).count();
        pool(&kept, opened, success)
    };
    let is_model = |policies: &Pair<String>, seat: Seat| policies[seat] == plan::MODEL;
    let mut metrics = Metrics::default();
    let mutual = pooled(&|p| is_model(p, Seat::Agent) && is_model(p, Seat::User));
    let shared = |name: &str| Seat::ALL.iter().all(|seat| !name.starts_with(seat.name()));
    for (name, value) in mutual.iter().filter(|(name, _)| shared(name)) {
        metrics.set(name, value);
    }
    for seat in Seat::ALL {
        let of_seat = pooled(&|p| is_model(p, seat));
        for (name, value) in of_seat.iter().filter(|(name, _)| name.starts_with(seat.name())) {
            metrics.set(name, value);
        }
        let is_snapshot = |p: &Pair<String>| opponent::snapshot_of(&p[seat.partner()]).is_some();
        let fixed = pooled(&|p| is_model(p, seat) && !is_model(p, seat.partner()) && !is_snapshot(p));
        metrics.set(format!("{seat}/score/fixed"), fixed.get(&format!("{seat}/score/mean")));
        if castings.iter().any(|casting| is_model(&casting.policies, seat) && is_snapshot(&casting.policies)) {
            let history = pooled(&|p| is_model(p, seat) && is_snapshot(p));
            metrics.set(format!("{seat}/score/history"), history.get(&format!("{seat}/score/mean")));
        }
        metrics.set(format!("{seat}/score/mutual"), mutual.get(&format!("{seat}/score/mean")));
    }
    let all = pool(records, castings.len(), success);
    for name in ["episodes", "lost", "deadlines"].into_iter().map(str::to_owned).chain(faults()) {
        metrics.set(name.clone(), all.get(&name));
    }
    metrics
}

fn faults() -> impl Iterator<Item = String> {
    let names = ["faults", "blame"].into_iter();
    names.flat_map(|what| sim::Party::ALL.map(|party| format!("{what}/{}", party.name())))
}

/// Measures each learning seat on held-out items of each scenario against its fixed opponent, and lets the two models meet for the excerpts.
async fn evaluate(stage: &mut Stage<'_>, step: u64) -> anyhow::Result<()> {
    let started = Instant::now();
    let learning = stage.setup.learning();
    let castings = eval_castings(&stage.setup, step);
    let records = stage.play(&castings, 1.0).await?;
    let mix = stage.setup.mix.clone();
    for (number, scenario) in mix.numbered() {
        let courts = stage.remotes.all_courts().get(number as usize);
        let drift = match courts {
            Some(courts) => courts.drift(&format!("step-{step:06}")).await,
            None => Metrics::default(),
        };
        for seat in Seat::ALL.into_iter().filter(|seat| learning[*seat]) {
            let member = report::member(number, seat as u32 + 1);
            let played: Vec<EpisodeRecord> =
                records.iter().filter(|r| r.casting.id.member == member).cloned().collect();
            let opened = castings.iter().filter(|casting| casting.id.member == member).count();
            let mut metrics = pool(&played, opened, &scenario.success);
            drift.iter().for_each(|(name, value)| metrics.set(name, value));
            stage.log_eval(step, number, seat, &metrics)?;
        }
    }
    stage.time(step, "eval", &[("play_s", started.elapsed().as_secs_f64())])?;
    Ok(())
}

/// All episodes of the evaluation after `step`: in each scenario each learning seat against its fixed opponent, and for the excerpts, both models.
pub(crate) fn eval_castings(setup: &Setup, step: u64) -> Vec<Casting> {
    let eval = &setup.settings.eval;
    let learning = setup.learning();
    let mut castings = Vec::new();
    for (number, scenario) in setup.mix.numbered() {
        let items = eval.items.min(scenario.items.of(Split::HeldOut));
        for seat in Seat::ALL.into_iter().filter(|seat| learning[*seat]) {
            let policies = setup.measured(number, seat);
            castings.extend(cast_eval(number, items, eval.trials, &policies, step, seat as u32 + 1));
        }
        if learning.agent && learning.user {
            let both = Pair::from_fn(|_| plan::MODEL.to_owned());
            castings.extend(cast_eval(number, EXCERPTS.min(items), 1, &both, step, report::EXCERPT));
        }
    }
    castings
}

/// An evaluation's castings of one scenario and one `company`, which keep the ids of plays apart that run together. They move no world's draws.
fn cast_eval(scenario: u32, items: u32, trials: u32, policies: &Pair<String>, step: u64, company: u32) -> Vec<Casting> {
    let mut castings = plan::eval_castings(Split::HeldOut, items, trials, policies, step);
    for casting in &mut castings {
        casting.scenario = scenario;
        casting.id.member = report::member(scenario, company);
    }
    castings
}

/// What the learners say, under their models' names: of one model of both seats, once.
fn of_reports(reports: &Pair<Option<UpdateReport>>, seats: Seats) -> Metrics {
    let mut metrics = Metrics::default();
    for (seat, report) in reports.iter() {
        for (name, value) in report.iter().flat_map(|report| &report.metrics) {
            metrics.set(format!("{}/{name}", seats.model(seat)), Some(*value));
        }
    }
    metrics
}

fn losses(metrics: &Metrics) -> String {
    shown(metrics, "loss", "loss")
}

fn rewards(metrics: &Metrics) -> String {
    shown(metrics, "reward", "reward/mean")
}

fn shown(metrics: &Metrics, what: &str, name: &str) -> String {
    let of_model = |model: &str| {
        let value = metrics.get(&format!("{model}/{name}"));
        value.map(|value| format!("{model} {what} {value:.3}"))
    };
    MODELS.into_iter().filter_map(of_model).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sampled_raises_an_alarm_and_rounding_does_not() {
        let with = |entries: &[(&str, f64)]| {
            let mut metrics = Metrics::default();
            entries.iter().for_each(|(name, value)| metrics.set(*name, Some(*value)));
            unsound(&metrics)
        };
        assert!(with(&[("drift", 0.0), ("agent/mismatch_kl", 3e-9), ("user/mismatch_kl", -1e-12)]).is_empty());
        assert!(with(&[]).is_empty(), "a stand-in measures neither");
        let stale = with(&[("agent/stale", 0.0), ("user/stale", 3.0)]);
        assert!(stale.len() == 1 && stale[0].starts_with("3 talks do not train the user"), "{stale:?}");
        let found = with(&[("drift", 2.0), ("agent/mismatch_kl", 0.02), ("user/mismatch_kl", 3.0)]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("2 turns") && found[1].contains("the agent's") && found[2].contains("the user's"));
    }
}

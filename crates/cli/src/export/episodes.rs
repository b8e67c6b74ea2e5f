//! Recorded episodes as JSONL, a line for each side of each: what is in every line, whatever the form of the talk in it. What the keys mean
//! is in docs/HANDOVERS.md.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use rl::Ranking;
use rl::plan::MODEL;
use runs::Checkpoints;
use runs::Hash;
use runs::LogError;
use runs::Manifest;
use runs::Records;
use runs::RunPaths;
use serde::Serialize;
use sim::EpisodeRecord;
use sim::Fault;
use sim::NoAct;
use sim::Pair;
use sim::Phase;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Stop;
use sim::Turn;
use text::Tokenizer;
use text::dialect::TOKENIZER_FILE;

use crate::failure::Failure;
use crate::flags::ExportFlags;
use crate::flags::Seats;
use crate::progress::Progress;
use crate::stdout::say;

/// One seat's side of one episode.
#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(flatten)]
    talk: T,
    episode: String,
    seat: Seat,
    scenario: &'a str,
    item: &'a str,
    seed: u64,
    policies: &'a Pair<String>,
    score: Option<f64>,
    scores: Pair<Option<f64>>,
    stop: Option<&'static str>,
    failed: Option<Seat>,
    fault: Option<&'a Fault>,
    turns: Vec<TurnLine<'a>>,
    rewards: Vec<RewardLine<'a>>,
}

/// One turn of the seat's own.
#[derive(Serialize)]
struct TurnLine<'a> {
    version: Option<u64>,
    tokens: Option<usize>,
    reward: Option<f64>,
    malformed: Option<&'a str>,
}

/// One term of the seat's own reward.
#[derive(Serialize)]
struct RewardLine<'a> {
    name: &'a str,
    kind: RewardKind,
    turn: Option<u32>,
    value: f64,
    weight: f64,
    evidence: &'a str,
}

/// Exports the committed episodes of a run, or those of a rollout. `talk` is a side in the form that was asked for; `None` if nothing of it
/// can be had in that form.
///
/// # Errors
/// [`Failure::Input`] if the folder holds no such episodes or its log is damaged, [`Failure::Work`] if they cannot be written.
pub(super) fn export<T: Serialize>(
    flags: &ExportFlags,
    talk: impl Fn(&EpisodeRecord, Seat, Option<&Tokenizer>) -> Option<T>,
) -> Result<(), Failure> {
    let ranking = flags.top.map(|top| ranking(flags, top)).transpose()?;
    let Source { mut records, tokenizer } = open(&flags.folder)?;
    let parcel = super::begin(&flags.out)?;
    let unwritable = || parcel.beside().display().to_string();
    let mut file = BufWriter::new(File::create(parcel.beside()).with_context(unwritable)?);
    let mut progress = Progress::start("export", 0, 0);
    let (mut episodes, mut lines) = (0, 0);
    for record in &mut records {
        let record = record.map_err(damaged)?;
        for seat in wanted(&record, flags) {
            if ranking.as_ref().is_some_and(|ranking| !ranking.keeps(episodes, seat)) {
                continue;
            }
            // Whoever else played has a language of their own, if any.
            let spoken = tokenizer.as_ref().filter(|_| record.casting.policies[seat] == MODEL);
            let Some(talk) = talk(&record, seat, spoken) else { continue };
            serde_json::to_writer(&mut file, &line(&record, seat, talk)).with_context(unwritable)?;
            file.write_all(b"\n").with_context(unwritable)?;
            lines += 1;
        }
        episodes += 1;
        if episodes % 1000 == 0 {
            progress.at(episodes, "episodes");
        }
    }
    progress.end();
    if let Some(why) = records.torn() {
        eprintln!("the last record of {} is being written, or was interrupted: {why}", flags.folder.display());
    }
    if lines == 0 {
        return Err(nothing(flags, episodes));
    }
    file.flush().with_context(unwritable)?;
    drop(file);
    parcel.deliver().map_err(super::undelivered)?;
    say(format_args!("{lines} lines of {episodes} episodes: {}", flags.out.display()))?;
    Ok(ranking.map_or(Ok(()), say)?)
}

/// Which sides are the best; that takes a reading of its own.
fn ranking(flags: &ExportFlags, top: u32) -> Result<Ranking, Failure> {
    let mut ranking = Ranking::new(top);
    for (number, record) in (0..).zip(&mut open(&flags.folder)?.records) {
        let record = record.map_err(damaged)?;
        for seat in wanted(&record, flags) {
            ranking.add(number, &record, seat);
        }
    }
    ranking.close();
    Ok(ranking)
}

fn nothing(flags: &ExportFlags, episodes: u64) -> Failure {
    let hint = match episodes {
        0 => "play some first: `duologue rollout … --out DIR`",
        _ => {
            "leave out --phase, --seat, --scored-only or --top; what a cold start imitates is not recorded, only what is played"
        }
    };
    let what = format!("{}: none of its {episodes} episodes is asked for", flags.folder.display());
    Failure::input(what, Some(hint))
}

/// Where episodes come from.
struct Source {
    records: Records,
    /// Of the run's models; `None` where the folder has none of its own.
    tokenizer: Option<Tokenizer>,
}

/// Of a run, only what is committed: what is not did not happen.
fn open(folder: &Path) -> Result<Source, Failure> {
    let paths = RunPaths::new(folder);
    let hint = "give a run folder, or one written by `rollout --out`";
    if !paths.manifest().exists() {
        let records = Records::open(&paths.log()).map_err(|error| Failure::input(error, Some(hint)))?;
        return Ok(Source { records, tokenizer: None });
    }
    let refused = |error: anyhow::Error| Failure::input(format!("{error:#}"), Some("the run's folder is damaged"));
    let manifest = Manifest::read(&paths.manifest()).map_err(|error| refused(error.into()))?;
    let latest = Checkpoints::at(&paths.checkpoints()).latest().map_err(|error| refused(error.into()))?;
    let Some(checkpoint) = latest else {
        let what = format!("{}: nothing is committed yet", folder.display());
        return Err(Failure::input(what, Some("go on with `duologue train … --resume` until it is")));
    };
    let models = Seat::ALL.map(|seat| checkpoint.seat_folder(seat).join(TOKENIZER_FILE));
    let file = models.into_iter().find(|file| file.exists());
    let tokenizer = file.map(|file| tokenizer(&file, manifest.tokenizer.as_ref())).transpose().map_err(refused)?;
    let records = Records::open_at(&paths.log(), checkpoint.state.offsets.log).map_err(damaged)?;
    Ok(Source { records, tokenizer })
}

/// The tokenizer that the run's tokens were written with, and no other.
fn tokenizer(file: &Path, expected: Option<&Hash>) -> anyhow::Result<Tokenizer> {
    let tokenizer = Tokenizer::load(file).with_context(|| file.display().to_string())?;
    let is_other = expected.is_some_and(|hash| *hash != Hash::of_bytes(tokenizer.to_json().as_bytes()));
    anyhow::ensure!(!is_other, "{}: is not the tokenizer in the run's manifest", file.display());
    Ok(tokenizer)
}

fn damaged(error: LogError) -> Failure {
    Failure::input(error, Some("restore the log; `duologue replay --episode` still shows episodes before the damage"))
}

/// The sides of a talk that the flags ask for and whose seat was ever asked to speak.
fn wanted(record: &EpisodeRecord, flags: &ExportFlags) -> Vec<Seat> {
    let is_other = flags.phase.is_some_and(|purpose| Phase::from(purpose) != record.casting.id.phase);
    // A fork repeats the talk that it goes on from.
    if is_other || record.casting.fork.is_some() {
        return Vec::new();
    }
    let only = flags.seat.and_then(Seats::only);
    let is_wanted = |seat: &Seat| {
        only.is_none_or(|only| only == *seat)
            && record.turns_of(*seat).next().is_some()
            && (record.scores[*seat].is_some() || !flags.scored_only)
    };
    Seat::ALL.into_iter().filter(is_wanted).collect()
}

fn line<T>(record: &EpisodeRecord, seat: Seat, talk: T) -> Line<'_, T> {
    let rewards = record.turn_rewards(seat);
    let reward = |turn: usize| rewards.as_ref().and_then(|rewards| rewards.get(turn).copied());
    let own = record.verdict.iter().flat_map(|verdict| &verdict.rewards).filter(|reward| reward.seat == seat);
    Line {
        talk,
        episode: record.casting.id.to_string(),
        seat,
        scenario: &record.scenario,
        item: &record.item,
        seed: record.seed,
        policies: &record.casting.policies,
        score: record.scores[seat],
        scores: record.scores,
        stop: record.stop.map(Stop::name),
        failed: match record.stop {
            Some(Stop::Failed(seat)) => Some(seat),
            Some(Stop::Terminated | Stop::Truncated | Stop::Cut) | None => None,
        },
        fault: record.fault.as_ref(),
        turns: record.turns_of(seat).enumerate().map(|(at, turn)| turn_line(turn, reward(at))).collect(),
        rewards: own.map(reward_line).collect(),
    }
}

fn turn_line(turn: &Turn, reward: Option<f64>) -> TurnLine<'_> {
    let generation = turn.decision.generation.as_ref();
    let refused = turn.effect.as_ref().and_then(|effect| effect.malformed.as_deref());
    let malformed = match &turn.decision.act {
        Ok(_) => refused,
        Err(NoAct::Malformed(why)) => Some(why.as_str()),
        Err(NoAct::OutOfTokens) => Some("out of tokens"),
    };
    let tokens = generation.map(|generation| generation.tokens.len());
    TurnLine { version: generation.map(|generation| generation.version), tokens, reward, malformed }
}

fn reward_line(reward: &Reward) -> RewardLine<'_> {
    let Reward { seat: _, name, kind, scope, value, weight, evidence } = reward;
    let turn = match scope {
        Scope::Turn(turn) => Some(*turn),
        Scope::Session => None,
    };
    RewardLine { name, kind: *kind, turn, value: *value, weight: *weight, evidence }
}

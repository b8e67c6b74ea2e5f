//! One agent and one user under one seed: played once, and kept as numbers.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;

use actors::NoJournal;
use config::Bout;
use config::Study;
use rl::ModelLoader;
use rl::evaluation;
use rl::plan;
use runs::StudyEvaluation;
use runs::StudyFolder;
use sim::EpisodeRecord;
use sim::Pair;
use sim::Seat;
use sim::scenario::Split;

use super::roster::Player;
use super::roster::Roster;
use super::table::Failed;
use crate::cast;
use crate::cast::Cast;
use crate::failure::Failure;
use crate::manifest;
use crate::progress::Progress;
use crate::remotes::Remotes;
use crate::runtime;
use crate::workers;

/// Finished evaluations by key: see [`StudyEvaluation::key`].
pub type Found = BTreeMap<String, StudyEvaluation>;

/// Who meets whom where, under which seed.
pub struct Pairing<'s> {
    bout: &'s Bout,
    players: Pair<Player<'s>>,
    seed: u64,
}

/// A pairing that can be played, and was not yet.
struct Open<'s> {
    pairing: Pairing<'s>,
    policies: Pair<String>,
    of: BTreeMap<String, String>,
}

/// Every pairing that the study asks for, in the order of its tables.
pub fn pairings<'s>(study: &'s Study) -> Vec<Pairing<'s>> {
    let mut tables: Vec<(&Bout, Pair<Player<'s>>)> = Vec::new();
    for compare in &study.compares {
        let across = compare.against.as_deref().map_or(Player::FixedOpponent, Player::Named);
        for name in &compare.policies {
            let at = |seat: Seat| if seat == compare.seat { Player::Named(name) } else { across };
            tables.push((&compare.bout, Pair::from_fn(at)));
        }
    }
    for cross in &study.crosses {
        for agent in &cross.agents {
            let with =
                |user: &'s String| (&cross.bout, Pair { agent: Player::Named(agent), user: Player::Named(user) });
            tables.extend(cross.users.iter().map(with));
        }
    }
    for average in &study.averages {
        for (bout, name) in average.bouts.iter().flat_map(|bout| average.players().map(move |name| (bout, name))) {
            let at = |seat: Seat| if seat == average.seat { Player::Named(name) } else { Player::FixedOpponent };
            tables.push((bout, Pair::from_fn(at)));
        }
    }
    let under = |seed: u64| tables.iter().map(move |(bout, players)| Pairing { bout, players: *players, seed });
    study.seeds.iter().flat_map(|seed| under(*seed)).collect()
}

/// All that decides a pairing's numbers; `None` if one of its players is missing.
#[must_use]
pub fn decided_by(
    bout: &Bout,
    players: Pair<Player<'_>>,
    seed: u64,
    roster: &Roster<'_>,
) -> Option<BTreeMap<String, String>> {
    let mut of: BTreeMap<String, String> = BTreeMap::new();
    for seat in Seat::ALL {
        of.insert(seat.name().to_owned(), roster.seated(bout, seat, players[seat], seed)?.identity);
    }
    let rest = [
        ("scenario", manifest::hash_of(&*bout.scenario).to_string()),
        ("split", Split::HeldOut.name().to_owned()),
        ("items", bout.items.to_string()),
        ("trials", bout.trials.to_string()),
        ("seed", seed.to_string()),
    ];
    of.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    Some(of)
}

/// Plays what was not played yet, and gives all that can be had and what failed.
///
/// # Errors
/// If the study's folder cannot be read.
pub fn evaluate(
    study: &Study,
    roster: &Roster<'_>,
    folder: &StudyFolder,
    jobs: NonZeroUsize,
    loader: &dyn ModelLoader,
) -> anyhow::Result<(Found, Vec<Failed>)> {
    let (mut found, mut open) = (Found::new(), BTreeMap::new());
    let mut order = Vec::new();
    for pairing in pairings(study) {
        let Pairing { bout, players, seed } = pairing;
        let Some(of) = decided_by(bout, players, seed, roster) else { continue };
        let key = StudyEvaluation::key(&of);
        if found.contains_key(&key) || open.contains_key(&key) {
            continue;
        }
        if let Some(evaluation) = folder.evaluation(&of)? {
            found.insert(key, evaluation);
        } else {
            let policy = |seat| roster.seated(bout, seat, players[seat], seed).map(|seated| seated.policy);
            let policies = Pair::from_fn(|seat| policy(seat).unwrap_or_default());
            order.push(key.clone());
            open.insert(key, Open { pairing, policies, of });
        }
    }
    let list: Vec<Open<'_>> = order.iter().filter_map(|key| open.remove(key)).collect();
    eprintln!("evaluations: {} are there, {} to be played", found.len(), list.len());
    let mut failed = Vec::new();
    for (key, (open, played)) in order.into_iter().zip(list.iter().zip(play_all(&list, folder, jobs, loader))) {
        match played {
            Ok(evaluation) => drop(found.insert(key, evaluation)),
            Err(failure) => {
                let error = failure.to_string().replace('\n', " ");
                failed.push(Failed { what: open.pairing.to_string(), seed: open.pairing.seed, error });
            }
        }
    }
    Ok((found, failed))
}

/// Plays and keeps each, with one account of progress over the episodes of all.
fn play_all(
    list: &[Open<'_>],
    folder: &StudyFolder,
    jobs: NonZeroUsize,
    loader: &dyn ModelLoader,
) -> Vec<Result<StudyEvaluation, Failure>> {
    let episodes = |open: &Open<'_>| u64::from(open.pairing.bout.items) * u64::from(open.pairing.bout.trials);
    let progress = Progress::start("evaluations", list.iter().map(episodes).sum(), 0);
    let account = Mutex::new((progress, 0u64));
    let played = workers::side_by_side(jobs, list, |open| {
        let name = format!("{}, seed {}", open.pairing, open.pairing.seed);
        let mut told = 0;
        let evaluation = open.play(loader, |settled| {
            let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
            account.1 += settled as u64 - told;
            told = settled as u64;
            let done = account.1;
            account.0.at(done, &name);
        })?;
        folder.keep(&evaluation).map_err(anyhow::Error::from)?;
        Ok(evaluation)
    });
    account.into_inner().unwrap_or_else(PoisonError::into_inner).0.end();
    played
}

impl Open<'_> {
    fn play(&self, loader: &dyn ModelLoader, settled: impl FnMut(usize)) -> Result<StudyEvaluation, Failure> {
        let Pairing { bout, seed, .. } = self.pairing;
        let mut cast = Cast::new();
        // Nobody is asked elsewhere in a study: what cannot be found again is not compared.
        cast.judge_by_rule();
        let mut names = Pair::default();
        for seat in Seat::ALL {
            names[seat] = cast.add(&bout.scenario, seat, &self.policies[seat], loader, &mut Remotes::default())?;
        }
        let castings = plan::eval_castings(Split::HeldOut, bout.items, bout.trials, &names, 0);
        let episodes = castings.len();
        let played: anyhow::Result<_> = runtime()?.block_on(async {
            let mut troupe = cast.troupe(Box::new(NoJournal)).await?;
            let played = cast::play(&mut troupe, &bout.scenario, seed, castings, false, settled).await;
            troupe.stop().await;
            played
        });
        Ok(self.in_numbers(&cast::recorded(played?), episodes))
    }

    fn in_numbers(&self, records: &[EpisodeRecord], episodes: usize) -> StudyEvaluation {
        let bout = self.pairing.bout;
        let arms = evaluation::arms(records, bout.trials, &bout.scenario.success);
        let metrics = arms.into_iter().map(|(name, arm)| {
            let mut cells = vec![None; bout.items as usize];
            arm.cells().for_each(|((item, _), cell)| cells[item as usize] = Some(cell.into()));
            (name, cells)
        });
        StudyEvaluation {
            of: self.of.clone(),
            episodes,
            lost: episodes - records.len(),
            faulted: records.iter().filter(|record| record.fault.is_some()).count(),
            metrics: metrics.collect(),
        }
    }
}

impl std::fmt::Display for Pairing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |seat: Seat| match self.players[seat] {
            Player::Named(name) => name,
            Player::FixedOpponent => self.bout.scenario.rules.fixed_opponent(seat),
        };
        write!(f, "{} x {}", name(Seat::Agent), name(Seat::User))
    }
}

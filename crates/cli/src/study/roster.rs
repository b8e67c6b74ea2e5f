//! Who sits where under which seed, as something that can be played.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use config::Bout;
use config::Study;
use config::StudyPolicy;
use runs::DiskError;
use runs::study::hash_of_folder;
use sim::Seat;

use super::training::Training;

/// Somebody at a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player<'s> {
    /// A policy of the study, by name.
    Named(&'s str),
    /// The gym's fixed opponent.
    FixedOpponent,
}

/// A player who is there under a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// As on the command line: `rule`, `model:DIR`.
    pub policy: String,
    /// What makes it the same or another: the policy's name, or the hash of a model's folder.
    pub identity: String,
}

/// Every policy of the study at each seat it takes, under each seed.
pub struct Roster<'s> {
    study: &'s Study,
    /// A run that failed has nobody to send.
    seated: BTreeMap<(&'s str, Seat, u64), Seated>,
}

impl<'s> Roster<'s> {
    /// Finds everybody.
    ///
    /// # Errors
    /// If a model's folder cannot be read.
    pub fn of(study: &'s Study, trainings: &[Training<'_>]) -> Result<Roster<'s>, DiskError> {
        let mut seated = BTreeMap::new();
        for (name, policy) in &study.policies {
            for seat in Seat::ALL.into_iter().filter(|seat| takes(study, name, *seat)) {
                for seed in &study.seeds {
                    if let Some(player) = find(policy, seat, *seed, trainings)? {
                        seated.insert((name.as_str(), seat, *seed), player);
                    }
                }
            }
        }
        Ok(Roster { study, seated })
    }

    /// Who sits there; `None` if its run has not come so far.
    #[must_use]
    pub fn seated(&self, bout: &Bout, seat: Seat, player: Player<'_>, seed: u64) -> Option<Seated> {
        match player {
            Player::Named(name) => self.seated.get(&(name, seat, seed)).cloned(),
            Player::FixedOpponent => {
                let policy = bout.scenario.rules.fixed_opponent(seat).to_owned();
                Some(Seated { identity: policy.clone(), policy })
            }
        }
    }

    /// The seeds of the study.
    #[must_use]
    pub fn seeds(&self) -> &'s [u64] {
        &self.study.seeds
    }
}

/// Whether anybody asks for the policy at that seat.
fn takes(study: &Study, name: &str, seat: Seat) -> bool {
    let is_name = |other: &String| other == name;
    let compared = study.compares.iter().any(|compare| match seat == compare.seat {
        true => compare.policies.iter().any(is_name),
        false => compare.against.iter().any(is_name),
    });
    let crossed = study.crosses.iter().any(|cross| match seat {
        Seat::Agent => cross.agents.iter().any(is_name),
        Seat::User => cross.users.iter().any(is_name),
    });
    let averaged = study.averages.iter().any(|average| seat == average.seat && average.players().any(is_name));
    compared || crossed || averaged
}

fn find(policy: &StudyPolicy, seat: Seat, seed: u64, trainings: &[Training<'_>]) -> Result<Option<Seated>, DiskError> {
    let folder = match policy {
        StudyPolicy::Run { run, step } => {
            let of_run = trainings.iter().find(|training| training.name == run && training.seed == seed);
            of_run.and_then(|training| training.models(*step))
        }
        StudyPolicy::Fixed(policy) => match policy.strip_prefix("model:") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => return Ok(Some(Seated { policy: policy.clone(), identity: policy.clone() })),
        },
    };
    let Some(folder) = folder else {
        return Ok(None);
    };
    let folder = config::model_of_seat(&folder, seat);
    let unfound =
        |why| DiskError::Io { action: "find the base of", file: folder.clone(), source: io::Error::other(why) };
    let base = config::base_of(&folder).map_err(unfound)?;
    let identity = match config::is_adapter(&folder) {
        true => format!("model {} on {}", hash_of_folder(&folder)?, hash_of_folder(&base)?),
        false => format!("model {}", hash_of_folder(&folder)?),
    };
    Ok(Some(Seated { policy: format!("model:{}", folder.display()), identity }))
}

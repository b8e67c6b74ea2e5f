//! `manifest.json`: everything a run's numbers depend on.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Pair;
use sim::Seat;

use crate::DiskError;
use crate::Hash;
use crate::checkpoint;
use crate::codec;
use crate::disk;

/// Version of the manifest's own form.
const MANIFEST_VERSION: u32 = 1;

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is none.
    #[error("{} does not exist: this is not a run folder", file.display())]
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// It is no manifest of this version.
    #[error("{}: {source}", file.display())]
    Json {
        /// Which.
        file: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

/// The first thing in which two manifests differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` differs: the run has {ours}, now it is {theirs}")]
pub struct Mismatch {
    /// Its key, e.g. `schedule.batch_max`.
    pub key: String,
    /// The value of the manifest that was asked.
    pub ours: String,
    /// The value of the other one.
    pub theirs: String,
}

/// Versions of what is written into the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formats {
    /// Of this file.
    pub manifest: u32,
    /// Of the log of records.
    pub log: u32,
    /// Of a checkpoint's `state.json`.
    pub checkpoint: u32,
}

impl Formats {
    /// The versions this program writes.
    pub const CURRENT: Formats =
        Formats { manifest: MANIFEST_VERSION, log: codec::FORMAT_VERSION, checkpoint: checkpoint::FORMAT_VERSION };
}

/// How rows are put into batches: with model seats the same episodes need the same schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Episodes alive at once.
    pub episodes_live_max: usize,
    /// Rows in one batch of a policy.
    pub batch_max: usize,
    /// Threads of the tensor library for each model.
    pub threads: usize,
}

/// Everything a run's numbers depend on. Hashes of what is only made during the run are `None` until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Versions of what is written into the folder.
    pub formats: Formats,
    /// Of the effective run file, overrides included.
    pub config: Hash,
    /// Of the scenario with its items and profiles.
    pub scenario: Hash,
    /// Of the chat template; `None` until it is known.
    pub template: Option<Hash>,
    /// Of `tokenizer.json`; `None` until it is trained.
    pub tokenizer: Option<Hash>,
    /// Of all that the cold start depends on; `None` where there is none, or in runs from before there was such a hash. Runs of one hash can lend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessons: Option<Hash>,
    /// Of the folder that each seat's model starts from, an adapter's base included; `None`: from nothing.
    #[serde(default)]
    pub base: Pair<Option<Hash>>,
    /// Of each seat's file of weights, or of its adapter's, in `step-000000`; `None` before the cold start has ended, and for a seat that does not learn.
    pub cold_start: Pair<Option<Hash>>,
    /// Seed of every address of randomness.
    pub seed: u64,
    /// Where the models live: `cpu`, `cuda`; never `auto`.
    pub device: String,
    /// How rows are put into batches.
    pub schedule: Schedule,
    /// Of the program.
    pub binary: Hash,
    /// What else the last bits may depend on: library versions, CPU type, switches of the math library. In the given order.
    pub libraries: Vec<(String, String)>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError`], naming the file.
    pub fn read(file: &Path) -> Result<Manifest, ManifestError> {
        let json = disk::read_bytes(file)?.ok_or_else(|| ManifestError::Missing { file: file.to_owned() })?;
        serde_json::from_slice(&json).map_err(|source| ManifestError::Json { file: file.to_owned(), source })
    }

    /// Writes it in one piece: a crash leaves the old file or the new one.
    ///
    /// # Errors
    /// [`DiskError::Io`].
    pub fn write(&self, file: &Path) -> Result<(), DiskError> {
        disk::replace(file, self.to_string().as_bytes())
    }

    /// Whether a run with this manifest may be continued by a program with the other one. What either does not know yet is not
    /// compared; neither are the program and its libraries, which may be rebuilt between two parts of a run: see
    /// [`Manifest::drift`].
    ///
    /// # Errors
    /// The first key that differs, with both values.
    pub fn matches(&self, other: &Manifest) -> Result<(), Mismatch> {
        let differing = differences(&self.demands(), &other.demands()).into_iter().next();
        differing.map_or(Ok(()), Err)
    }

    /// Whether the cold start that a run with this manifest has made is also that of a run with the other one.
    ///
    /// # Errors
    /// The first key that differs; `cold_start.SEAT` where a seat of `seats` has none here; `lessons` where either has no cold start that is known of.
    pub fn lends_to(&self, other: &Manifest, seats: Pair<bool>) -> Result<(), Mismatch> {
        let mut demands = [self.of_cold_start("none"), other.of_cold_start("none here either")];
        for seat in Seat::ALL.into_iter().filter(|seat| seats[*seat]) {
            let (key, has) = (format!("cold_start.{seat}"), self.cold_start[seat].is_some());
            demands[0].push(entry(&key, Some(&if has { "made" } else { "none" })));
            demands[1].push(entry(&key, Some(&"made")));
        }
        let [ours, theirs] = demands;
        differences(&ours, &theirs).into_iter().next().map_or(Ok(()), Err)
    }

    /// What decides a cold start. A hash that is missing is told by `none`, so that it differs from every other one.
    fn of_cold_start(&self, none: &str) -> Vec<(String, Option<String>)> {
        let hash = |hash: &Option<Hash>| hash.as_ref().map_or_else(|| none.to_owned(), Hash::to_string);
        vec![
            entry("seed", Some(&self.seed)),
            entry("device", Some(&self.device)),
            entry("tokenizer", Some(&hash(&self.tokenizer))),
            entry("template", Some(&hash(&self.template))),
            entry("lessons", Some(&hash(&self.lessons))),
        ]
    }

    /// What differs without forbidding `--resume`: the program, its libraries, the machine. The rest of the run is valid, but need not
    /// have the bits it would have had.
    #[must_use]
    pub fn drift(&self, other: &Manifest) -> Vec<Mismatch> {
        differences(&self.circumstances(), &other.circumstances())
    }

    /// What must be equal, in the order of importance to whoever reads the message.
    fn demands(&self) -> Vec<(String, Option<String>)> {
        // Destructured, so that a new field must be placed here or in `circumstances`.
        let Manifest {
            formats,
            config,
            scenario,
            template,
            tokenizer,
            lessons,
            base,
            cold_start,
            seed,
            device,
            schedule,
            binary: _,
            libraries: _,
        } = self;
        let Formats { manifest, log, checkpoint } = formats;
        let Schedule { episodes_live_max, batch_max, threads } = schedule;
        let mut entries = vec![
            entry("formats.manifest", Some(manifest)),
            entry("formats.log", Some(log)),
            entry("formats.checkpoint", Some(checkpoint)),
            entry("seed", Some(seed)),
            entry("device", Some(device)),
            entry("schedule.episodes_live_max", Some(episodes_live_max)),
            entry("schedule.batch_max", Some(batch_max)),
            entry("schedule.threads", Some(threads)),
            entry("scenario", Some(scenario)),
            entry("config", Some(config)),
            entry("template", template.as_ref()),
            entry("tokenizer", tokenizer.as_ref()),
            entry("lessons", lessons.as_ref()),
        ];
        for seat in Seat::ALL {
            entries.push(entry(&format!("base.{seat}"), base[seat].as_ref()));
            entries.push(entry(&format!("cold_start.{seat}"), cold_start[seat].as_ref()));
        }
        entries
    }

    fn circumstances(&self) -> Vec<(String, Option<String>)> {
        let mut entries = vec![entry("binary", Some(&self.binary))];
        entries.extend(self.libraries.iter().map(|(name, version)| entry(&format!("libraries.{name}"), Some(version))));
        entries
    }
}

impl fmt::Display for Manifest {
    /// The file's text: JSON, keys in the order of the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json =
            serde_json::to_string_pretty(self).expect("a manifest has only texts and numbers, so it is always JSON");
        writeln!(f, "{json}")
    }
}

fn entry(key: &str, value: Option<&impl ToString>) -> (String, Option<String>) {
    (key.to_owned(), value.map(ToString::to_string))
}

/// Entries of `ours` that `theirs` has with another value, then those only one of them has. An unknown value (`None`) differs from none.
fn differences(ours: &[(String, Option<String>)], theirs: &[(String, Option<String>)]) -> Vec<Mismatch> {
    let of = |entries: &[(String, Option<String>)], key: &str| match entries.iter().find(|(name, _)| name == key) {
        Some((_, value)) => value.clone(),
        None => Some("nothing".to_owned()),
    };
    let mut keys: Vec<&String> = ours.iter().map(|(key, _)| key).collect();
    keys.extend(theirs.iter().map(|(key, _)| key).filter(|key| ours.iter().all(|(name, _)| name != *key)));
    let compare = |key: &String| match (of(ours, key), of(theirs, key)) {
        (Some(ours), Some(theirs)) if ours != theirs => Some(Mismatch { key: key.clone(), ours, theirs }),
        _ => None,
    };
    keys.into_iter().filter_map(compare).collect()
}

#[cfg(test)]
mod tests;

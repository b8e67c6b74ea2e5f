//! A study's folder: its runs, what was found by evaluating their policies, and the table made of both.
//!
//! ```text
//!  study.toml  study.json       what was asked, and the hashes of what it depends on
//!  runs/NAME-SEED/              run folders, each resumable by itself
//!  evaluations/KEY.json         one pairing of policies under one seed, in numbers; KEY is the hash of all that decides them
//!  table.md  table.json         the result
//! ```
//!
//! Whatever is written is replaced in one piece, so a kill leaves a finished evaluation or none, and the next `resume` does only what is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sim::Ratio;

use crate::DiskError;
use crate::Hash;
use crate::disk;
use crate::lock::LockError;
use crate::lock::RunLock;

/// Version of `study.json` and of the evaluations.
const FORMAT_VERSION: u32 = 1;

/// Why a study's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A study lies there.
    #[error("{} holds a study already", dir.display())]
    IsAStudy {
        /// Where.
        dir: PathBuf,
    },
    /// Something else lies there.
    #[error("{} is no study, and holds `{name}`", dir.display())]
    NotEmpty {
        /// Where.
        dir: PathBuf,
        /// What, for example.
        name: String,
    },
    /// No study lies there.
    #[error("{} holds no study", dir.display())]
    Missing {
        /// Where.
        dir: PathBuf,
    },
    /// Another process works on it.
    #[error("{} is locked: another process works on this study", dir.display())]
    Held {
        /// Where.
        dir: PathBuf,
    },
    /// Its `study.json` cannot be read.
    #[error("{} is damaged: {why}", file.display())]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// In words.
        why: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Where everything of a study lies. Knows names only; nothing need exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyPaths {
    dir: PathBuf,
}

impl StudyPaths {
    /// The layout under `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> StudyPaths {
        StudyPaths { dir: dir.into() }
    }

    /// The study's folder itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The study file as it was asked for, byte for byte.
    #[must_use]
    pub fn study_toml(&self) -> PathBuf {
        self.dir.join("study.toml")
    }

    /// What the study depends on. A folder is a study when it has one.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.dir.join("study.json")
    }

    /// The folder of the runs.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }

    /// The folder of one run under one seed.
    #[must_use]
    pub fn run(&self, name: &str, seed: u64) -> PathBuf {
        self.runs().join(format!("{name}-{seed}"))
    }

    /// The folder of the evaluations.
    #[must_use]
    pub fn evaluations(&self) -> PathBuf {
        self.dir.join("evaluations")
    }

    /// The result, to be read by people.
    #[must_use]
    pub fn table_md(&self) -> PathBuf {
        self.dir.join("table.md")
    }

    /// The result, to be read by programs.
    #[must_use]
    pub fn table_json(&self) -> PathBuf {
        self.dir.join("table.json")
    }

    /// Locked by whoever works on the study.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.dir.join(".lock")
    }
}

/// `study.json`: what a study's numbers depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyManifest {
    /// Version of what is written into the folder.
    pub format: u32,
    /// Of the checked study file, with every run and scenario that it names.
    pub study: Hash,
    /// Of each run's settings, by the name of its folder.
    pub runs: BTreeMap<String, Hash>,
    /// Of the program.
    pub binary: Hash,
}

impl StudyManifest {
    /// The manifest of a study in today's format.
    #[must_use]
    pub fn new(study: Hash, runs: BTreeMap<String, Hash>, binary: Hash) -> StudyManifest {
        StudyManifest { format: FORMAT_VERSION, study, runs, binary }
    }
}

/// What a pairing of policies did under one seed, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyEvaluation {
    /// All that decides the numbers, in readable form: the file's name is the hash of it.
    pub of: BTreeMap<String, String>,
    /// Episodes opened.
    pub episodes: usize,
    /// Of those, how many left no record.
    pub lost: usize,
    /// Of those, how many faulted.
    pub faulted: usize,
    /// For each metric what each item, in order from 0, added to its numerator and denominator; `None` where the item has no record.
    pub metrics: BTreeMap<String, Vec<Option<Added>>>,
}

/// A [`Ratio`] in short: numerator, denominator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Added([f64; 2]);

impl From<Ratio> for Added {
    fn from(ratio: Ratio) -> Added {
        Added([ratio.num, ratio.den])
    }
}

impl From<Added> for Ratio {
    fn from(Added([num, den]): Added) -> Ratio {
        Ratio::new(num, den)
    }
}

impl StudyEvaluation {
    /// The name of the evaluation of that.
    #[must_use]
    pub fn key(of: &BTreeMap<String, String>) -> String {
        let mut text = format!("format {FORMAT_VERSION}\n");
        of.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
        // Sixteen digits are enough to tell them apart, and a file that is found says what it is of.
        Hash::of_bytes(text.as_bytes()).to_string()[..16].to_owned()
    }
}

/// A study's folder that is ours to write: it stays locked until this value is dropped, or the process dies.
#[derive(Debug)]
pub struct StudyFolder {
    paths: StudyPaths,
    _lock: RunLock,
}

impl StudyFolder {
    /// Makes `dir` a study, or says why not. It may hold `runs/` already: finished runs that were copied there are adopted.
    ///
    /// # Errors
    /// [`StudyError::IsAStudy`], [`StudyError::NotEmpty`], [`StudyError::Held`], [`StudyError::Disk`].
    pub fn create(dir: &Path, study_toml: &str, manifest: &StudyManifest) -> Result<StudyFolder, StudyError> {
        let paths = StudyPaths::new(dir);
        disk::create_folder(dir)?;
        refuse_foreign(&paths)?;
        let folder = StudyFolder::lock(paths)?;
        // Looked at again under the lock: somebody may have been faster.
        refuse_foreign(&folder.paths)?;
        folder.describe(study_toml, manifest)?;
        disk::sync_folder(disk::folder_of(dir))?;
        Ok(folder)
    }

    /// Locks a study and reads what it was when it was last worked on.
    ///
    /// # Errors
    /// [`StudyError::Missing`] if it is none, [`StudyError::Damaged`], [`StudyError::Held`], [`StudyError::Disk`].
    pub fn open(dir: &Path) -> Result<(StudyFolder, StudyManifest), StudyError> {
        let paths = StudyPaths::new(dir);
        // Before the lock, whose file would otherwise appear in a folder that is no study.
        read_manifest(&paths)?;
        let folder = StudyFolder::lock(paths)?;
        let manifest = read_manifest(&folder.paths)?;
        Ok((folder, manifest))
    }

    fn lock(paths: StudyPaths) -> Result<StudyFolder, StudyError> {
        match RunLock::take(&paths.lock()) {
            Ok(lock) => Ok(StudyFolder { paths, _lock: lock }),
            Err(LockError::Held { .. }) => Err(StudyError::Held { dir: paths.dir }),
            Err(LockError::Disk(error)) => Err(error.into()),
        }
    }

    /// Writes down what the study is now. The manifest last: with it the folder becomes a study.
    ///
    /// # Errors
    /// [`StudyError::Disk`].
    pub fn describe(&self, study_toml: &str, manifest: &StudyManifest) -> Result<(), StudyError> {
        disk::create_folder(&self.paths.runs())?;
        disk::create_folder(&self.paths.evaluations())?;
        disk::replace(&self.paths.study_toml(), study_toml.as_bytes())?;
        let json = serde_json::to_string_pretty(manifest).expect("a manifest has text keys only, so it is always JSON");
        Ok(disk::replace(&self.paths.manifest(), format!("{json}\n").as_bytes())?)
    }

    /// A finished evaluation; `None` if there is none. A file that cannot be read, or is of something else, is none either: it is played again.
    ///
    /// # Errors
    /// [`StudyError::Disk`].
    pub fn evaluation(&self, of: &BTreeMap<String, String>) -> Result<Option<StudyEvaluation>, StudyError> {
        let Some(json) = disk::read_bytes(&self.evaluation_file(of))? else {
            return Ok(None);
        };
        let found = serde_json::from_slice::<StudyEvaluation>(&json).ok();
        Ok(found.filter(|found| found.of == *of))
    }

    /// Keeps a finished evaluation.
    ///
    /// # Errors
    /// [`StudyError::Disk`].
    pub fn keep(&self, evaluation: &StudyEvaluation) -> Result<(), StudyError> {
        let json = serde_json::to_string(evaluation).expect("an evaluation has text keys only, so it is always JSON");
        Ok(disk::replace(&self.evaluation_file(&evaluation.of), json.as_bytes())?)
    }

    /// Writes the result.
    ///
    /// # Errors
    /// [`StudyError::Disk`].
    pub fn write_table(&self, markdown: &str, json: &str) -> Result<(), StudyError> {
        disk::replace(&self.paths.table_md(), markdown.as_bytes())?;
        Ok(disk::replace(&self.paths.table_json(), json.as_bytes())?)
    }

    /// Where everything lies.
    #[must_use]
    pub fn paths(&self) -> &StudyPaths {
        &self.paths
    }

    fn evaluation_file(&self, of: &BTreeMap<String, String>) -> PathBuf {
        self.paths.evaluations().join(format!("{}.json", StudyEvaluation::key(of)))
    }
}

/// Hash of all files of a folder, such as a model's: names and contents, in the order of the names. Folders in it do not count.
///
/// # Errors
/// [`DiskError::Io`] if it cannot be read.
pub fn hash_of_folder(folder: &Path) -> Result<Hash, DiskError> {
    let mut parts = Vec::new();
    for name in disk::names_in(folder)? {
        let file = folder.join(&name);
        if file.is_file() {
            parts.push((name, fs::read(&file).map_err(disk::failed("read", &file))?));
        }
    }
    Ok(Hash::of_parts(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))))
}

fn read_manifest(paths: &StudyPaths) -> Result<StudyManifest, StudyError> {
    let file = paths.manifest();
    let json = disk::read_bytes(&file)?.ok_or_else(|| StudyError::Missing { dir: paths.dir.clone() })?;
    let damaged = |why: String| StudyError::Damaged { file: file.clone(), why };
    let manifest: StudyManifest = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    if manifest.format != FORMAT_VERSION {
        let why = format!("it has format version {}; this program reads version {FORMAT_VERSION}", manifest.format);
        return Err(damaged(why));
    }
    Ok(manifest)
}

/// An error if the folder is a study, or holds anything besides runs and what an interrupted creation would have left.
fn refuse_foreign(paths: &StudyPaths) -> Result<(), StudyError> {
    let dir = paths.dir();
    if paths.manifest().exists() {
        return Err(StudyError::IsAStudy { dir: dir.to_owned() });
    }
    let files = [paths.study_toml(), paths.manifest()];
    let mut ours = files.iter().map(|file| disk::temporary_of(file)).collect::<Vec<PathBuf>>();
    ours.extend([paths.lock(), paths.runs(), paths.evaluations(), paths.study_toml()]);
    let foreign = disk::names_in(dir)?.into_iter().find(|name| ours.iter().all(|file| *file != dir.join(name)));
    foreign.map_or(Ok(()), |name| Err(StudyError::NotEmpty { dir: dir.to_owned(), name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> StudyManifest {
        let hash = |text: &str| Hash::of_bytes(text.as_bytes());
        StudyManifest::new(hash("study"), [("a-1".to_owned(), hash("a"))].into(), hash("program"))
    }

    fn evaluation() -> StudyEvaluation {
        let metrics = [("deal".to_owned(), vec![Some(Ratio::new(0.1 + 0.2, 3.0).into()), None])].into();
        let of = [("seed".to_owned(), "1".to_owned())].into();
        StudyEvaluation { of, episodes: 2, lost: 1, faulted: 0, metrics }
    }

    #[test]
    fn a_study_is_created_once_and_opened_by_one_at_a_time() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let dir = scratch.path().join("study");
        assert!(matches!(StudyFolder::open(&dir), Err(StudyError::Missing { .. })));
        let folder = StudyFolder::create(&dir, "name = \"a\"\n", &manifest()).expect("the place is free");
        assert!(matches!(StudyFolder::create(&dir, "", &manifest()), Err(StudyError::IsAStudy { .. })));
        assert!(matches!(StudyFolder::open(&dir), Err(StudyError::Held { .. })));
        drop(folder);
        let (folder, read) = StudyFolder::open(&dir).expect("nobody works on it");
        assert_eq!(read, manifest());
        assert_eq!(fs::read_to_string(folder.paths().study_toml()).expect("it was kept"), "name = \"a\"\n");
    }

    #[test]
    fn runs_that_are_there_already_are_adopted_and_anything_else_is_refused() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(scratch.path().join("runs/a-1")).expect("the place is ours");
        fs::write(scratch.path().join("notes"), "").expect("the place is ours");
        let refused = StudyFolder::create(scratch.path(), "", &manifest()).expect_err("there are notes");
        assert!(refused.to_string().ends_with("is no study, and holds `notes`"), "{refused}");
        fs::remove_file(scratch.path().join("notes")).expect("the place is ours");
        StudyFolder::create(scratch.path(), "", &manifest()).expect("only runs are there");
        assert!(scratch.path().join("runs/a-1").exists());
    }

    #[test]
    fn an_evaluation_is_read_back_bit_by_bit_and_found_by_all_that_decides_it() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let folder = StudyFolder::create(scratch.path(), "", &manifest()).expect("the place is free");
        let evaluation = evaluation();
        assert_eq!(folder.evaluation(&evaluation.of).expect("the disk is fine"), None);
        folder.keep(&evaluation).expect("the disk is fine");
        assert_eq!(folder.evaluation(&evaluation.of).expect("the disk is fine"), Some(evaluation.clone()));
        let other = [("seed".to_owned(), "2".to_owned())].into();
        assert_eq!(folder.evaluation(&other).expect("the disk is fine"), None);
        // A damaged file, and one under another's name, count as not there.
        let file = folder.evaluation_file(&evaluation.of);
        fs::copy(&file, folder.evaluation_file(&other)).expect("the place is ours");
        assert_eq!(folder.evaluation(&other).expect("the disk is fine"), None);
        fs::write(&file, "{\"of\"").expect("the place is ours");
        assert_eq!(folder.evaluation(&evaluation.of).expect("the disk is fine"), None);
    }

    #[test]
    fn a_folders_hash_changes_with_names_and_contents() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let hash = || hash_of_folder(scratch.path()).expect("it can be read");
        let empty = hash();
        fs::write(scratch.path().join("a"), "1").expect("the place is ours");
        let one = hash();
        fs::write(scratch.path().join("a"), "2").expect("the place is ours");
        let other = hash();
        fs::rename(scratch.path().join("a"), scratch.path().join("b")).expect("the place is ours");
        let renamed = hash();
        let distinct = std::collections::BTreeSet::from([empty, one, other, renamed]);
        assert_eq!(distinct.len(), 4);
    }
}

//! From paths to checked values.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rl::Mix;
use rl::Part;
use rl::RunSettings;
use sim::Scenario;
use stress::Suite;

use crate::ConfigError;
use crate::ConfigErrors;
use crate::FileKind;
use crate::Source;
use crate::check::Check;
use crate::node::Node;
use crate::node::Origin;
use crate::run;
use crate::run::Named;
use crate::scenario;
use crate::shelf::Shelf;
use crate::study;
use crate::study::Study;
use crate::suite;

/// What a run was made from, for its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The run file.
    pub run: Source,
    /// The scenario files, in the order of the mix.
    pub scenarios: Vec<Source>,
    /// The `--set`s, in order.
    pub overrides: Vec<String>,
}

/// A file that has been found good.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// A scenario file.
    Scenario(Box<Scenario>),
    /// A run file, with what it plays.
    Run(Box<RunSettings>, Mix),
    /// A study file, with everything it names.
    Study(Box<Study>),
    /// A suite file, with everything it names.
    Suite(Box<Suite>),
}

impl Sources {
    /// A mistake in the value of `key` that was only found once the run had begun to be built: where the key stands, be it in the file or
    /// in an override.
    #[must_use]
    pub fn mistake(&self, key: &str, what: String, hint: String) -> ConfigErrors {
        let root = Node::parse(&self.run).map(|mut root| {
            // They were good when the run was loaded.
            self.overrides.iter().for_each(|text| drop(root.set(text)));
            root
        });
        root.map_or_else(
            |errors| errors,
            |root| {
                let mut check = Check::new(self.run.name(), &root);
                check.error(key, what, hint);
                check.finish(()).expect_err("there is the mistake just noted")
            },
        )
    }
}

/// Reads and checks scenario files of which each needs a name of its own, since results are told apart by it.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn load_scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, ConfigErrors> {
    let (mut scenarios, mut errors): (Vec<Scenario>, Vec<ConfigError>) = Default::default();
    let mut named: Vec<(String, &Path)> = Vec::new();
    for path in paths {
        match named_scenario(path, &named) {
            Ok(scenario) => {
                named.push((scenario.name.clone(), path));
                scenarios.push(scenario);
            }
            Err(found) => errors.extend(found.0),
        }
    }
    if errors.is_empty() { Ok(scenarios) } else { Err(ConfigErrors(errors)) }
}

/// A scenario that has none of the names of others.
fn named_scenario(path: &Path, others: &[(String, &Path)]) -> Result<Scenario, ConfigErrors> {
    let source = Source::read(path)?;
    let scenario = scenario_of(&source)?;
    let Some((name, other)) = others.iter().find(|(name, _)| *name == scenario.name) else {
        return Ok(scenario);
    };
    let root = Node::parse(&source)?;
    let mut check = Check::new(source.name(), &root);
    let what = format!("`{name}` is the name of {} too: their results could not be told apart", other.display());
    let hint = if *other == path { "name each file once" } else { "give one of the two another name" };
    check.error("name", what, hint);
    check.finish(scenario)
}

/// Reads and checks a scenario file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_scenario(path: &Path) -> Result<Scenario, ConfigErrors> {
    scenario_of(&Source::read(path)?)
}

/// Reads and checks a run file with `--set KEY=VALUE` applied to it, and its scenarios. `scenario` in the file is relative to the file's
/// folder; in an override, to the working folder.
///
/// # Errors
/// Everything that is wrong with any of the files or with an override.
pub fn load_run(path: &Path, overrides: &[String]) -> Result<(RunSettings, Mix, Sources), ConfigErrors> {
    run_of(Shelf::Disk, path, overrides)
}

/// The same from any shelf.
pub(crate) fn run_of(
    shelf: Shelf<'_>,
    path: &Path,
    overrides: &[String],
) -> Result<(RunSettings, Mix, Sources), ConfigErrors> {
    let source = shelf.read(path)?;
    let mut root = Node::parse(&source)?;
    expect_kind(FileKind::Run, &source, &root)?;
    let mut errors: Vec<ConfigError> = overrides.iter().filter_map(|text| put(&mut root, text).err()).collect();
    let mut check = Check::new(source.name(), &root);
    let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
    let (settings, named) = run::run(&mut check, &stem);
    let read = read_scenarios(shelf, path, &root, &named, &mut check);
    let (scenarios, parts) = match read {
        // Of a scenario that could not be read, the mistake has been noted.
        Ok(read) if read.len() == named.len() && !read.is_empty() => {
            let played: Vec<(&Named, &Scenario)> =
                named.iter().zip(&read).map(|(named, (_, scenario))| (named, scenario)).collect();
            let opponents = run::against_mix(&mut check, &settings, &played);
            let parts = named.iter().zip(read).zip(opponents);
            let part = |((named, (source, scenario)), opponents): ((&Named, _), _)| {
                (source, Part { scenario: Arc::new(scenario), weight: named.weight, opponents })
            };
            parts.map(part).unzip()
        }
        Ok(_) => Default::default(),
        Err(found) => {
            errors.extend(found.0);
            Default::default()
        }
    };
    let settings = match check.finish(settings) {
        Ok(settings) => Some(settings),
        Err(found) => {
            errors.splice(0..0, found.0);
            None
        }
    };
    match settings {
        Some(settings) if errors.is_empty() => {
            let sources = Sources { run: source, scenarios, overrides: overrides.to_vec() };
            Ok((settings, Mix::new(parts), sources))
        }
        _ => Err(ConfigErrors(errors)),
    }
}

/// Reads and checks a study file, and every run and scenario file that it names. Paths in it start at its folder.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn load_study(path: &Path) -> Result<Study, ConfigErrors> {
    let source = Source::read(path)?;
    study_of(&source)
}

fn study_of(source: &Source) -> Result<Study, ConfigErrors> {
    let root = Node::parse(source)?;
    expect_kind(FileKind::Study, source, &root)?;
    let mut check = Check::new(source.name(), &root);
    let stem = source.path.file_stem().map_or_else(|| "study".into(), |stem| stem.to_string_lossy());
    let (study, elsewhere) = study::study(&mut check, &stem, Shelf::Disk);
    with_elsewhere(check.finish(study), elsewhere)
}

/// Reads and checks a suite file, and every scenario file that it names. Paths in it start at its folder.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn load_suite(path: &Path) -> Result<Suite, ConfigErrors> {
    let source = Source::read(path)?;
    suite_of(&source)
}

fn suite_of(source: &Source) -> Result<Suite, ConfigErrors> {
    let root = Node::parse(source)?;
    expect_kind(FileKind::Suite, source, &root)?;
    let mut check = Check::new(source.name(), &root);
    let stem = source.path.file_stem().map_or_else(|| "suite".into(), |stem| stem.to_string_lossy());
    let (suite, elsewhere) = suite::suite(&mut check, &stem, Shelf::Disk);
    with_elsewhere(check.finish(suite), elsewhere)
}

/// What was found in a file, with the mistakes of those that it names.
fn with_elsewhere<T>(found: Result<T, ConfigErrors>, elsewhere: Vec<ConfigError>) -> Result<T, ConfigErrors> {
    match found {
        Ok(value) if elsewhere.is_empty() => Ok(value),
        Ok(_) => Err(ConfigErrors(elsewhere)),
        Err(mut errors) => {
            errors.0.extend(elsewhere);
            Err(errors)
        }
    }
}

/// Reads and checks a file of whichever kind its keys say.
///
/// # Errors
/// Everything that is wrong with it, or that it is of no kind.
pub fn check_file(path: &Path) -> Result<Checked, ConfigErrors> {
    let source = Source::read(path)?;
    let root = Node::parse(&source)?;
    match FileKind::of(&root) {
        Some(FileKind::Run) => load_run(path, &[]).map(|(settings, mix, _)| Checked::Run(settings.into(), mix)),
        Some(FileKind::Scenario) => scenario_of(&source).map(|scenario| Checked::Scenario(scenario.into())),
        Some(FileKind::Study) => study_of(&source).map(|study| Checked::Study(study.into())),
        Some(FileKind::Suite) => suite_of(&source).map(|suite| Checked::Suite(suite.into())),
        None => Err(of_no_kind(&source).into()),
    }
}

fn of_no_kind(source: &Source) -> ConfigError {
    let what = "is no scenario, run, study or suite file".to_owned();
    let marks = FileKind::ALL.map(marked).join(", ");
    ConfigError { file: source.name(), line: None, key: String::new(), what, hint: Some(marks) }
}

/// What a reader knows a kind of file by.
fn marked(kind: FileKind) -> String {
    format!("a {kind} file {}", kind.mark())
}

/// A file of another kind is one mistake, and not as many as it has keys.
fn expect_kind(wanted: FileKind, source: &Source, root: &Node) -> Result<(), ConfigErrors> {
    let Some(kind) = another_kind(wanted, root) else {
        return Ok(());
    };
    let (what, hint) = (mistaken(kind, wanted), kind.commands(&source.name()));
    Err(ConfigError { file: source.name(), line: None, key: String::new(), what, hint: Some(hint) }.into())
}

/// The kind of a file that is of another kind than the one that is wanted.
fn another_kind(wanted: FileKind, root: &Node) -> Option<FileKind> {
    FileKind::of(root).filter(|kind| *kind != wanted)
}

fn mistaken(kind: FileKind, wanted: FileKind) -> String {
    format!("is a {kind} file, and a {wanted} file is wanted here")
}

/// Checks a scenario file that need not lie on a disk; `source.path` is what its mistakes are told with.
///
/// # Errors
/// Everything that is wrong with it.
pub fn scenario_of(source: &Source) -> Result<Scenario, ConfigErrors> {
    let root = Node::parse(source)?;
    expect_kind(FileKind::Scenario, source, &root)?;
    let mut check = Check::new(source.name(), &root);
    let scenario = scenario::scenario(&mut check, &root);
    check.finish(scenario)
}

/// Puts an override into a run file's tree.
fn put(root: &mut Node, assignment: &str) -> Result<(), ConfigError> {
    let key = assignment.split_once('=').map_or("", |(key, _)| key.trim());
    let top = key.split(['.', '[']).next().unwrap_or_default();
    let Some(kind) = FileKind::with_key(top).filter(|kind| *kind != FileKind::Run) else {
        return root.set(assignment);
    };
    let copy = if kind == FileKind::Scenario { ", or into a copy of it that `scenario=FILE` names" } else { "" };
    Err(ConfigError {
        file: "--set".to_owned(),
        line: None,
        key: key.to_owned(),
        what: format!("is a key of a {kind} file, and this is a {} file", FileKind::Run),
        hint: Some(format!(
            "an override changes the {} file alone: write it into the {kind} file{copy}",
            FileKind::Run
        )),
    })
}

/// Reads the run's scenarios. A file that cannot be read is a mistake of the run file's line, and then the scenario is left out.
fn read_scenarios(
    shelf: Shelf<'_>,
    run: &Path,
    root: &Node,
    played: &[Named],
    check: &mut Check<'_>,
) -> Result<Vec<(Source, Scenario)>, ConfigErrors> {
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for Named { key, path: written, .. } in played {
        let path = scenario_path_of(shelf, run, root, key, written);
        let Some(source) = named(shelf, FileKind::Scenario, &path, (key, written), check) else {
            continue;
        };
        match scenario_of(&source) {
            Ok(scenario) => read.push((source, scenario)),
            Err(found) => errors.extend(found.0),
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(ConfigErrors(errors)) }
}

/// Reads a file that another one names under a key. If it cannot be read, or is of another kind than the one that is wanted, that is a
/// mistake of the key's line, and there is `None`.
pub(crate) fn named(
    shelf: Shelf<'_>,
    wanted: FileKind,
    path: &Path,
    (key, written): (&str, &str),
    check: &mut Check<'_>,
) -> Option<Source> {
    let source = match shelf.read(path) {
        Ok(source) => source,
        Err(error) => {
            let start = || "the path starts at the folder of the file it stands in".to_owned();
            check.error(key, format!("`{written}` {}", error.what), error.hint.unwrap_or_else(start));
            return None;
        }
    };
    // What is no TOML at all is told of the file itself, with its line.
    let kind = Node::parse(&source).ok().and_then(|root| another_kind(wanted, &root));
    if let Some(kind) = kind {
        check.error(key, format!("`{written}` {}", mistaken(kind, wanted)), marked(wanted));
        return None;
    }
    Some(source)
}

/// A path in a file starts at the file's folder; one on the command line where the command was given.
fn scenario_path_of(shelf: Shelf<'_>, run: &Path, root: &Node, key: &str, written: &str) -> PathBuf {
    let on_command_line = root.get(key).is_some_and(|node| node.origin == Origin::Set);
    let folder = if on_command_line { Path::new("") } else { run.parent().unwrap_or(Path::new("")) };
    shelf.beside(folder, written)
}

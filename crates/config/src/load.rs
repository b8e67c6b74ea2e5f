//! From paths to checked values.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use rl::RunSettings;
use sim::Scenario;

use crate::ConfigError;
use crate::ConfigErrors;
use crate::FileKind;
use crate::Source;
use crate::check::Check;
use crate::node::Node;
use crate::node::Origin;
use crate::run;
use crate::scenario;
use crate::study;
use crate::study::Study;

/// What a run was made from, for its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// The run file.
    pub run: Source,
    /// The scenario file.
    pub scenario: Source,
    /// The `--set`s, in order.
    pub overrides: Vec<String>,
}

/// A file that has been found good.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// A scenario file.
    Scenario(Box<Scenario>),
    /// A run file, with its scenario.
    Run(Box<RunSettings>, Box<Scenario>),
    /// A study file, with everything it names.
    Study(Box<Study>),
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

/// Reads and checks a run file with `--set KEY=VALUE` applied to it, and its scenario. `scenario` in the file is relative to the file's
/// folder; in an override, to the working folder.
///
/// # Errors
/// Everything that is wrong with either file or with an override.
pub fn load_run(path: &Path, overrides: &[String]) -> Result<(RunSettings, Scenario, Sources), ConfigErrors> {
    let source = Source::read(path)?;
    let mut root = Node::parse(&source)?;
    expect_kind(FileKind::Run, &source, &root)?;
    let mut errors: Vec<ConfigError> = overrides.iter().filter_map(|text| root.set(text).err()).collect();
    let mut check = Check::new(source.name(), &root);
    let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
    let (settings, scenario_path) = run::run(&mut check, &stem);
    let mut scenario = None;
    if let Some(written) = scenario_path {
        let path = scenario_path_of(path, &root, &written);
        match read_scenario(&path, &written, &mut check) {
            Ok(Some(read)) => {
                run::against_scenario(&mut check, &settings, &read.1);
                scenario = Some(read);
            }
            Ok(None) => {}
            Err(found) => errors.extend(found.0),
        }
    }
    let settings = match check.finish(settings) {
        Ok(settings) => Some(settings),
        Err(found) => {
            errors.splice(0..0, found.0);
            None
        }
    };
    match (settings, scenario) {
        (Some(settings), Some((scenario_source, scenario))) if errors.is_empty() => {
            let sources = Sources { run: source, scenario: scenario_source, overrides: overrides.to_vec() };
            Ok((settings, scenario, sources))
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
    let root = Node::parse(&source)?;
    study::study(&source, &root)
}

/// Reads and checks a file of whichever kind its keys say.
///
/// # Errors
/// Everything that is wrong with it, or that it is of no kind.
pub fn check_file(path: &Path) -> Result<Checked, ConfigErrors> {
    let source = Source::read(path)?;
    let root = Node::parse(&source)?;
    if study::KEYS.iter().any(|key| root.get(key).is_some()) {
        return study::study(&source, &root).map(|study| Checked::Study(study.into()));
    }
    match FileKind::of(&root) {
        Some(FileKind::Run) => {
            load_run(path, &[]).map(|(settings, scenario, _)| Checked::Run(settings.into(), scenario.into()))
        }
        Some(FileKind::Scenario) => scenario_of(&source).map(|scenario| Checked::Scenario(scenario.into())),
        None => Err(ConfigErrors::from(ConfigError {
            file: source.name(),
            line: None,
            key: String::new(),
            what: "is no scenario, run or study file".to_owned(),
            hint: Some(
                "a run file names its `scenario = \"…\"`, a scenario file has a section `[world]`, a study file has sections `[policies.NAME]`"
                    .to_owned(),
            ),
        })),
    }
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

pub(crate) fn scenario_of(source: &Source) -> Result<Scenario, ConfigErrors> {
    let root = Node::parse(source)?;
    expect_kind(FileKind::Scenario, source, &root)?;
    let mut check = Check::new(source.name(), &root);
    let scenario = scenario::scenario(&mut check, &root);
    check.finish(scenario)
}

/// Reads the run's scenario. A file that cannot be read is a mistake of the run file's line, and then there is `None`.
fn read_scenario(
    path: &Path,
    written: &str,
    check: &mut Check<'_>,
) -> Result<Option<(Source, Scenario)>, ConfigErrors> {
    let Some(source) = named(path, "scenario", written, check) else {
        return Ok(None);
    };
    if let Some(kind) = another_kind(FileKind::Scenario, &Node::parse(&source)?) {
        check.error(
            "scenario",
            format!("`{written}` {}", mistaken(kind, FileKind::Scenario)),
            "name the file that has the `[world]`",
        );
        return Ok(None);
    }
    let scenario = scenario_of(&source)?;
    Ok(Some((source, scenario)))
}

/// Reads a file that another one names under `key`. If it cannot be read, that is a mistake of the key's line, and there is `None`.
pub(crate) fn named(path: &Path, key: &str, written: &str, check: &mut Check<'_>) -> Option<Source> {
    let unread = |error: ConfigError| {
        let hint = error.hint.unwrap_or_else(|| "the path starts at the folder of the file it stands in".to_owned());
        check.error(key, format!("`{written}` {}", error.what), hint);
    };
    Source::read(path).map_err(unread).ok()
}

/// A path in a file starts at the file's folder; one on the command line where the command was given.
fn scenario_path_of(run: &Path, root: &Node, written: &str) -> PathBuf {
    let on_command_line = root.get("scenario").is_some_and(|node| node.origin == Origin::Set);
    let folder = if on_command_line { Path::new("") } else { run.parent().unwrap_or(Path::new("")) };
    beside(folder, written)
}

/// A path that is written in a file in `folder`.
pub(crate) fn beside(folder: &Path, written: &str) -> PathBuf {
    let joined = folder.join(written);
    let short = without_detours(&joined);
    // Through a symbolic link `a/b/..` need not be `a`.
    if short.exists() { short } else { joined }
}

/// `configs/../scenarios/haggle.toml` as `scenarios/haggle.toml`.
fn without_detours(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let back = part == Component::ParentDir && matches!(short.components().next_back(), Some(Component::Normal(_)));
        if back {
            short.pop();
        } else {
            short.push(part);
        }
    }
    short
}

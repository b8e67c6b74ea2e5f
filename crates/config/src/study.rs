//! A study file, from raw keys to a [`Study`]: runs under several seeds, the policies that come of them, and what is asked about those.

mod average;
mod contest;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rl::Claim;
use rl::Mix;
use rl::RunSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sim::Scenario;
use sim::Seat;

use crate::ConfigError;
use crate::FileKind;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::load;
use crate::shelf::Shelf;
use crate::suggest;

/// A checked study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// Its name, and that of its folder.
    pub name: String,
    /// Each run is made under each of them, and each policy is measured under each. Distinct, at least one.
    pub seeds: Vec<u64>,
    /// What is trained, by name.
    pub runs: BTreeMap<String, StudyRun>,
    /// Who is measured, by name.
    pub policies: BTreeMap<String, StudyPolicy>,
    /// Tables of several policies in one seat.
    pub compares: Vec<StudyCompare>,
    /// Tables of every agent with every user.
    pub crosses: Vec<Cross>,
    /// Averages over several scenarios.
    pub averages: Vec<StudyAverage>,
}

/// A run file with overrides, to be trained under each seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyRun {
    /// The run file. Where it lies makes no difference to what it says.
    #[serde(skip)]
    pub file: PathBuf,
    /// `KEY=VALUE`s, as for `train --set`.
    #[serde(skip)]
    pub set: Vec<String>,
    /// What both say, under the study's first seed; see [`StudyRun::under`].
    pub settings: RunSettings,
    /// What it is trained on.
    pub mix: Mix,
}

/// Who is measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StudyPolicy {
    /// The models of a run, as they are after `step` steps.
    Run {
        /// Its name in the study.
        run: String,
        /// Steps done; 0 is the state after the cold start.
        step: u64,
    },
    /// The same under every seed: `rule`, `scripted:NAME`, `model:DIR`.
    Fixed(String),
}

/// Where and how often policies meet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bout {
    /// What is played.
    pub scenario: Arc<Scenario>,
    /// The first so many of its held-out items.
    pub items: u32,
    /// Episodes of each item.
    pub trials: u32,
}

/// A table of several policies in one seat, and claims about them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyCompare {
    /// Where and how often.
    pub bout: Bout,
    /// The seat they take.
    pub seat: Seat,
    /// Who sits across the table; `None`: the fixed opponent.
    pub against: Option<String>,
    /// Columns, left to right.
    pub policies: Vec<String>,
    /// Metrics that are shown, top to bottom: those of the claims, then `rows`.
    pub rows: Vec<String>,
    /// What is claimed.
    pub claims: Vec<StudyClaim>,
}

/// Policies in one seat against the fixed opponents of several scenarios, averaged on the scale of two of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyAverage {
    /// Where and how often.
    pub bouts: Vec<Bout>,
    /// The seat they take.
    pub seat: Seat,
    /// Columns, left to right.
    pub policies: Vec<String>,
    /// Who has 0 on each scenario's scale.
    pub random: String,
    /// Who has 1.
    pub good: String,
    /// What is claimed of the averages.
    pub claims: Vec<StudyClaim>,
}

impl StudyAverage {
    /// Everybody who plays: the columns, and those who make the scale.
    pub fn players(&self) -> impl Iterator<Item = &String> {
        let scale = [&self.random, &self.good].into_iter().filter(|name| !self.policies.contains(*name));
        self.policies.iter().chain(scale)
    }
}

/// A claim about two named policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StudyClaim {
    /// Of whom it is claimed.
    pub policy: String,
    /// With whom it is compared.
    pub than: String,
    /// What is claimed.
    pub claim: Claim,
}

/// A table of every agent with every user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cross {
    /// Where and how often.
    pub bout: Bout,
    /// Agents, top to bottom.
    pub agents: Vec<String>,
    /// Users, for each agent.
    pub users: Vec<String>,
    /// Metrics of each pairing, left to right.
    pub metrics: Vec<String>,
}

impl StudyRun {
    /// The settings under a seed.
    #[must_use]
    pub fn under(&self, seed: u64) -> RunSettings {
        RunSettings { seed, ..self.settings.clone() }
    }
}

/// What is asked about runs: which are made, each under each seed, who comes of them, and who is better at what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct StudyFile {
    /// Name of the study: its folder is studies/NAME. Left out: this file's name without .toml.
    name: Option<String>,
    /// Every run is made, and every policy measured, under each of them.
    seeds: Option<Vec<i64>>,
    /// What is trained, by name.
    runs: Option<BTreeMap<String, StudyRunFile>>,
    /// Who is measured, by name: the models of a run, or anybody else.
    policies: Option<BTreeMap<String, StudyPolicyFile>>,
    /// Tables of several policies in one seat, and claims about them.
    compare: Option<Vec<CompareFile>>,
    /// Tables of every agent with every user.
    cross: Option<Vec<CrossFile>>,
    /// Averages of policies over several scenarios.
    average: Option<Vec<AverageFile>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct StudyRunFile {
    /// The run file; a path that starts at this file's folder.
    run: Option<String>,
    /// Overrides, each `KEY=VALUE` as for `train --set`; never of the seed, which is each of `seeds`.
    set: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct StudyPolicyFile {
    /// The models of this run of the study; either this or `policy`.
    run: Option<String>,
    /// Which of the run's checkpoints: one that is there at its end, such as `step-000000`, after the cold start. Left out: the last step.
    checkpoint: Option<String>,
    /// Anybody else, the same under every seed: rule, random, scripted:NAME or model:DIR.
    policy: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct CompareFile {
    /// The scenario file; a path that starts at this file's folder. Left out: that of the runs, if they share one.
    scenario: Option<String>,
    /// The seat that the policies take, one after the other.
    seat: Option<String>,
    /// Who sits across the table: the name of a policy. Left out: the gym's fixed opponent.
    against: Option<String>,
    /// The first so many of the scenario's held-out items are played. Left out: all.
    items: Option<i64>,
    /// How often each item is played.
    trials: Option<i64>,
    /// Names of policies: the columns, left to right.
    policies: Option<Vec<String>>,
    /// Metrics that are shown besides those of the claims, by name.
    rows: Option<Vec<String>>,
    /// What is claimed of the policies of this table.
    claims: Option<Vec<ClaimFile>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct ClaimFile {
    /// Of whom it is claimed; one of the table's policies.
    policy: Option<String>,
    /// The metric that it is about, by name.
    metric: Option<String>,
    /// Which way the metric is better; needed where it is one of the world's own, and else known.
    better: Option<String>,
    /// It is better than this policy, by `by`.
    beats: Option<String>,
    /// It is not worse than this policy by `by`.
    not_worse_than: Option<String>,
    /// Its mean is at least `share` of this policy's.
    keeps_of: Option<String>,
    /// It has less than this policy, by at least `share` of what that one has.
    cuts_of: Option<String>,
    /// Margin, in the metric's unit; needed with `not_worse_than`, and only with that or `beats`.
    by: Option<f64>,
    /// Share that is kept or cut, 1 being all; with `keeps_of` or `cuts_of`, and only there.
    share: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct CrossFile {
    /// The scenario file; a path that starts at this file's folder. Left out: that of the runs, if they share one.
    scenario: Option<String>,
    /// The first so many of the scenario's held-out items are played. Left out: all.
    items: Option<i64>,
    /// How often each item is played.
    trials: Option<i64>,
    /// Names of policies: the agents, top to bottom.
    agents: Option<Vec<String>>,
    /// Names of policies: the users that each agent meets.
    users: Option<Vec<String>>,
    /// Metrics of each pairing, by name, left to right.
    metrics: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct AverageFile {
    /// The scenario files; paths that start at this file's folder. Left out: everything that the runs play.
    scenarios: Option<Vec<String>>,
    /// The seat that the policies take, each against the gym's fixed opponent.
    seat: Option<String>,
    /// The first so many held-out items of each scenario are played. Left out: all.
    items: Option<i64>,
    /// How often each item is played.
    trials: Option<i64>,
    /// Names of policies: the columns, left to right.
    policies: Option<Vec<String>>,
    /// Name of the policy that has 0 on each scenario's scale.
    random: Option<String>,
    /// Name of the policy that has 1.
    good: Option<String>,
    /// What is claimed of the policies' averages.
    claims: Option<Vec<AverageClaimFile>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct AverageClaimFile {
    /// Of whom it is claimed; one of the average's policies.
    policy: Option<String>,
    /// Its average is higher than this policy's, by `by`.
    beats: Option<String>,
    /// Margin, on the scale on which `random` has 0 and `good` has 1.
    by: Option<f64>,
}

/// A good study of `run.toml` in which every key is looked at, each kind of claim included: what is demanded of it, the schema says.
pub(crate) const LEAST: &str = r#"
seeds = [1]
runs = { least = { run = "run.toml" } }
policies = { model = { run = "least" }, script = { policy = "rule" } }
[[compare]]
seat = "agent"
policies = ["model", "script"]
claims = [
    { policy = "model", metric = "agent/score/mean", beats = "script" },
    { policy = "model", metric = "agent/score/mean", not_worse_than = "script", by = 0.0 },
    { policy = "model", metric = "agent/score/mean", keeps_of = "script", share = 1.0 },
    { policy = "model", metric = "agent/malformed", cuts_of = "script", share = 1.0 },
]
[[cross]]
agents = ["model"]
users = ["script"]
metrics = ["agent/score/mean"]
[[average]]
scenarios = ["scenario.toml"]
seat = "agent"
policies = ["model", "script"]
random = "script"
good = "script"
claims = [{ policy = "model", beats = "script" }]
"#;

/// The run file that the least good study names: good with the least good scenario of any gym, which has one held-out item.
pub(crate) const LEAST_RUN: &str = r#"
scenario = "scenario.toml"
sft = { teacher = "rule" }
grpo = { mode = "agent" }
eval = { items = 1 }
"#;

/// What a study file names. `None` stands for what was written wrong and has its error, so that nothing more is said about it.
struct Names<'s> {
    shelf: Shelf<'s>,
    folder: PathBuf,
    runs: BTreeMap<String, Option<StudyRun>>,
    policies: BTreeMap<String, Option<StudyPolicy>>,
    /// Runs and policies that somebody asks for.
    used: BTreeSet<String>,
    /// Policies that were found wrong for a seat.
    refused: BTreeSet<(String, Seat)>,
    /// Mistakes in other files.
    elsewhere: Vec<ConfigError>,
}

/// Checks the whole file, and every file that it names. `default_name` is the study's name where the file gives none. The study is good only
/// if `check` has found nothing, and nothing is wrong with the other files, whose mistakes are the second value.
pub(crate) fn study(check: &mut Check<'_>, default_name: &str, shelf: Shelf<'_>) -> (Study, Vec<ConfigError>) {
    let StudyFile { name, seeds, runs, policies, compare, cross, average } = check.read("");
    let name = name.unwrap_or_else(|| default_name.to_owned());
    check.name("name", Some(&name));
    let seeds = distinct_seeds(check, seeds);
    let mut names = Names {
        shelf,
        folder: check.folder().to_owned(),
        runs: BTreeMap::new(),
        policies: BTreeMap::new(),
        used: BTreeSet::new(),
        refused: BTreeSet::new(),
        elsewhere: Vec::new(),
    };
    for (run, file) in runs.unwrap_or_default() {
        let read = names.run(check, &run, file, seeds.first().copied());
        names.runs.insert(run, read);
    }
    check.present("policies", policies.is_some(), "policies.noisy = { policy = \"scripted:noisy\" }");
    for (policy, file) in policies.unwrap_or_default() {
        let read = names.policy(check, &policy, file);
        names.policies.insert(policy, read);
    }
    let asked = compare.as_ref().is_some_and(|list| !list.is_empty())
        || cross.as_ref().is_some_and(|list| !list.is_empty())
        || average.as_ref().is_some_and(|list| !list.is_empty());
    check.demand("", Says::SomeOf(&["compare", "cross", "average"]));
    check.present_here("compare", asked, "[[compare]]`, `[[cross]]` or `[[average]]");
    let compares = contest::compares(check, &mut names, compare.unwrap_or_default());
    let crosses = contest::crosses(check, &mut names, cross.unwrap_or_default());
    let averages = average::averages(check, &mut names, average.unwrap_or_default());
    if asked {
        names.unused(check);
    }
    let Names { runs, policies, elsewhere, .. } = names;
    let runs = runs.into_iter().filter_map(|(name, run)| Some((name, run?))).collect();
    let policies = policies.into_iter().filter_map(|(name, policy)| Some((name, policy?))).collect();
    (Study { name, seeds, runs, policies, compares, crosses, averages }, elsewhere)
}

/// A study finds its runs again by what decides them.
fn can_be_repeated(check: &mut Check<'_>, key: &str, mix: &Mix) {
    let opponents = mix.parts().iter().flat_map(|part| part.opponents.iter());
    let elsewhere = |policy: &&String| policy.starts_with("openai:");
    if let Some(policy) = opponents.map(|(_, opponent)| &opponent.policy).find(elsewhere) {
        let what =
            format!("meets `{policy}`, and nothing here decides what it says: its results could not be repeated");
        let hint = "train it on its own with `--remote-record FILE`, and let the study's run meet `replay:FILE`";
        check.error(key, what, hint);
    }
    mix.scenarios().for_each(|scenario| is_decided(check, key, scenario));
}

/// What an engine finds is decided by nothing that a study knows.
pub(crate) fn is_decided(check: &mut Check<'_>, key: &str, scenario: &Scenario) {
    if let Some(engine) = scenario.rules.engine() {
        let what = format!(
            "plays `{}`, which searches in `{}`, and nothing here decides what that finds: its results could not be repeated",
            scenario.name,
            engine.url()
        );
        check.error(key, what, "give the scenario a `corpus` in place of its `engine`");
    }
}

fn distinct_seeds(check: &mut Check<'_>, given: Option<Vec<i64>>) -> Vec<u64> {
    check.filled("seeds", given.is_some(), "seeds = [1, 2, 3]");
    check.demand("seeds", Says::Distinct);
    let given = given.unwrap_or_default();
    let mut seeds = Vec::new();
    for (index, seed) in given.iter().enumerate() {
        let key = format!("seeds[{index}]");
        if given[..index].contains(seed) && !check.overlooked(&key) {
            check.error(&key, format!("{seed} stands in the list already"), "each seed counts once");
        }
        seeds.push(check.whole_entry(&key, *seed, 1, Allowed::SEED));
    }
    if given.is_empty() && check.root_has("seeds") && !check.overlooked("seeds") {
        check.error("seeds", "holds no seed, so nothing would be run", "e.g. `seeds = [1, 2, 3]`");
    }
    seeds
}

impl Names<'_> {
    /// Reads a run's files under the study's first seed.
    fn run(&mut self, check: &mut Check<'_>, name: &str, file: StudyRunFile, seed: Option<u64>) -> Option<StudyRun> {
        let StudyRunFile { run, set } = file;
        check.entry_name("runs", name);
        let key = format!("runs.{name}");
        let own = format!("{key}.run");
        check.present(&own, run.is_some(), "run = \"../quickstart.toml\"");
        let written = run?;
        let file = self.shelf.beside(&self.folder, &written);
        load::named(self.shelf, FileKind::Run, &file, (&own, &written), check)?;
        let set = self.overrides(check, &key, set.unwrap_or_default())?;
        let mut overrides = set.clone();
        overrides.extend(seed.map(|seed| format!("seed={seed}")));
        match load::run_of(self.shelf, &file, &overrides) {
            Ok((settings, mix, _)) => {
                can_be_repeated(check, &own, &mix);
                Some(StudyRun { file, set, settings, mix })
            }
            Err(errors) => {
                errors.0.into_iter().for_each(|error| self.wrong_run(check, &key, error));
                None
            }
        }
    }

    /// A mistake in an override is one of this file's; any other is told once, however many runs share the file.
    fn wrong_run(&mut self, check: &mut Check<'_>, key: &str, error: ConfigError) {
        if error.file == "--set" {
            let hint = error.hint.unwrap_or_else(|| "write KEY=VALUE, e.g. \"grpo.lr=3e-4\"".to_owned());
            check.error(&format!("{key}.set"), format!("`{}`: {}", error.key, error.what), hint);
        } else if !self.elsewhere.contains(&error) {
            self.elsewhere.push(error);
        }
    }

    /// The overrides of a run, with the path of a scenario made to start at the study's folder.
    fn overrides(&self, check: &mut Check<'_>, key: &str, set: Vec<String>) -> Option<Vec<String>> {
        check.demand(&format!("{key}.set[0]"), Says::Form("="));
        let mut good = Some(Vec::new());
        for (index, text) in set.into_iter().enumerate() {
            let own = format!("{key}.set[{index}]");
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if check.overlooked(&own) {
                good = None;
            } else if name == "seed" {
                check.error(&own, "has no effect: every run is made under each of `seeds`", "take it out of the list");
                good = None;
            } else if name == "scenario" && !value.is_empty() {
                let path = self.shelf.beside(&self.folder, value);
                good.iter_mut().for_each(|good| good.push(format!("scenario={}", path.display())));
            } else {
                good.iter_mut().for_each(|good| good.push(text.clone()));
            }
        }
        good
    }

    fn policy(&mut self, check: &mut Check<'_>, name: &str, file: StudyPolicyFile) -> Option<StudyPolicy> {
        let StudyPolicyFile { run, checkpoint, policy } = file;
        check.entry_name("policies", name);
        let key = format!("policies.{name}");
        check.demand(&key, Says::JustOneOf(&["run", "policy"]));
        match (run, policy) {
            (Some(run), None) => self.of_run(check, &key, run, checkpoint.as_deref()),
            (None, Some(policy)) => {
                check.without_effect(&format!("{key}.checkpoint"), checkpoint, "only a run has checkpoints");
                Some(StudyPolicy::Fixed(match policy.strip_prefix("model:").filter(|folder| !folder.is_empty()) {
                    Some(folder) => format!("model:{}", self.shelf.beside(&self.folder, folder).display()),
                    None => policy,
                }))
            }
            (Some(_), Some(_)) => {
                let what = "has both a `run` and a `policy`: who is meant?";
                check.error(&key, what, "keep `run` for the models of a run, `policy` for anybody else");
                None
            }
            (None, None) => {
                let unread = ["run", "policy"].iter().any(|one| check.overlooked(&format!("{key}.{one}")));
                if !unread && !check.overlooked(&key) {
                    let hint = "add `run = \"NAME\"` for the models of a run, or e.g. `policy = \"scripted:noisy\"`";
                    check.error(&key, "says not who plays", hint);
                }
                None
            }
        }
    }

    fn of_run(
        &mut self,
        check: &mut Check<'_>,
        key: &str,
        run: String,
        checkpoint: Option<&str>,
    ) -> Option<StudyPolicy> {
        let Some(known) = self.runs.get(&run) else {
            let hint = suggest::hint(&run, self.runs.keys().map(String::as_str), "the runs here are");
            check.error(&format!("{key}.run"), format!("there is no run `{run}` in this study"), hint);
            return None;
        };
        self.used.insert(format!("runs.{run}"));
        let settings = &known.as_ref()?.settings;
        let own = format!("{key}.checkpoint");
        // As `name_of_step` writes it.
        check.demand(&own, Says::Form("^step-([0-9]{6}|[1-9][0-9]{6,})$"));
        let step = match checkpoint {
            None => settings.grpo.steps,
            Some(written) => kept_step(check, &own, written, settings)?,
        };
        Some(StudyPolicy::Run { run, step })
    }

    /// A run or a policy that nobody asks for costs time or a thought, and changes nothing.
    fn unused(&self, check: &mut Check<'_>) {
        let runs = self.runs.keys().map(|name| (format!("runs.{name}"), "no policy is of this run"));
        let policies = self
            .policies
            .keys()
            .map(|name| (format!("policies.{name}"), "no `[[compare]]`, `[[cross]]` or `[[average]]` names it"));
        for (key, why) in runs.chain(policies).filter(|(key, _)| !self.used.contains(key)) {
            check.error(&key, format!("has no effect in this study: {why}"), "use it, or take it out of the file");
        }
    }
}

/// The step of a checkpoint that will still be there at the end of the run.
fn kept_step(check: &mut Check<'_>, key: &str, written: &str, settings: &RunSettings) -> Option<u64> {
    let step: Option<u64> = written.strip_prefix("step-").and_then(|digits| digits.parse().ok());
    let Some(step) = step.filter(|step| name_of_step(*step) == written) else {
        let hint = "write e.g. \"step-000000\" for the state after the cold start; without the key it is the last step";
        check.error(key, format!("`{written}` is not the name of a step's checkpoint"), hint);
        return None;
    };
    let (last, every) = (settings.grpo.steps, settings.checkpoints.grpo_every);
    let commits = (1..=last).rev().filter(|step| *step == last || step % every == 0);
    let mut kept: Vec<u64> = commits.take(settings.checkpoints.keep).chain([0]).collect();
    kept.reverse();
    if !kept.contains(&step) {
        let names: Vec<String> = kept.into_iter().map(name_of_step).collect();
        let names = suggest::list(names.iter().map(String::as_str));
        let hint = "choose one of them, or raise `checkpoints.keep` of the run";
        check.error(key, format!("`{written}` will not be there: at its end the run keeps {names}"), hint);
        return None;
    }
    Some(step)
}

/// As on disk.
fn name_of_step(step: u64) -> String {
    format!("step-{step:06}")
}

/// Whether a run updates the model of `seat`.
fn trains(settings: &RunSettings, seat: Seat) -> bool {
    settings.grpo.mode.learning()[seat]
}

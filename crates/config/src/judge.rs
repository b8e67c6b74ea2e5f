//! `[judge]`: who gives the verdict; and of a rubric what is asked, of whom, and by which known cases they are watched.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use sim::Rubric;
use sim::Seat;
use sim::rubric::Criterion;
use sim::rubric::Gold;
use sim::rubric::JUDGE;
use sim::rubric::Juror;
use sim::scenario::JudgeRules;
use sim::scenario::RUBRIC;
use sim::scenario::RULE;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::scenario::DEADLINE_MS;
use crate::suggest;

/// How long a verdict may be waited for, if the file does not say.
const RULE_MS: u64 = 2000;
const RUBRIC_MS: u64 = 120_000;

/// Levels that a criterion may have.
const LEVELS: std::ops::RangeInclusive<usize> = 2..=10;

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct JudgeFile {
    /// Who judges: `rule` is the gym itself, `rubric` a panel of models besides.
    policy: Option<String>,
    /// Milliseconds that one verdict may take; by a rubric 120 000 if it is left out.
    deadline_ms: Option<i64>,
    /// What a judge that fails means: nobody is scored.
    on_fault: Option<String>,
    /// Who is asked by a rubric, each on its own.
    panel: Option<Vec<JurorFile>>,
    /// What the panel reads of the judged seat besides what it heard and said: `thought`, `brief`. Both, if it is left out.
    reads: Option<Vec<String>>,
    /// What the panel is asked.
    criteria: Option<Vec<CriterionFile>>,
    /// Cases whose levels are known, put to the panel at each evaluation.
    gold: Option<Vec<GoldFile>>,
    /// Mean distance from the levels of the gold cases above which it is an alarm.
    drift_max: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct JurorFile {
    /// `openai:MODEL`, or `replay:FILE` of a run that was recorded.
    policy: Option<String>,
    /// The family of models it is of, in a word of yours: who judges for training may not judge what was trained.
    family: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct CriterionFile {
    /// Whose conduct it is about.
    seat: Option<String>,
    /// Its name; terms and measures have `judge.` in front.
    name: Option<String>,
    /// What is asked.
    question: Option<String>,
    /// What each level looks like, the worst first. The first is worth 0, the last 1.
    levels: Option<Vec<String>>,
    /// Its weight in what trains the seat; left out, it is only measured.
    weight: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct GoldFile {
    /// Whose conduct was judged.
    seat: Option<String>,
    /// What the panel reads.
    case: Option<String>,
    /// The level of each criterion of that seat, from 1.
    levels: Option<BTreeMap<String, i64>>,
}

/// The section.
pub(crate) fn judge_rules(check: &mut Check<'_>, file: JudgeFile) -> JudgeRules {
    let JudgeFile { policy, deadline_ms, on_fault, panel, reads, criteria, gold, drift_max } = file;
    let policy = check.word("judge.policy", policy.as_deref(), &[(RULE, RULE), (RUBRIC, RUBRIC)]);
    check.word("judge.on_fault", on_fault.as_deref(), &[("no_verdict", ())]);
    let patience = if policy == RUBRIC { Some(RUBRIC_MS as i64) } else { None };
    let deadline_ms = check.whole("judge.deadline_ms", deadline_ms.or(patience), RULE_MS, DEADLINE_MS);
    demands(check);
    if policy == RULE {
        let because = "`judge.policy` is `rule`, which asks nobody";
        check.without_effect("judge.panel", panel, because);
        check.without_effect("judge.reads", reads, because);
        check.without_effect("judge.criteria", criteria, because);
        check.without_effect("judge.gold", gold, because);
        check.without_effect("judge.drift_max", drift_max, because);
        return JudgeRules { policy: policy.to_owned(), deadline_ms, rubric: None };
    }
    let drift_max = check.number("judge.drift_max", drift_max, DRIFT_MAX, DRIFT);
    let (reads_thought, reads_brief) = parts(check, reads);
    let panel = self::panel(check, panel.unwrap_or_default());
    let criteria = self::criteria(check, criteria.unwrap_or_default());
    let gold = self::gold(check, gold.unwrap_or_default(), &criteria);
    let rubric = Rubric { panel, reads_thought, reads_brief, criteria, gold, drift_max };
    JudgeRules { policy: policy.to_owned(), deadline_ms, rubric: Some(Arc::new(rubric)) }
}

const WEIGHT: Allowed =
    Allowed::above(0.0, 1000.0, "a term without weight has no effect; left out, it is only measured");

const DRIFT_MAX: f64 = 0.2;
const DRIFT: Allowed = Allowed::between(0.0, 1.0, "it is a mean distance between values from 0 to 1");
const LEVEL: Allowed = Allowed::between(1.0, 10.0, "levels are counted from 1");

/// What is demanded of a rubric, for a schema: the least good file has none.
fn demands(check: &mut Check<'_>) {
    let seats: Vec<String> = Seat::ALL.iter().map(|seat| seat.name().to_owned()).collect();
    for (section, keys) in [
        ("panel", &["policy", "family"][..]),
        ("criteria", &["seat", "name", "question", "levels"]),
        ("gold", &["seat", "case", "levels"]),
    ] {
        for key in keys {
            check.demand(&format!("judge.{section}[0].{key}"), Says::Needed);
        }
    }
    check.demand("judge.criteria[0].seat", Says::OneOf(seats.clone()));
    check.demand("judge.gold[0].seat", Says::OneOf(seats));
    check.demand("judge.criteria[0].weight", Says::Within(WEIGHT));
    check.demand("judge.gold[0].levels.any", Says::Within(LEVEL));
    check.demand("judge.drift_max", Says::Default(json!(DRIFT_MAX)));
    check.demand("judge.drift_max", Says::Within(DRIFT));
}

fn parts(check: &mut Check<'_>, reads: Option<Vec<String>>) -> (bool, bool) {
    let Some(reads) = reads else { return (true, true) };
    for (index, word) in reads.iter().enumerate().filter(|(_, word)| !["thought", "brief"].contains(&word.as_str())) {
        let hint = suggest::hint(word, ["thought", "brief"], "it is one of");
        check.error(&format!("judge.reads[{index}]"), format!("cannot be `{word}`"), hint);
    }
    let has = |part: &str| reads.iter().any(|word| word == part);
    (has("thought"), has("brief"))
}

fn panel(check: &mut Check<'_>, files: Vec<JurorFile>) -> Vec<Juror> {
    const EXAMPLE: &str = "panel = [{ policy = \"openai:MODEL\", family = \"NAME\" }]";
    check.present_here("judge.panel", !files.is_empty(), EXAMPLE);
    let mut panel: Vec<Juror> = Vec::new();
    for (index, JurorFile { policy, family }) in files.into_iter().enumerate() {
        let key = |field: &str| format!("judge.panel[{index}].{field}");
        check.present_here(&key("policy"), policy.is_some(), "policy = \"openai:MODEL\"");
        check.present_here(&key("family"), family.is_some(), "family = \"NAME\"");
        let (Some(policy), Some(family)) = (policy, family) else { continue };
        juror(check, &key("policy"), &policy);
        if family.trim().is_empty() {
            check.error(&key("family"), "is empty", "name the family, e.g. \"qwen\"");
        }
        if panel.iter().any(|other| other.policy == policy) {
            let what = format!("`{policy}` is on the panel already: it would say the same twice");
            check.error(&key("policy"), what, "name another model, or take this one out");
        }
        panel.push(Juror { policy, family });
    }
    panel
}

/// Whether somebody can be asked as this policy says.
pub(crate) fn juror(check: &mut Check<'_>, key: &str, policy: &str) {
    let is_named =
        ["openai:", "replay:"].iter().any(|prefix| policy.len() > prefix.len() && policy.starts_with(prefix));
    if !is_named {
        let what = format!("`{policy}` cannot judge by a rubric");
        check.error(key, what, "write openai:MODEL, or replay:FILE for a run that was recorded");
    }
}

fn criteria(check: &mut Check<'_>, files: Vec<CriterionFile>) -> Vec<Criterion> {
    const EXAMPLE: &str =
        "[[judge.criteria]] with seat = \"user\", name = \"consistency\", question = \"…\", levels = [\"…\", \"…\"]";
    check.present_here("judge.criteria", !files.is_empty(), EXAMPLE);
    let mut criteria: Vec<Criterion> = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let Some(criterion) = criterion(check, index, file) else { continue };
        if criteria.iter().any(|other| (other.seat, &other.name) == (criterion.seat, &criterion.name)) {
            let what = format!("the {} is asked for `{}` already", criterion.seat, criterion.name);
            check.error(&format!("judge.criteria[{index}].name"), what, "give each criterion of a seat its own name");
        }
        criteria.push(criterion);
    }
    criteria
}

fn criterion(check: &mut Check<'_>, index: usize, file: CriterionFile) -> Option<Criterion> {
    let CriterionFile { seat, name, question, levels, weight } = file;
    let key = |field: &str| format!("judge.criteria[{index}].{field}");
    let seats = Seat::ALL.map(|seat| (seat.name(), seat));
    check.present_here(&key("seat"), seat.is_some(), "seat = \"user\"");
    let seat = check.word_optional(&key("seat"), seat.as_deref(), &seats);
    check.present_here(&key("name"), name.is_some(), "name = \"consistency\"");
    check.present_here(&key("question"), question.is_some(), "question = \"Does it keep to its profile?\"");
    check.present_here(&key("levels"), levels.is_some(), "levels = [\"not at all\", \"in part\", \"throughout\"]");
    let weight = check.number_optional(&key("weight"), weight, WEIGHT, "it is only measured");
    let (name, question, levels) = (name?, question?, levels?);
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_name || name == "disagreement" {
        let hint = "use lower-case letters, digits and `_`; `disagreement` is a measure of its own";
        check.error(&key("name"), format!("cannot be `{name}`"), hint);
    }
    if !LEVELS.contains(&levels.len()) || levels.iter().any(|level| level.trim().is_empty()) {
        let what = format!("has {} levels: a judge needs from 2 to 10, each described", levels.len());
        check.error(&key("levels"), what, "describe each level in a few words, the worst first");
    }
    Some(Criterion { seat: seat?, name: format!("{JUDGE}{name}"), weight, question, levels })
}

fn gold(check: &mut Check<'_>, files: Vec<GoldFile>, criteria: &[Criterion]) -> Vec<Gold> {
    files.into_iter().enumerate().filter_map(|(index, file)| gold_case(check, index, file, criteria)).collect()
}

fn gold_case(check: &mut Check<'_>, index: usize, file: GoldFile, criteria: &[Criterion]) -> Option<Gold> {
    let GoldFile { seat, case, levels } = file;
    let key = |field: &str| format!("judge.gold[{index}].{field}");
    let seats = Seat::ALL.map(|seat| (seat.name(), seat));
    check.present_here(&key("seat"), seat.is_some(), "seat = \"user\"");
    let seat = check.word_optional(&key("seat"), seat.as_deref(), &seats);
    check.present_here(&key("case"), case.is_some(), "case = \"Heard: … Thought: … Said: …\"");
    check.present_here(&key("levels"), levels.is_some(), "levels = { consistency = 3 }");
    let (seat, case, levels) = (seat?, case?, levels?);
    let mut known = BTreeMap::new();
    for (name, level) in levels {
        let own: Vec<&Criterion> = criteria.iter().filter(|criterion| criterion.seat == seat).collect();
        let full = format!("{JUDGE}{name}");
        let Some(criterion) = own.iter().find(|criterion| criterion.name == full) else {
            let names = own.iter().map(|criterion| criterion.name.trim_start_matches(JUDGE));
            let hint = suggest::hint(&name, names, "criteria of that seat");
            check.error(&key(&format!("levels.{name}")), format!("the {seat} has no criterion `{name}`"), hint);
            continue;
        };
        let most = criterion.levels.len();
        match u32::try_from(level).ok().filter(|level| (1..=most as u32).contains(level)) {
            Some(level) => drop(known.insert(full, level)),
            None => {
                let what = format!("cannot be {level}: `{name}` has the levels 1 to {most}");
                check.error(&key(&format!("levels.{name}")), what, "levels are counted from 1, the worst");
            }
        }
    }
    Some(Gold { seat, case, levels: known })
}

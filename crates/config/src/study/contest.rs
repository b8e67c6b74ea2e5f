//! `[[compare]]` and `[[cross]]`: who meets whom, and what is asked about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rl::Better;
use rl::Claim;
use rl::Demand;
use rl::evaluation;
use sim::Scenario;
use sim::Seat;

use super::Bout;
use super::ClaimFile;
use super::CompareFile;
use super::Cross;
use super::CrossFile;
use super::Names;
use super::StudyClaim;
use super::StudyCompare;
use super::StudyPolicy;
use super::StudyRun;
use super::is_decided;
use super::trains;
use crate::FileKind;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::load;
use crate::policy;
use crate::suggest;
use crate::world;

pub(super) const SEATS: [(&str, Seat); 2] = [("agent", Seat::Agent), ("user", Seat::User)];
const BETTER: [(&str, Better); 2] = [("more", Better::More), ("less", Better::Less)];
/// Margins of claims.
const MARGIN: Allowed = Allowed::between(0.0, 1e6, "it is a margin in the metric's unit");
/// Shares that are to be kept.
const KEPT: Allowed = Allowed::above(0.0, 1e3, "it is a share of what the other has");

pub(super) fn compares(check: &mut Check<'_>, names: &mut Names<'_>, files: Vec<CompareFile>) -> Vec<StudyCompare> {
    let read = |(index, file)| compare(check, names, &format!("compare[{index}]"), file);
    files.into_iter().enumerate().filter_map(read).collect()
}

pub(super) fn crosses(check: &mut Check<'_>, names: &mut Names<'_>, files: Vec<CrossFile>) -> Vec<Cross> {
    let read = |(index, file)| cross(check, names, &format!("cross[{index}]"), file);
    files.into_iter().enumerate().filter_map(read).collect()
}

fn compare(check: &mut Check<'_>, names: &mut Names<'_>, key: &str, file: CompareFile) -> Option<StudyCompare> {
    let CompareFile { scenario, seat, against, items, trials, policies, rows, claims } = file;
    let bout = bout(check, names, key, scenario, items, trials);
    let seat = check.word_required(&format!("{key}.seat"), seat.as_deref(), &SEATS, "seat = \"agent\"");
    let scenario = bout.as_ref().map(|bout| &*bout.scenario);
    let policies =
        players(check, names, (&format!("{key}.policies"), "policies = [\"RL\", \"SFT\"]"), policies, seat, scenario);
    if let Some(name) = &against {
        player(check, names, &format!("{key}.against"), name, seat.map(Seat::partner), scenario);
    }
    let known = bout.as_ref().map(|bout| evaluation::names(&bout.scenario, bout.trials));
    check.demand(key, Says::SomeOf(&["rows", "claims"]));
    let (of_rows, of_claims) = (format!("{key}.rows"), format!("{key}.claims"));
    let asks =
        rows.as_ref().is_some_and(|rows| !rows.is_empty()) || claims.as_ref().is_some_and(|list| !list.is_empty());
    check.present_here(&of_rows, asks || check.overlooked(&of_claims), "rows = [\"agent/score/mean\"]");
    let mut claimed = Vec::new();
    for (index, file) in claims.into_iter().flatten().enumerate() {
        claimed.extend(claim(check, &format!("{of_claims}[{index}]"), file, &policies, known.as_ref()));
    }
    let rows = metrics(check, &of_rows, rows.unwrap_or_default(), known.as_ref());
    let mut shown: Vec<String> = Vec::new();
    for name in claimed.iter().map(|claim| claim.claim.metric.clone()).chain(rows) {
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    Some(StudyCompare { bout: bout?, seat: seat?, against, policies, rows: shown, claims: claimed })
}

fn cross(check: &mut Check<'_>, names: &mut Names<'_>, key: &str, file: CrossFile) -> Option<Cross> {
    let CrossFile { scenario, items, trials, agents, users, metrics: wanted } = file;
    let bout = bout(check, names, key, scenario, items, trials);
    let scenario = bout.as_ref().map(|bout| &*bout.scenario);
    let (of_agents, of_users) = (format!("{key}.agents"), format!("{key}.users"));
    let agents = players(check, names, (&of_agents, "agents = [\"RL\"]"), agents, Some(Seat::Agent), scenario);
    let users = players(check, names, (&of_users, "users = [\"RL\"]"), users, Some(Seat::User), scenario);
    let own = format!("{key}.metrics");
    check.filled(&own, wanted.as_ref().is_some_and(|wanted| !wanted.is_empty()), "metrics = [\"agent/score/mean\"]");
    let known = bout.as_ref().map(|bout| evaluation::names(&bout.scenario, bout.trials));
    let metrics = metrics(check, &own, wanted.unwrap_or_default(), known.as_ref());
    Some(Cross { bout: bout?, agents, users, metrics })
}

/// Where and how often; `None` if the scenario is not known.
fn bout(
    check: &mut Check<'_>,
    names: &mut Names<'_>,
    key: &str,
    written: Option<String>,
    items: Option<i64>,
    trials: Option<i64>,
) -> Option<Bout> {
    let repeats = Allowed::between(1.0, 1000.0, "it is how often each item is played");
    let trials = check.whole(&format!("{key}.trials"), trials, 1, repeats);
    let scenario = scenario(check, names, &format!("{key}.scenario"), written)?;
    let held_out = scenario.items.held_out;
    let count = Allowed::between(1.0, world::ITEMS_MAX, "it is how many of the scenario's held-out items are played")
        .here_at_most(f64::from(held_out));
    let items = check.whole_optional(&format!("{key}.items"), items, count, "all of them are played");
    Some(Bout { scenario, items: items.unwrap_or(held_out), trials })
}

/// The scenario of a file; `None` if it is not good, which is noted.
pub(super) fn scenario_file(
    check: &mut Check<'_>,
    names: &mut Names<'_>,
    key: &str,
    written: &str,
) -> Option<Arc<Scenario>> {
    let path = names.shelf.beside(&names.folder, written);
    let source = load::named(names.shelf, FileKind::Scenario, &path, (key, written), check)?;
    match load::scenario_of(&source) {
        Ok(scenario) => {
            is_decided(check, key, &scenario);
            Some(scenario.into())
        }
        Err(errors) => {
            let new = errors.0.into_iter().filter(|error| !names.elsewhere.contains(error)).collect::<Vec<_>>();
            names.elsewhere.extend(new);
            None
        }
    }
}

/// What the runs play, each scenario once; `None` if a run is not good, which was noted.
pub(super) fn of_runs(names: &Names<'_>) -> Option<Vec<Arc<Scenario>>> {
    let runs: Option<Vec<&StudyRun>> = names.runs.values().map(Option::as_ref).collect();
    let mut played: Vec<Arc<Scenario>> = Vec::new();
    for scenario in runs?.into_iter().flat_map(|run| run.mix.scenarios()) {
        if !played.contains(scenario) {
            played.push(Arc::clone(scenario));
        }
    }
    Some(played)
}

/// The scenario that is named, or else the one that all runs share.
fn scenario(check: &mut Check<'_>, names: &mut Names<'_>, key: &str, written: Option<String>) -> Option<Arc<Scenario>> {
    if let Some(written) = written {
        return scenario_file(check, names, key, &written);
    }
    let played = of_runs(names)?;
    let [alone] = &played[..] else {
        let why = if played.is_empty() { "no run says what is played" } else { "the runs play different scenarios" };
        if !check.overlooked(key) {
            check.error(key, format!("is missing, and {why}"), "add e.g. `scenario = \"../scenarios/haggle.toml\"`");
        }
        return None;
    };
    Some(Arc::clone(alone))
}

/// A list of policies for one seat, under its key and with an example.
pub(super) fn players(
    check: &mut Check<'_>,
    names: &mut Names<'_>,
    (key, example): (&str, &str),
    given: Option<Vec<String>>,
    seat: Option<Seat>,
    scenario: Option<&Scenario>,
) -> Vec<String> {
    let given = given.unwrap_or_default();
    check.filled(key, !given.is_empty(), example);
    check.demand(key, Says::Distinct);
    for (index, name) in given.iter().enumerate() {
        let own = format!("{key}[{index}]");
        if given[..index].contains(name) && !check.overlooked(&own) {
            check.error(&own, format!("`{name}` stands in the list already"), "name each policy once");
        }
        player(check, names, &own, name, seat, scenario);
    }
    given
}

/// A policy that must exist and be able to take its seat.
pub(super) fn player(
    check: &mut Check<'_>,
    names: &mut Names<'_>,
    key: &str,
    name: &str,
    seat: Option<Seat>,
    scenario: Option<&Scenario>,
) {
    if check.overlooked(key) {
        return;
    }
    let Some(known) = names.policies.get(name) else {
        let hint = suggest::hint(name, names.policies.keys().map(String::as_str), "the policies here are");
        check.error(key, format!("there is no policy `{name}` in this study"), hint);
        return;
    };
    names.used.insert(format!("policies.{name}"));
    let (Some(policy), Some(seat)) = (known, seat) else { return };
    let wrong = match policy {
        StudyPolicy::Run { run, .. } => {
            let settings = names.runs.get(run).and_then(Option::as_ref).map(|run| &run.settings);
            let idle = settings.is_some_and(|settings| !trains(settings, seat));
            idle.then(|| {
                (format!("the run `{run}` trains no {seat}"), format!("it has a model of the {} only", seat.partner()))
            })
        }
        StudyPolicy::Fixed(policy) => scenario.and_then(|scenario| {
            check.demand(&format!("policies.{name}.policy"), policy::demand_in_study(&scenario.rules, seat));
            policy::mistake(&scenario.rules, seat, policy).or_else(|| policy::mistake_in_study(policy))
        }),
    };
    if let Some((what, hint)) = wrong
        && names.refused.insert((name.to_owned(), seat))
    {
        let place = match policy {
            StudyPolicy::Run { .. } => key.to_owned(),
            StudyPolicy::Fixed(_) => format!("policies.{name}.policy"),
        };
        check.error(&place, what, hint);
    }
}

/// Names of metrics; those that are none are noted and left out.
fn metrics(check: &mut Check<'_>, key: &str, given: Vec<String>, known: Option<&BTreeSet<String>>) -> Vec<String> {
    let named = given.into_iter().enumerate();
    named.filter(|(index, name)| metric(check, &format!("{key}[{index}]"), name, known)).map(|(_, name)| name).collect()
}

/// Whether there is such a metric. Where the scenario is not known, every name is taken.
fn metric(check: &mut Check<'_>, key: &str, name: &str, known: Option<&BTreeSet<String>>) -> bool {
    let found = known.is_none_or(|known| known.contains(name));
    if !found && !check.overlooked(key) {
        let hint = match suggest::nearest(name, known.into_iter().flatten().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "docs/METRICS.md lists them, e.g. `agent/score/mean`".to_owned(),
        };
        check.error(key, format!("there is no metric `{name}` in this scenario"), hint);
    }
    found
}

fn claim(
    check: &mut Check<'_>,
    key: &str,
    file: ClaimFile,
    policies: &[String],
    known: Option<&BTreeSet<String>>,
) -> Option<StudyClaim> {
    let ClaimFile { policy, metric: name, better, beats, not_worse_than, keeps_of, cuts_of, by, share } = file;
    if check.overlooked(key) {
        return None;
    }
    let own = |name: &str| format!("{key}.{name}");
    check.demand(key, Says::JustOneOf(&["beats", "not_worse_than", "keeps_of", "cuts_of"]));
    check.present(&own("policy"), policy.is_some(), "policy = \"RL\"");
    check.present(&own("metric"), name.is_some(), "metric = \"agent/score/mean\"");
    let named = name.as_ref().is_some_and(|name| metric(check, &own("metric"), name, known));
    let (than, demand) = match (beats, not_worse_than, keeps_of, cuts_of) {
        (Some(than), None, None, None) => {
            check.without_effect(&own("share"), share, "`beats` asks for a difference");
            (("beats", than), Demand::Beats { by: check.number(&own("by"), by, 0.0, MARGIN) })
        }
        (None, Some(than), None, None) => {
            check.without_effect(&own("share"), share, "`not_worse_than` asks for a difference");
            (("not_worse_than", than), Demand::NotWorse { by: check.number_here(&own("by"), by, 0.02, MARGIN) })
        }
        (None, None, Some(than), None) => {
            check.without_effect(&own("by"), by, "`keeps_of` asks for a share");
            (("keeps_of", than), Demand::Keeps { share: check.number_here(&own("share"), share, 0.9, KEPT) })
        }
        (None, None, None, Some(than)) => {
            check.without_effect(&own("by"), by, "`cuts_of` asks for a share");
            (
                ("cuts_of", than),
                Demand::Cuts { share: check.number_here(&own("share"), share, 0.25, KEPT.here_at_most(1.0)) },
            )
        }
        _ => {
            let hint = "write one of `beats`, `not_worse_than`, `keeps_of` and `cuts_of`, with the name of a policy";
            check.error(key, "does not claim one thing of one other policy", hint);
            return None;
        }
    };
    for (part, name) in [("policy", policy.as_ref()), (than.0, Some(&than.1))] {
        let Some(name) = name.filter(|name| !policies.contains(name)) else { continue };
        let hint = suggest::hint(name, policies.iter().map(String::as_str), "they are");
        check.error(&own(part), format!("`{name}` is not among the `policies` of this table"), hint);
    }
    let better = direction(check, key, name.as_deref().filter(|_| named), better.as_deref(), demand)?;
    Some(StudyClaim { policy: policy?, than: than.1, claim: Claim { metric: name?, better, demand } })
}

/// Which way a metric is better: known, or said.
fn direction(
    check: &mut Check<'_>,
    key: &str,
    metric: Option<&str>,
    written: Option<&str>,
    demand: Demand,
) -> Option<Better> {
    let own = format!("{key}.better");
    let said = check.word_optional(&own, written, &BETTER);
    let metric = metric?;
    let known = Better::known(metric);
    if let (Some(known), Some(said)) = (known, said)
        && known != said
    {
        let what = format!("cannot be \"{}\": of `{metric}`, {} is better", said.name(), known.name());
        check.error(&own, what, "take it out: for this metric it is known");
    }
    if known.is_none() && written.is_none() && !check.overlooked(&own) {
        let what = format!("is missing: whether more or less of `{metric}` is better depends on the world");
        check.error(&own, what, "add `better = \"more\"` or `better = \"less\"`");
    }
    let better = known.or(said)?;
    if matches!(demand, Demand::Keeps { .. }) && better == Better::Less {
        let what = format!("a share is kept of what is good, and less of `{metric}` is better");
        check.error(&format!("{key}.keeps_of"), what, "write `not_worse_than` with a margin `by`");
    }
    if matches!(demand, Demand::Cuts { .. }) && better == Better::More {
        let what = format!("what is bad is cut, and more of `{metric}` is better");
        check.error(&format!("{key}.cuts_of"), what, "write `beats` with a margin `by`");
    }
    Some(better)
}

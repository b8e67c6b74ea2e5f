//! `[[average]]`: policies over several scenarios at once, on the scale on which one policy has 0 and another has 1.

use std::sync::Arc;

use rl::Better;
use rl::Claim;
use rl::Demand;
use sim::Scenario;

use super::AverageClaimFile;
use super::AverageFile;
use super::Bout;
use super::Names;
use super::StudyAverage;
use super::StudyClaim;
use super::contest;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::world;

/// What is averaged, as claims and tables call it.
const METRIC: &str = "score_norm";
/// Margins of claims.
const MARGIN: Allowed =
    Allowed::between(0.0, 1e3, "it is a margin on the scale on which `random` has 0 and `good` has 1");

pub(super) fn averages(check: &mut Check<'_>, names: &mut Names<'_>, files: Vec<AverageFile>) -> Vec<StudyAverage> {
    let read = |(index, file)| average(check, names, &format!("average[{index}]"), file);
    files.into_iter().enumerate().filter_map(read).collect()
}

fn average(check: &mut Check<'_>, names: &mut Names<'_>, key: &str, file: AverageFile) -> Option<StudyAverage> {
    let AverageFile { scenarios, seat, items, trials, policies, random, good, claims } = file;
    let own = |name: &str| format!("{key}.{name}");
    let bouts = bouts(check, names, key, scenarios, items, trials);
    let seat = check.word_required(&own("seat"), seat.as_deref(), &contest::SEATS, "seat = \"agent\"");
    let played: Vec<Arc<Scenario>> = bouts.iter().flatten().map(|bout| Arc::clone(&bout.scenario)).collect();
    let example = (own("policies"), "policies = [\"RL\", \"SFT\"]");
    let first = played.first().map(|scenario| &**scenario);
    let policies = contest::players(check, names, (&example.0, example.1), policies, seat, first);
    let mut reference = |part: &str, given: Option<String>| {
        let example = format!("{part} = \"{part}\"");
        check.present(&own(part), given.is_some(), &example);
        given.inspect(|name| contest::player(check, names, &own(part), name, seat, first))
    };
    let (random, good) = (reference("random", random), reference("good", good));
    for scenario in played.iter().skip(1) {
        for name in policies.iter().chain(&random).chain(&good) {
            contest::player(check, names, &own("policies"), name, seat, Some(scenario));
        }
    }
    let claims = claims.into_iter().flatten().enumerate();
    let claims = claims.filter_map(|(index, file)| claim(check, &format!("{key}.claims[{index}]"), file, &policies));
    let claims = claims.collect();
    Some(StudyAverage { bouts: bouts?, seat: seat?, policies, random: random?, good: good?, claims })
}

/// Where and how often; `None` if a scenario is not known.
fn bouts(
    check: &mut Check<'_>,
    names: &mut Names<'_>,
    key: &str,
    written: Option<Vec<String>>,
    items: Option<i64>,
    trials: Option<i64>,
) -> Option<Vec<Bout>> {
    let repeats = Allowed::between(1.0, 1000.0, "it is how often each item is played");
    let trials = check.whole(&format!("{key}.trials"), trials, 1, repeats);
    let of = format!("{key}.scenarios");
    let scenarios: Vec<Arc<Scenario>> = match written {
        Some(written) => {
            let named = written.into_iter().enumerate();
            let read =
                named.map(|(index, path)| contest::scenario_file(check, names, &format!("{of}[{index}]"), &path));
            // Each is read, so that all mistakes are told.
            read.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?
        }
        None => contest::of_runs(names)?,
    };
    if scenarios.is_empty() && !check.overlooked(&of) {
        check.error(&of, "holds no scenario, and no run says what is played", "add e.g. `scenarios = [\"../a.toml\"]`");
        return None;
    }
    let twice = (1..scenarios.len()).find(|at| scenarios[..*at].iter().any(|other| other.name == scenarios[*at].name));
    if let Some(at) = twice {
        let what = format!("`{}` is the name of two of them: their scores could not be told apart", scenarios[at].name);
        check.error(&of, what, "name each scenario once, with a name of its own in its file");
        return None;
    }
    let least = scenarios.iter().map(|scenario| scenario.items.held_out).min()?;
    let count = Allowed::between(1.0, world::ITEMS_MAX, "it is how many held-out items of each scenario are played")
        .here_at_most(f64::from(least));
    let items: Option<u32> = check.whole_optional(&format!("{key}.items"), items, count, "all of them are played");
    let bout = |scenario: Arc<Scenario>| Bout { items: items.unwrap_or(scenario.items.held_out), trials, scenario };
    Some(scenarios.into_iter().map(bout).collect())
}

fn claim(check: &mut Check<'_>, key: &str, file: AverageClaimFile, policies: &[String]) -> Option<StudyClaim> {
    let AverageClaimFile { policy, beats, by } = file;
    if check.overlooked(key) {
        return None;
    }
    let own = |name: &str| format!("{key}.{name}");
    check.present(&own("policy"), policy.is_some(), "policy = \"RL\"");
    check.present(&own("beats"), beats.is_some(), "beats = \"SFT\"");
    let by = check.number(&own("by"), by, 0.0, MARGIN);
    for (part, name) in [("policy", &policy), ("beats", &beats)] {
        let Some(name) = name.as_ref().filter(|name| !policies.contains(name)) else { continue };
        let hint = "name two of its `policies`";
        check.error(&own(part), format!("`{name}` is not in this average"), hint);
    }
    let claim = Claim { metric: METRIC.to_owned(), better: Better::More, demand: Demand::Beats { by } };
    Some(StudyClaim { policy: policy?, than: beats?, claim })
}

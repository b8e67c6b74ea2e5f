//! `opponents`: whom a model meets where it learns alone or is measured, if not its gym's own.

use std::collections::BTreeSet;
use std::path::Path;

use rl::Opponent;
use rl::RunSettings;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Pair;
use sim::Scenario;
use sim::Seat;

use crate::check::Check;
use crate::model_folder;
use crate::policy;
use crate::sha;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct OpponentsFile {
    /// Whom the user meets. Paths start at this file's folder.
    agent: Option<String>,
    /// Whom the agent meets. Paths start at this file's folder.
    user: Option<String>,
}

/// A policy as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    key: String,
    policy: String,
}

/// The file's opponents, which stand under `key`.
pub(super) fn written(key: &str, file: Option<OpponentsFile>) -> Pair<Option<Written>> {
    let OpponentsFile { agent, user } = file.unwrap_or_default();
    let named =
        |seat: Seat, policy: Option<String>| policy.map(|policy| Written { key: format!("{key}.{seat}"), policy });
    Pair { agent: named(Seat::Agent, agent), user: named(Seat::User, user) }
}

/// What is written, and nobody meets: in the seat that always learns, or where each scenario names another.
pub(super) fn without_effect<'o>(
    check: &mut Check<'_>,
    settings: &RunSettings,
    taken: impl Iterator<Item = &'o Pair<Option<Written>>>,
) {
    let taken: BTreeSet<(Seat, &str)> = taken.flat_map(Pair::iter).filter_map(key_of).collect();
    for (seat, key) in &taken {
        if settings.grpo.mode == UpdateMode::Only(*seat) {
            check.without_effect(key, Some(()), &format!("the {seat} is the one that learns, always"));
        }
    }
    for seat in Seat::ALL {
        let key = format!("opponents.{seat}");
        if check.has(&key) && !taken.contains(&(seat, &key)) {
            check.without_effect(&key, Some(()), "each scenario of the mix names its own");
        }
    }
}

fn key_of((seat, written): (Seat, &Option<Written>)) -> Option<(Seat, &str)> {
    written.as_ref().map(|written| (seat, written.key.as_str()))
}

/// Who sits across from the models in a scenario that stands under `key`. After a mistake, which has been noted, the gym's own stand in.
pub(super) fn opponents(
    check: &mut Check<'_>,
    key: &str,
    settings: &RunSettings,
    scenario: &Scenario,
    given: &Pair<Option<Written>>,
) -> Pair<Opponent> {
    Pair::from_fn(|seat| {
        let own = Opponent::of_gym(scenario, seat);
        match &given[seat] {
            Some(written) => opponent(check, scenario, seat, written).unwrap_or(own),
            None => {
                if settings.grpo.mode != UpdateMode::Only(seat) {
                    can_play(check, key, scenario, seat, &own);
                }
                own
            }
        }
    })
}

/// The gym's own opponent has nothing to go by in some items.
fn can_play(check: &mut Check<'_>, key: &str, scenario: &Scenario, seat: Seat, own: &Opponent) {
    if let Some((what, _)) = policy::mistake(&scenario.rules, seat, &own.policy) {
        let hint = format!("write e.g. `opponents = {{ {seat} = \"openai:MODEL\" }}`, or play items of our own making");
        check.error(key, format!("has nobody to sit across from its {}: {what}", seat.partner()), hint);
    }
}

fn opponent(check: &mut Check<'_>, scenario: &Scenario, seat: Seat, written: &Written) -> Option<Opponent> {
    let Written { key, policy } = written;
    if let Some((what, hint)) = policy::mistake(&scenario.rules, seat, policy) {
        check.error(key, what, hint);
        return None;
    }
    let folder = check.folder_of(key);
    let found = match policy.split_once(':') {
        Some(("model", path)) => of_model(&folder.join(path), seat),
        Some(("replay", path)) => of_recording(&folder.join(path)),
        _ => Ok(Opponent::named(policy)),
    };
    let unread = |why: String| {
        let hint = "a path starts at the folder of the file it stands in, and in --set at the working folder";
        check.error(key, format!("`{policy}` cannot be read: {why}"), hint);
    };
    found.map_err(unread).ok()
}

fn of_recording(file: &Path) -> Result<Opponent, String> {
    let identity = sha::of_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Opponent { policy: format!("replay:{}", file.display()), identity: format!("replay:{identity}") })
}

fn of_model(folder: &Path, seat: Seat) -> Result<Opponent, String> {
    let folder = model_folder::model_of_seat(folder, seat);
    let identity = model_folder::identity(&folder)?;
    Ok(Opponent { policy: format!("model:{}", folder.display()), identity: format!("model:{identity}") })
}

//! `[world.user]`: the user's half. Who it is comes from `[[world.people]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::PolicyLine;
use sim::gyms::talk::book::Target;
use sim::gyms::talk::book::Tier;
use sim::gyms::talk::book::Transition;
use sim::gyms::talk::book::UserPart;
use sim::gyms::talk::person::Dimension;

use super::acts::ActFile;
use super::agent;
use super::agent::EndFile;
use super::desk;
use super::desk::Desk;
use crate::allowed::Allowed;

const READER: Reader = Reader::Seat(Seat::User);

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct UserFile {
    /// Who the user is in this talk, besides the person that is drawn.
    role: Option<String>,
    /// What it remembers of this business, a line each.
    memory: Option<Vec<String>>,
    /// How it behaves: changes of mood, uncertainty, what happens around it.
    habits: Option<Vec<String>>,
    /// What it can do, by the names that stand in brackets.
    pub(super) acts: Option<BTreeMap<String, ActFile>>,
    /// What it wants, and when it has it.
    pub(super) targets: Option<Vec<TargetFile>>,
    /// What moves its state after a turn of the agent. All that hold are added up.
    transitions: Option<Vec<TransitionFile>>,
    /// What it does when: scripts take the first line that holds and can be done.
    policy: Option<Vec<PolicyFile>>,
    /// When it is time to hang up, and why.
    pub(super) ends: Option<Vec<EndFile>>,
    /// What scripts say where nothing is to be done.
    idle: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct TargetFile {
    /// Its name, as in `target.NAME` of conditions.
    name: Option<String>,
    /// How much it matters: primary ones count twice, latent ones the user does not know of itself.
    tier: Option<String>,
    /// What it is, in words.
    text: Option<String>,
    /// When it is met, by what the user sees.
    met: Option<String>,
    /// When it is given up.
    dropped: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct TransitionFile {
    /// When, by what the user sees after the agent's turn.
    when: Option<String>,
    /// By how much trust moves.
    trust: Option<i64>,
    /// By how much the mood moves.
    emotion: Option<i64>,
    /// By how much patience moves.
    patience: Option<i64>,
    /// By how much participation moves.
    participation: Option<i64>,
    /// Why, in words: it is the evidence in the record.
    because: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct PolicyFile {
    /// When, by what the user knows.
    when: Option<String>,
    /// What is done: an act as in a procedure, `counter` what presses, or `end NAME`.
    r#do: Option<String>,
    /// The same in words, for the brief; left out, the brief does not tell of it.
    text: Option<String>,
}

/// The names of the targets.
pub(super) fn target_names(files: Option<&[TargetFile]>) -> Vec<String> {
    files.into_iter().flatten().map(|file| file.name.clone().unwrap_or_default()).collect()
}

/// The user's half.
pub(super) fn part(desk: &mut Desk<'_, '_>, file: UserFile, own_ends: &[String]) -> UserPart {
    let UserFile { role, memory, habits, acts: _, targets, transitions, policy, ends, idle } = file;
    let check = &mut *desk.check;
    let role = check.required("world.user.role", role, "role = \"Your dentist calls.\"");
    let idle = check.text("world.user.idle", idle, "Hm.");
    let target = "targets = [{ name = \"day\", tier = \"primary\", text = \"a day that suits\", met = \"day\" }]";
    check.filled("world.user.targets", targets.is_some(), target);
    check.filled("world.user.policy", policy.is_some(), "policy = [{ when = \"asked.day\", do = \"tell day\" }]");
    let (targets, transitions) = (targets.unwrap_or_default(), transitions.unwrap_or_default());
    let lines = policy.unwrap_or_default().into_iter().enumerate();
    UserPart {
        role,
        memory: memory.unwrap_or_default(),
        habits: habits.unwrap_or_default(),
        targets: targets.into_iter().enumerate().map(|(index, file)| self::target(desk, index, file)).collect(),
        transitions: transitions.into_iter().enumerate().map(|(index, file)| transition(desk, index, file)).collect(),
        policy: lines.filter_map(|(index, file)| line(desk, index, file, own_ends)).collect(),
        ends: agent::ends(desk, Seat::User, ends),
        idle,
    }
}

fn target(desk: &mut Desk<'_, '_>, index: usize, file: TargetFile) -> Target {
    let TargetFile { name, tier, text, met, dropped } = file;
    let key = |field: &str| format!("world.user.targets[{index}].{field}");
    let name = desk.check.required(&key("name"), name, "name = \"day\"");
    if !name.is_empty() {
        desk::name(desk.check, "", &key("name"), &name);
    }
    let tier = desk.check.word_required(&key("tier"), tier.as_deref(), &Tier::ALL, "tier = \"primary\"");
    Target {
        name,
        text: desk.check.required(&key("text"), text, "text = \"a day that suits\""),
        tier: tier.unwrap_or(Tier::Primary),
        met: desk.condition_required(&key("met"), met, READER),
        dropped: desk.condition(&key("dropped"), dropped, "never", READER),
    }
}

fn transition(desk: &mut Desk<'_, '_>, index: usize, file: TransitionFile) -> Transition {
    let TransitionFile { when, trust, emotion, patience, participation, because } = file;
    let section = format!("world.user.transitions[{index}]");
    let key = |field: &str| format!("{section}.{field}");
    let step = Allowed::between(-5.0, 5.0, "the state goes from 0 to 5");
    let mut moves = Vec::new();
    for ((name, dimension), by) in Dimension::ALL.into_iter().zip([trust, emotion, patience, participation]) {
        let by: Option<i8> = desk.check.whole_optional(&key(name), by, step, "it does not move");
        moves.extend(by.filter(|by| *by != 0).map(|by| (dimension, by)));
    }
    if moves.is_empty() && desk.check.is_good_so_far() {
        desk.check.error(&section, "moves nothing", "give `trust`, `emotion`, `patience` or `participation` a number");
    }
    Transition {
        when: desk.condition_required(&key("when"), when, READER),
        moves,
        because: desk.check.required(&key("because"), because, "because = \"it was said before\""),
    }
}

fn line(desk: &mut Desk<'_, '_>, index: usize, file: PolicyFile, ends: &[String]) -> Option<PolicyLine> {
    let PolicyFile { when, r#do, text } = file;
    let key = |field: &str| format!("world.user.policy[{index}].{field}");
    let when = desk.condition(&key("when"), when, "always", READER);
    let act = desk.line(&key("do"), r#do.as_deref(), Seat::User, ends)?;
    Some(PolicyLine { when, act, text: text.unwrap_or_default() })
}

//! `[world.terms.NAME]` and `[world.measures]`: what this scenario pays for and counts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::RewardKind;
use sim::Seat;
use sim::gyms::talk::OWN;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::OwnTerm;

use super::desk;
use super::desk::Desk;
use crate::allowed::Allowed;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct TermFile {
    /// Whose term it is; with `both`, each seat has it, and both earn it together: a term of kind `shared`.
    seat: Option<String>,
    /// `outcome` makes the score, `training` only trains and lies in [0, 1]. A term of both is `shared`: score of both.
    kind: Option<String>,
    /// `session`: looked at once, at the end. `turn`: after each turn of the seat.
    scope: Option<String>,
    /// When it is earned, by what is so.
    when: Option<String>,
    /// What it is worth where it is earned, before the weight.
    value: Option<f64>,
    /// What it is worth where it is not; of a term by turn: where it never was.
    otherwise: Option<f64>,
    /// A number, by its name in conditions: where the term is earned, it is earned so often, rounded down. Left out: once.
    per: Option<String>,
    /// How often a term by turn, or one with `per`, can be earned in one talk.
    times_max: Option<i64>,
    /// What it is, in one sentence; left out: its condition.
    meaning: Option<String>,
}

/// All terms, in the order of their names.
pub(super) fn terms(desk: &mut Desk<'_, '_>, files: BTreeMap<String, TermFile>) -> Vec<OwnTerm> {
    files.into_iter().flat_map(|(name, file)| term(desk, &name, file)).collect()
}

/// One term, or the two seats' of a shared one.
fn term(desk: &mut Desk<'_, '_>, name: &str, file: TermFile) -> Vec<OwnTerm> {
    let TermFile { seat, kind, scope, when, value, otherwise, per, times_max, meaning } = file;
    let section = format!("world.terms.{name}");
    let key = |field: &str| format!("{section}.{field}");
    desk::name(desk.check, "world.terms", &section, name);
    let seats = [("agent", Some(Seat::Agent)), ("user", Some(Seat::User)), ("both", None)];
    let seat = desk.check.word_required(&key("seat"), seat.as_deref(), &seats, "seat = \"agent\"");
    let is_shared = seat == Some(None);
    if is_shared {
        desk.check.without_effect(&key("kind"), kind.as_ref(), "a term of both is `shared`");
        desk.check.without_effect(&key("scope"), scope.as_ref(), "a term of both is looked at once, at the end");
    }
    let kinds = [("outcome", RewardKind::Outcome), ("training", RewardKind::Training)];
    let kind = desk.check.word(&key("kind"), kind.as_deref().filter(|_| !is_shared), &kinds);
    let kind = if is_shared { RewardKind::Shared } else { kind };
    let scope = scope.as_deref().filter(|_| !is_shared);
    let by_turn = desk.check.word(&key("scope"), scope, &[("session", false), ("turn", true)]);
    let when = desk.condition_required(&key("when"), when, Reader::World);
    let worth = Allowed::between(-1000.0, 1000.0, "it is what a term is worth before its weight");
    let value = desk.check.number(&key("value"), value, 1.0, worth);
    let otherwise = desk.check.number(&key("otherwise"), otherwise, 0.0, worth);
    let often = Allowed::between(1.0, 1000.0, "it is how often it can be earned in one talk");
    if per.is_some() {
        desk.check.present_here(&key("times_max"), times_max.is_some(), "times_max = 12");
    }
    let is_repeated = by_turn || per.is_some();
    let by = per.as_deref().map(|name| format!(" times `{name}`")).unwrap_or_default();
    let per = per.and_then(|name| desk.number(&key("per"), &name, Reader::World));
    if !is_repeated {
        desk.check.without_effect(&key("times_max"), times_max, "a term of the session is looked at once");
    }
    let times_max: u32 = desk.check.whole(&key("times_max"), times_max.filter(|_| is_repeated), 1, often);
    let share = 0.0..=1.0;
    let is_share = [value * f64::from(times_max), value, otherwise].iter().all(|value| share.contains(value));
    if kind == RewardKind::Training && !is_share {
        let what = "a training term is a share: what can be earned in a talk must lie in [0, 1]";
        desk.check.error(&key("value"), what, "lower `value`, `otherwise` or `times_max`, or let it be an outcome");
    }
    let meaning = meaning.unwrap_or_else(|| {
        let where_ = if by_turn { "in a turn after which" } else { "where in the end" };
        format!("{value}{by} {where_} {}, else {otherwise}", when.text())
    });
    let name = format!("{OWN}{name}");
    let of = |seat| OwnTerm {
        name: name.clone(),
        seat,
        kind,
        by_turn,
        when: when.clone(),
        value,
        otherwise,
        per,
        times_max,
        meaning: meaning.clone(),
    };
    match seat {
        Some(None) => Seat::ALL.map(of).to_vec(),
        Some(Some(seat)) => vec![of(seat)],
        None => vec![of(Seat::Agent)],
    }
}

/// All measures, in the order of their names.
pub(super) fn measures(desk: &mut Desk<'_, '_>, given: BTreeMap<String, String>) -> Vec<(String, Predicate)> {
    let mut measures = Vec::new();
    for (name, text) in given {
        let key = format!("world.measures.{name}");
        desk::name(desk.check, "world.measures", &key, &name);
        let when = desk.read_condition(&key, &text, Reader::World);
        measures.push((format!("{OWN}{name}"), when.unwrap_or_else(Predicate::never)));
    }
    measures
}

//! Who is answerable for an episode that came to nothing: a label and its evidence, by rule (specification user-models §3.1, R15; the review of
//! τ²-bench, arXiv 2506.07982 §4.3, has the same three sides of the talk).
//!
//! ```text
//!  a fault                                   its party: agent, user, env, judge or infra
//!  a seat's own failure                      that seat
//!  a talk in which the agent did not succeed the user, where one of SPOILS holds; else the agent
//!  anything else                             nobody: there is nothing to be answerable for
//! ```
//!
//! A talk that the user spoils says nothing of the agent: whoever learns from it learns to please a broken user.

use sim::Effect;
use sim::EpisodeRecord;
use sim::NoAct;
use sim::Party;
use sim::Seat;
use sim::Stop;
use sim::Verdict;
use sim::scenario::Condition;

/// Who, where, and what shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Blame {
    /// Who is answerable.
    pub party: Party,
    /// The turn that shows it, an index into the record's turns; `None` where it is the talk as a whole.
    pub turn: Option<usize>,
    /// What shows it, in words.
    pub evidence: String,
}

/// Measures of a verdict by which the user was no fair partner, the value that they have where it was, and what another one means. Gyms that have none of
/// them have users that cannot spoil a talk but by failing and by silence. What a user says falsely is not among them: that is what some are there for,
/// and for the agent to find out.
pub const SPOILS: [(&str, f64, &str); 3] = [
    ("user/stop_unfounded", 0.0, "hung up for a reason that did not hold"),
    ("user/stop_early", 0.0, "hung up before it was time"),
    ("user/role_kept", 1.0, "spoke as the other side"),
];

/// Turns without a legal act above this share of its own are the user's fault: it was there, and took no part.
const MALFORMED_MAX: f64 = 0.5;

/// The label of an episode; `success` is the scenario's condition for the agent. `None` if nothing failed, or nobody can say whether something did.
#[must_use]
pub fn blame(record: &EpisodeRecord, success: Option<&Condition>) -> Option<Blame> {
    if let Some(fault) = &record.fault {
        let turn = record.turns.len().checked_sub(1);
        return Some(Blame { party: fault.party, turn, evidence: fault.to_string() });
    }
    if let Some(Stop::Failed(seat)) = record.stop {
        return Some(failed(record, seat));
    }
    let (verdict, condition) = (record.verdict.as_ref()?, success?);
    if condition.holds(verdict)? {
        return None;
    }
    spoiled(record, verdict).or_else(|| Some(missed(record, verdict, condition)))
}

/// Whether the user spoiled the talk, so that the agent can neither be blamed nor learn from it.
#[must_use]
pub fn is_spoiled_by_user(record: &EpisodeRecord) -> bool {
    match (&record.fault, record.stop, &record.verdict) {
        (Some(_), ..) => false,
        (None, Some(Stop::Failed(seat)), _) => seat == Seat::User,
        (None, _, Some(verdict)) => spoiled(record, verdict).is_some(),
        (None, _, None) => false,
    }
}

fn failed(record: &EpisodeRecord, seat: Seat) -> Blame {
    let turn = record.turns.iter().rposition(|turn| turn.seat == seat);
    let why = turn.and_then(|at| no_act(record, at)).unwrap_or_else(|| "it never came to an act".to_owned());
    Blame { party: seat.into(), turn, evidence: format!("the {seat} failed: {why}") }
}

/// Why a turn did not count; `None` if it did.
fn no_act(record: &EpisodeRecord, at: usize) -> Option<String> {
    let turn = &record.turns[at];
    match &turn.decision.act {
        Err(NoAct::OutOfTokens) => Some("out of tokens before an act".to_owned()),
        Err(NoAct::Malformed(why)) => Some(why.clone()),
        Ok(_) => turn.effect.as_ref().and_then(|Effect { malformed, .. }| malformed.clone()),
    }
}

fn spoiled(record: &EpisodeRecord, verdict: &Verdict) -> Option<Blame> {
    let other = |name: &str, fair: f64| verdict.measures.get(name)?.rate().filter(|rate| *rate != fair);
    let last = record.turns.iter().rposition(|turn| turn.seat == Seat::User);
    let named = SPOILS.iter().find_map(|(name, fair, words)| Some((*name, *words, other(name, *fair)?)));
    if let Some((name, words, value)) = named {
        return Some(Blame { party: Party::User, turn: last, evidence: format!("{words} ({name} {value})") });
    }
    let own: Vec<usize> = (0..record.turns.len()).filter(|at| record.turns[*at].seat == Seat::User).collect();
    let silent: Vec<usize> = own.iter().copied().filter(|at| no_act(record, *at).is_some()).collect();
    let first = *silent.first()?;
    let evidence = || format!("{} of its {} turns held no legal act", silent.len(), own.len());
    let is_most = silent.len() as f64 > MALFORMED_MAX * own.len() as f64;
    is_most.then(|| Blame { party: Party::User, turn: Some(first), evidence: evidence() })
}

/// The agent's: what it was to come to, and the last turn of its own.
fn missed(record: &EpisodeRecord, verdict: &Verdict, condition: &Condition) -> Blame {
    let clause = condition.all.iter().find(|clause| clause.holds(verdict) == Some(false));
    let value = clause.and_then(|clause| clause.value_in(verdict));
    let value = value.map_or_else(String::new, |value| format!(": {}", (value * 1e4).round() / 1e4));
    let wanted = clause.map_or_else(|| condition.to_string(), ToString::to_string);
    Blame {
        party: Party::Agent,
        turn: record.turns.iter().rposition(|turn| turn.seat == Seat::Agent),
        evidence: format!("`{wanted}` does not hold{value}"),
    }
}

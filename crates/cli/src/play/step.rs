//! What the guest did, turn by turn, and what came of it: the lines of `play --json`.

use serde_json::Value;
use serde_json::json;
use sim::Effect;
use sim::EpisodeRecord;
use sim::Message;
use sim::Reward;
use sim::Seat;
use sim::Stop;

use crate::acts;
use crate::acts::Deed;
use crate::transcript;

/// One thing the guest did.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which, from 0: turns and answers to questions are counted together.
    pub turn: u32,
    /// What it was shown before.
    pub observed: Vec<Message>,
    /// What it did.
    pub deed: Deed,
    /// What it is shown after; empty if it is not asked again.
    pub heard: Vec<Message>,
    /// Why its act did not count; `None` if it did.
    pub malformed: Option<String>,
    /// Rewards of its seat that fell before it was asked again.
    pub rewards: Vec<Reward>,
}

impl Step {
    /// Nothing has come of it yet.
    #[must_use]
    pub fn new(turn: u32, observed: Vec<Message>, deed: Deed) -> Step {
        Step { turn, observed, deed, heard: Vec::new(), malformed: None, rewards: Vec::new() }
    }

    /// Takes in what an act of either seat did; `seat` is the guest's.
    pub fn effected(&mut self, seat: Seat, by: Seat, effect: Effect) {
        if by == seat && self.malformed.is_none() {
            self.malformed = effect.malformed;
        }
        self.rewards.extend(effect.rewards.into_iter().filter(|reward| reward.seat == seat));
    }

    /// What the guest learns of its act, in words. `end` is there for the last act.
    #[must_use]
    pub fn feedback(&self, seat: Seat, end: Option<&EpisodeRecord>) -> String {
        let does_not_count = self.malformed.iter().map(|why| format!("this does not count: {why}"));
        let heard = self.heard.iter().map(|message| message.text.clone());
        let ending = end.iter().flat_map(|record| last_words(record, seat).into_iter().chain([ending(record)]));
        does_not_count.chain(heard).chain(ending).collect::<Vec<_>>().join("\n")
    }

    /// The weighted rewards that fell on this step; `None` if none did, which is not 0.
    #[must_use]
    pub fn reward(&self) -> Option<f64> {
        (!self.rewards.is_empty()).then(|| self.rewards.iter().map(Reward::weighted).sum())
    }

    /// The step's line. Keys may be added, the contract's stay.
    #[must_use]
    pub fn to_json(&self, seat: Seat, end: Option<&EpisodeRecord>) -> Value {
        let stop = end.and_then(|record| record.stop);
        json!({
            "turn": self.turn,
            "observed": self.observed,
            "act": acts::to_json(&self.deed),
            "feedback": self.feedback(seat, end),
            "malformed": self.malformed,
            "reward": self.reward(),
            "terminated": stop == Some(Stop::Terminated),
            "truncated": stop == Some(Stop::Truncated),
            "fault": end.and_then(|record| record.fault.as_ref()),
        })
    }
}

/// What the partner said last, if the talk ended with it.
#[must_use]
pub fn last_words(record: &EpisodeRecord, seat: Seat) -> Option<String> {
    let last = record.turns.last().filter(|turn| turn.seat != seat && turn.effect.is_some())?;
    Some(transcript::said(last))
}

/// How a talk ended, in a sentence.
#[must_use]
pub fn ending(record: &EpisodeRecord) -> String {
    match (&record.fault, record.stop) {
        (Some(fault), _) => format!("the talk broke off: {fault}"),
        (None, Some(Stop::Terminated)) => "the talk is over".to_owned(),
        (None, Some(Stop::Truncated)) => "the talk is over: no turns are left".to_owned(),
        (None, Some(Stop::Failed(seat))) => format!("the talk is over: the {seat} has failed to act"),
        (None, Some(Stop::Cut) | None) => "the talk is unfinished".to_owned(),
    }
}

/// The last line, of a talk that came to its end.
#[must_use]
pub fn done(record: &EpisodeRecord, seat: Seat, acts_left: usize) -> Value {
    let rewards = record.verdict.as_ref().map(|verdict| verdict.rewards.clone()).unwrap_or_default();
    json!({
        "done": true,
        "seat": seat,
        "item": record.item,
        "score": record.scores[seat],
        "scores": record.scores,
        "stop": record.stop.map(Stop::name),
        "rewards": rewards,
        "turn_rewards": record.turn_rewards(seat),
        "fault": record.fault,
        "acts_left": acts_left,
    })
}

/// The last line, of a talk that the guest left before `turn`.
#[must_use]
pub fn left(item: &str, seat: Seat, turn: u32) -> Value {
    json!({
        "done": false, "seat": seat, "item": item, "score": null, "stop": null, "rewards": [], "left_before_turn": turn,
    })
}

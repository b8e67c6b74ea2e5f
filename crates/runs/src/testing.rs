//! What tests of several modules share.

use std::collections::BTreeMap;

use sim::Act;
use sim::Addressee;
use sim::Answer;
use sim::Answered;
use sim::Decision;
use sim::Effect;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::FaultKind;
use sim::Generation;
use sim::Message;
use sim::Next;
use sim::NoAct;
use sim::Pair;
use sim::Party;
use sim::Phase;
use sim::Ratio;
use sim::Reward;
use sim::RewardKind;
use sim::Scope;
use sim::Seat;
use sim::Source;
use sim::Stop;
use sim::Turn;
use sim::Verdict;
use sim::record::Casting;
use sim::scenario::Split;

use crate::Formats;
use crate::Hash;
use crate::Manifest;
use crate::Schedule;

/// The id of an episode of training.
pub(crate) fn id(round: u64, group: u32, member: u32) -> EpisodeId {
    EpisodeId { phase: Phase::Grpo, round, group, trial: 0, member }
}

/// A record with nothing in it but `words` of talk.
pub(crate) fn small_record(id: EpisodeId, words: usize) -> EpisodeRecord {
    EpisodeRecord {
        casting: Casting {
            learns: Pair { agent: true, user: false },
            ..Casting::new(
                id,
                Split::Train,
                id.group,
                Pair { agent: "model:agent".to_owned(), user: "rule".to_owned() },
            )
        },
        seed: 7,
        scenario: "haggle".to_owned(),
        item: "train-000003".to_owned(),
        turns: vec![Turn {
            seat: Seat::Agent,
            observed: Vec::new(),
            decision: Decision::say("word ".repeat(words)),
            answers: Vec::new(),
            effect: None,
        }],
        stop: Some(Stop::Truncated),
        fault: None,
        verdict: None,
        scores: Pair { agent: Some(0.25), user: None },
    }
}

/// A record in which every field of every type is used, with numbers that do not print well.
pub(crate) fn full_record(id: EpisodeId) -> EpisodeRecord {
    let generation = Generation {
        policy: "agent".to_owned(),
        version: u64::MAX,
        prompt: vec![0, 1, u32::MAX],
        tokens: vec![5, 300, 70_000],
        logprobs: vec![-0.1, f32::MIN_POSITIVE, f32::NEG_INFINITY],
        thought_len: 2,
        temperature: 0.7,
        closed: true,
        cuts: None,
    };
    let effect = Effect {
        malformed: Some("no price".to_owned()),
        rewards: vec![reward(Scope::Turn(3), RewardKind::Training, 0.1 + 0.2)],
        journal: vec!["trust 3 -> 2".to_owned()],
        next: Next::Ask(Seat::User),
    };
    let says = Turn {
        seat: Seat::Agent,
        observed: vec![message(Source::Brief, "you sell"), message(Source::World, "stock is few")],
        decision: Decision {
            act: Ok(Act::Tool { choice: sim::Choice::Search, content: "größe → 1\n".to_owned() }),
            thought: Some("private".to_owned()),
            generation: Some(generation),
        },
        answers: vec![Answered {
            seat: Addressee::User,
            spoken: true,
            answer: Answer { reply: "für mich".to_owned(), decision: Some(Decision::say("für mich")) },
        }],
        effect: Some(effect),
    };
    let fails = Turn {
        seat: Seat::User,
        observed: vec![message(Source::Partner, "offer 12")],
        decision: Decision { act: Err(NoAct::Malformed("?".to_owned())), thought: None, generation: None },
        answers: Vec::new(),
        effect: Some(Effect { malformed: None, rewards: Vec::new(), journal: Vec::new(), next: Next::Over }),
    };
    let measures =
        BTreeMap::from([("deal".to_owned(), Ratio::yes(true)), ("a".to_owned(), Ratio::new(1.0 / 3.0, 3.0))]);
    let rewards = vec![reward(Scope::Session, RewardKind::Outcome, -0.0)];
    EpisodeRecord {
        turns: vec![says, fails],
        stop: Some(Stop::Failed(Seat::User)),
        fault: Some(Fault::new(Party::Judge, FaultKind::Deadline, "2000 ms")),
        verdict: Some(Verdict { rewards, measures }),
        scores: Pair { agent: None, user: Some(f64::MIN_POSITIVE) },
        ..small_record(id, 0)
    }
}

fn message(from: Source, text: &str) -> Message {
    Message { from, text: text.to_owned() }
}

fn reward(scope: Scope, kind: RewardKind, value: f64) -> Reward {
    let (name, evidence) = ("surplus".to_owned(), "sold at 12".to_owned());
    Reward { seat: Seat::Agent, name, kind, scope, value, weight: 0.1, evidence }
}

/// A manifest of a run that has just begun.
pub(crate) fn manifest() -> Manifest {
    Manifest {
        formats: Formats::CURRENT,
        config: Hash::of_bytes(b"config"),
        scenario: Hash::of_bytes(b"scenario"),
        template: Some(Hash::of_bytes(b"template")),
        tokenizer: None,
        lessons: Some(Hash::of_bytes(b"lessons")),
        base: Pair::default(),
        cold_start: Pair::default(),
        seed: 1,
        device: "cpu".to_owned(),
        schedule: Schedule { episodes_live_max: 144, batch_max: 64, threads: 2 },
        binary: Hash::of_bytes(b"binary"),
        libraries: vec![("libtorch".to_owned(), "2.11.0".to_owned()), ("cpu".to_owned(), "avx2".to_owned())],
    }
}

//! A gym from its file, and the same episodes played three ways.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use sim::Act;
use sim::Addressee;
use sim::Answer;
use sim::Decision;
use sim::Episode;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Fault;
use sim::Pair;
use sim::Phase;
use sim::Query;
use sim::Scenario;
use sim::Seat;
use sim::gyms::Script;
use sim::record::Casting;
use sim::record::Reach;
use sim::scenario::Split;

/// The eight gyms.
pub const USERRL: [&str; 8] = ["function", "intention", "persuade", "search", "tau", "telepathy", "travel", "turtle"];
/// Where everything is drawn.
pub const SEED: u64 = 1;
/// Who plays.
const AGENT: &str = "scripted:good";
const USER: &str = "rule";

/// A gym.
pub struct Gym {
    /// Its name.
    pub name: String,
    /// Its scenario, as in its file.
    pub scenario: Arc<Scenario>,
}

impl Gym {
    /// The scenario as it is in the checkout this was built from.
    pub fn open(name: &str) -> Result<Gym, Box<dyn Error>> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/userrl/{name}.toml"));
        Ok(Gym { name: name.to_owned(), scenario: Arc::new(config::load_scenario(&file)?) })
    }

    /// Every held-out item, played by the scripts.
    pub fn records(&self) -> Vec<EpisodeRecord> {
        (0..self.scenario.items.held_out).map(|item| self.by_scripts(casting(item))).collect()
    }

    /// Scripts in both seats.
    pub fn by_scripts(&self, casting: Casting) -> EpisodeRecord {
        sim::play_by_rule(casting, &self.scenario, SEED).expect("every gym has these scripts")
    }

    /// The agent's acts as recorded; the user answers by rule.
    pub fn by_acts(&self, record: &EpisodeRecord) -> EpisodeRecord {
        let user = Script::named(&self.scenario.rules, Seat::User, USER).expect("every gym has one");
        let address = record.casting.id.address(SEED);
        self.played(record, |seat, query| user.answer(seat, query, address))
    }

    /// All as recorded.
    pub fn again(&self, record: &EpisodeRecord) -> EpisodeRecord {
        let mut answers = record.turns.iter().flat_map(|turn| &turn.answers).map(|answered| answered.answer.clone());
        self.played(record, |_, _| Ok(answers.next().expect("the world asks what it asked before")))
    }

    /// The episode live again, before the turn in the middle of it.
    pub fn halfway(&self, record: &EpisodeRecord) -> Result<Episode, Box<dyn Error>> {
        let middle = (record.turns.len() / 2) as u32;
        let casting = sim::forked_casting(record, record.casting.id, middle, Reach::Rest(None));
        Ok(sim::fork(record, casting, &self.scenario)?.episode)
    }

    fn played(
        &self,
        record: &EpisodeRecord,
        answer: impl FnMut(Addressee, &Query) -> Result<Answer, Fault>,
    ) -> EpisodeRecord {
        let mut decisions = record.turns.iter().map(|turn| turn.decision.clone());
        let decide = |_, _: &_| decisions.next().expect("the world asks whom it asked before");
        sim::drive(record.casting.clone(), &self.scenario, SEED, decide, answer)
    }
}

/// Plays these texts as the agent's, one after the other; whatever the world asks is answered by the user by rule.
pub fn say(scenario: &Arc<Scenario>, item: u32, texts: &[String]) -> EpisodeRecord {
    let mut texts = texts.iter().cloned();
    let decide = |_, _: &_| {
        let act = texts.next().unwrap_or_else(|| "[finish]".to_owned());
        Decision { act: Ok(Act::Say(act)), thought: None, generation: None }
    };
    sim::drive(casting(item), scenario, SEED, decide, |_, _| unreachable!("this world asks nothing"))
}

/// A held-out item.
pub fn casting(item: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Eval, round: 0, group: item, trial: 0, member: 1 };
    let policies = Pair { agent: AGENT.to_owned(), user: USER.to_owned() };
    Casting::new(id, Split::HeldOut, item, policies)
}

/// How often the agent acted.
pub fn acts(record: &EpisodeRecord) -> usize {
    record.turns_of(Seat::Agent).count()
}

//! A table to play at by hand: any item, any words, and the verdict at any time.

use std::sync::Arc;

use crate::Act;
use crate::Address;
use crate::Case;
use crate::Decision;
use crate::Effect;
use crate::Message;
use crate::Next;
use crate::Phase;
use crate::Scenario;
use crate::Seat;
use crate::Turn;
use crate::Verdict;
use crate::WorldInput;
use crate::WorldOutput;
use crate::draws::Stream;
use crate::gyms::GymWorld;
use crate::gyms::haggle::Item;
use crate::gyms::haggle::Rules;
use crate::gyms::haggle::World;
use crate::gyms::haggle::example;

/// An item whose facts all favour the seller, with $8 to share: cost 6, value 14, no warranty wanted.
pub(super) fn item() -> Item {
    Item {
        name: "oak desk".to_owned(),
        list: 18,
        cost: 6,
        value: 14,
        wants_warranty: false,
        facts: [0; 7],
        held_out: false,
    }
}

/// A world whose buyer knows no fact from the start.
pub(super) fn unseen(item: Item) -> World {
    world(item, Rules { sees: 0.0, ..Rules::default() })
}

/// A world whose buyer knows every fact from the start.
pub(super) fn seen(item: Item) -> World {
    world(item, Rules { sees: 1.0, ..Rules::default() })
}

fn world(item: Item, rules: Rules) -> World {
    let place = Address { seed: 3, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member: 0 };
    let mut world = World::new(rules, item, &example(), place.draws(Stream::World));
    world.mind.patience = 5;
    world
}

/// A talk in progress.
pub(super) struct Table {
    pub(super) world: World,
    turns: Vec<Turn>,
    scenario: Arc<Scenario>,
}

impl Table {
    pub(super) fn new(world: World) -> Table {
        Table { world, turns: Vec::new(), scenario: Arc::new(example()) }
    }

    /// The seats speak in turn, the seller first.
    pub(super) fn play(mut self, lines: &[&str]) -> Table {
        for line in lines {
            self.say(line);
        }
        self
    }

    /// Whoever's turn it is says `text`, without a thought.
    pub(super) fn say(&mut self, text: &str) -> &Effect {
        self.turn(Decision::say(text))
    }

    /// Whoever's turn it is decides.
    pub(super) fn turn(&mut self, decision: Decision) -> &Effect {
        let seat = if self.turns.len().is_multiple_of(2) { Seat::Agent } else { Seat::User };
        if let Some(effect) = self.turns.last().and_then(|turn| turn.effect.as_ref()) {
            assert_eq!(effect.next, Next::Ask(seat), "the talk goes on with {seat}");
        }
        let observed = self.world.observe(seat).messages;
        let act = decision.act.clone().unwrap_or(Act::Say(String::new()));
        let said = self.world.step(WorldInput::Act(seat, act));
        let [WorldOutput::Effect(effect)] = &said[..] else { panic!("this world asks nothing: {said:?}") };
        self.turns.push(Turn { seat, observed, decision, answers: Vec::new(), effect: Some(effect.clone()) });
        self.turns.last().and_then(|turn| turn.effect.as_ref()).expect("it was just put there")
    }

    /// What the seat would be shown now; the table itself stays as it is.
    pub(super) fn news(&self, seat: Seat) -> Vec<Message> {
        self.world.clone().observe(seat).messages
    }

    pub(super) fn verdict(&self) -> Verdict {
        Case {
            scenario: Arc::clone(&self.scenario),
            world: crate::World::Haggle(Box::new(self.world.clone())),
            turns: Arc::new(self.turns.clone()),
            truncated: false,
        }
        .by_rule()
    }

    /// Both scores, the agent's first.
    pub(super) fn scores(&self) -> (f64, f64) {
        let verdict = self.verdict();
        (verdict.score(Seat::Agent), verdict.score(Seat::User))
    }

    pub(super) fn term(&self, seat: Seat, name: &str) -> f64 {
        let verdict = self.verdict();
        let term = verdict.rewards.iter().find(|reward| reward.seat == seat && reward.name == name);
        term.expect("the example uses every term").value
    }

    pub(super) fn rate(&self, measure: &str) -> Option<f64> {
        self.verdict().measures[measure].rate()
    }
}

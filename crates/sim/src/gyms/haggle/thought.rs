//! The buyer's private reasoning: the five steps of UserLM-R1 (spec user-models §1.5) in a compact form that a rule can check.
//!
//! ```text
//! heard low know ample intent trap urgency concern truth worth loss plan challenge state 2 3 4 3 tone calm
//! ────────────────1─────────────────────── ──────────2──────────── ──────3─────── ──────4────── ────5────
//! ```
//! 1 what was claimed, what one knows of it, and so what the agent is up to, 2 what matters now and what the standing offer would be
//! worth, 3 what to do, 4 trust, emotion, patience, participation, 5 in what tone. Recalling before judging turns a comparison across the whole talk into one of neighbours.

use serde::Deserialize;
use serde::Serialize;

use super::BuyerMove;
use super::Fact;
use super::Family;
use super::Mind;
use super::facts::Value;
use super::person::Tone;

/// A thought that has the agreed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thought {
    /// Step 1, recall: what was just claimed, and what is known of that fact; `None` where nothing was claimed.
    pub recall: Option<Recall>,
    /// Step 1.
    pub intent: Intent,
    /// Step 2.
    pub concern: Concern,
    /// Step 2, weighing: what the standing offer would leave; `None` where there is none.
    pub worth: Option<Worth>,
    /// Step 3.
    pub plan: Plan,
    /// Step 4: the state the person will be in.
    pub mind: Mind,
    /// Step 5.
    pub tone: Tone,
}

/// A claim beside what one knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// The fact.
    pub fact: Fact,
    /// What was said of it.
    pub heard: Value,
    /// What is known of it.
    pub know: Know,
}

/// What is known of the fact just claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Know {
    /// Nothing: it is neither seen nor shown.
    Unknown,
    /// This.
    Is(Value),
}

impl Recall {
    /// As it stands in a thought: `heard low know ample`.
    #[must_use]
    pub fn words(self) -> String {
        let known = match self.know {
            Know::Unknown => "unknown",
            Know::Is(value) => self.fact.values()[usize::from(value)],
        };
        format!("heard {} know {known}", self.fact.values()[usize::from(self.heard)])
    }

    /// No two facts share a word for a value, so the first word names the fact; the second must belong to it.
    fn read(heard: &str, known: &str) -> Option<Recall> {
        let value_of = |fact: Fact, word: &str| fact.values().iter().position(|w| *w == word).map(|at| at as Value);
        let (fact, heard) = Fact::ALL.into_iter().find_map(|fact| Some((fact, value_of(fact, heard)?)))?;
        let know = if known == "unknown" { Know::Unknown } else { Know::Is(value_of(fact, known)?) };
        Some(Recall { fact, heard, know })
    }
}

/// What the agent is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// It just names a price.
    Offer,
    /// It informs, without pressure.
    Inform,
    /// It presses, and the claim is believed.
    Fair(Family),
    /// It presses or informs, and the claim is not believed.
    Trap(Family),
}

/// What matters now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Concern {
    /// The price.
    Price,
    /// Whether a claim is true.
    Truth,
    /// Delivery or warranty.
    Extras,
    /// Rounds or patience run out.
    Time,
}

/// What terms would leave whoever weighs them, as far as they know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Worth {
    /// Less than nothing.
    Loss,
    /// 0 or 1 dollar.
    Even,
    /// 2 or 3 dollars.
    Gain,
    /// 4 dollars or more.
    Rich,
}

/// The kind of move that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plan {
    /// A question.
    Ask,
    /// Own terms.
    Counter,
    /// A check.
    Challenge,
    /// The deal.
    Accept,
    /// The door.
    Walk,
}

impl Concern {
    const ALL: [(Concern, &str); 4] =
        [(Concern::Price, "price"), (Concern::Truth, "truth"), (Concern::Extras, "extras"), (Concern::Time, "time")];
}

impl Worth {
    const ALL: [(Worth, &str); 4] =
        [(Worth::Loss, "loss"), (Worth::Even, "even"), (Worth::Gain, "gain"), (Worth::Rich, "rich")];

    /// The class of a surplus in dollars.
    #[must_use]
    pub fn of(surplus: i64) -> Worth {
        match surplus {
            ..0 => Worth::Loss,
            0..2 => Worth::Even,
            2..4 => Worth::Gain,
            4.. => Worth::Rich,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Worth::ALL, self)
    }
}

impl Plan {
    const ALL: [(Plan, &str); 5] = [
        (Plan::Ask, "ask"),
        (Plan::Counter, "counter"),
        (Plan::Challenge, "challenge"),
        (Plan::Accept, "accept"),
        (Plan::Walk, "walk"),
    ];

    /// The plan that a move carries out.
    #[must_use]
    pub fn of(act: &BuyerMove) -> Plan {
        match act {
            BuyerMove::Ask(_) => Plan::Ask,
            BuyerMove::Counter(_) => Plan::Counter,
            BuyerMove::Challenge(_) => Plan::Challenge,
            BuyerMove::Accept => Plan::Accept,
            BuyerMove::Walk => Plan::Walk,
        }
    }
}

impl Thought {
    /// The thought as text, without tags.
    #[must_use]
    pub fn words(&self) -> String {
        let intent = match self.intent {
            Intent::Offer => "offer".to_owned(),
            Intent::Inform => "inform".to_owned(),
            Intent::Fair(family) => format!("fair {}", family.name()),
            Intent::Trap(family) => format!("trap {}", family.name()),
        };
        let [trust, emotion, patience, participation] = self.mind.values();
        let recall = self.recall.map_or(String::new(), |recall| recall.words() + " ");
        let worth = self.worth.map_or(String::new(), |worth| format!("worth {} ", worth.name()));
        format!(
            "{recall}intent {intent} concern {} {worth}plan {} state {trust} {emotion} {patience} {participation} tone {}",
            name_of(&Concern::ALL, self.concern),
            name_of(&Plan::ALL, self.plan),
            self.tone.name()
        )
    }

    /// Reads a thought; `None` if any of the five steps is missing, out of order or out of range.
    #[must_use]
    pub fn read(text: &str) -> Option<Thought> {
        let mut words = text.split_whitespace();
        let expect = |label: &str, words: &mut std::str::SplitWhitespace<'_>| (words.next()? == label).then_some(());
        let mut first = words.next()?;
        let mut recall = None;
        if first == "heard" {
            let heard = words.next()?;
            expect("know", &mut words)?;
            recall = Some(Recall::read(heard, words.next()?)?);
            first = words.next()?;
        }
        if first != "intent" {
            return None;
        }
        let intent = match words.next()? {
            "offer" => Intent::Offer,
            "inform" => Intent::Inform,
            "fair" => Intent::Fair(family(words.next()?)?),
            "trap" => Intent::Trap(family(words.next()?)?),
            _ => return None,
        };
        expect("concern", &mut words)?;
        let concern = named(&Concern::ALL, words.next()?)?;
        let mut after = words.next()?;
        let mut worth = None;
        if after == "worth" {
            worth = Some(named(&Worth::ALL, words.next()?)?);
            after = words.next()?;
        }
        if after != "plan" {
            return None;
        }
        let plan = named(&Plan::ALL, words.next()?)?;
        expect("state", &mut words)?;
        let mut values = [0; 4];
        for value in &mut values {
            *value = words.next()?.parse().ok()?;
        }
        let mind = Mind::from_values(values)?;
        expect("tone", &mut words)?;
        let word = words.next()?;
        let tone = Tone::ALL.into_iter().find(|t| t.name() == word)?;
        words.next().is_none().then_some(Thought { recall, intent, concern, worth, plan, mind, tone })
    }
}

fn family(word: &str) -> Option<Family> {
    Family::ALL.into_iter().find(|f| f.name() == word)
}

fn named<T: Copy>(all: &[(T, &str)], word: &str) -> Option<T> {
    all.iter().find(|(_, name)| *name == word).map(|(value, _)| *value)
}

fn name_of<T: Copy + PartialEq>(all: &[(T, &'static str)], value: T) -> &'static str {
    all.iter().find(|(v, _)| *v == value).map(|(_, name)| *name).expect("every value is in its table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thought_is_read_back() {
        for (concern, _) in Concern::ALL {
            for (plan, _) in Plan::ALL {
                for tone in Tone::ALL {
                    let intents = Family::ALL.into_iter().flat_map(|f| [Intent::Fair(f), Intent::Trap(f)]);
                    for intent in intents.chain([Intent::Offer, Intent::Inform]) {
                        let mind = Mind { trust: 0, emotion: 5, patience: 2, participation: 3 };
                        for know in [None, Some(Know::Unknown), Some(Know::Is(2))] {
                            let recall = know.map(|know| Recall { fact: Fact::Deposit, heard: 0, know });
                            for worth in [None, Some(Worth::Loss), Some(Worth::Rich)] {
                                let thought = Thought { recall, intent, concern, worth, plan, mind, tone };
                                assert_eq!(Thought::read(&thought.words()), Some(thought));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_word_for_what_is_known_belongs_to_one_fact_only() {
        for fact in Fact::ALL {
            for value in 0..3 {
                let recall = Recall { fact, heard: 0, know: Know::Is(value) };
                let words = recall.words();
                let words: Vec<&str> = words.split(' ').collect();
                assert_eq!(Recall::read(words[1], words[3]), Some(recall));
            }
        }
    }

    #[test]
    fn a_thought_with_a_step_missing_or_out_of_range_is_not_one() {
        for text in [
            "",
            "intent offer concern price plan counter state 3 3 3 3",
            "intent offer concern price plan counter state 3 3 3 6 tone calm",
            "intent offer plan counter concern price state 3 3 3 3 tone calm",
            "heard low intent offer concern price plan counter state 3 3 3 3 tone calm",
            "heard low know today intent offer concern price plan counter state 3 3 3 3 tone calm",
            "heard low know nothing intent offer concern price plan counter state 3 3 3 3 tone calm",
            "intent trap concern price plan counter state 3 3 3 3 tone calm",
            "intent offer concern price plan counter state 3 3 3 3 tone calm indeed",
        ] {
            assert_eq!(Thought::read(text), None, "{text}");
        }
    }
}

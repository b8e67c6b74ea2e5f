//! Tasks: what a customer wants, and what has to be done for it.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::Domain;
use super::wish;

/// One customer with what he wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id in its release, or in ours.
    pub id: String,
    /// Whose customer.
    pub domain: Domain,
    /// What the customer says first; the agent reads it, and whoever plays the customer is told that it was said.
    pub opening: String,
    /// The customer's id.
    pub user_id: String,
    /// Who the customer is and what it wants, for whoever plays it.
    pub instruction: String,
    /// The gold actions. Those that only read change nothing and need not be done.
    pub actions: Vec<Call>,
    /// What the agent has to say, somewhere in the talk: numbers or words.
    pub outputs: Vec<String>,
    /// What a customer by rule asks for, in its order; `None` where a release does not say: then each gold action that may change
    /// something, and after them the outputs.
    pub asks: Option<Vec<Ask>>,
    /// How it behaves, where it is no usual customer.
    #[serde(default, skip_serializing_if = "Manner::is_usual")]
    pub manner: Manner,
}

/// How a customer by rule behaves: a usual one lets be what it was refused, and asks at once for what it wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// How often it asks again for what it was refused.
    pub insists: u32,
    /// What it says before it asks again, or for something else: in turn.
    pub says: Vec<String>,
    /// What it asks for first, and takes back as soon as it is answered.
    pub first: Option<Call>,
}

impl Manner {
    /// Whether there is nothing about it.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Manner::default()
    }
}

/// One thing that a customer by rule asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// A gold action, by its number.
    Do(usize),
    /// Something that the policy forbids: done, the task is failed.
    Refuse(Call),
    /// A question to which an output is the answer.
    Tell {
        /// Its words.
        question: String,
        /// The output, by its number.
        output: usize,
    },
}

/// How an output is looked for in what was said: without commas, in any case of letters.
#[must_use]
pub fn plain(text: &str) -> String {
    text.to_lowercase().replace(',', "")
}

impl Task {
    /// What a customer by rule asks for.
    #[must_use]
    pub fn asks(&self, writes: impl Fn(&Call) -> bool) -> Vec<Ask> {
        if let Some(asks) = &self.asks {
            return asks.clone();
        }
        let acts = self.actions.iter().enumerate().filter(|(_, action)| writes(action)).map(|(at, _)| Ask::Do(at));
        let question = wish::first_person(&wish::asking_sentences(&self.instruction));
        let tells = (0..self.outputs.len()).map(|output| Ask::Tell { question: question.clone(), output });
        acts.chain(tells).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_task_asks_for_what_changes_something_and_then_its_outputs() {
        let task = Task {
            id: "retail-0".to_owned(),
            domain: Domain::Retail,
            opening: "Hi.".to_owned(),
            user_id: "a".to_owned(),
            instruction: "You are A. You want to cancel your order. You want to know how much you get back.".to_owned(),
            actions: vec![Call::of("read", []), Call::of("write", [])],
            outputs: vec!["1".to_owned()],
            asks: None,
            manner: Manner::default(),
        };
        let question = "I want to know how much I get back.".to_owned();
        assert_eq!(task.asks(|call| call.name == "write"), [Ask::Do(1), Ask::Tell { question, output: 0 }]);
    }
}

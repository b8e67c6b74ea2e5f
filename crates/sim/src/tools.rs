//! How a seat is told what it may do.
//!
//! A gym's brief explains in words how acts are written: `[search] WORDS`. Models that were trained to call tools know another way: their chat
//! template announces the tools, and a turn calls one. Both name the same acts of the same world; a run says which one its models learn.

use serde::Deserialize;
use serde::Serialize;

use crate::Act;
use crate::Choice;
use crate::gyms::Op;

/// How a seat is told what it may do, and so how it writes its acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tools {
    /// Its brief says how acts are written, and they are.
    #[default]
    Prose,
    /// Its model's chat template announces them as a tool, and they are calls; the brief only says what it is all about.
    Template,
}

impl Tools {
    /// Whether it is what is usual.
    #[must_use]
    pub fn is_prose(&self) -> bool {
        *self == Tools::Prose
    }
}

/// What a seat of a gym may call: the choices of UserRL's one tool (spec userrl §1.1) that mean something there.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolkit {
    /// The choices, each with what it does and what its content is.
    pub choices: &'static [(Choice, &'static str)],
    /// What plain talk is taken for; `None`: it does not count.
    pub plain: Option<Choice>,
}

impl Toolkit {
    /// The call that an act comes to: the choice and its content. `None` for plain talk that does not count.
    #[must_use]
    pub fn call(&self, act: &Act) -> Option<(Choice, String)> {
        match Op::of(act) {
            Op::Action(content) => Some((Choice::Action, content)),
            Op::Search(content) => Some((Choice::Search, content)),
            Op::Answer(content) => Some((Choice::Answer, content)),
            Op::Finish => Some((Choice::Finish, String::new())),
            Op::Plain(content) => Some((self.plain?, content)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::EpisodeRecord;
    use crate::Pair;
    use crate::Scenario;
    use crate::Seat;
    use crate::drive::play_by_rule;
    use crate::record::Casting;
    use crate::replay::retold;
    use crate::testing::casting;
    use crate::testing::userrl;

    fn played(scenario: &Arc<Scenario>, policy: &str, item: u32, tools: Pair<Tools>) -> EpisodeRecord {
        let casting = Casting { tools, ..casting(policy, "rule", item) };
        play_by_rule(casting, scenario, 7).expect("both are scripts")
    }

    #[test]
    fn with_tools_no_gym_says_how_acts_are_written_and_all_else_is_as_in_prose() {
        let with = Pair { agent: Tools::Template, user: Tools::Prose };
        for scenario in userrl() {
            let kit = scenario.rules.toolkit(Seat::Agent).expect("its agent's acts are calls");
            assert_eq!(scenario.rules.toolkit(Seat::User), None);
            for (policy, item) in [("scripted:noisy", 0), ("scripted:spam", 1), ("random", 2), ("scripted:good", 3)] {
                let [prose, tools] = [Pair::default(), with].map(|tools| played(&scenario, policy, item, tools));
                assert_eq!((&prose.scores, &prose.stop), (&tools.scores, &tools.stop), "{}: {policy}", scenario.name);
                for turn in tools.turns_of(Seat::Agent) {
                    for shown in turn.observed.iter().map(|message| &message.text) {
                        let named =
                            ["[action]", "[search]", "[answer]", "[finish]"].iter().find(|name| shown.contains(**name));
                        assert_eq!(named, None, "{}: {shown}", scenario.name);
                    }
                    let act = turn.decision.act.as_ref().expect("scripts act");
                    let call = kit.call(act);
                    let announced =
                        |(choice, _): (Choice, String)| kit.choices.iter().any(|(known, _)| *known == choice);
                    assert!(call.is_none_or(announced) || policy != "scripted:good", "{}: {act:?}", scenario.name);
                }
                // Told again the other way, each is the other.
                assert_eq!(retold(&prose, &scenario, with).as_ref(), Ok(&tools), "{}", scenario.name);
                assert_eq!(retold(&tools, &scenario, Pair::default()).as_ref(), Ok(&prose), "{}", scenario.name);
            }
        }
    }

    #[test]
    fn an_act_comes_to_one_call_however_it_was_written() {
        let kit = Toolkit { choices: &[(Choice::Action, "asks")], plain: Some(Choice::Action) };
        let strict = Toolkit { choices: &[(Choice::Action, "asks")], plain: None };
        let say = |text: &str| Act::Say(text.to_owned());
        let asks = Some((Choice::Action, "Is it small?".to_owned()));
        let tool = Act::Tool { choice: Choice::Action, content: "Is it small?".to_owned() };
        assert_eq!(
            [&say("[action] Is it small?"), &tool, &say("Is it small?")].map(|act| kit.call(act)),
            [asks.clone(), asks.clone(), asks]
        );
        assert_eq!(strict.call(&say("Is it small?")), None);
        assert_eq!(strict.call(&say("[finish] bye")), Some((Choice::Finish, String::new())));
    }
}

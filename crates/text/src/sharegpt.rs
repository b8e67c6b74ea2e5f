//! A recorded episode as one seat read and wrote it, in the ShareGPT form of LLaMA-Factory.
//!
//! Its reader takes no other order than this: at even places, from 0, somebody speaks to the model (`human`) or the world does (`observation`); at
//! odd places the model speaks (`gpt`) or calls a tool (`function_call`, of which the text is JSON); and the model has the last word. An
//! example that is otherwise is dropped there with no more than a warning. So neighbours on one side are made one, what was shown after the seat's last turn is left out, and
//! a seat that opens the talk hears its brief as `human`, where it would else be the `system`.

use serde::Serialize;
use serde_json::Value;
use sim::Act;
use sim::EpisodeRecord;
use sim::Seat;
use sim::Source;
use sim::Turn;

use crate::Tokenizer;
use crate::conversation::is_pending;
use crate::conversation::written;
use crate::tool_call;

/// One seat's side of an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShareGpt {
    /// Both sides, by turns.
    pub conversations: Vec<Exchange>,
    /// The seat's brief; empty where the brief opens the talk.
    pub system: String,
    /// The tools that the seat called, as a list in JSON; empty if it called none.
    pub tools: String,
}

/// One place in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Who.
    pub from: Speaker,
    /// What; a call's is JSON, after the thought.
    pub value: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The partner.
    Human,
    /// The world.
    Observation,
    /// The seat.
    Gpt,
    /// The seat, calling a tool.
    FunctionCall,
}

/// What the seat was shown before it spoke, and what it then wrote, in one piece or several.
struct Round<'a> {
    shown: Vec<(Source, &'a str)>,
    turns: Vec<&'a Turn>,
}

/// The seat's side of the episode; `None` if it wrote nothing. With the `tokenizer` of its model, a turn from which no act could be read is written as
/// it was sampled; without, only its thought is known.
#[must_use]
pub fn sharegpt(record: &EpisodeRecord, seat: Seat, tokenizer: Option<&Tokenizer>) -> Option<ShareGpt> {
    let mut rounds = rounds(record, seat);
    let opening = &mut rounds.first_mut()?.shown;
    let (briefs, others): (Vec<_>, Vec<_>) = opening.iter().copied().partition(|(from, _)| *from == Source::Brief);
    let brief = briefs.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(BETWEEN);
    let system = match others.is_empty() {
        true => String::new(),
        false => {
            *opening = others;
            brief
        }
    };
    let calls = rounds.iter().flat_map(|round| &round.turns).any(|turn| call(turn).is_some());
    let tools = if calls { Value::from(vec![tool_call::definition()]).to_string() } else { String::new() };
    let conversations = rounds.iter().flat_map(|round| [heard(&round.shown), wrote(&round.turns, tokenizer)]).collect();
    Some(ShareGpt { conversations, system, tools })
}

/// Between pieces that become one.
const BETWEEN: &str = "\n\n";

/// The seat's turns, those together between which it was shown nothing.
fn rounds(record: &EpisodeRecord, seat: Seat) -> Vec<Round<'_>> {
    let mut rounds: Vec<Round<'_>> = Vec::new();
    for turn in record.turns_of(seat).filter(|turn| !is_pending(turn)) {
        match rounds.last_mut().filter(|_| turn.observed.is_empty()) {
            Some(round) => round.turns.push(turn),
            None => {
                let shown = turn.observed.iter().map(|message| (message.from, message.text.as_str())).collect();
                rounds.push(Round { shown, turns: vec![turn] });
            }
        }
    }
    rounds
}

fn heard(shown: &[(Source, &str)]) -> Exchange {
    let only_world = !shown.is_empty() && shown.iter().all(|(from, _)| *from == Source::World);
    let value = shown.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(BETWEEN);
    Exchange { from: if only_world { Speaker::Observation } else { Speaker::Human }, value }
}

/// What the seat wrote: calls as JSON if it did nothing but call, else text.
fn wrote(turns: &[&Turn], tokenizer: Option<&Tokenizer>) -> Exchange {
    let calls: Option<Vec<Value>> = turns.iter().map(|turn| call(turn)).collect();
    if let Some(mut calls) = calls {
        let thoughts: Vec<&str> = turns.iter().filter_map(|turn| turn.decision.thought.as_deref()).collect();
        let thought = thoughts.join(BETWEEN);
        let call = if calls.len() == 1 { calls.remove(0) } else { Value::Array(calls) };
        return Exchange { from: Speaker::FunctionCall, value: thinking(&thought) + &call.to_string() };
    }
    let said = |turn: &&Turn| match &turn.decision.act {
        Ok(Act::Say(text)) => thinking(turn.decision.thought.as_deref().unwrap_or_default()) + text,
        Ok(Act::Tool { .. }) | Err(_) => written(&turn.decision, tokenizer),
    };
    Exchange { from: Speaker::Gpt, value: turns.iter().map(said).collect::<Vec<_>>().join(BETWEEN) }
}

fn call(turn: &Turn) -> Option<Value> {
    match &turn.decision.act {
        Ok(Act::Tool { choice, content }) => Some(tool_call::call(*choice, content)),
        Ok(Act::Say(_)) | Err(_) => None,
    }
}

/// A thought as LLaMA-Factory looks for it, with the lines that its templates put around one; nothing if there is none.
fn thinking(thought: &str) -> String {
    match thought.trim() {
        "" => String::new(),
        thought => format!("<think>\n{thought}\n</think>\n\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sim::Choice;
    use sim::Decision;
    use sim::Message;
    use sim::NoAct;

    use super::*;
    use crate::fixture::message;
    use crate::fixture::record;

    fn said(thought: Option<&str>, text: &str) -> Decision {
        Decision { act: Ok(Act::Say(text.to_owned())), thought: thought.map(str::to_owned), generation: None }
    }

    fn called(thought: Option<&str>, choice: Choice, content: &str) -> Decision {
        let act = Ok(Act::Tool { choice, content: content.to_owned() });
        Decision { act, thought: thought.map(str::to_owned), generation: None }
    }

    fn side(turns: Vec<(Vec<Message>, Decision)>) -> ShareGpt {
        sharegpt(&record(Seat::Agent, turns), Seat::Agent, None).expect("it wrote something")
    }

    fn told(side: &ShareGpt) -> Vec<(Speaker, &str)> {
        side.conversations.iter().map(|place| (place.from, place.value.as_str())).collect()
    }

    #[test]
    fn a_talk_alternates_with_the_brief_as_the_system() {
        let (brief, offer) = (message(Source::Brief, "You buy."), message(Source::Partner, "I ask $3."));
        let stock = message(Source::World, "The stock is low.");
        let side = side(vec![
            (vec![brief, offer], said(Some(" a trap "), "I doubt it.")),
            (vec![stock], said(None, "So it is.")),
            (vec![message(Source::World, "Day two."), message(Source::Partner, "$2?")], said(None, "I accept.")),
        ]);
        assert_eq!((side.system.as_str(), side.tools.as_str()), ("You buy.", ""));
        let expected = [
            (Speaker::Human, "I ask $3."),
            (Speaker::Gpt, "<think>\na trap\n</think>\n\nI doubt it."),
            (Speaker::Observation, "The stock is low."),
            (Speaker::Gpt, "So it is."),
            (Speaker::Human, "Day two.\n\n$2?"),
            (Speaker::Gpt, "I accept."),
        ];
        assert_eq!(told(&side), expected);
    }

    #[test]
    fn a_seat_that_opens_the_talk_hears_its_brief_first() {
        let side = side(vec![(vec![message(Source::Brief, "You sell.")], said(None, "I ask $9."))]);
        assert_eq!(side.system, "");
        assert_eq!(told(&side), [(Speaker::Human, "You sell."), (Speaker::Gpt, "I ask $9.")]);
    }

    #[test]
    fn turns_with_nothing_between_them_are_one_and_what_follows_the_last_is_left_out() {
        let brief = || vec![message(Source::Brief, "Go."), message(Source::World, "Ready.")];
        let pending = Decision { act: Err(NoAct::OutOfTokens), thought: None, generation: None };
        let two = side(vec![
            (brief(), called(Some("one"), Choice::Search, "price")),
            (vec![], called(Some("two"), Choice::Answer, "7")),
            (vec![message(Source::World, "Wrong.")], pending),
        ]);
        let calls = r#"[{"name":"interact_with_env","arguments":{"choice":"search","content":"price"}},{"name":"interact_with_env","arguments":{"choice":"answer","content":"7"}}]"#;
        let [(Speaker::Observation, "Ready."), (Speaker::FunctionCall, value)] = told(&two)[..] else {
            panic!("{two:?}")
        };
        let (thought, json) = value.split_once("\n</think>\n\n").expect("a thought");
        assert_eq!(thought, "<think>\none\n\ntwo");
        let [found, expected]: [Value; 2] = [json, calls].map(|text| serde_json::from_str(text).expect("it is JSON"));
        assert_eq!(found, expected);
        let mixed = side(vec![(brief(), called(None, Choice::Search, "price")), (vec![], said(None, "Well."))]);
        let (from, value) = told(&mixed)[1];
        assert_eq!(from, Speaker::Gpt);
        assert!(value.starts_with(tool_call::OPEN) && value.ends_with("</tool_call>\n\nWell."), "{value}");
    }

    #[test]
    fn a_call_is_json_and_brings_the_tool_along() {
        let shown = vec![message(Source::Brief, "Go."), message(Source::World, "Ready.")];
        let side = side(vec![(shown, called(None, Choice::Finish, "\"<tool_call>\""))]);
        let call: Value = serde_json::from_str(&side.conversations[1].value).expect("it is JSON");
        assert_eq!(
            call,
            json!({ "name": "interact_with_env", "arguments": { "choice": "finish", "content": "\"<tool_call>\"" } })
        );
        let tools: Value = serde_json::from_str(&side.tools).expect("it is JSON");
        assert_eq!(tools[0]["name"], call["name"]);
        assert_eq!(tools[0]["parameters"]["required"], json!(["choice", "content"]));
    }

    #[test]
    fn whoever_wrote_nothing_has_no_side() {
        assert_eq!(sharegpt(&record(Seat::Agent, Vec::new()), Seat::Agent, None), None);
        let pending = Decision { act: Err(NoAct::OutOfTokens), thought: None, generation: None };
        let asked = record(Seat::Agent, vec![(vec![message(Source::Brief, "Go.")], pending)]);
        assert_eq!(sharegpt(&asked, Seat::Agent, None), None);
    }
}

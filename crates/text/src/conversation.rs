//! A recorded episode as one seat read and wrote it, in chat messages: what other people's tools train on.
//!
//! The roles are those of the template that the seat's model was trained with, so a conversation rendered with that template is the text
//! the model saw: `system` is the seat's brief, `user` its partner, `tool` the world, `assistant` the seat itself, private thought in
//! front. Only what the seat was shown and what it wrote is in it; the partner's thoughts never were.

use sim::Act;
use sim::Decision;
use sim::EpisodeRecord;
use sim::NoAct;
use sim::Seat;
use sim::Turn;

use crate::ChatMessage;
use crate::Role;
use crate::Tokenizer;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;
use crate::tool_call;

/// The seat's side of the episode, oldest message first. The n-th message of the assistant is the seat's n-th turn; a last turn that a
/// fault cut off before the seat had written anything has none. Empty if the seat was never asked.
///
/// With the `tokenizer` of its model, a turn reads as it was sampled (U+FFFD for what is no UTF-8). Without one, and for rules, scripts
/// and people, it is put together from the recorded thought and act; of a model's turn without an act only the thought is then left.
#[must_use]
pub fn conversation(record: &EpisodeRecord, seat: Seat, tokenizer: Option<&Tokenizer>) -> Vec<ChatMessage> {
    let mut messages = Vec::new();
    for turn in record.turns_of(seat) {
        let shown = turn.observed.iter().map(|message| ChatMessage::new(message.from.into(), message.text.as_str()));
        messages.extend(shown);
        messages
            .extend((!is_pending(turn)).then(|| ChatMessage::new(Role::Assistant, written(&turn.decision, tokenizer))));
    }
    messages
}

/// Whether the seat was asked and did not come to answer.
pub(crate) fn is_pending(turn: &Turn) -> bool {
    turn.effect.is_none() && turn.decision == PENDING
}

/// What stands in the turn of such a seat.
const PENDING: Decision = Decision { act: Err(NoAct::OutOfTokens), thought: None, generation: None };

/// All that the seat wrote in a turn, without the closing marker.
pub(crate) fn written(decision: &Decision, tokenizer: Option<&Tokenizer>) -> String {
    if let (Some(generation), Some(tokenizer)) = (&decision.generation, tokenizer) {
        let len = generation.tokens.len() - usize::from(generation.closed);
        return tokenizer.decode(&generation.tokens[..len]);
    }
    let thought = decision.thought.as_ref().map(|thought| format!("{THINK_OPEN}{thought}{THINK_CLOSE}"));
    let act = match &decision.act {
        Ok(Act::Say(text)) => text.clone(),
        Ok(Act::Tool { choice, content }) => tool_call::write(*choice, content),
        Err(NoAct::Malformed(_) | NoAct::OutOfTokens) => String::new(),
    };
    thought.unwrap_or_default() + &act
}

#[cfg(test)]
mod tests {
    use sim::Choice;
    use sim::Message;
    use sim::Source;

    use super::*;
    use crate::Dialect;
    use crate::SeatStream;
    use crate::fixture::dialect;
    use crate::fixture::message;
    use crate::fixture::record;

    /// A model's answer to `observed`, written in full in `text`; without the closing marker if it was cut.
    fn sampled(stream: &mut SeatStream, dialect: &Dialect, observed: &[Message], text: &str) -> Decision {
        stream.observe(observed);
        let tokens = dialect.tokenizer().encode_markup(text);
        let (logprobs, closed) = (vec![-1.0; tokens.len()], tokens.last() == Some(&dialect.close_id()));
        stream.sampled(tokens, logprobs, closed, 3, "user", 1.0)
    }

    fn told(messages: &[ChatMessage]) -> Vec<(&str, &str)> {
        messages.iter().map(|message| (message.role.name(), message.content.as_str())).collect()
    }

    #[test]
    fn a_models_side_reads_as_it_was_sampled_and_renders_to_the_stream() {
        let dialect = dialect();
        let mut stream = SeatStream::new(&dialect, true);
        let (brief, offer) = (message(Source::Brief, "You buy."), message(Source::Partner, "I offer $3."));
        let shown = message(Source::World, "The stock is low.");
        let heard = [vec![brief, offer], vec![shown], vec![]];
        let wrote = ["<think>a trap</think> I doubt it. <|end|>", "I forgot to think<|end|>", "<think>cut"];
        let turns = heard.into_iter().zip(wrote);
        let turns = turns.map(|(heard, wrote)| (heard.clone(), sampled(&mut stream, &dialect, &heard, wrote)));
        let record = record(Seat::User, turns.collect());

        let messages = conversation(&record, Seat::User, Some(dialect.tokenizer()));
        let expected = [
            ("system", "You buy."),
            ("user", "I offer $3."),
            ("assistant", "<think>a trap</think> I doubt it. "),
            ("tool", "The stock is low."),
            ("assistant", "I forgot to think"),
            ("assistant", "<think>cut"),
        ];
        assert_eq!(told(&messages), expected);
        let rendered = dialect.template().render(&messages, false).unwrap();
        assert_eq!(rendered, format!("{}<|end|>", dialect.tokenizer().decode(stream.tokens())));

        let told = conversation(&record, Seat::User, None);
        let own: Vec<&str> = told.iter().filter(|m| m.role == Role::Assistant).map(|m| m.content.as_str()).collect();
        assert_eq!(own, ["<think>a trap</think>I doubt it.", "", ""], "put together from thought and act");
        assert_eq!(conversation(&record, Seat::Agent, None), [], "the other seat was never asked");
    }

    #[test]
    fn turns_of_scripts_and_calls_are_written_as_a_model_would() {
        let act = Act::Tool { choice: Choice::Search, content: "price".to_owned() };
        let call = Decision { act: Ok(act.clone()), thought: Some("look".to_owned()), generation: None };
        let turns = vec![(vec![message(Source::Brief, "Go.")], call), (Vec::new(), Decision::say("Done."))];
        let messages = conversation(&record(Seat::Agent, turns), Seat::Agent, None);
        let (thought, reply) = messages[1].content.split_once("</think>").unwrap();
        assert_eq!((thought, tool_call::parse(reply)), ("<think>look", Ok(act)));
        assert_eq!(told(&messages[2..]), [("assistant", "Done.")]);
    }

    #[test]
    fn a_turn_that_a_fault_cut_off_has_no_answer() {
        let mut turns = vec![(vec![message(Source::Brief, "Go.")], Decision::say("I ask $9."))];
        turns.push((vec![message(Source::Partner, "No.")], PENDING));
        let messages = conversation(&record(Seat::Agent, turns), Seat::Agent, None);
        assert_eq!(told(&messages), [("system", "Go."), ("assistant", "I ask $9."), ("user", "No.")]);
    }
}

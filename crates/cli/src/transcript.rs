//! A conversation as a person reads it, both private sides included.

use std::fmt::Write;

use sim::Act;
use sim::Addressee;
use sim::EpisodeRecord;
use sim::Message;
use sim::NoAct;
use sim::Seat;
use sim::Source;
use sim::Turn;

/// The whole episode as text, one line a message.
#[must_use]
pub fn transcript(record: &EpisodeRecord) -> String {
    let mut text = String::new();
    for seat in Seat::ALL {
        if let Some(brief) = record.turns_of(seat).next().and_then(|turn| turn.observed.first()) {
            line(&mut text, &format!("({seat} knows)"), &brief.text);
        }
    }
    for turn in &record.turns {
        for message in turn.observed.iter().filter(|message| is_news(message, turn, record)) {
            line(&mut text, "world", &message.text);
        }
        if let Some(thought) = &turn.decision.thought {
            line(&mut text, &format!("{} thinks", turn.seat), thought);
        }
        line(&mut text, turn.seat.name(), &said(turn));
        for answered in &turn.answers {
            let who = match answered.seat {
                seat if answered.spoken => seat.name().to_owned(),
                Addressee::Environment => "(found)".to_owned(),
                seat => format!("({seat} judges)"),
            };
            line(&mut text, &who, &answered.answer.reply);
        }
    }
    line(&mut text, "end", &ending(record));
    text
}

/// What both seats are shown is printed once, at the turn of the agent that hears it first.
fn is_news(message: &Message, turn: &Turn, record: &EpisodeRecord) -> bool {
    message.from == Source::World
        && (turn.seat == Seat::Agent
            || !record.turns_of(Seat::Agent).any(|other| other.observed.iter().any(|m| m == message)))
}

/// What a turn's decision says in public, and whether it counted.
pub(crate) fn said(turn: &Turn) -> String {
    let malformed = turn.effect.as_ref().and_then(|effect| effect.malformed.as_deref());
    let said = match &turn.decision.act {
        Ok(Act::Say(text)) => text.clone(),
        Ok(Act::Tool { choice, content }) => format!("[{choice:?}] {content}"),
        Err(NoAct::Malformed(why)) => format!("(no act: {why})"),
        Err(NoAct::OutOfTokens) => "(ran out of tokens before it acted)".to_owned(),
    };
    match malformed {
        Some(why) if turn.decision.act.is_ok() => format!("{said}   (does not count: {why})"),
        _ => said,
    }
}

fn ending(record: &EpisodeRecord) -> String {
    let how = match (&record.fault, record.stop) {
        (Some(fault), _) => format!("fault: {fault}"),
        (None, Some(stop)) => stop.name().to_owned(),
        (None, None) => "unfinished".to_owned(),
    };
    let mut text = how;
    for seat in Seat::ALL {
        let evidence = record.verdict.as_ref().and_then(|verdict| {
            verdict.rewards.iter().find(|r| r.seat == seat && r.kind.is_score()).map(|r| r.evidence.clone())
        });
        let score = record.scores[seat].map_or("not scored".to_owned(), |score| format!("{score:+.2}"));
        let _ = write!(text, "; {seat} {score}{}", evidence.map(|e| format!(" ({e})")).unwrap_or_default());
    }
    text
}

fn line(text: &mut String, who: &str, what: &str) {
    let _ = writeln!(text, "{}", row(who, what));
}

/// Who, and what, in two columns.
pub(crate) fn row(who: &str, what: &str) -> String {
    format!("{who:>13}  {what}")
}

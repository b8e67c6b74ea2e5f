//! What the world asks of the user's seat, in words for a model, and how the answers are read.
//!
//! Who judges a search sees no wish; who judges a question sees the wishes that have not been told; who replies sees the one wish that is
//! to be told, or none. So no reply can give away what was not asked for.

use serde::Deserialize;
use serde::Serialize;

use super::Aspect;
use super::Wish;
use super::view::Exchange;
use super::view::Need;
use crate::Message;
use crate::Source;

/// How many exchanges a user is reminded of when it is asked.
const REMEMBERED: usize = 3;

/// Whether a search says all it has to: the answer to [`Asked::Search`](super::view::Asked::Search), as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alignment {
    /// Whether it does.
    pub alignment: Aligned,
    /// For which aspect; needed if it does.
    #[serde(default, deserialize_with = "named", serialize_with = "name")]
    pub aspect: Option<Aspect>,
}

/// See [`Alignment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aligned {
    /// All that has to be said, for one aspect.
    Complete,
    /// Something is missing or wrong, or it is for several aspects.
    Incomplete,
    /// It has nothing to do with the trip.
    Unrelated,
}

/// What the agent asks about: the answer to [`Asked::Question`](super::view::Asked::Question), as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Of which kind it is, from 1 to 4.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The wish's id, such as `P3`; needed for kind 2.
    #[serde(default)]
    pub preference_id: Option<String>,
}

/// Of which kind a thing said is (spec userrl §2.7, *action*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "u8")]
pub enum Kind {
    /// 1: ordinary talk.
    Talk,
    /// 2: a concrete question about a wish that has not been told.
    Hit,
    /// 3: a concrete question about something of which nothing is wished, or no longer.
    Miss,
    /// 4: a question that is not concrete, or about several things.
    Vague,
}

/// A number, as models write one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u8),
    Text(String),
}

impl TryFrom<Number> for Kind {
    type Error = String;

    fn try_from(number: Number) -> Result<Kind, String> {
        let whole = match number {
            Number::Whole(whole) => Some(whole),
            Number::Text(text) => text.trim().parse().ok(),
        };
        match whole {
            Some(1) => Ok(Kind::Talk),
            Some(2) => Ok(Kind::Hit),
            Some(3) => Ok(Kind::Miss),
            Some(4) => Ok(Kind::Vague),
            _ => Err("the type is 1, 2, 3 or 4".to_owned()),
        }
    }
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> u8 {
        match kind {
            Kind::Talk => 1,
            Kind::Hit => 2,
            Kind::Miss => 3,
            Kind::Vague => 4,
        }
    }
}

fn name<S: serde::Serializer>(aspect: &Option<Aspect>, serializer: S) -> Result<S::Ok, S::Error> {
    aspect.map(Aspect::name).serialize(serializer)
}

/// Under any of upstream's names; none under `null`, `none`, `N/A` or nothing.
fn named<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Aspect>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if ["", "none", "null", "n/a"].contains(&text.trim().to_lowercase().as_str()) {
        return Ok(None);
    }
    let error =
        || serde::de::Error::custom(format!("there is no aspect `{}`", text.chars().take(40).collect::<String>()));
    Aspect::named(&text).map(Some).ok_or_else(error)
}

impl Alignment {
    /// Reads an answer; the aspect must be one of the trip's where the search is complete.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(reply: &str, needs: &[Need]) -> Result<Alignment, String> {
        let answer: Alignment = serde_json::from_str(object(reply)).map_err(|error| error.to_string())?;
        let is_needed = |aspect| needs.iter().any(|need| Some(need.aspect) == aspect);
        if answer.alignment == Aligned::Complete && !is_needed(answer.aspect) {
            return Err("a search that is complete is for an aspect of the trip".to_owned());
        }
        Ok(answer)
    }
}

impl Intent {
    /// A kind, and for [`Kind::Hit`] the number of the wish, from 0.
    #[must_use]
    pub fn new(kind: Kind, wish: Option<u32>) -> Intent {
        Intent { kind, preference_id: wish.map(id) }
    }

    /// Reads an answer: its kind, and for [`Kind::Hit`] the number of the wish, which must be one of `untold`.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(reply: &str, untold: &[u32]) -> Result<(Kind, Option<u32>), String> {
        let Intent { kind, preference_id } = serde_json::from_str(object(reply)).map_err(|error| error.to_string())?;
        if kind != Kind::Hit {
            return Ok((kind, None));
        }
        let named = preference_id.as_deref().map(str::trim);
        let wish =
            untold.iter().copied().find(|wish| named.is_some_and(|named| named.eq_ignore_ascii_case(&id(*wish))));
        match wish {
            Some(wish) => Ok((kind, Some(wish))),
            None => Err("type 2 needs the id of one of the wishes that were listed".to_owned()),
        }
    }
}

/// A wish's id: `P1` for the first.
#[must_use]
pub fn id(wish: u32) -> String {
    format!("P{}", wish + 1)
}

/// From the first opening brace to the last closing one: models write fences and words around.
fn object(reply: &str) -> &str {
    match (reply.find('{'), reply.rfind('}')) {
        (Some(start), Some(end)) if start < end => &reply[start..=end],
        _ => reply,
    }
}

/// Asks whether a search says all it has to.
#[must_use]
pub fn ask_search(needs: &[Need], request: &str) -> Vec<Message> {
    let need = |need: &Need| {
        let arguments: Vec<String> =
            need.arguments.iter().map(|argument| format!("{} {}", argument.name, argument.value)).collect();
        format!("{}: {}", need.aspect.name(), arguments.join(", "))
    };
    let needs: Vec<String> = needs.iter().map(need).collect();
    let brief = format!(
        "You check searches for a trip. A search must be for one of these, and say all of its details rightly:\n{}",
        needs.join("\n")
    );
    let question = format!(
        "The search: {request}\nAnswer with JSON: {{\"alignment\": \"complete\", \"aspect\": \"flight\"}} if it is for that one alone and all is \
         said; \"incomplete\" if something is missing or wrong, or it is for several; \"unrelated\" if it is for none."
    );
    vec![Message { from: Source::Brief, text: brief }, Message { from: Source::World, text: question }]
}

/// Asks what the agent asks about.
#[must_use]
pub fn ask_question(request: &str, exchanges: &[Exchange], untold: &[(u32, Wish)], said: &str) -> Vec<Message> {
    let brief = format!(
        "Somebody plans a trip for you, and talks to you about it. You judge what is said. Your request: {request}"
    );
    let mut messages = reminder(brief, exchanges);
    let wish = |(number, wish): &(u32, Wish)| {
        format!("{}: {}, {}: {}", id(*number), wish.aspect.spoken(), wish.topic().name, wish.value().wish)
    };
    let wishes: Vec<String> = untold.iter().map(wish).collect();
    let text = format!(
        "Your wishes that you have not told:\n{}\nIt is said: {said}\nOf which type is it? 1: ordinary talk. 2: a concrete question about one of \
         these wishes; name it. 3: a concrete question about something else that one may wish of the trip. 4: a question that is vague, or about \
         several things. Answer with JSON like {{\"type\": 2, \"preference_id\": \"P1\"}}",
        wishes.join("\n")
    );
    messages.push(Message { from: Source::World, text });
    messages
}

/// Asks for a reply that tells this wish, or none.
#[must_use]
pub fn ask_reply(request: &str, exchanges: &[Exchange], tell: Option<Wish>, asked: bool, said: &str) -> Vec<Message> {
    let brief = format!("Somebody plans a trip for you. You answer in a sentence or two. Your request: {request}");
    let mut messages = reminder(brief, exchanges);
    let text = match tell {
        None => "It was not about anything you care for: answer in a neutral way, and tell no wish.".to_owned(),
        Some(wish) => {
            let how = if asked { "Answer so that it shows" } else { "Whatever is said, bring up by yourself" };
            format!(
                "{how}, without saying it outright, that for the {} you want {}. For instance: {}",
                wish.aspect.spoken(),
                wish.value().wish,
                wish.hint()
            )
        }
    };
    messages.push(Message { from: Source::World, text });
    messages.push(Message { from: Source::Partner, text: said.to_owned() });
    messages
}

fn reminder(brief: String, exchanges: &[Exchange]) -> Vec<Message> {
    let mut messages = vec![Message { from: Source::Brief, text: brief }];
    for exchange in exchanges.iter().rev().take(REMEMBERED).rev() {
        let text = format!("It was said: {} You said: {}", exchange.said, exchange.reply);
        messages.push(Message { from: Source::World, text });
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Vec<Need> {
        vec![Need { aspect: Aspect::RentalCar, arguments: Vec::new() }]
    }

    #[test]
    fn an_alignment_is_read_tolerantly_and_checked() {
        let car = Alignment { alignment: Aligned::Complete, aspect: Some(Aspect::RentalCar) };
        for text in [
            r#"{"alignment": "complete", "aspect": "rental_car"}"#,
            "```json\n{\"aspect\": \"Car Rental\", \"alignment\": \"complete\", \"why\": 1}\n```",
            "<think>well</think> {\"alignment\": \"complete\", \"aspect\": \"rental car\"}",
        ] {
            assert_eq!(Alignment::read(text, &needs()), Ok(car), "{text}");
        }
        let none = Alignment { alignment: Aligned::Unrelated, aspect: None };
        for text in [r#"{"alignment": "unrelated"}"#, r#"{"alignment": "unrelated", "aspect": "N/A"}"#] {
            assert_eq!(Alignment::read(text, &needs()), Ok(none));
        }
        for text in [
            "",
            "complete",
            "{",
            "}{",
            "[]",
            r#"{"alignment": "complete"}"#,
            r#"{"alignment": "complete", "aspect": "hotel"}"#,
            r#"{"alignment": "complete", "aspect": "cruise"}"#,
            r#"{"alignment": true, "aspect": "rental_car"}"#,
            r#"{"aspect": "rental_car"}"#,
        ] {
            assert!(Alignment::read(text, &needs()).is_err(), "{text}");
        }
        let written = serde_json::to_string(&car).unwrap();
        assert_eq!(Alignment::read(&written, &needs()), Ok(car));
    }

    #[test]
    fn an_intent_is_read_tolerantly_and_checked() {
        assert_eq!(Intent::read(r#"{"type": 2, "preference_id": "P3"}"#, &[0, 2]), Ok((Kind::Hit, Some(2))));
        assert_eq!(Intent::read(r#"so: {"type": "2", "preference_id": " p1 "}."#, &[0, 2]), Ok((Kind::Hit, Some(0))));
        assert_eq!(Intent::read(r#"{"type": 4, "preference_id": "P9"}"#, &[]), Ok((Kind::Vague, None)));
        for text in [
            "",
            r#"{"type": 0}"#,
            r#"{"type": 5}"#,
            r#"{"type": -1}"#,
            r#"{"type": 99999999999999999999}"#,
            r#"{"type": 2}"#,
            r#"{"type": 2, "preference_id": "P2"}"#,
            r#"{"type": 2, "preference_id": 1}"#,
            r#"{"preference_id": "P1"}"#,
        ] {
            assert!(Intent::read(text, &[0, 2]).is_err(), "{text}");
        }
        let written = serde_json::to_string(&Intent::new(Kind::Hit, Some(2))).unwrap();
        assert_eq!(written, r#"{"type":2,"preference_id":"P3"}"#);
    }
}

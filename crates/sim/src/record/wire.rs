//! A casting as it is written down.
//!
//! Most seats are told in prose what they may do. Theirs are the bytes and the keys of before there was a choice, so that logs stay what they were:
//! in a log, whether a seat learns is one byte, and two more values of it say that it calls tools; in JSON, only a casting with tools names them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use super::Casting;
use super::EpisodeId;
use crate::Pair;
use crate::Tools;
use crate::scenario::Split;

/// As JSON has it.
#[derive(Serialize, Deserialize)]
struct Readable<'a> {
    id: EpisodeId,
    scenario: u32,
    split: Split,
    item: u32,
    policies: Cow<'a, Pair<String>>,
    learns: Pair<bool>,
    #[serde(default, skip_serializing_if = "in_prose")]
    tools: Pair<Tools>,
}

/// As logs have it.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    id: EpisodeId,
    scenario: u32,
    split: Split,
    item: u32,
    policies: Cow<'a, Pair<String>>,
    parts: Pair<Part>,
}

/// Whether a seat learns, and how it is told what it may do. The first two have the numbers of false and true.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Part {
    Plays,
    Learns,
    PlaysWithTools,
    LearnsWithTools,
}

impl Part {
    fn of(learns: bool, tools: Tools) -> Part {
        match (learns, tools) {
            (false, Tools::Prose) => Part::Plays,
            (true, Tools::Prose) => Part::Learns,
            (false, Tools::Template) => Part::PlaysWithTools,
            (true, Tools::Template) => Part::LearnsWithTools,
        }
    }

    fn learns(self) -> bool {
        matches!(self, Part::Learns | Part::LearnsWithTools)
    }

    fn tools(self) -> Tools {
        match self {
            Part::Plays | Part::Learns => Tools::Prose,
            Part::PlaysWithTools | Part::LearnsWithTools => Tools::Template,
        }
    }
}

fn in_prose(tools: &Pair<Tools>) -> bool {
    tools.agent.is_prose() && tools.user.is_prose()
}

impl Serialize for Casting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Casting { id, scenario, split, item, policies, learns, tools } = self;
        let (id, scenario, split, item, policies) = (*id, *scenario, *split, *item, Cow::Borrowed(policies));
        if serializer.is_human_readable() {
            return Readable { id, scenario, split, item, policies, learns: *learns, tools: *tools }
                .serialize(serializer);
        }
        let parts = Pair::from_fn(|seat| Part::of(learns[seat], tools[seat]));
        Packed { id, scenario, split, item, policies, parts }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Casting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Casting, D::Error> {
        if deserializer.is_human_readable() {
            let Readable { id, scenario, split, item, policies, learns, tools } = Readable::deserialize(deserializer)?;
            return Ok(Casting { id, scenario, split, item, policies: policies.into_owned(), learns, tools });
        }
        let Packed { id, scenario, split, item, policies, parts } = Packed::deserialize(deserializer)?;
        let (learns, tools) = (parts.map(|_, part| part.learns()), parts.map(|_, part| part.tools()));
        Ok(Casting { id, scenario, split, item, policies: policies.into_owned(), learns, tools })
    }
}

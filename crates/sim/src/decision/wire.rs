//! A generation as it is written down.
//!
//! Most turns are read with all that came before them. Theirs are the bytes of before turns could leave thoughts out, so that their logs stay
//! what they were: how a turn ended is one byte, and only a turn that says what it left out says more.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use super::Generation;
use crate::thinking::Cut;

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    policy: Cow<'a, str>,
    version: u64,
    prompt: Cow<'a, [u32]>,
    tokens: Cow<'a, [u32]>,
    logprobs: Cow<'a, [f32]>,
    thought_len: u32,
    temperature: f32,
    end: End<'a>,
}

/// How a turn ended, and what its prompt left out. The first two have the numbers of false and true.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End<'a> {
    Open,
    Closed,
    OpenWithout(Cow<'a, [Cut]>),
    ClosedWithout(Cow<'a, [Cut]>),
}

impl Serialize for Generation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Generation { policy, version, prompt, tokens, logprobs, thought_len, temperature, closed, cuts } = self;
        let end = match (closed, cuts) {
            (false, None) => End::Open,
            (true, None) => End::Closed,
            (false, Some(cuts)) => End::OpenWithout(cuts.into()),
            (true, Some(cuts)) => End::ClosedWithout(cuts.into()),
        };
        let wire = Wire {
            policy: policy.into(),
            version: *version,
            prompt: prompt.into(),
            tokens: tokens.into(),
            logprobs: logprobs.into(),
            thought_len: *thought_len,
            temperature: *temperature,
            end,
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Generation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Generation, D::Error> {
        let Wire { policy, version, prompt, tokens, logprobs, thought_len, temperature, end } =
            Wire::deserialize(deserializer)?;
        let (closed, cuts) = match end {
            End::Open => (false, None),
            End::Closed => (true, None),
            End::OpenWithout(cuts) => (false, Some(cuts.into_owned())),
            End::ClosedWithout(cuts) => (true, Some(cuts.into_owned())),
        };
        Ok(Generation {
            policy: policy.into_owned(),
            version,
            prompt: prompt.into_owned(),
            tokens: tokens.into_owned(),
            logprobs: logprobs.into_owned(),
            thought_len,
            temperature,
            closed,
            cuts,
        })
    }
}

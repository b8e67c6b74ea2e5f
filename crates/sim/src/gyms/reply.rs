//! What a user or judge replied, made ready to be read: models reason first, fence their JSON, and put a sentence before it.

use serde::de::DeserializeOwned;

/// Longest reply that is read, in bytes.
pub const REPLY_BYTES_MAX: usize = 64 * 1024;
/// How much of an unreadable reply a fault repeats, in characters.
const EXCERPT: usize = 60;

/// The reply without the private reasoning before it.
#[must_use]
pub fn spoken(reply: &str) -> &str {
    reply.rsplit_once("</think>").map_or(reply, |(_, said)| said).trim()
}

/// Reads the JSON object in a reply.
///
/// # Errors
/// What is wrong with it, if there is none, or one of another form.
pub fn read<T: DeserializeOwned>(reply: &str) -> Result<T, String> {
    if reply.len() > REPLY_BYTES_MAX {
        return Err(format!("a reply of {} bytes, above {REPLY_BYTES_MAX}", reply.len()));
    }
    let said = spoken(reply);
    let object = said.find('{').zip(said.rfind('}')).and_then(|(first, last)| said.get(first..=last));
    let object = object.ok_or_else(|| format!("`{}` holds no JSON object", excerpt(said)))?;
    serde_json::from_str(object).map_err(|error| format!("not the JSON that was asked for: {error}"))
}

/// The beginning of a text, for a message.
#[must_use]
pub fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn number(reply: &str) -> Result<u32, String> {
        read::<BTreeMap<String, u32>>(reply).map(|object| object["n"])
    }

    #[test]
    fn json_is_found_between_fences_after_reasoning_and_in_a_sentence() {
        for reply in
            ["{\"n\": 1}", "```json\n{\"n\": 1}\n```", "<think>{}</think> {\"n\": 1}", "It is {\"n\": 1}. Done."]
        {
            assert_eq!(number(reply), Ok(1), "{reply}");
        }
    }

    #[test]
    fn half_json_other_json_and_too_much_of_it_are_errors() {
        let long = format!("{{\"n\": 1{}}}", " ".repeat(REPLY_BYTES_MAX));
        for reply in ["", "}{", "{\"n\": ", "{\"n\": -1}", "{\"n\": \"1\"}", "[1]", &long] {
            assert!(number(reply).is_err(), "{}", excerpt(reply));
        }
    }
}

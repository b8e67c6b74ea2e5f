//! What a reply has to look like, and what it says. Models wrap what was asked for: in thoughts, in code fences, in kind words. Whether an
//! answer is right is the world's to say; here it is only found, and asked for again if it is clearly not there.

use serde_json::Value;
use sim::Query;

/// Nobody writes more openings before the JSON that was asked for; each costs a look at the rest of the text.
const OPENINGS_MAX: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A turn in the talk. Whatever it is, it is the seat's.
    Act,
    /// Words.
    Words,
    /// JSON, like this example if the question gives one.
    Json(Option<Value>),
}

impl Form {
    /// The form that a query asks for: JSON if only the world hears the answer and the question says so. The example is the JSON
    /// that follows the word, as it stands there for people and models alike.
    #[must_use]
    pub fn of(query: &Query) -> Form {
        let last = query.messages.last().map(|message| message.text.as_str()).unwrap_or_default();
        match last.rfind("JSON").filter(|_| !query.spoken) {
            Some(at) => Form::Json(objects(&last[at..]).into_iter().next().map(|(_, example)| example)),
            None => Form::Words,
        }
    }

    /// What an answer says: JSON without anything around it, or words without a code fence around all of them.
    #[must_use]
    pub fn content<'t>(&self, text: &'t str) -> &'t str {
        match self {
            Form::Act => text,
            Form::Words => unfenced(text),
            Form::Json(example) => {
                let found = objects(text);
                let fitting = found.iter().find(|(_, value)| is_like(value, example.as_ref()));
                fitting.or(found.last()).map_or(unfenced(text), |(written, _)| written)
            }
        }
    }

    /// Whether a reply could be what was asked for.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Form::Act => true,
            Form::Words => !unfenced(text).is_empty(),
            Form::Json(example) => {
                serde_json::from_str(self.content(text)).is_ok_and(|value| is_like(&value, example.as_ref()))
            }
        }
    }
}

/// Whether a value is an object with the example's keys, each of the example's kind; `null` in either stands for anything.
fn is_like(value: &Value, example: Option<&Value>) -> bool {
    let Some(example) = example else { return value.is_object() };
    match (value, example) {
        (Value::Object(value), Value::Object(example)) => {
            example.iter().all(|(key, example)| value.get(key).is_some_and(|value| is_like(value, Some(example))))
        }
        (Value::Array(values), Value::Array(examples)) => {
            examples.first().is_none_or(|example| values.iter().all(|value| is_like(value, Some(example))))
        }
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Bool(_), Value::Bool(_)) | (Value::Number(_), Value::Number(_)) => true,
        (Value::String(_), Value::String(_)) => true,
        _ => false,
    }
}

/// The JSON objects in a text, in order, each as it is written and as a value.
fn objects(text: &str) -> Vec<(&str, Value)> {
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..OPENINGS_MAX {
        let Some(open) = text[from..].find('{').map(|at| from + at) else { break };
        let mut values = serde_json::Deserializer::from_str(&text[open..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                let end = open + values.byte_offset();
                found.push((&text[open..end], value));
                from = end;
            }
            Some(Err(_)) | None => from = open + 1,
        }
    }
    found
}

/// A text without the code fence around all of it, and without space around it.
pub(crate) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    // The first line of a fence says only what language it is.
    let body = inside.and_then(|inside| inside.split_once('\n')).filter(|(first, _)| !first.trim().contains(' '));
    body.map_or(text, |(_, body)| body.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::thought;
    use serde_json::json;
    use sim::Message;
    use sim::Source;
    use sim::View;
    use sim::gyms::intention;
    use sim::gyms::intention::view::Asked;

    fn query(text: &str, spoken: bool) -> Query {
        let asked = Asked::Reply { question: String::new(), related: true, hit: Vec::new() };
        let view = View::Intention(intention::View::User(asked));
        Query { messages: vec![Message { from: Source::World, text: text.to_owned() }], view, spoken }
    }

    fn coverage() -> Form {
        Form::Json(Some(json!({ "related": true, "covered": [0] })))
    }

    #[test]
    fn a_question_that_says_json_wants_json_like_its_example() {
        let text = "Which of {these}? Say it as JSON like {\"related\": true, \"covered\": [0]}, please.";
        assert_eq!(Form::of(&query(text, false)), coverage());
        assert_eq!(Form::of(&query(text, true)), Form::Words);
        assert_eq!(Form::of(&query("Answer with JSON.", false)), Form::Json(None));
        assert_eq!(Form::of(&query("Yes or no?", false)), Form::Words);
    }

    #[test]
    fn json_is_found_in_fences_and_kind_words() {
        let json = r#"{"related": false, "covered": []}"#;
        for text in [
            json.to_owned(),
            format!("```json\n{json}\n```"),
            format!("```\n{json}```"),
            format!("Sure! Here it is:\n```json\n{json}\n```\nAnything else?"),
            format!("I take {{this}} to be: {json}."),
            format!("{{\"draft\": 1}} no, {json}"),
            format!("{json} {{\"related\": 1}}"),
        ] {
            assert_eq!(coverage().content(&text), json, "{text}");
            assert!(coverage().fits(&text), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_does_not_fit() {
        for text in [
            "",
            "yes",
            "[0]",
            r#"{"related": true"#,
            r#"{"related": true}"#,
            r#"{"related": "yes", "covered": [0]}"#,
            r#"{"related": true, "covered": ["a"]}"#,
            "{'related': True, 'covered': []}",
        ] {
            assert!(!coverage().fits(text), "{text}");
        }
        assert!(!Form::Words.fits("``` \n```") && !Form::Words.fits(" "));
        assert!(Form::Json(None).fits("{}") && !Form::Json(None).fits("7"));
        assert!(Form::Act.fits(""));
    }

    #[test]
    fn words_lose_the_fence_around_all_of_them_and_no_other() {
        assert_eq!(Form::Words.content("```text\nTwo, please.\n```"), "Two, please.");
        assert_eq!(Form::Words.content("Run ```ls``` twice"), "Run ```ls``` twice");
        assert_eq!(Form::Words.content("```two words\nb\n```"), "```two words\nb\n```");
    }

    #[test]
    fn a_megabyte_of_openings_is_read_at_once() {
        let hostile = "{\"".repeat(500_000);
        assert!(!coverage().fits(&hostile));
        let nested = "{\"a\":".repeat(200_000);
        assert!(!coverage().fits(&nested));
    }

    proptest! {
        /// Whatever is written, reading ends, and what was found is part of what was written.
        #[test]
        fn any_text_is_read(text in "(<think>|</think>|[{}\\[\\]\",:]|```|\\PC|\n){0,60}") {
            let (_, said) = thought::split(&text);
            prop_assert!(!said.to_ascii_lowercase().contains("<think"));
            for form in [Form::Act, Form::Words, coverage()] {
                prop_assert!(said.contains(form.content(&said)));
            }
        }
    }
}

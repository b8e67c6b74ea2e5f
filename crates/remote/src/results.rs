//! What a search engine found, out of the forms in which engines give it. They differ in where the list stands and in what the text of an entry is
//! called; what is none of them is told by the keys that were there instead, and is never taken for nothing found.
//!
//! ```text
//!  Brave       web.results[]   {title, description}      tags in it; without `web` where nothing was found
//!  Serper      organic[]       {title, snippet, link}    an `answerBox` with a title comes first
//!  MediaWiki   query.search[]  {title, snippet}          tags in it
//!  SearXNG     results[]       {title, content, url}     `unresponsive_engines` where some could not be asked
//!  any other   []              {title, text}
//! ```

use serde_json::Value;
use sim::gyms::search::Document;

use crate::markup;

/// Most of a title or a text that is kept, in characters. A world shows less.
pub const TEXT_MAX: usize = 2000;

/// Where lists stand, and whether there are tags in them; the first that is there counts.
const LISTS: [(&str, bool); 5] =
    [("/web/results", true), ("/organic", false), ("/query/search", true), ("/results", false), ("", false)];
/// What the text of an entry is called.
const TEXTS: [&str; 4] = ["content", "snippet", "description", "text"];
/// What stands in for a title that is missing.
const ADDRESSES: [&str; 2] = ["url", "link"];

/// What was found, the best first; nothing, if the engine says so.
///
/// # Errors
/// What was there instead.
pub fn read(reply: &Value) -> Result<Vec<Document>, String> {
    let boxed = reply.get("answerBox").and_then(answer_box);
    let list = LISTS.into_iter().find_map(|(at, tags)| Some((reply.pointer(at)?.as_array()?, tags)));
    let Some((list, tags)) = list else {
        let nothing = boxed.is_some() || found_nothing(reply);
        return if nothing { Ok(boxed.into_iter().collect()) } else { Err(keys_of(reply)) };
    };
    if let (true, Some(silent)) = (list.is_empty(), silent(reply)) {
        return Err(format!("nothing, and these sources of its own did not answer: {silent}"));
    }
    let found: Vec<Document> = list.iter().filter_map(|entry| document(entry, tags)).collect();
    match list.first() {
        Some(first) if found.is_empty() => Err(format!("a list of {}", keys_of(first))),
        _ => Ok(boxed.into_iter().chain(found).collect()),
    }
}

/// An entry; `None` if there is nothing to read in it.
fn document(entry: &Value, tags: bool) -> Option<Document> {
    let first = |keys: &[&str]| {
        let texts = keys.iter().filter_map(|key| entry.get(key)?.as_str());
        texts.map(|text| kept(text, tags)).find(|text| !text.is_empty())
    };
    let (title, text) = (first(&["title"]), first(&TEXTS));
    if title.is_none() && text.is_none() {
        return None;
    }
    Some(Document { title: title.or_else(|| first(&ADDRESSES)).unwrap_or_default(), text: text.unwrap_or_default() })
}

fn answer_box(entry: &Value) -> Option<Document> {
    let text = |key: &str| entry.get(key)?.as_str().map(|text| kept(text, false)).filter(|text| !text.is_empty());
    Some(Document { title: text("title")?, text: text("answer").or_else(|| text("snippet"))? })
}

fn kept(text: &str, tags: bool) -> String {
    let text = if tags { markup::plain(text) } else { text.to_owned() };
    text.trim().chars().take(TEXT_MAX).collect()
}

/// Brave leaves `web` out where it found nothing.
fn found_nothing(reply: &Value) -> bool {
    reply.get("type").and_then(Value::as_str) == Some("search") && reply.get("query").is_some_and(Value::is_object)
}

/// Sources that SearXNG could not ask; `None` if there are none.
fn silent(reply: &Value) -> Option<String> {
    let names = reply.get("unresponsive_engines")?.as_array()?.iter().map(|source| match source {
        Value::Array(name_and_why) => name_and_why.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ("),
        other => other.as_str().unwrap_or_default().to_owned(),
    });
    let names: Vec<String> = names.map(|name| if name.contains('(') { format!("{name})") } else { name }).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What a value is, by its keys.
fn keys_of(value: &Value) -> String {
    match value {
        Value::Object(entries) if entries.is_empty() => "an object without keys".to_owned(),
        Value::Object(entries) => {
            let keys: Vec<String> = entries.keys().map(|key| format!("`{key}`")).collect();
            format!("an object with the keys {}", keys.join(", "))
        }
        Value::Array(_) => "a list".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(reply: Value) -> Vec<(String, String)> {
        let documents = read(&reply).unwrap_or_else(|error| panic!("{error}: {reply}"));
        documents.into_iter().map(|Document { title, text }| (title, text)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(title, text)| ((*title).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn each_engine_is_read_in_its_own_form() {
        let both = pairs(&[("Heron", "A bird & more."), ("Otter", "It swims.")]);
        for reply in [
            json!({ "query": "q", "number_of_results": 0, "results": [
                { "title": "Heron", "content": "A bird & more.", "url": "http://a", "engine": "x" },
                { "title": "Otter", "content": "It swims.", "url": "http://b" } ],
                "answers": [], "unresponsive_engines": [["google", "timeout"]] }),
            json!({ "searchParameters": { "q": "q" }, "organic": [
                { "title": "Heron", "snippet": "A bird & more.", "link": "http://a", "position": 1 },
                { "title": "Otter", "snippet": "It swims.", "link": "http://b" } ] }),
            json!({ "type": "search", "query": { "original": "q" }, "web": { "type": "search", "results": [
                { "title": "<b>Heron</b>", "description": "A <strong>bird</strong> &amp; more.", "url": "http://a" },
                { "title": "Otter", "description": "It swims." } ] } }),
            json!({ "batchcomplete": "", "query": { "searchinfo": { "totalhits": 2 }, "search": [
                { "ns": 0, "title": "Heron", "snippet": "A <span class=\"searchmatch\">bird</span> &amp; more." },
                { "ns": 0, "title": "Otter", "snippet": "It swims." } ] } }),
            json!([{ "title": "Heron", "text": "A bird & more." }, { "title": "Otter", "text": "It swims." }]),
        ] {
            assert_eq!(found(reply), both);
        }
    }

    #[test]
    fn an_answer_box_comes_first_if_it_has_a_title() {
        let organic = json!([{ "title": "Heron", "snippet": "A bird." }]);
        let boxed = json!({ "answerBox": { "title": "Height", "answer": "1 m", "snippet": "x" }, "organic": organic });
        assert_eq!(found(boxed), pairs(&[("Height", "1 m"), ("Heron", "A bird.")]));
        let untitled = json!({ "answerBox": { "answer": "1 m" }, "organic": organic });
        assert_eq!(found(untitled), pairs(&[("Heron", "A bird.")]));
        assert_eq!(found(json!({ "answerBox": { "title": "Height", "snippet": "1 m" } })), pairs(&[("Height", "1 m")]));
    }

    #[test]
    fn nothing_is_what_an_engine_says_it_is() {
        for reply in [
            json!([]),
            json!({ "results": [], "unresponsive_engines": [] }),
            json!({ "organic": [] }),
            json!({ "query": { "search": [] } }),
            json!({ "web": { "results": [] } }),
            json!({ "type": "search", "query": { "original": "q" }, "mixed": {} }),
        ] {
            assert_eq!(found(reply), []);
        }
        let silent = json!({ "results": [], "unresponsive_engines": [["google", "timeout"], ["bing", "CAPTCHA"]] });
        let error = read(&silent).unwrap_err();
        assert!(error.ends_with("did not answer: google (timeout), bing (CAPTCHA)"), "{error}");
    }

    #[test]
    fn another_form_is_told_by_its_keys_and_is_never_nothing() {
        for (reply, told) in [
            (json!({ "error": { "info": "no" }, "servedby": "x" }), "an object with the keys `error`, `servedby`"),
            (json!({ "results": { "a": 1 } }), "an object with the keys `results`"),
            (json!({}), "an object without keys"),
            (json!({ "results": [{ "name": "Heron" }] }), "a list of an object with the keys `name`"),
            (json!(["Heron", ["Heron"]]), "a list of a text"),
            (json!("Heron"), "a text"),
            (json!(null), "null"),
            (json!({ "query": "q" }), "an object with the keys `query`"),
        ] {
            assert_eq!(read(&reply), Err(told.to_owned()), "{reply}");
        }
    }

    #[test]
    fn entries_without_words_are_left_out_and_long_ones_cut() {
        let long = "é".repeat(TEXT_MAX + 9);
        let reply = json!({ "results": [
            { "title": "", "content": "" }, { "title": null, "content": null, "url": "http://a" }, 7,
            { "title": "Heron", "content": null, "url": "http://a" }, { "content": "It swims.", "url": "http://b" },
            { "title": long, "content": long } ] });
        let cut = "é".repeat(TEXT_MAX);
        assert_eq!(found(reply), pairs(&[("Heron", ""), ("http://b", "It swims."), (&cut, &cut)]));
    }
}

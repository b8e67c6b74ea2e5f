//! What a search came to: pages of the scenario's corpus by their numbers, or documents that an engine outside has given.

use serde::Deserialize;
use serde::Serialize;

use super::Corpus;
use super::Document;

/// Most of a document that a search shows, in characters; of its title likewise.
pub const SNIPPET_MAX: usize = 400;
/// Longest reply of an engine that is read, in bytes.
pub const REPLY_BYTES_MAX: usize = 1 << 20;

/// The best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// Numbers in the corpus.
    Pages(Vec<u32>),
    /// An engine's, cut as they were shown: what was not shown is not kept.
    Documents(Vec<Document>),
}

impl Found {
    /// Reads an engine's reply: a JSON list of `{title, text}`, of which at most so many are kept. An empty one has found nothing.
    ///
    /// # Errors
    /// What is wrong with it, if it is anything else.
    pub fn read(reply: &str, results_max: usize) -> Result<Found, String> {
        if reply.len() > REPLY_BYTES_MAX {
            return Err(format!("a reply of {} bytes, above {REPLY_BYTES_MAX}", reply.len()));
        }
        let documents: Vec<Document> =
            serde_json::from_str(reply).map_err(|error| format!("no list of titles and texts: {error}"))?;
        Ok(Found::Documents(documents.iter().take(results_max).map(cut_down).collect()))
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Found::Pages(numbers) => numbers.is_empty(),
            Found::Documents(documents) => documents.is_empty(),
        }
    }

    /// The documents, as the corpus or the engine has them.
    pub fn documents<'a>(&'a self, corpus: &'a Corpus) -> impl Iterator<Item = &'a Document> {
        let (numbers, documents): (&[u32], &[Document]) = match self {
            Found::Pages(numbers) => (numbers, &[]),
            Found::Documents(documents) => (&[], documents),
        };
        numbers.iter().map(|number| &corpus.documents()[*number as usize]).chain(documents)
    }

    /// The same, cut as they are shown.
    pub fn snippets<'a>(&'a self, corpus: &'a Corpus) -> impl Iterator<Item = Document> {
        self.documents(corpus).map(cut_down)
    }
}

fn cut_down(Document { title, text }: &Document) -> Document {
    Document { title: cut(title), text: cut(text) }
}

/// Its beginning, on one line.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SNIPPET_MAX) {
        Some((end, _)) if line[end..] != *"…" => format!("{}…", &line[..end]),
        Some(_) | None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_once_and_on_one_line() {
        assert_eq!(cut("a  heron\n wades"), "a heron wades");
        let long = "é".repeat(SNIPPET_MAX + 7);
        let once = cut(&long);
        assert_eq!(once, format!("{}…", "é".repeat(SNIPPET_MAX)));
        assert_eq!(cut(&once), once, "what an engine found is cut when it comes and when it is shown");
        assert_eq!(cut(&"x".repeat(SNIPPET_MAX)), "x".repeat(SNIPPET_MAX));
    }

    #[test]
    fn what_is_no_list_of_documents_is_an_error_and_never_nothing() {
        assert_eq!(Found::read("[]", 5), Ok(Found::Documents(Vec::new())));
        for reply in
            ["", "null", "{}", "[", "[1]", r#"[{"title": "a"}]"#, r#"{"results": []}"#, r#"[{"title": 1, "text": ""}]"#]
        {
            assert!(Found::read(reply, 5).is_err(), "{reply}");
        }
        assert!(Found::read(&format!("[]{}", " ".repeat(REPLY_BYTES_MAX)), 5).is_err());
        let three = r#"[{"title":"a","text":"1"},{"title":"b","text":"2","url":"x"},{"title":"c","text":"3"}]"#;
        let found = Found::read(three, 2).unwrap();
        let titles: Vec<String> = found.documents(&Corpus::default()).map(|document| document.title.clone()).collect();
        assert_eq!(titles, ["a", "b"]);
    }
}

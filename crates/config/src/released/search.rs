//! Questions out of UserRL's `questions.json`, and a corpus out of any folder of text files.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use sim::gyms::search::Document;
use sim::gyms::search::Item;

use super::DATA;
use super::FilesFile;
use super::is_asked_for;
use super::place;
use crate::Source;
use crate::check::Check;
use crate::node::Node;

/// Of one file of questions, every fifth is to learn from.
const EVERY: usize = 5;
/// Words of a page, at most; a longer text is several pages of one title.
const PAGE_WORDS_MAX: usize = 120;
/// Files of a corpus, and their bytes together.
const CORPUS_FILES_MAX: usize = 200_000;
const CORPUS_BYTES_MAX: u64 = 256 << 20;

/// The questions to learn from and to measure on. The release has one file and no splits: where both keys name it, every fifth question is to
/// learn from and the others are measured on, or all of them if `keep_known` says to keep them. `None` if `items` names no files, or after a
/// mistake, which has been noted.
pub(crate) fn questions(check: &mut Check<'_>, world: &Node) -> Option<(Vec<Item>, Vec<Item>)> {
    let items = world.get("items").filter(|_| is_asked_for(world))?;
    let FilesFile { train, held_out, keep_known } = check.read_part(items, "world.items");
    check.present("world.items.held_out", held_out.is_some(), "held_out = \"userrl/questions.json\"");
    let (train_file, held_out_file) = (train?, held_out?);
    let mut train = read(check, "world.items.train", &train_file)?;
    let mut held_out = read(check, "world.items.held_out", &held_out_file)?;
    if train_file == held_out_file {
        train = train.into_iter().step_by(EVERY).collect();
    }
    if !keep_known.unwrap_or(false) {
        held_out.retain(|item| !train.iter().any(|known| is_same(&known.question, &item.question)));
    }
    Some((train, held_out))
}

/// Whether two questions are one, but for letters' case and the space between words.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}

fn read(check: &mut Check<'_>, key: &str, written: &str) -> Option<Vec<Item>> {
    let source = match Source::read(&place(check.folder(), written)) {
        Ok(source) => source,
        Err(error) => {
            let hint = format!("the path starts at this file's folder, or at ${DATA} if that is set");
            check.error(key, format!("`{written}` {}", error.what), hint);
            return None;
        }
    };
    match serde_json::from_str(&source.text) {
        Ok(items) => Some(items),
        Err(error) => {
            check.error(
                key,
                format!("`{written}` holds no questions: {error}"),
                "it is a list of {id, question, answer}",
            );
            None
        }
    }
}

/// All pages of a folder of text files, with those of the folders in it, in the order of their paths. `None` after a mistake, which has been noted.
pub(crate) fn corpus(check: &mut Check<'_>, key: &str, written: &str) -> Option<Vec<Document>> {
    let folder = place(check.folder(), written);
    match pages_of(&folder) {
        Ok(pages) if pages.is_empty() => {
            let hint = "name a folder with files that end in .txt or .md";
            check.error(key, format!("`{written}` holds no text"), hint);
            None
        }
        Ok(pages) => Some(pages),
        Err(why) => {
            let hint = format!("the path starts at this file's folder, or at ${DATA} if that is set");
            check.error(key, format!("`{written}` cannot be read: {why}"), hint);
            None
        }
    }
}

fn pages_of(folder: &Path) -> Result<Vec<Document>, String> {
    let of = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let (mut pages, mut bytes) = (Vec::new(), 0);
    let files = text_files(folder).map_err(|error| of(folder, error))?;
    if files.len() > CORPUS_FILES_MAX {
        return Err(format!("it holds more than {CORPUS_FILES_MAX} files"));
    }
    for path in files {
        bytes += fs::metadata(&path).map_err(|error| of(&path, error))?.len();
        if bytes > CORPUS_BYTES_MAX {
            return Err(format!("it holds more than {CORPUS_BYTES_MAX} bytes"));
        }
        let text = fs::read_to_string(&path).map_err(|error| of(&path, error))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        pages.extend(pages_in(&name, &text));
    }
    Ok(pages)
}

/// Links are not followed: a folder that holds itself would have no end.
fn text_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|extension| extension == "txt" || extension == "md")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A text as pages: its first line, if it is a heading, is the title of all; else the file's name is.
fn pages_in(name: &str, text: &str) -> Vec<Document> {
    let text = text.trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let heading = first.strip_prefix('#').map(|heading| heading.trim_start_matches('#').trim());
    let (title, body) = match heading {
        Some(heading) if !heading.is_empty() => (heading, rest),
        _ => (name, text),
    };
    let words: Vec<&str> = body.split_whitespace().collect();
    words.chunks(PAGE_WORDS_MAX).map(|words| Document { title: title.to_owned(), text: words.join(" ") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_pages_of_one_title() {
        let page = |title: &str, text: &str| Document { title: title.to_owned(), text: text.to_owned() };
        assert_eq!(pages_in("a", "# Heron\n\nA  wading\nbird."), [page("Heron", "A wading bird.")]);
        assert_eq!(pages_in("otter", "An otter\nswims."), [page("otter", "An otter swims.")]);
        assert!(pages_in("empty", " \n").is_empty());
        let long = pages_in("long", &"word ".repeat(250));
        assert_eq!(long.iter().map(|page| page.text.split(' ').count()).collect::<Vec<_>>(), [120, 120, 10]);
    }
}

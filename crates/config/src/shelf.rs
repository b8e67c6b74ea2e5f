//! Where files are read from.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::ConfigError;
use crate::Source;

/// Where a file's text comes from, and that of the files it names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shelf<'t> {
    /// The disk.
    Disk,
    /// These texts by their paths, and no others: a schema is overheard from files that lie nowhere.
    Memory(&'t [(&'t str, &'t str)]),
}

impl Shelf<'_> {
    /// Reads a file.
    pub(crate) fn read(self, path: &Path) -> Result<Source, ConfigError> {
        match self {
            Shelf::Disk => Source::read(path),
            Shelf::Memory(_) => match self.text(path) {
                Some(text) => Ok(Source { path: path.to_owned(), text: text.to_owned() }),
                None => Err(ConfigError {
                    file: path.display().to_string(),
                    line: None,
                    key: String::new(),
                    what: "cannot be read: it is not in memory".to_owned(),
                    hint: None,
                }),
            },
        }
    }

    /// A path that is written in a file in `folder`.
    pub(crate) fn beside(self, folder: &Path, written: &str) -> PathBuf {
        let joined = folder.join(written);
        let short = without_detours(&joined);
        // Through a symbolic link `a/b/..` need not be `a`.
        if self.has(&short) { short } else { joined }
    }

    fn has(self, path: &Path) -> bool {
        match self {
            Shelf::Disk => path.exists(),
            Shelf::Memory(_) => self.text(path).is_some(),
        }
    }

    fn text(&self, path: &Path) -> Option<&str> {
        match self {
            Shelf::Disk => None,
            Shelf::Memory(texts) => texts.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| *text),
        }
    }
}

/// `configs/../scenarios/haggle.toml` as `scenarios/haggle.toml`.
fn without_detours(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let back = part == Component::ParentDir && matches!(short.components().next_back(), Some(Component::Normal(_)));
        if back {
            short.pop();
        } else {
            short.push(part);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_holds_its_texts_and_nothing_of_the_disk() {
        let texts = [("a/b.toml", "x = 1")];
        let memory = Shelf::Memory(&texts);
        assert_eq!(memory.read(Path::new("a/b.toml")).map(|source| source.text), Ok("x = 1".to_owned()));
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(Shelf::Disk.read(&ours).is_ok());
        assert!(memory.read(&ours).is_err());
    }

    #[test]
    fn a_path_is_shortened_where_the_short_one_is_there() {
        let texts = [("a/b.toml", "")];
        let beside = |written: &str| Shelf::Memory(&texts).beside(Path::new("a/c"), written);
        assert_eq!(beside("../b.toml"), Path::new("a/b.toml"));
        assert_eq!(beside("../d.toml"), Path::new("a/c/../d.toml"));
    }
}

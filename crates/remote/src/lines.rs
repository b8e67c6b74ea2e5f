//! Files of JSON, one object a line, that only grow. The first line says what the file is.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Of the form of the lines.
const VERSION: u32 = 1;

/// Why a file of lines cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinesError {
    /// There is something already, and nothing is written over.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unread {
        /// Which.
        path: PathBuf,
        /// Why, in the system's words.
        why: String,
    },
    /// It cannot be written, or not to the end.
    #[error("{} cannot be written: {why}", path.display())]
    Unwritten {
        /// Which.
        path: PathBuf,
        /// Why, in the system's words.
        why: String,
    },
    /// It is something else.
    #[error("{} is no {kind} of this version", path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
    },
    /// A line of it makes no sense.
    #[error("{}:{line}: {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    duologue: String,
    version: u32,
}

impl Head {
    fn of(kind: &str) -> Head {
        Head { duologue: kind.to_owned(), version: VERSION }
    }
}

/// A file that lines are added to. It is made or opened when there is a first line, so that a command that does nothing leaves nothing.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    kind: &'static str,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(File),
    /// What was not written is lost, and nothing more is tried.
    Failed(LinesError),
}

impl Lines {
    /// Lines of a file that is not there yet.
    ///
    /// # Errors
    /// [`LinesError::Exists`]; [`LinesError::Unwritten`] if there is no such folder.
    pub fn fresh(path: &Path, kind: &'static str) -> Result<Lines, LinesError> {
        if path.exists() {
            return Err(LinesError::Exists(path.to_owned()));
        }
        Lines::in_folder(path, kind)
    }

    /// More lines of a file, which may be there.
    ///
    /// # Errors
    /// [`LinesError::Unwritten`] if there is no such folder.
    pub fn more(path: &Path, kind: &'static str) -> Result<Lines, LinesError> {
        Lines::in_folder(path, kind)
    }

    fn in_folder(path: &Path, kind: &'static str) -> Result<Lines, LinesError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) || path.is_dir() {
            let why = "its folder is not there, or it is one".to_owned();
            return Err(LinesError::Unwritten { path: path.to_owned(), why });
        }
        Ok(Lines { path: path.to_owned(), kind, state: Mutex::new(State::Closed) })
    }

    /// Adds a line. Whether it could be written, [`Lines::end`] says.
    pub fn add(&self, line: &impl Serialize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let unwritten = |why: io::Error| LinesError::Unwritten { path: self.path.clone(), why: why.to_string() };
        if matches!(*state, State::Closed) {
            *state = self.open().map_or_else(|why| State::Failed(unwritten(why)), State::Open);
        }
        if let State::Open(file) = &mut *state
            && let Err(why) = write(file, line)
        {
            *state = State::Failed(unwritten(why));
        }
    }

    /// Whether all lines could be written.
    ///
    /// # Errors
    /// [`LinesError::Unwritten`], of the first line that could not.
    pub fn end(&self) -> Result<(), LinesError> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed | State::Open(_) => Ok(()),
            State::Failed(error) => Err(error.clone()),
        }
    }

    fn open(&self) -> io::Result<File> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        let text = fs::read(&self.path)?;
        // A line that a crash has cut would spoil the next one.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        if whole == 0 {
            write(&mut file, &Head::of(self.kind))?;
        }
        Ok(file)
    }
}

/// In one call, so that lines of two processes do not mix.
fn write(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

/// Reads a file of lines. A last line that was cut is left out.
///
/// # Errors
/// [`LinesError`].
pub fn read<T: DeserializeOwned>(path: &Path, kind: &'static str) -> Result<Vec<T>, LinesError> {
    let unread = |why: io::Error| LinesError::Unread { path: path.to_owned(), why: why.to_string() };
    let text = fs::read_to_string(path).map_err(unread)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut lines = whole.lines();
    let head = lines.next().and_then(|line| serde_json::from_str::<Head>(line).ok());
    if head != Some(Head::of(kind)) {
        return Err(LinesError::Other { path: path.to_owned(), kind });
    }
    let damaged =
        |line, why: serde_json::Error| LinesError::Damaged { path: path.to_owned(), line, why: why.to_string() };
    (2..).zip(lines).map(|(at, line)| serde_json::from_str(line).map_err(|why| damaged(at, why))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "list";

    fn written(path: &Path, numbers: &[u32]) {
        let lines = Lines::more(path, KIND).unwrap();
        numbers.iter().for_each(|number| lines.add(number));
        lines.end().unwrap();
    }

    #[test]
    fn lines_are_read_as_they_were_written_and_more_may_follow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        written(&path, &[]);
        assert!(!path.exists(), "nothing was written");
        written(&path, &[1, 2]);
        written(&path, &[3]);
        assert_eq!(read::<u32>(&path, KIND).unwrap(), [1, 2, 3]);
        assert_eq!(Lines::fresh(&path, KIND).unwrap_err(), LinesError::Exists(path));
    }

    #[test]
    fn a_line_that_was_cut_is_left_out_and_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        written(&path, &[1, 2345]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 3]).unwrap();
        assert_eq!(read::<u32>(&path, KIND).unwrap(), [1]);
        written(&path, &[7]);
        assert_eq!(read::<u32>(&path, KIND).unwrap(), [1, 7]);
    }

    #[test]
    fn what_is_something_else_or_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        assert!(matches!(read::<u32>(&path, KIND), Err(LinesError::Unread { .. })));
        for other in
            ["", "dear\n", "{\"duologue\":\"list\",\"version\":9}\n", "{\"duologue\":\"other\",\"version\":1}\n"]
        {
            fs::write(&path, other).unwrap();
            assert!(matches!(read::<u32>(&path, KIND), Err(LinesError::Other { .. })), "{other}");
        }
        fs::write(&path, "{\"duologue\":\"list\",\"version\":1}\n1\nx\n2\n").unwrap();
        assert!(matches!(read::<u32>(&path, KIND), Err(LinesError::Damaged { line: 3, .. })));
        assert!(matches!(Lines::more(&path.join("b"), KIND), Err(LinesError::Unwritten { .. })));
        assert!(matches!(Lines::more(folder.path(), KIND), Err(LinesError::Unwritten { .. })));
    }
}

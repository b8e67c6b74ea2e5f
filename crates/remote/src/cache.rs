//! What was answered before, by the hash of everything the server was sent. Whoever asks the same gets the same, at once and for nothing; who
//! asks while the answer is on its way waits for it, or for what went wrong. That is shared by those who waited, and not remembered.

use std::path::Path;
use std::sync::Arc;

use dashmap::DashMap;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::LinesError;
use crate::Problem;
use crate::chat::Reply;
use crate::lines;
use crate::lines::Lines;

const KIND: &str = "cache";

/// What a question came to, once it is known.
pub type Cell = OnceCell<Result<Reply, Problem>>;

/// Replies by key: in memory, and if a file is given in it too.
#[derive(Debug, Default)]
pub struct Cache {
    cells: DashMap<String, Arc<Cell>>,
    file: Option<Lines>,
}

/// A reply as the file has it.
#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    #[serde(flatten)]
    reply: Reply,
}

impl Cache {
    /// A cache with a file, which is read if it is there.
    ///
    /// # Errors
    /// [`LinesError`].
    pub fn open(path: &Path) -> Result<Cache, LinesError> {
        let known: Vec<Line> = if path.exists() { lines::read(path, KIND)? } else { Vec::new() };
        let cells = known.into_iter().map(|Line { key, reply }| (key, Arc::new(OnceCell::new_with(Some(Ok(reply))))));
        Ok(Cache { cells: cells.collect(), file: Some(Lines::more(path, KIND)?) })
    }

    /// Where the reply to this question is, or will be.
    #[must_use]
    pub fn cell(&self, key: &str) -> Arc<Cell> {
        // The guard of the map ends here: nobody holds it while they wait.
        Arc::clone(&self.cells.entry(key.to_owned()).or_default())
    }

    /// Forgets what a question came to, so that whoever comes later asks anew.
    pub fn forget(&self, key: &str, cell: &Arc<Cell>) {
        self.cells.remove_if(key, |_, present| Arc::ptr_eq(present, cell));
    }

    /// Writes a reply into the file, if there is one.
    pub fn keep(&self, key: &str, reply: &Reply) {
        if let Some(file) = &self.file {
            file.add(&Line { key: key.to_owned(), reply: reply.clone() });
        }
    }

    /// Whether the file has all replies.
    ///
    /// # Errors
    /// [`LinesError::Unwritten`].
    pub fn end(&self) -> Result<(), LinesError> {
        self.file.as_ref().map_or(Ok(()), Lines::end)
    }
}

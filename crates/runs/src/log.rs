//! The log of episode records, `episodes/log.bin`: appended, checksummed, recovered after a crash.
//!
//! ```text
//!  head   "DUOLOGUE"  format version u32
//!  frame  mark [4]  length u32  crc32 u32 (of length and payload)  payload: one record (see `codec`)
//!  frame  …
//! ```
//! Numbers are little endian. A broken last frame is an interrupted write: opening for writing cuts it off and says so. A broken frame
//! with a whole one after it is damage, and an error: nothing is dropped silently from the middle of a run.
//! Not covered: a bit that flips in the very last frame looks like an interrupted write. [`Log::open_at`] tells, by the committed offset.

mod frames;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use sim::EpisodeId;
use sim::EpisodeRecord;

use crate::DiskError;
use crate::Offset;
use crate::append::AppendFile;
use crate::codec;
use crate::codec::CodecError;
use crate::codec::FORMAT_VERSION;
use crate::disk::failed;
use crate::log::frames::Frames;
use crate::log::frames::Next;

const MAGIC: [u8; 8] = *b"DUOLOGUE";
const HEAD_LEN: u64 = 12;

/// Why a log cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed, or the file is shorter than what was committed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The file does not begin as a log does.
    #[error("{} is not a log of episodes", file.display())]
    NotALog {
        /// Which.
        file: PathBuf,
    },
    /// The log was written by another version of the program.
    #[error("{} has format version {found}; this program reads version {FORMAT_VERSION}", file.display())]
    Version {
        /// Which.
        file: PathBuf,
        /// What its head says.
        found: u32,
    },
    /// A frame is broken, and not by an interrupted write.
    #[error("{} is damaged at byte {offset}: {why}", file.display())]
    Corrupt {
        /// Which.
        file: PathBuf,
        /// Where the broken frame starts.
        offset: u64,
        /// In words.
        why: &'static str,
    },
    /// A frame is whole, but no record of this version is in it.
    #[error("{}: the record at byte {offset} cannot be decoded: {source}", file.display())]
    Decode {
        /// Which.
        file: PathBuf,
        /// Where the frame starts.
        offset: u64,
        /// Why.
        source: CodecError,
    },
    /// A record cannot be written: it is larger than the bound on one record, for example.
    #[error("{}: the record of {id} cannot be written: {source}", file.display())]
    Encode {
        /// Which log.
        file: PathBuf,
        /// Which record.
        id: EpisodeId,
        /// Why.
        source: CodecError,
    },
}

/// What opening a log found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whole records it holds.
    pub records: u64,
    /// Bytes of an interrupted last write, which were cut off; 0 if it was whole.
    pub cut_bytes: u64,
}

/// The writing end of a log.
#[derive(Debug)]
pub struct Log {
    file: AppendFile,
}

impl Log {
    /// Opens a log, or creates one, and cuts off an interrupted last write.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] for a broken frame in its middle; [`LogError::NotALog`] and [`LogError::Version`] for a foreign head.
    pub fn open(path: &Path) -> Result<(Log, Recovery), LogError> {
        let mut log = Log { file: AppendFile::open(path)? };
        log.ensure_head()?;
        let len = log.file.len();
        let scan = log.scan()?;
        log.file.truncate_to(Offset::new(scan.end))?;
        Ok((log, Recovery { records: scan.records, cut_bytes: len - scan.end }))
    }

    /// Opens a log as it was when `offset` was synced: cuts off all later records first, so that damage among those is no matter.
    /// `Recovery::cut_bytes` counts what was cut. [`Offset::default`] leaves no record.
    ///
    /// # Errors
    /// As [`Log::open`]; [`DiskError::Short`] or [`LogError::Corrupt`] if what was synced is not there any more.
    pub fn open_at(path: &Path, offset: Offset) -> Result<(Log, Recovery), LogError> {
        let mut log = Log { file: AppendFile::open(path)? };
        log.ensure_head()?;
        let offset = offset.max(Offset::new(HEAD_LEN));
        let cut_bytes = log.file.len().saturating_sub(offset.bytes());
        log.file.truncate_to(offset)?;
        let scan = log.scan()?;
        match scan.torn {
            None => Ok((log, Recovery { records: scan.records, cut_bytes })),
            Some(why) => Err(LogError::Corrupt { file: path.to_owned(), offset: scan.end, why }),
        }
    }

    /// Where the log lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Appends a record. It survives the death of this process; to survive that of the machine it needs a [`Log::sync`].
    ///
    /// # Errors
    /// [`LogError::Encode`] if the record is too large; [`LogError::Disk`]. The log is then as before.
    pub fn append(&mut self, record: &EpisodeRecord) -> Result<(), LogError> {
        let payload = codec::encode(record).map_err(|source| LogError::Encode {
            file: self.path().to_owned(),
            id: record.casting.id,
            source,
        })?;
        Ok(self.file.append(&frames::frame(&payload))?)
    }

    /// Waits until every record so far is on the disk, and says where they end.
    ///
    /// # Errors
    /// [`LogError::Disk`].
    pub fn sync(&mut self) -> Result<Offset, LogError> {
        Ok(self.file.sync()?)
    }

    /// Cuts off every record after `offset`.
    ///
    /// # Errors
    /// [`DiskError::Short`] if the log ends before it.
    pub fn truncate_to(&mut self, offset: Offset) -> Result<(), LogError> {
        Ok(self.file.truncate_to(offset.max(Offset::new(HEAD_LEN)))?)
    }

    /// All records so far, read one at a time.
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn records(&self) -> Result<Records, LogError> {
        Records::open(self.path())
    }

    /// The record of one episode; `None` if it has none.
    ///
    /// # Errors
    /// As [`Records::open`] and its items.
    pub fn find(&self, id: EpisodeId) -> Result<Option<EpisodeRecord>, LogError> {
        self.records()?.find_id(id)
    }

    /// Writes the head of a new log, or of one whose creation was interrupted.
    fn ensure_head(&mut self) -> Result<(), LogError> {
        if HEAD_LEN <= self.file.len() {
            return Ok(());
        }
        let found = std::fs::read(self.path()).map_err(failed("read", self.path()))?;
        if !head().starts_with(&found) {
            return Err(LogError::NotALog { file: self.path().to_owned() });
        }
        self.file.truncate_to(Offset::default())?;
        self.file.append(&head())?;
        self.file.sync()?;
        Ok(())
    }

    fn scan(&self) -> Result<Scan, LogError> {
        let mut records = Records::open(self.path())?;
        let mut count = 0;
        while records.next_payload()?.is_some() {
            count += 1;
        }
        Ok(Scan { records: count, end: records.frames.offset(), torn: records.torn })
    }
}

/// What a walk over all frames found.
struct Scan {
    records: u64,
    /// Where the whole frames end.
    end: u64,
    torn: Option<&'static str>,
}

fn head() -> [u8; HEAD_LEN as usize] {
    let mut head = [0; HEAD_LEN as usize];
    head[0..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    head
}

/// The reading end: records one at a time, in the order in which they were appended, of a log that may still grow. It ends before an
/// interrupted last write (see [`Records::torn`]) and after the first error.
#[derive(Debug)]
pub struct Records {
    path: PathBuf,
    frames: Frames<BufReader<File>>,
    /// Whether all of it was once synced, so that nothing in it can be an interrupted write.
    is_synced: bool,
    torn: Option<&'static str>,
    is_done: bool,
}

impl Records {
    /// Opens a log for reading, up to where it ends now.
    ///
    /// # Errors
    /// [`LogError::Disk`] if there is none; [`LogError::NotALog`] and [`LogError::Version`] for a foreign head.
    pub fn open(path: &Path) -> Result<Records, LogError> {
        Records::up_to(path, None)
    }

    /// Opens a log for reading, up to a synced offset: what a run has written since its last commit is not read.
    ///
    /// # Errors
    /// As [`Records::open`]; [`DiskError::Short`] if the log ends before it. A broken last record is damage here.
    pub fn open_at(path: &Path, offset: Offset) -> Result<Records, LogError> {
        Records::up_to(path, Some(offset.max(Offset::new(HEAD_LEN))))
    }

    fn up_to(path: &Path, synced: Option<Offset>) -> Result<Records, LogError> {
        let mut file = File::open(path).map_err(failed("open", path))?;
        let len = file.metadata().map_err(failed("read the length of", path))?.len();
        check_head(&mut file, path)?;
        let end = synced.map_or(len, Offset::bytes);
        if len < end {
            return Err(DiskError::Short { file: path.to_owned(), len, wanted: end }.into());
        }
        let frames = Frames::new(BufReader::new(file), HEAD_LEN, end).map_err(failed("read", path))?;
        Ok(Records { path: path.to_owned(), frames, is_synced: synced.is_some(), torn: None, is_done: false })
    }

    /// Why the log's last write counts as interrupted; `None` if it is whole, or not reached yet.
    #[must_use]
    pub fn torn(&self) -> Option<&'static str> {
        self.torn
    }

    /// Reads on up to one episode's record; `None` if there is no such record between here and the end.
    ///
    /// # Errors
    /// As the iterator's items.
    pub fn find_id(mut self, id: EpisodeId) -> Result<Option<EpisodeRecord>, LogError> {
        while let Some((offset, payload)) = self.next_payload()? {
            let found = codec::decode_id(&payload).map_err(|source| self.undecodable(offset, source))?;
            if found == id {
                let record = codec::decode(&payload).map_err(|source| self.undecodable(offset, source))?;
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Reads on to the end: the records of the wanted episodes, in the order in which they were appended. No other is decoded.
    ///
    /// # Errors
    /// As the iterator's items.
    pub fn select(mut self, wanted: impl Fn(EpisodeId) -> bool) -> Result<Vec<EpisodeRecord>, LogError> {
        let mut records = Vec::new();
        while let Some((offset, payload)) = self.next_payload()? {
            let found = codec::decode_id(&payload).map_err(|source| self.undecodable(offset, source))?;
            if wanted(found) {
                records.push(codec::decode(&payload).map_err(|source| self.undecodable(offset, source))?);
            }
        }
        Ok(records)
    }

    /// The next frame's place and payload; `None` at the end.
    fn next_payload(&mut self) -> Result<Option<(u64, Vec<u8>)>, LogError> {
        if self.is_done {
            return Ok(None);
        }
        let offset = self.frames.offset();
        // Set first, so that nothing is read again after an error.
        self.is_done = true;
        match self.frames.next().map_err(failed("read", &self.path))? {
            Next::Payload(payload) => {
                self.is_done = false;
                Ok(Some((offset, payload)))
            }
            Next::End => Ok(None),
            Next::Torn(why) if !self.is_synced => {
                self.torn = Some(why);
                Ok(None)
            }
            Next::Torn(why) | Next::Corrupt(why) => Err(LogError::Corrupt { file: self.path.clone(), offset, why }),
        }
    }

    fn undecodable(&self, offset: u64, source: CodecError) -> LogError {
        LogError::Decode { file: self.path.clone(), offset, source }
    }
}

impl Iterator for Records {
    type Item = Result<EpisodeRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (offset, payload) = match self.next_payload() {
            Ok(next) => next?,
            Err(error) => return Some(Err(error)),
        };
        let record = codec::decode(&payload).map_err(|source| self.undecodable(offset, source));
        self.is_done = record.is_err();
        Some(record)
    }
}

fn check_head(file: &mut File, path: &Path) -> Result<(), LogError> {
    let mut found = [0; HEAD_LEN as usize];
    match file.read_exact(&mut found) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(LogError::NotALog { file: path.to_owned() });
        }
        Err(error) => return Err(failed("read", path)(error).into()),
    }
    let version = u32::from_le_bytes(found[8..12].try_into().expect("four bytes were cut out"));
    if found[0..8] != MAGIC {
        return Err(LogError::NotALog { file: path.to_owned() });
    }
    if version != FORMAT_VERSION {
        return Err(LogError::Version { file: path.to_owned(), found: version });
    }
    Ok(())
}

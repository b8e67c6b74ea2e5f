//! Frames of a log, read one after the other, and what to make of a broken one.

use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use crate::codec::RECORD_BYTES_MAX;

/// Each frame starts with these bytes. They say nothing; they let a reader find the next frame behind a broken one.
const MARK: [u8; 4] = [0xd0, 0x01, 0x06, 0xfe];

/// Mark, payload length and checksum, each of 4 bytes.
const HEAD_LEN: usize = 12;

/// One payload as a frame: mark, length (u32, little endian), CRC-32 of length and payload, payload.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a payload is at most RECORD_BYTES_MAX");
    let mut bytes = Vec::with_capacity(HEAD_LEN + payload.len());
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&checksum(len, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The length is part of it, so that a run of zeros (what some file systems leave after a power cut) is no valid empty frame.
fn checksum(len: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&len.to_le_bytes());
    crc.update(payload);
    crc.finalize()
}

/// What lies at the current place of a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A whole frame's payload.
    Payload(Vec<u8>),
    /// The end, right after a whole frame.
    End,
    /// A broken frame with no whole one after it: the last write was interrupted.
    Torn(&'static str),
    /// A broken frame with a whole one after it: the file was damaged.
    Corrupt(&'static str),
}

/// Reads frames up to a fixed end, so that what a writer appends meanwhile is not mistaken for damage.
#[derive(Debug)]
pub(crate) struct Frames<R> {
    reader: R,
    offset: u64,
    end: u64,
}

impl<R: Read + Seek> Frames<R> {
    /// Frames of `reader` from byte `offset` to byte `end`.
    pub(crate) fn new(mut reader: R, offset: u64, end: u64) -> io::Result<Frames<R>> {
        reader.seek(SeekFrom::Start(offset))?;
        Ok(Frames { reader, offset, end })
    }

    /// Where the next frame starts.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next frame. After anything but a payload the place stays where it is.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        let rest = self.end.saturating_sub(self.offset);
        if rest == 0 {
            return Ok(Next::End);
        }
        match self.read_frame(rest)? {
            Ok(payload) => {
                self.offset += (HEAD_LEN + payload.len()) as u64;
                Ok(Next::Payload(payload))
            }
            Err(why) => match self.whole_frame_follows()? {
                true => Ok(Next::Corrupt(why)),
                false => Ok(Next::Torn(why)),
            },
        }
    }

    fn read_frame(&mut self, rest: u64) -> io::Result<Result<Vec<u8>, &'static str>> {
        if rest < HEAD_LEN as u64 {
            return Ok(Err("it ends within the frame's head"));
        }
        let mut head = [0; HEAD_LEN];
        self.reader.read_exact(&mut head)?;
        if head[0..4] != MARK {
            return Ok(Err("no frame starts here"));
        }
        let (len, crc) = (number(&head[4..8]), number(&head[8..12]));
        if len as usize > RECORD_BYTES_MAX {
            return Ok(Err("the frame's length is impossible"));
        }
        if rest - (HEAD_LEN as u64) < u64::from(len) {
            return Ok(Err("it ends within the frame"));
        }
        let mut payload = vec![0; len as usize];
        self.reader.read_exact(&mut payload)?;
        Ok(if checksum(len, &payload) == crc { Ok(payload) } else { Err("the frame's checksum is wrong") })
    }

    /// Looks for a whole frame after the start of the broken one. A frame is bounded, so the next one's place is too, and twice the bound
    /// is all that must be read.
    fn whole_frame_follows(&mut self) -> io::Result<bool> {
        let (start, window) = (self.offset + 1, 2 * (HEAD_LEN + RECORD_BYTES_MAX) as u64);
        let len = self.end.saturating_sub(start).min(window);
        let mut bytes = vec![0; len as usize];
        self.reader.seek(SeekFrom::Start(start))?;
        self.reader.read_exact(&mut bytes)?;
        self.reader.seek(SeekFrom::Start(self.offset))?;
        Ok((0..bytes.len()).any(|at| is_whole_frame(&bytes[at..])))
    }
}

fn is_whole_frame(bytes: &[u8]) -> bool {
    if bytes.len() < HEAD_LEN || bytes[0..4] != MARK {
        return false;
    }
    let (len, crc) = (number(&bytes[4..8]), number(&bytes[8..12]));
    let payload = bytes[HEAD_LEN..].get(..len as usize);
    payload.is_some_and(|payload| checksum(len, payload) == crc)
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes were cut out"))
}

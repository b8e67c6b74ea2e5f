//! Records as bytes: the one module that knows bincode.
//!
//! Records are the bulk of a run, mostly token ids and log-probabilities, so they are written in binary rather than as JSON.
//! bincode's project has ended (RUSTSEC-2025-0141: unmaintained, no known defect), and 3.0.0 on the registry is a tombstone that
//! does not compile. So 2.0.1 is pinned exactly: its output cannot change under us, and all that must be replaced one day is this file.
//!
//! The bytes are not self-describing: fields are known by their order alone. Any change of [`sim::EpisodeRecord`] or of a type inside it
//! is a new [`FORMAT_VERSION`]; a test compares the bytes of a fixed record with those of this version. Serde attributes that need a
//! self-describing format (`untagged`, `flatten`, `skip_serializing_if`, internal tags) do not work here, and `sim` has none.

use bincode::config;
use bincode::config::Configuration;
use bincode::config::Limit;
use bincode::config::LittleEndian;
use bincode::config::Varint;
use sim::EpisodeId;
use sim::EpisodeRecord;

/// Version of the bytes, written into the head of each log.
pub(crate) const FORMAT_VERSION: u32 = 4;

/// Most bytes in one record: a bound for what a damaged length can make a reader allocate. A record of 100 turns of 1 000 tokens has 1 MiB.
pub(crate) const RECORD_BYTES_MAX: usize = 16 << 20;

const CONFIG: Configuration<LittleEndian, Varint, Limit<RECORD_BYTES_MAX>> =
    config::standard().with_limit::<RECORD_BYTES_MAX>();

/// Why bytes and record do not become each other, in words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

/// The bytes of a record.
pub(crate) fn encode(record: &EpisodeRecord) -> Result<Vec<u8>, CodecError> {
    let bytes = bincode::serde::encode_to_vec(record, CONFIG).map_err(|error| CodecError(error.to_string()))?;
    // bincode holds to its limit only when it decodes: without this, a record could be written that cannot be read.
    if RECORD_BYTES_MAX < bytes.len() {
        return Err(CodecError(format!("it takes {} bytes; at most {RECORD_BYTES_MAX} can be read back", bytes.len())));
    }
    Ok(bytes)
}

/// The record in these bytes, which must hold nothing else.
pub(crate) fn decode(bytes: &[u8]) -> Result<EpisodeRecord, CodecError> {
    let (record, used) =
        bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|error| CodecError(error.to_string()))?;
    match bytes.len() - used {
        0 => Ok(record),
        more => Err(CodecError(format!("{more} bytes follow the record"))),
    }
}

/// Only the record's id, which is what its bytes begin with: looking for one record decodes no other.
pub(crate) fn decode_id(bytes: &[u8]) -> Result<EpisodeId, CodecError> {
    let (id, _) = bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|error| CodecError(error.to_string()))?;
    Ok(id)
}

#[cfg(test)]
mod tests;

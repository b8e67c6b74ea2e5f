//! TensorBoard's copy of `metrics.jsonl`, as an event file.
//!
//! ```text
//!  record   length u64   masked crc32c of the length   data   masked crc32c of the data          (TFRecord)
//!  data     Event { wall_time = 1: double, step = 2: int64, file_version = 3: string, summary = 5: Summary }
//!           Summary { value = 1: Value … }   Value { tag = 1: string, simple_value = 2: float }
//! ```
//! The few fields of the protobuf are written by hand. There is no clock in it: the wall time is the step. The file is made anew from
//! `metrics.jsonl` whenever a run is opened, so the two never disagree; what a crash leaves of it does not matter.
//!
//! Source of the layout: tensorflow `core/util/event.proto`, `core/framework/summary.proto` and `core/lib/io/record_writer.h`.

use std::path::Path;

use crate::DiskError;
use crate::Metrics;
use crate::MetricsError;
use crate::MetricsLine;
use crate::append::AppendFile;
use crate::disk;

/// TensorBoard takes any file with `tfevents` in its name; the number is where others put the time.
const FILE_NAME: &str = "events.out.tfevents.0000000000.duologue";

/// Key of the step in a line; also no scalar itself.
const STEP: &str = "step";

/// The writing end.
#[derive(Debug)]
pub struct TensorBoard {
    file: AppendFile,
}

impl TensorBoard {
    /// Makes the event file in `folder` anew from the lines of a metrics file.
    ///
    /// # Errors
    /// [`MetricsError`] if the metrics cannot be read or the events not be written.
    pub fn rebuild(folder: &Path, metrics: &Path) -> Result<TensorBoard, MetricsError> {
        let mut bytes = record(&version_event());
        for line in Metrics::read(metrics)? {
            bytes.extend(events(&line));
        }
        disk::create_folder(folder)?;
        let path = folder.join(FILE_NAME);
        disk::replace(&path, &bytes)?;
        Ok(TensorBoard { file: AppendFile::open(&path)? })
    }

    /// Adds one line's numbers. A line without a step has no place on a chart and adds nothing.
    ///
    /// # Errors
    /// [`DiskError::Io`].
    pub fn append(&mut self, line: &MetricsLine) -> Result<(), DiskError> {
        self.file.append(&events(line))
    }
}

/// The record of one line; empty if the line has no step or no number.
fn events(line: &MetricsLine) -> Vec<u8> {
    let Some(step) = line.number(STEP) else {
        return Vec::new();
    };
    let prefix = prefix(line);
    let mut summary = Vec::new();
    for (key, _) in line.iter().filter(|(key, _)| *key != STEP) {
        if let Some(number) = line.number(key) {
            put_bytes(&mut summary, 1, &summary_value(&format!("{prefix}{key}"), number as f32));
        }
    }
    if summary.is_empty() { Vec::new() } else { record(&summary_event(step, &summary)) }
}

/// Steps of different phases, scenarios and opponents overlap, so their charts are kept apart: `grpo/agent/loss`,
/// `eval/rule/agent/score/mean`, or in a mix `eval/turtle/rule/agent/score/mean`.
fn prefix(line: &MetricsLine) -> String {
    ["phase", "scenario", "opponent"].iter().filter_map(|key| line.text(key)).map(|word| format!("{word}/")).collect()
}

fn version_event() -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, 0.0);
    put_bytes(&mut event, 3, b"brain.Event:2");
    event
}

fn summary_event(step: f64, summary: &[u8]) -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, step);
    put_key(&mut event, 2, 0);
    put_varint(&mut event, step as u64);
    put_bytes(&mut event, 5, summary);
    event
}

fn summary_value(tag: &str, number: f32) -> Vec<u8> {
    let mut value = Vec::new();
    put_bytes(&mut value, 1, tag.as_bytes());
    put_key(&mut value, 2, 5);
    value.extend_from_slice(&number.to_le_bytes());
    value
}

fn put_double(into: &mut Vec<u8>, field: u64, number: f64) {
    put_key(into, field, 1);
    into.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(into: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_key(into, field, 2);
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_key(into: &mut Vec<u8>, field: u64, wire_type: u64) {
    put_varint(into, (field << 3) | wire_type);
}

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        into.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// One TFRecord.
fn record(data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u64).to_le_bytes();
    let mut bytes = len.to_vec();
    bytes.extend_from_slice(&masked_crc32c(&len).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&masked_crc32c(data).to_le_bytes());
    bytes
}

fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), which is not the CRC-32 of our own log.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| CRC32C_TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

const CRC32C_TABLE: [u32; 256] = crc32c_table();

const fn crc32c_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests;

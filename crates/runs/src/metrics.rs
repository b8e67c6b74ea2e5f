//! `metrics.jsonl` and `timings.jsonl`: one flat object a line.
//!
//! Keys stand in the order in which they were given. Numbers are printed with as many digits as it takes to read back the same bits, and
//! what is not finite is `null`, so that two equal runs write equal bytes. Nothing that comes from a clock goes into `metrics.jsonl`.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde::ser::SerializeMap;

use crate::DiskError;
use crate::Offset;
use crate::append::AppendFile;
use crate::disk;

/// Why metrics cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The disk failed, or the file is shorter than what was committed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A line is no flat object of numbers and texts.
    #[error("{}:{line}: {why}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In words.
        why: String,
    },
    /// A line names a key twice: readers would keep one of the two.
    #[error("{}: a line has the key `{key}` twice", file.display())]
    KeyTwice {
        /// Which file.
        file: PathBuf,
        /// Which key.
        key: String,
    },
}

/// One value of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    /// A count, printed without a point.
    Count(u64),
    /// A finite number, printed so that the same bits are read back.
    Number(f64),
    /// A word, such as the phase.
    Text(String),
    /// `null`: it did not happen, or it is not finite.
    Missing,
}

impl From<u64> for MetricValue {
    fn from(count: u64) -> MetricValue {
        MetricValue::Count(count)
    }
}

impl From<f64> for MetricValue {
    fn from(number: f64) -> MetricValue {
        if number.is_finite() { MetricValue::Number(number) } else { MetricValue::Missing }
    }
}

impl From<&str> for MetricValue {
    fn from(text: &str) -> MetricValue {
        MetricValue::Text(text.to_owned())
    }
}

impl<T: Into<MetricValue>> From<Option<T>> for MetricValue {
    fn from(value: Option<T>) -> MetricValue {
        value.map_or(MetricValue::Missing, Into::into)
    }
}

impl Serialize for MetricValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MetricValue::Count(count) => serializer.serialize_u64(*count),
            MetricValue::Number(number) => serializer.serialize_f64(*number),
            MetricValue::Text(text) => serializer.serialize_str(text),
            MetricValue::Missing => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for MetricValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MetricValue, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl de::Visitor<'_> for ValueVisitor {
    type Value = MetricValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text or null")
    }

    fn visit_u64<E>(self, count: u64) -> Result<MetricValue, E> {
        Ok(MetricValue::Count(count))
    }

    fn visit_i64<E>(self, number: i64) -> Result<MetricValue, E> {
        Ok(MetricValue::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<MetricValue, E> {
        Ok(MetricValue::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<MetricValue, E> {
        Ok(MetricValue::from(text))
    }

    fn visit_unit<E>(self) -> Result<MetricValue, E> {
        Ok(MetricValue::Missing)
    }
}

/// One line: keys and values in the order in which they are printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsLine {
    entries: Vec<(String, MetricValue)>,
}

impl MetricsLine {
    /// An empty line.
    #[must_use]
    pub fn new() -> MetricsLine {
        MetricsLine::default()
    }

    /// Adds a key at the end.
    pub fn push(&mut self, key: impl Into<String>, value: impl Into<MetricValue>) {
        self.entries.push((key.into(), value.into()));
    }

    /// The line with a key more at its end.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<MetricValue>) -> MetricsLine {
        self.push(key, value);
        self
    }

    /// The value of a key; `None` if the line does not have it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&MetricValue> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value of a key as a number; `None` if the line does not have it, or it is `null` or a text.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            MetricValue::Count(count) => Some(*count as f64),
            MetricValue::Number(number) => Some(*number),
            MetricValue::Text(_) | MetricValue::Missing => None,
        }
    }

    /// The value of a key as a text; `None` if the line does not have it, or it is no text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            MetricValue::Text(text) => Some(text),
            MetricValue::Count(_) | MetricValue::Number(_) | MetricValue::Missing => None,
        }
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &MetricValue)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    fn key_twice(&self) -> Option<&str> {
        let mut keys: Vec<&str> = self.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

impl Serialize for MetricsLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for (key, value) in &self.entries {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for MetricsLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MetricsLine, D::Error> {
        deserializer.deserialize_map(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> de::Visitor<'de> for LineVisitor {
    type Value = MetricsLine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<MetricsLine, A::Error> {
        let mut line = MetricsLine::new();
        while let Some((key, value)) = map.next_entry::<String, MetricValue>()? {
            line.push(key, value);
        }
        Ok(line)
    }
}

impl fmt::Display for MetricsLine {
    /// The line as it stands in the file, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).expect("a flat object of numbers and texts is always JSON"))
    }
}

/// The writing end of one of the two files.
#[derive(Debug)]
pub struct Metrics {
    file: AppendFile,
}

impl Metrics {
    /// Opens the file, or creates it, and cuts off a last line that was not written to its end. Returns how many bytes that were.
    ///
    /// # Errors
    /// [`MetricsError::Disk`].
    pub fn open(path: &Path) -> Result<(Metrics, u64), MetricsError> {
        let mut file = AppendFile::open(path)?;
        let bytes = disk::read_bytes(path)?.unwrap_or_default();
        let whole = whole_len(&bytes);
        let cut_bytes = (bytes.len() - whole) as u64;
        if 0 < cut_bytes {
            file.truncate_to(Offset::new(whole as u64))?;
        }
        Ok((Metrics { file }, cut_bytes))
    }

    /// Opens the file as it was when `offset` was synced. Returns how many bytes were cut off.
    ///
    /// # Errors
    /// [`DiskError::Short`] if what was synced is not there any more; [`MetricsError::Disk`].
    pub fn open_at(path: &Path, offset: Offset) -> Result<(Metrics, u64), MetricsError> {
        let mut file = AppendFile::open(path)?;
        let cut_bytes = file.len().saturating_sub(offset.bytes());
        file.truncate_to(offset)?;
        Ok((Metrics { file }, cut_bytes))
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`MetricsError::KeyTwice`]; [`MetricsError::Disk`].
    pub fn append(&mut self, line: &MetricsLine) -> Result<(), MetricsError> {
        if let Some(key) = line.key_twice() {
            return Err(MetricsError::KeyTwice { file: self.path().to_owned(), key: key.to_owned() });
        }
        Ok(self.file.append(format!("{line}\n").as_bytes())?)
    }

    /// Waits until every line so far is on the disk, and says where they end.
    ///
    /// # Errors
    /// [`MetricsError::Disk`].
    pub fn sync(&mut self) -> Result<Offset, MetricsError> {
        Ok(self.file.sync()?)
    }

    /// Cuts off every line after `offset`.
    ///
    /// # Errors
    /// [`DiskError::Short`] if the file ends before it.
    pub fn truncate_to(&mut self, offset: Offset) -> Result<(), MetricsError> {
        Ok(self.file.truncate_to(offset)?)
    }

    /// All whole lines of a file, oldest first; none if there is no file.
    ///
    /// # Errors
    /// [`MetricsError::Line`] with file and line; [`MetricsError::Disk`].
    pub fn read(path: &Path) -> Result<Vec<MetricsLine>, MetricsError> {
        let bytes = disk::read_bytes(path)?.unwrap_or_default();
        let lines = bytes[..whole_len(&bytes)].split_inclusive(|byte| *byte == b'\n');
        let parse = |(at, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|error| MetricsError::Line {
                file: path.to_owned(),
                line: at + 1,
                why: error.to_string(),
            })
        };
        lines.enumerate().map(parse).collect()
    }
}

/// Bytes of the whole lines: one still being written, or interrupted, has no end yet.
fn whole_len(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests;

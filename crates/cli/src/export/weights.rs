//! What the head of a safetensors file says: enough to tell a whole file from one that was cut, without reading the tensors.
//!
//! ```text
//!  length of the head u64 (little endian)   head: JSON, name -> { dtype, shape, data_offsets: [from, to] }   the tensors' bytes
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// Longest head that the format allows.
const HEAD_BYTES_MAX: u64 = 100_000_000;
/// The one entry that is no tensor.
const METADATA: &str = "__metadata__";

/// A tensor as the head describes it; where its bytes lie counts from the end of the head.
#[derive(Deserialize)]
struct Entry {
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// How many numbers the tensors of a file hold.
///
/// # Errors
/// In words, if it cannot be read, is no such file, or does not hold the bytes that its head promises.
pub(crate) fn count(file: &Path) -> Result<u64, String> {
    count_of(file, |_| true)
}

/// The same of those tensors whose names count.
///
/// # Errors
/// As [`count`].
pub(crate) fn count_of(file: &Path, counts: impl Fn(&str) -> bool) -> Result<u64, String> {
    let mut open = File::open(file).map_err(|error| error.to_string())?;
    let len = open.metadata().map_err(|error| error.to_string())?.len();
    let mut head_len = [0; 8];
    open.read_exact(&mut head_len).map_err(|_| "it is no safetensors file".to_owned())?;
    let head_len = u64::from_le_bytes(head_len);
    if HEAD_BYTES_MAX < head_len || len - 8 < head_len {
        return Err("it is cut short, or no safetensors file".to_owned());
    }
    let mut head = vec![0; usize::try_from(head_len).expect("it is at most HEAD_BYTES_MAX")];
    open.read_exact(&mut head).map_err(|error| error.to_string())?;
    let head: BTreeMap<String, Value> =
        serde_json::from_slice(&head).map_err(|error| format!("it is no safetensors file: {error}"))?;
    let (mut numbers, mut end) = (0, 0);
    for (name, entry) in head.into_iter().filter(|(name, _)| name != METADATA) {
        let entry: Entry = serde_json::from_value(entry).map_err(|error| format!("{name}: {error}"))?;
        numbers += if counts(&name) { entry.shape.iter().product::<u64>() } else { 0 };
        end = end.max(entry.data_offsets.1);
    }
    let found = len - 8 - head_len;
    if found != end {
        return Err(format!("it holds {found} bytes of tensors, but its head promises {end}"));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is found in a file of these bytes.
    fn of(bytes: &[u8]) -> Result<u64, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.safetensors");
        fs::write(&file, bytes).unwrap();
        count(&file)
    }

    /// Two tensors of 6 and 2 numbers.
    fn whole() -> Vec<u8> {
        let head = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}}"#;
        [&(head.len() as u64).to_le_bytes()[..], head, &[0; 32]].concat()
    }

    #[test]
    fn the_numbers_of_all_tensors_are_counted() {
        assert_eq!(of(&whole()), Ok(8));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let whole = whole();
        for len in 0..whole.len() {
            assert!(of(&whole[..len]).is_err(), "cut to {len} bytes");
        }
        assert_eq!(
            of(&[&whole[..], &[0]].concat()).unwrap_err(),
            "it holds 33 bytes of tensors, but its head promises 32"
        );
    }

    #[test]
    fn another_file_is_refused() {
        for bytes in [&b"NGRAMS01 and more"[..], &[255; 40], b"\x02\0\0\0\0\0\0\0[]", b"\x08\0\0\0\0\0\0\0{\"a\":{}}"] {
            assert!(of(bytes).is_err(), "{bytes:?}");
        }
        assert!(count(Path::new("nowhere")).is_err());
    }
}

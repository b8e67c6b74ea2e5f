//! Copying a file while looking at it: it is read once, and in pieces, since weights may be larger than the memory.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use crate::DiskError;
use crate::Hash;
use crate::disk::failed;

/// How much is in memory at once.
const PIECE_BYTES: usize = 1 << 20;

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The length of the file.
    pub bytes: u64,
    /// The checksum that checkpoints use.
    pub crc32: u32,
    /// SHA-256 of the contents.
    pub hash: Hash,
}

/// Copies a file; one that lies at `to` is written over. Contents only: times and permissions are those of a new file.
///
/// # Errors
/// [`DiskError::Io`], naming the file of the two that failed.
pub fn copy(from: &Path, to: &Path) -> Result<Copied, DiskError> {
    let mut source = File::open(from).map_err(failed("open", from))?;
    let mut target = File::create(to).map_err(failed("create", to))?;
    let (mut bytes, mut crc32, mut sha256) = (0, crc32fast::Hasher::new(), Sha256::new());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let len = source.read(&mut piece).map_err(failed("read", from))?;
        if len == 0 {
            break;
        }
        target.write_all(&piece[..len]).map_err(failed("write", to))?;
        crc32.update(&piece[..len]);
        sha256.update(&piece[..len]);
        bytes += len as u64;
    }
    Ok(Copied { bytes, crc32: crc32.finalize(), hash: Hash::of_digest(&sha256.finalize()) })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_is_what_was_there_and_is_described_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        // A little over two pieces, so that the last one is short.
        let contents: Vec<u8> = (0..2 * PIECE_BYTES + 17).map(|place| (place * 7 % 251) as u8).collect();
        fs::write(&from, &contents).unwrap();
        fs::write(&to, "what was there before").unwrap();
        let copied = copy(&from, &to).unwrap();
        assert!(fs::read(&to).unwrap() == contents);
        let (bytes, crc32) = (contents.len() as u64, crc32fast::hash(&contents));
        assert_eq!(copied, Copied { bytes, crc32, hash: Hash::of_bytes(&contents) });
    }

    #[test]
    fn an_error_names_the_file_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("no/folder/to"));
        assert!(matches!(copy(&from, &to), Err(DiskError::Io { file, .. }) if file == from));
        fs::write(&from, "x").unwrap();
        assert!(matches!(copy(&from, &to), Err(DiskError::Io { file, .. }) if file == to));
    }
}

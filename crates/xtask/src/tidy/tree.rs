//! The text files of the checkout.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Result;

/// A text file.
pub struct File {
    /// Relative to the root.
    pub path: PathBuf,
    pub text: String,
}

impl File {
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The file name's last part after a dot; empty if there is none.
    pub fn extension(&self) -> &str {
        self.path.extension().and_then(OsStr::to_str).unwrap_or_default()
    }
}

/// Reads every text file that git does not ignore, in the order of their paths. Binary files are left out.
///
/// Without asking git, so that an unpacked archive can be checked too: `.gitignore` holds only names of the root.
pub fn read(root: &Path) -> Result<Vec<File>> {
    let ignored = std::fs::read_to_string(root.join(".gitignore")).context("cannot read .gitignore")?;
    let ignored: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('/')).collect();
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let relative = path.strip_prefix(root).expect("we started at the root").to_path_buf();
            let kind = entry.file_type()?;
            if relative == Path::new(".git") || is_ignored(&relative, &ignored) {
                continue;
            } else if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                files.push(File { path: relative, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A pattern is a name, or the beginning of one followed by `*`.
fn is_ignored(path: &Path, patterns: &[&str]) -> bool {
    let Some(path) = path.to_str() else { return false };
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == pattern.trim_end_matches('/'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, content: &[u8]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    #[test]
    fn what_git_ignores_and_what_is_no_text_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), ".gitignore", b"/target\n/.libtorch*\n/runs/\n");
        put(root.path(), ".git/HEAD", b"ref");
        put(root.path(), "target/a.rs", b"");
        put(root.path(), ".libtorch.17/a.h", b"");
        put(root.path(), "runs/demo-1/run.toml", b"");
        put(root.path(), "crates/runs/src/lib.rs", b"//! Read.\n");
        put(root.path(), "crates/a/picture.png", b"\xff\xfe\x00");
        let read: Vec<_> = read(root.path()).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(read, [Path::new(".gitignore"), Path::new("crates/runs/src/lib.rs")]);
    }
}

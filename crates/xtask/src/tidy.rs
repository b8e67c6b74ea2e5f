//! The rules of the house that no compiler checks, as a command and as a test.
//!
//! A rule looks at the whole tree and answers with what breaks it. Rules are as simple as the code they check allows:
//! they rely on rustfmt's layout (checked by the CI) instead of parsing Rust, and read manifests line by line.
//! Rules about what code *calls* (clocks, randomness, hash maps) are clippy's: see `clippy.toml` in `sim`, `rl`, `actors`.

mod manifests;
mod sources;
mod texts;
mod tree;

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Result;
use anyhow::bail;

use tree::File;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Relative to the root.
    pub path: PathBuf,
    /// Counted from 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    pub why: String,
}

impl Breach {
    fn of_file(file: &File, why: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line: None, why: why.into() }
    }

    /// `index` is counted from 0, as `enumerate` does.
    fn at(file: &File, index: usize, why: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line: Some(index + 1), why: why.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.why)
    }
}

type Rule = fn(&[File]) -> Vec<Breach>;

const RULES: [Rule; 10] = [
    manifests::pure_crates_stay_pure,
    manifests::heavy_dependencies_have_one_home,
    manifests::imports_point_down_the_ladder,
    sources::one_module_knows_bincode,
    sources::files_are_named_by_a_noun,
    sources::every_file_says_what_it_is,
    sources::functions_fit_a_page,
    sources::tests_are_never_ignored,
    texts::no_trailing_whitespace,
    texts::no_machine_paths,
];

/// Checks the tree; each breach is a line on stderr.
pub fn run(root: &Path) -> Result<()> {
    let breaches = check(&tree::read(root)?);
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("tidy: {} places to mend", breaches.len());
    }
    Ok(())
}

fn check(files: &[File]) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = RULES.iter().flat_map(|rule| rule(files)).collect();
    breaches.sort();
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_keeps_the_rules() {
        let files = tree::read(&crate::workspace::root()).unwrap();
        let breaches: Vec<String> = check(&files).iter().map(Breach::to_string).collect();
        assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
    }

    #[test]
    fn the_rules_see_every_part_of_the_tree() {
        let files = tree::read(&crate::workspace::root()).unwrap();
        let seen = ["Cargo.toml", "crates/sim/Cargo.toml", "crates/xtask/src/tidy.rs", ".cargo/config.toml", ".ci/run"];
        for path in seen {
            assert!(files.iter().any(|file| file.path == Path::new(path)), "{path} was not read");
        }
        assert!(!files.iter().any(|file| file.path.starts_with("target")), "build output was read");
    }

    #[test]
    fn a_breach_is_printed_so_that_an_editor_can_jump_to_it() {
        let file = File::new("crates/sim/src/world.rs", "");
        assert_eq!(Breach::at(&file, 6, "too long").to_string(), "crates/sim/src/world.rs:7: too long");
        assert_eq!(Breach::of_file(&file, "misnamed").to_string(), "crates/sim/src/world.rs: misnamed");
    }
}

//! Rules about who may depend on whom.

use std::collections::BTreeSet;

use super::Breach;
use super::tree::File;

/// Crates that must be the same everywhere, and what would make them otherwise.
const PURE: [&str; 3] = ["crates/sim", "crates/rl", "crates/stress"];
const IMPURE: [&str; 8] = ["tokio", "ractor", "tch", "torch-sys", "rand", "getrandom", "rayon", "chrono"];

/// Dependencies that a single package may have, so that a change of version or of supplier stays in one place.
const HOMES: [(&str, &str); 5] = [
    ("tch", "crates/model/Cargo.toml"),
    ("torch-sys", "crates/model/Cargo.toml"),
    ("async-openai", "crates/remote/Cargo.toml"),
    ("bincode", "crates/runs/Cargo.toml"),
    ("parquet", "crates/data/Cargo.toml"),
];

/// The ladder: a package uses only packages of a lower rung.
const LADDER: [(&str, u8); 16] = [
    ("sim", 0),
    ("text", 1),
    ("rl", 2),
    ("runs", 3),
    ("data", 3),
    ("model", 3),
    ("remote", 3),
    ("stress", 3),
    ("actors", 4),
    ("config", 4),
    ("serve", 4),
    ("view", 4),
    ("cli", 5),
    ("duologue", 6),
    ("tests", 7),
    ("benches", 7),
];

/// Invariant 1: `sim`, `rl` and `stress` have no runtime, no tensors and no randomness of their own.
pub fn pure_crates_stay_pure(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in PURE.iter().filter_map(|home| manifest(files, &format!("{home}/Cargo.toml"))) {
        for dependency in dependencies(&file.text, Kinds::All).iter().filter(|name| IMPURE.contains(&name.as_str())) {
            breaches.push(Breach::of_file(file, format!("a pure crate may not depend on {dependency}")));
        }
    }
    breaches
}

/// Invariant 2: each of these dependencies is in one manifest (the root's only names its version).
pub fn heavy_dependencies_have_one_home(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let found = dependencies(&file.text, Kinds::All);
        for (dependency, home) in HOMES {
            if found.contains(dependency) && file.path.to_str() != Some(home) {
                breaches.push(Breach::of_file(file, format!("only {home} may depend on {dependency}")));
            }
        }
    }
    breaches
}

/// Imports point down. Dev-dependencies are free: a test may look up.
pub fn imports_point_down_the_ladder(files: &[File]) -> Vec<Breach> {
    let rung = |name: &str| LADDER.iter().find(|(package, _)| *package == name).map(|(_, rung)| *rung);
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let package = file.path.parent().and_then(|folder| folder.file_name()).and_then(|name| name.to_str());
        let Some(own) = package.and_then(rung) else { continue };
        for dependency in dependencies(&file.text, Kinds::Normal) {
            if rung(&dependency).is_some_and(|other| other >= own) {
                breaches.push(Breach::of_file(file, format!("{dependency} is not below it on the ladder of imports")));
            }
        }
    }
    breaches
}

fn manifest<'a>(files: &'a [File], path: &str) -> Option<&'a File> {
    files.iter().find(|file| file.path.to_str() == Some(path))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// `[dependencies]`, also for one platform.
    Normal,
    /// Those, and the ones of tests and build scripts.
    All,
}

/// The packages that a manifest depends on: under the names used there, and under their own where `package = "…"` differs.
/// `[workspace.dependencies]` is not read: it names versions, it depends on nothing.
fn dependencies(manifest: &str, kinds: Kinds) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (table, name) = split_section(section);
            inside = is_wanted(table, kinds);
            names.extend(name.filter(|_| inside).map(str::to_owned));
        } else if inside && !line.starts_with('#') {
            // `name.workspace = true` and `name = …` alike; inside `[dependencies.name]` a key such as `version` is
            // taken for a name too, which no rule asks for.
            names.extend(line.split_once(['.', '=', ' ']).map(|(name, _)| name.trim_matches('"').to_owned()));
            names.extend(renamed(line).map(str::to_owned));
        }
    }
    names
}

/// `[dependencies.tch]` is the table and one name, `[dependencies]` only the table.
fn split_section(section: &str) -> (&str, Option<&str>) {
    match section.rsplit_once('.') {
        Some((table, name)) if table.ends_with("dependencies") => (table, Some(name.trim_matches('"'))),
        Some(_) | None => (section, None),
    }
}

fn is_wanted(table: &str, kinds: Kinds) -> bool {
    if table.starts_with("workspace") {
        return false;
    }
    let last = table.rsplit('.').next().unwrap_or(table);
    match kinds {
        Kinds::Normal => last == "dependencies",
        Kinds::All => ["dependencies", "dev-dependencies", "build-dependencies"].contains(&last),
    }
}

fn renamed(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("package")?;
    after.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaches(rule: fn(&[File]) -> Vec<Breach>, path: &str, manifest: &str) -> Vec<String> {
        rule(&[File::new(path, manifest)]).into_iter().map(|breach| breach.why).collect()
    }

    #[test]
    fn dependencies_are_found_in_each_of_their_spellings() {
        let manifest = "\
[package]
name = \"a\"
[dependencies]
serde.workspace = true
bytes = \"1\"
torch = { package = \"tch\", version = \"1\" }
# rand = \"1\"
[dependencies.tokio]
version = \"1\"
[target.'cfg(unix)'.dependencies]
libc = \"0.2\"
[dev-dependencies]
proptest.workspace = true
[features]
rayon = []
";
        let normal = dependencies(manifest, Kinds::Normal);
        for name in ["serde", "bytes", "torch", "tch", "tokio", "libc"] {
            assert!(normal.contains(name), "{name} is missing in {normal:?}");
        }
        for name in ["name", "rand", "proptest", "rayon"] {
            assert!(!normal.contains(name), "{name} is no dependency, but is in {normal:?}");
        }
        assert!(dependencies(manifest, Kinds::All).contains("proptest"));
    }

    #[test]
    fn a_version_in_the_workspace_is_no_dependency() {
        let manifest = "[workspace.dependencies]\ntch = \"=0.24.0\"\n";
        assert!(breaches(heavy_dependencies_have_one_home, "Cargo.toml", manifest).is_empty());
    }

    #[test]
    fn a_runtime_in_a_pure_crate_is_a_breach_even_for_its_tests() {
        let manifest = "[dev-dependencies]\ntokio = \"1\"\n";
        let found = breaches(pure_crates_stay_pure, "crates/rl/Cargo.toml", manifest);
        assert_eq!(found, ["a pure crate may not depend on tokio"]);
        assert!(breaches(pure_crates_stay_pure, "crates/cli/Cargo.toml", manifest).is_empty());
    }

    #[test]
    fn tch_outside_the_model_is_a_breach() {
        let manifest = "[dependencies]\ntch.workspace = true\n";
        let found = breaches(heavy_dependencies_have_one_home, "actors/Cargo.toml", manifest);
        assert_eq!(found, ["only crates/model/Cargo.toml may depend on tch"]);
        assert!(breaches(heavy_dependencies_have_one_home, "crates/model/Cargo.toml", manifest).is_empty());
    }

    #[test]
    fn an_import_that_points_up_or_sideways_is_a_breach() {
        let manifest = "[dependencies]\nactors.workspace = true\n[dev-dependencies]\ncli.workspace = true\n";
        let found = breaches(imports_point_down_the_ladder, "crates/runs/Cargo.toml", manifest);
        assert_eq!(found, ["actors is not below it on the ladder of imports"]);
        let sideways = "[dependencies]\nmodel.workspace = true\n";
        assert_eq!(breaches(imports_point_down_the_ladder, "crates/runs/Cargo.toml", sideways).len(), 1);
        assert!(breaches(imports_point_down_the_ladder, "crates/duologue/Cargo.toml", sideways).is_empty());
    }
}

//! `cargo xtask demo`: from a bare machine to two trained seats.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;

use crate::libtorch;
use crate::libtorch::Search;
use crate::workspace;

const CONFIG: &str = "configs/quickstart.toml";

/// More demo runs than anybody keeps; the bound turns an endless search into an error.
const RUNS_MAX: u32 = 10_000;

/// Sets up, builds and trains. The binary itself prints the table and the excerpts at the end of `train`.
pub fn run(root: &Path) -> Result<()> {
    libtorch::set_up(&Search::from_env(root)?)?;
    eprintln!("Building. The first time, the C++ part takes some minutes and shows no progress.");
    workspace::cargo(root, &["build", "--release", "--package", "duologue"])?;
    let binary = Path::new("target/release/duologue");
    let out = fresh_run(&root.join("runs"))?;
    let out = Path::new("runs").join(out);
    let mut train = Command::new(root.join(binary));
    train.current_dir(root).args(["train", CONFIG, "--out"]).arg(&out);
    workspace::finish(&format!("{} train {CONFIG} --out {}", binary.display(), out.display()), &mut train)?;
    print!("{}", whats_next(binary, &out));
    Ok(())
}

/// The first name of `demo-1`, `demo-2`, … that no run has.
fn fresh_run(runs: &Path) -> Result<String> {
    let mut names = (1..=RUNS_MAX).map(|number| format!("demo-{number}"));
    names.find(|name| !runs.join(name).exists()).with_context(|| format!("{} is full of demo runs", runs.display()))
}

fn whats_next(binary: &Path, out: &Path) -> String {
    let (binary, out) = (binary.display(), out.display());
    format!(
        "
The table is one seed on 200 held-out items; the README's is three seeds on 1000. In {out} lie metrics.jsonl, episodes/, and checkpoints/ with
both seats. What to try next:
  {binary} replay {out}                      every conversation again, compared with its log
  {binary} eval scenarios/haggle.toml --agent scripted:trapper --user rule
  change a number in a copy of scenarios/haggle.toml, say scenarios/mine.toml, then
  {binary} train {CONFIG} --set scenario=scenarios/mine.toml --out runs/mine
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_run_never_lands_in_a_folder_that_exists() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(fresh_run(runs.path()).unwrap(), "demo-1");
        for taken in ["demo-1", "demo-2", "demo-4"] {
            std::fs::create_dir(runs.path().join(taken)).unwrap();
        }
        assert_eq!(fresh_run(runs.path()).unwrap(), "demo-3");
    }

    #[test]
    fn the_end_of_the_demo_names_the_run_and_commands_that_can_be_pasted() {
        let said = whats_next(Path::new("target/release/duologue"), Path::new("runs/demo-7"));
        assert!(said.contains("In runs/demo-7 lie"), "{said}");
        assert!(said.contains("\n  target/release/duologue replay runs/demo-7 "), "{said}");
    }
}

//! `docs/ERRORS.md` is a table of mistakes and what each prints. Here every one of them is made, in a folder of its own, and the page must
//! say what the program says, to the letter.
//!
//! ````text
//!  ### The mistake                a heading begins one
//!  `mine.toml`                    a name, and the block below it is that file
//!  ```toml … ```
//!  ```console                     commands after `$ `, run by the shell, and what the last one says on stderr
//!  $ duologue check mine.toml
//!  error: …
//!  ```
//! ````

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::sync::LazyLock;

use crate::program::root;
use crate::training::SMALL;
use crate::training::scratch;

const PAGE: &str = "docs/ERRORS.md";

/// The issue asks for twenty.
const MISTAKES_MIN: usize = 20;

/// One mistake of the page.
#[derive(Debug, Default)]
struct Mistake {
    title: String,
    /// Name and text.
    files: Vec<(String, String)>,
    commands: Vec<String>,
    said: String,
}

/// Reads the page.
fn mistakes() -> Vec<Mistake> {
    let page = fs::read_to_string(root().join(PAGE)).expect("the page is part of the repository");
    let (mut mistakes, mut name): (Vec<Mistake>, Option<String>) = (Vec::new(), None);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("### ") {
            mistakes.push(Mistake { title: title.to_owned(), ..Mistake::default() });
        } else if line.starts_with('`') && line.ends_with('`') && !line.starts_with("```") {
            name = Some(line.trim_matches('`').to_owned());
        } else if let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let mistake = mistakes.last_mut().expect("a block stands below a heading");
            if kind == "console" {
                let (commands, said): (Vec<&str>, Vec<&str>) = block.iter().partition(|line| line.starts_with("$ "));
                mistake.commands = commands.into_iter().map(|line| line[2..].to_owned()).collect();
                mistake.said = said.into_iter().map(|line| format!("{line}\n")).collect();
            } else {
                let name = name.take().expect("a file has its name above it");
                mistake.files.push((name, block.into_iter().map(|line| format!("{line}\n")).collect()));
            }
        }
    }
    mistakes
}

/// The folder that the page speaks of: the checkout's own files, and a small run that is done.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = scratch().keep();
    copy(&root().join("scenarios"), &place.join("scenarios"));
    copy(&root().join("configs"), &place.join("configs"));
    let sets: String = SMALL.iter().map(|set| format!(" --set {set}")).collect();
    let done = shell(&place, &format!("duologue train configs/quickstart.toml --out runs/small{sets}"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    place
});

/// A folder and all below it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the place is ours");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let entry = entry.expect("it can be listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("the place is ours");
        }
    }
}

/// Runs a line in `place`, with the binary under test as `duologue`.
fn shell(place: &Path, line: &str) -> Output {
    in_place(place, line).output().expect("there is a shell")
}

/// A line to be run so.
pub fn in_place(place: &Path, line: &str) -> Command {
    let bin = place.join(".bin");
    fs::create_dir_all(&bin).expect("the place is ours");
    if !bin.join("duologue").exists() {
        symlink(env!("CARGO_BIN_EXE_duologue-without-torch"), bin.join("duologue")).expect("the place is ours");
    }
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(place).env("PATH", path.expect("no part of it has a colon"));
    command.env_remove("RUST_LOG");
    command
}

/// What the page should have said; `None` if it is right.
fn wrong(mistake: &Mistake) -> Option<String> {
    let scratch = scratch();
    let place = scratch.path().join("place");
    copy(&PLACE, &place);
    for (name, text) in &mistake.files {
        fs::write(place.join(name), text).expect("the place is ours");
    }
    let (last, before) = mistake.commands.split_last().expect("a mistake is made by a command");
    for line in before {
        assert!(shell(&place, line).status.success(), "{}: {line}", mistake.title);
    }
    let Output { status, stdout, stderr } = shell(&place, last);
    let said = String::from_utf8(stderr).expect("all that is said is text");
    let right = status.code() == Some(2) && stdout.is_empty() && said == mistake.said;
    (!right).then(|| {
        format!(
            "### {}\n$ {last}\n{said}[exit code {:?}, {} bytes on stdout]\n",
            mistake.title,
            status.code(),
            stdout.len()
        )
    })
}

#[test]
fn every_documented_mistake_says_what_the_page_says_and_ends_with_2() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= MISTAKES_MIN, "{} mistakes", mistakes.len());
    let titles: BTreeSet<&str> = mistakes.iter().map(|mistake| mistake.title.as_str()).collect();
    assert_eq!(titles.len(), mistakes.len(), "each mistake once");
    let wrong: Vec<String> = mistakes.iter().filter_map(wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} mistakes say something else:\n\n{}",
        wrong.len(),
        mistakes.len(),
        wrong.join("\n")
    );
}

/// Whatever is wrong with a file is told with its line and its key, or concerns the whole file; whatever it is, there is something to do.
#[test]
fn every_documented_mistake_has_its_place_and_a_hint() {
    for mistake in mistakes() {
        let lines: Vec<&str> = mistake.said.lines().collect();
        let errors = lines.iter().filter(|line| line.starts_with("error: ")).count();
        let hints = lines.iter().filter(|line| line.starts_with("hint: ")).count();
        assert!(errors > 0 && errors <= hints && errors + hints == lines.len(), "{}: {lines:?}", mistake.title);
        for rest in lines.iter().filter_map(|line| line.strip_prefix("error: mine.toml:")) {
            let whole_file = rest.starts_with(" is no scenario, run, study or suite file");
            let number = rest.split(':').next().is_some_and(|number| number.parse::<u32>().is_ok());
            assert!(whole_file || number, "{}: {rest}", mistake.title);
        }
    }
}

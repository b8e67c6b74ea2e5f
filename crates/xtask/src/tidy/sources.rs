//! Rules about the shape of Rust files. They lean on rustfmt's layout, which the CI checks.

use super::Breach;
use super::tree::File;

/// From the line with `fn` to the closing brace, both counted.
const FUNCTION_LINES_MAX: usize = 70;

/// Names that say where something lies instead of what it is.
const NAMELESS: [&str; 6] = ["mod.rs", "utils.rs", "util.rs", "common.rs", "base.rs", "helpers.rs"];

/// Invariant 2: the format of records on disk is one module's secret, so that it can be replaced.
pub fn one_module_knows_bincode(files: &[File]) -> Vec<Breach> {
    let knows = |file: &&File| code_lines(file).any(|(_, line)| line.contains(concat!("bincode", "::")));
    let mut knowing = rust(files).filter(knows);
    let first = knowing.next();
    let mut breaches: Vec<Breach> = Vec::new();
    if let Some(file) = first.filter(|file| !file.path.starts_with("crates/runs")) {
        breaches.push(Breach::of_file(file, "bincode belongs to crates/runs"));
    }
    breaches.extend(knowing.map(|file| {
        let other = first.expect("there was one before").path.display();
        Breach::of_file(file, format!("bincode is behind one module, and {other} is it"))
    }));
    breaches
}

/// One noun per file; the file list is the design.
pub fn files_are_named_by_a_noun(files: &[File]) -> Vec<Breach> {
    let nameless = |file: &&File| file.path.file_name().is_some_and(|name| NAMELESS.iter().any(|bad| name == *bad));
    let why = "name the file by what it holds (and `foo.rs` beside `foo/` instead of `mod.rs`)";
    rust(files).filter(nameless).map(|file| Breach::of_file(file, why)).collect()
}

/// The first line of every file is its module documentation. A `tests.rs` says enough by its place.
pub fn every_file_says_what_it_is(files: &[File]) -> Vec<Breach> {
    let silent = |file: &&File| !file.text.starts_with("//!") && !file.path.ends_with("tests.rs");
    rust(files).filter(silent).map(|file| Breach::of_file(file, "begin with `//!` and say what this is")).collect()
}

/// A function that does not fit a page does more than one thing.
pub fn functions_fit_a_page(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in rust(files) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let length = function_length(&lines[start..]);
            if FUNCTION_LINES_MAX < length {
                breaches.push(Breach::at(
                    file,
                    start,
                    format!("`{name}` has {length} lines, {FUNCTION_LINES_MAX} are enough"),
                ));
            }
        }
    }
    breaches
}

/// A test that does not run is a comment that lies.
pub fn tests_are_never_ignored(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in rust(files) {
        let ignored = code_lines(file).filter(|(_, line)| line.trim_start().starts_with("#[ignore"));
        breaches.extend(ignored.map(|(index, _)| Breach::at(file, index, "mend the test or remove it")));
    }
    breaches
}

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.extension() == "rs")
}

/// Lines with their index, without those that are only a comment.
fn code_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    file.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The name, if a function begins on this line.
fn function_name(line: &str) -> Option<&str> {
    const BEFORE: [&str; 8] = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""];
    let mut words = line.split_whitespace().skip_while(|word| BEFORE.contains(word));
    if words.next()? != "fn" {
        return None;
    }
    words.next()?.split(['(', '<']).next()
}

/// Rustfmt puts the closing brace of a function alone on a line, as far indented as its `fn`.
fn function_length(lines: &[&str]) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[0]);
    if lines[0].ends_with('}') || lines[0].ends_with(';') {
        return 1;
    }
    let is_end = |line: &&str| indent(line) == own && (line.trim() == "}" || line.ends_with(';'));
    lines.iter().skip(1).position(is_end).map_or(lines.len(), |after| after + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A method of `lines` lines, the first with `fn` and the last with the brace.
    fn method(lines: usize) -> String {
        format!("//! A.\nimpl A {{\n    pub fn b(&self) -> u32 {{\n{}    }}\n}}\n", "        c();\n".repeat(lines - 2))
    }

    #[test]
    fn seventy_lines_are_enough_and_seventy_one_are_not() {
        assert!(functions_fit_a_page(&[File::new("a.rs", &method(70))]).is_empty());
        let breaches = functions_fit_a_page(&[File::new("a.rs", &method(71))]);
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].line, Some(3));
        assert!(breaches[0].why.contains("`b` has 71 lines"), "{}", breaches[0].why);
    }

    #[test]
    fn the_signature_and_the_bodies_of_others_are_told_apart() {
        let text = "\
fn one() {}
fn declared(
    a: u32,
) -> u32;
pub(crate) async fn generic<T>(
    a: T,
) -> Option<T>
where
    T: Clone,
{
    if a {
    }
}
";
        let lines: Vec<&str> = text.lines().collect();
        let found: Vec<_> = (0..lines.len())
            .filter_map(|start| function_name(lines[start]).map(|name| (name, function_length(&lines[start..]))))
            .collect();
        assert_eq!(found, [("one", 1), ("declared", 3), ("generic", 9)]);
    }

    #[test]
    fn a_second_module_that_knows_bincode_is_a_breach() {
        let uses = concat!("//! A.\nuse bincode", "::config;\n");
        let says = concat!("//! A.\n// bincode", "::config is elsewhere\n");
        let files = [File::new("crates/runs/src/codec.rs", uses), File::new("crates/runs/src/log.rs", says)];
        assert!(one_module_knows_bincode(&files).is_empty());
        let files = [File::new("crates/runs/src/codec.rs", uses), File::new("crates/runs/src/log.rs", uses)];
        assert_eq!(one_module_knows_bincode(&files).len(), 1);
        assert_eq!(one_module_knows_bincode(&[File::new("crates/cli/src/a.rs", uses)]).len(), 1);
    }

    #[test]
    fn a_file_without_a_noun_or_without_a_word_of_what_it_is_is_a_breach() {
        let files = [File::new("crates/a/src/b/mod.rs", "//! B.\n"), File::new("crates/a/src/c.rs", "use d;\n")];
        assert_eq!(files_are_named_by_a_noun(&files).len(), 1);
        assert_eq!(every_file_says_what_it_is(&files).len(), 1);
    }

    #[test]
    fn an_ignored_test_is_a_breach() {
        let text = concat!("//! A.\n#[test]\n#[ign", "ore = \"slow\"]\nfn a() {}\n");
        assert_eq!(tests_are_never_ignored(&[File::new("a.rs", text)])[0].line, Some(3));
    }
}

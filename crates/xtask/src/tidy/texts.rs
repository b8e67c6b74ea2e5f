//! Rules about every text file.

use super::Breach;
use super::tree::File;

/// Beginnings of paths that exist on one machine only. Written in halves, or this file would break its own rule.
const MACHINE: [&str; 5] = [
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "root/"),
    concat!("/", "tmp/"),
    concat!("C:", "\\Users"),
];

/// Diffs show what was meant, not what an editor left. Markdown's two spaces for a line break are no exception: use `\`.
pub fn no_trailing_whitespace(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| !is_text_of_others(file)) {
        let trailing = file.text.lines().enumerate().filter(|(_, line)| line.ends_with([' ', '\t']));
        breaches.extend(trailing.map(|(index, _)| Breach::at(file, index, "whitespace at the end of the line")));
    }
    breaches
}

/// Committed text holds on every machine.
pub fn no_machine_paths(files: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(path) = MACHINE.iter().find(|path| names(line, path)) {
                breaches.push(Breach::at(file, index, format!("{path}… is a path of one machine")));
            }
        }
    }
    breaches
}

/// Licences and published data are kept as they came.
fn is_text_of_others(file: &File) -> bool {
    file.path.starts_with("LICENSE") || file.extension() == "jsonl"
}

/// Whether the path begins in the line at a place where a path can begin: `tests/tmp/a` names no machine.
fn names(line: &str, path: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || "._-*}~/".contains(c);
    line.match_indices(path).any(|(start, _)| !line[..start].chars().next_back().is_some_and(part_of_a_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_a_breach_and_a_folder_of_that_name_is_not() {
        let bad = format!("see {}, or\ncd {}x\n", concat!("`/", "root/notes`"), concat!("/", "home/"));
        let breaches = no_machine_paths(&[File::new("README.md", &bad)]);
        assert_eq!(breaches.iter().map(|breach| breach.line).collect::<Vec<_>>(), [Some(1), Some(2)]);
        let good = format!("tests{}a and https://a.b{}c\n", concat!("/", "tmp/"), concat!("/", "home/"));
        assert!(no_machine_paths(&[File::new("README.md", &good)]).is_empty());
    }

    #[test]
    fn trailing_whitespace_is_a_breach_except_in_the_text_of_others() {
        let breaches = no_trailing_whitespace(&[File::new("a.md", "a\nb \n\t\n"), File::new("LICENSE", "a \n")]);
        assert_eq!(breaches.iter().map(|breach| breach.line).collect::<Vec<_>>(), [Some(2), Some(3)]);
    }
}

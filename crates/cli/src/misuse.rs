//! What is said about a command line that cannot be read, in the form of all other mistakes: `error: …`, then `hint: …`.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::flags::Flags;

/// Clap's words, its advice as hints: the first line is what is wrong, every other line a hint. `args` is what was typed.
pub fn misuse(error: &clap::Error, args: &[OsString]) -> String {
    let rendered = error.render().to_string();
    let mut lines = rendered.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut what = lines.next().unwrap_or("error: the command line cannot be read").to_owned();
    let (mut hints, mut usages) = (Vec::new(), Vec::new());
    for line in lines {
        match line.split_once(": ") {
            Some(("tip", tip)) => hints.push(tip.to_owned()),
            Some(("Usage", usage)) => usages.push(format!("write `{usage}`")),
            Some(("[possible values", values)) => hints.push(format!("it is one of {}", values.trim_end_matches(']'))),
            _ if line.starts_with("For more information") => {}
            // What is missing stands on lines of its own.
            _ => what = format!("{what} {line}"),
        }
    }
    // How the command is written helps only who does not know what is wrong.
    if hints.is_empty() {
        hints = usages;
    }
    if hints.is_empty() {
        hints.push(format!("see `{}`", help(args)));
    }
    let hints: Vec<String> = hints.iter().map(|hint| format!("\nhint: {hint}")).collect();
    format!("{what}{}", hints.concat())
}

/// Where more is said: the help of the command that was called.
fn help(args: &[OsString]) -> String {
    let flags = Flags::command();
    let called = args.iter().filter_map(|word| word.to_str()).find(|word| flags.find_subcommand(word).is_some());
    called.map_or("duologue --help".to_owned(), |command| format!("duologue {command} --help"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn said(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = Flags::try_parse_from(&args).expect_err("it cannot be read");
        misuse(&error, &args)
    }

    #[test]
    fn every_misuse_is_one_error_and_its_hints() {
        let lines = [
            "duologue trian a.toml",
            "duologue --nothing",
            "duologue train",
            "duologue train a.toml --seed one",
            "duologue train a.toml --set",
            "duologue eval a.toml --trials 0",
            "duologue eval a.toml --items held_out",
            "duologue replay runs --episode one",
            "duologue replay runs --fork 1",
            "duologue schema suites",
        ];
        for line in lines {
            let said = said(line);
            let (error, hints) = said.split_once('\n').expect("there is a hint");
            assert!(error.starts_with("error: "), "{said}");
            assert!(hints.lines().all(|hint| hint.starts_with("hint: ")), "{said}");
        }
    }

    #[test]
    fn where_nothing_better_is_known_the_help_of_the_command_is_named() {
        assert_eq!(
            said("duologue -v eval a.toml --trials 0"),
            "error: invalid value '0' for '--trials <TRIALS>': it is a whole number from 1 to 4294967295\n\
             hint: see `duologue eval --help`"
        );
    }
}

//! What is said about a command line that cannot be read, in the form of all other mistakes: `error: …`, then `hint: …`.

use clap::error::ContextKind;
use clap::error::ContextValue;

/// Clap's words, its advice as hints: the first line is what is wrong, every other line a hint.
pub fn misuse(error: &clap::Error) -> String {
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
        hints.push(format!("see `{}`", help(error)));
    }
    let hints: Vec<String> = hints.iter().map(|hint| format!("\nhint: {hint}")).collect();
    format!("{what}{}", hints.concat())
}

/// Where more is said: the help of the command that was called.
fn help(error: &clap::Error) -> String {
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let command: Vec<&str> = words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    if command.is_empty() { "duologue --help".to_owned() } else { format!("{} --help", command.join(" ")) }
}

//! Policies, as they are written in files and flags.

use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::Script;

use crate::ConfigError;
use crate::demand::Says;
use crate::suggest;

/// Prefixes of policies that are made of something outside, and what follows them.
const PREFIXES: [(&str, &str); 3] = [("model:", "DIR"), ("openai:", "MODEL"), ("replay:", "FILE")];

/// Checks a policy given by a flag, e.g. `--agent scripted:good`: whether it is one for that seat. Whether the folder of a `model:DIR` holds a
/// model, the file of a `replay:FILE` a recording, and a server the model of an `openai:MODEL`, is found out when they are needed.
///
/// # Errors
/// One that names `flag`, with the nearest policy or all of them as a hint.
pub fn check_policy(flag: &str, rules: &Rules, seat: Seat, policy: &str) -> Result<(), ConfigError> {
    match mistake(rules, seat, policy) {
        None => Ok(()),
        Some((what, hint)) => {
            Err(ConfigError { file: flag.to_owned(), line: None, key: String::new(), what, hint: Some(hint) })
        }
    }
}

/// Whether a policy is a script of the gym, and not made of something outside.
pub(crate) fn is_script(policy: &str) -> bool {
    !PREFIXES.iter().any(|(prefix, _)| policy.starts_with(prefix))
}

/// What is wrong with a policy in a study, beyond what [`mistake`] says. A study finds its evaluations again by what decides them, and what
/// decides another server's words is in nobody's hands here.
pub(crate) fn mistake_in_study(policy: &str) -> Option<(String, String)> {
    let elsewhere = PREFIXES.iter().any(|(prefix, _)| *prefix != "model:" && policy.starts_with(prefix));
    let what = || {
        format!(
            "`{policy}` cannot play in a study: nothing here decides what it says, so its results could not be found again"
        )
    };
    elsewhere.then(|| (what(), "measure it with `duologue eval`".to_owned()))
}

/// What a schema says of a policy for `seat`.
pub(crate) fn demand(rules: &Rules, seat: Seat) -> Says {
    demanded(rules, seat, &PREFIXES)
}

/// The same in a study: see [`mistake_in_study`].
pub(crate) fn demand_in_study(rules: &Rules, seat: Seat) -> Says {
    demanded(rules, seat, &PREFIXES[..1])
}

fn demanded(rules: &Rules, seat: Seat, prefixes: &[(&str, &str)]) -> Says {
    let prefixes = prefixes.iter().map(|(prefix, _)| (*prefix).to_owned()).collect();
    Says::Words { words: Script::names(rules, seat), prefixes }
}

/// What is wrong with a policy, and what may have been meant; `None` if it is a good one.
pub(crate) fn mistake(rules: &Rules, seat: Seat, policy: &str) -> Option<(String, String)> {
    for (prefix, rest) in PREFIXES {
        match policy.strip_prefix(prefix) {
            Some("") => return Some((format!("`{policy}` does not say which"), format!("write {prefix}{rest}"))),
            Some(_) => return None,
            None => {}
        }
    }
    if Script::named(rules, seat, policy).is_some() {
        let why = rules.without_scripts(seat)?;
        let ways = PREFIXES.map(|(prefix, rest)| format!("{prefix}{rest}"));
        let hint = format!("the {seat} can be {}", suggest::list(ways.iter().map(String::as_str)));
        return Some((format!("`{policy}` cannot sit here: {why}"), hint));
    }
    let names = Script::names(rules, seat);
    let prefixed = PREFIXES.map(|(prefix, rest)| format!("{prefix}{rest}"));
    let known = names.iter().chain(&prefixed).map(String::as_str);
    let hint = match suggest::nearest(policy, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? The {seat} can be {}", suggest::list(known)),
        None => format!("the {seat} can be {}", suggest::list(known)),
    };
    Some((format!("there is no policy `{policy}` for the {seat}"), hint))
}

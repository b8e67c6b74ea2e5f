//! Policies, as they are written in files and flags.

use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::Script;

use crate::ConfigError;
use crate::demand::Says;
use crate::suggest;

/// Prefixes of policies that are made of something on disk, and what follows them.
const PREFIXES: [(&str, &str); 1] = [("model:", "DIR")];

/// Prefixes of policies that will be, and what follows them.
const PLANNED: [(&str, &str); 2] = [("openai:", "MODEL"), ("replay:", "FILE")];

/// Checks a policy given by a flag, e.g. `--agent scripted:good`: whether this build knows it for that seat. Whether the folder of a
/// `model:DIR` holds a model is found out when it is opened.
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

/// What a schema says of a policy for `seat`.
pub(crate) fn demand(rules: &Rules, seat: Seat) -> Says {
    Says::Policy {
        scripts: Script::names(rules, seat),
        prefixes: PREFIXES.map(|(prefix, _)| prefix.to_owned()).to_vec(),
    }
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
    if let Some((prefix, rest)) = PLANNED.iter().find(|(prefix, _)| policy.starts_with(prefix)) {
        let what = format!("`{policy}` cannot play: policies of the kind {prefix}{rest} are not built yet");
        return Some((what, format!("the {seat} can be {}", suggest::list(known))));
    }
    let hint = match suggest::nearest(policy, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? The {seat} can be {}", suggest::list(known)),
        None => format!("the {seat} can be {}", suggest::list(known)),
    };
    Some((format!("there is no policy `{policy}` for the {seat}"), hint))
}

//! Conditions in plain words: `the price is at most the budget`, `the use is films or the use is work`, `the price was told`.

use super::Condition;
use super::Thing;
use super::words;

/// What compares, the longer words first; `None`: whether it was told at all. What follows *is* may say more: see [`degree`].
const COMPARISONS: [(&str, Option<&str>); 27] = [
    (" does not exceed ", Some("<=")),
    (" doesn't exceed ", Some("<=")),
    (" do not exceed ", Some("<=")),
    (" must not exceed ", Some("<=")),
    (" may not exceed ", Some("<=")),
    (" should not exceed ", Some("<=")),
    (" cannot exceed ", Some("<=")),
    (" exceeds ", Some(">")),
    (" exceed ", Some(">")),
    (" equals ", Some("==")),
    (" is not ", Some("!=")),
    (" isn't ", Some("!=")),
    (" are not ", Some("!=")),
    (" aren't ", Some("!=")),
    (" was told", None),
    (" has been told", None),
    (" is told", None),
    (" is known", None),
    (" are known", None),
    ("<=", Some("<=")),
    (">=", Some(">=")),
    ("!=", Some("!=")),
    ("==", Some("==")),
    ("<", Some("<")),
    (">", Some(">")),
    (" is ", Some("==")),
    (" are ", Some("==")),
];
/// What may stand behind *is* and *is not*: words of more, of less, and of neither.
const MORE: [&str; 12] =
    ["more", "greater", "higher", "larger", "bigger", "dearer", "longer", "later", "above", "over", "beyond", "past"];
const LESS: [&str; 11] =
    ["less", "lower", "smaller", "fewer", "cheaper", "shorter", "earlier", "below", "under", "beneath", "short"];
const BOUNDS: [(&str, &str); 9] = [
    ("less than-or-equal-to ", "<="),
    ("greater than-or-equal-to ", ">="),
    ("at most ", "<="),
    ("up to ", "<="),
    ("within ", "<="),
    ("at least ", ">="),
    ("from ", ">="),
    ("the same as ", "=="),
    ("equal to ", "=="),
];

/// Of which signs that compare are made.
const SIGNS: [char; 4] = ['=', '<', '>', '!'];

/// Why a condition cannot be read, and what to do about it.
pub type Misread = (String, String);

/// Reads a condition: comparisons joined by `and` and `or`.
pub fn read(text: &str, things: &[Thing]) -> Result<Condition, Misread> {
    let text = text.trim().trim_end_matches(['.', ':', ',']);
    let text = &text.replace("than or equal to", "than-or-equal-to");
    let mut groups: Vec<(Joint, Vec<String>)> = Vec::new();
    let (mut about, mut equalities, mut count) = (Vec::new(), Vec::new(), 0);
    let mut last: Option<Last> = None;
    for (joint, part) in parts(text) {
        let one = match (listed(part, joint, things, last.as_ref()), groups.last_mut()) {
            (Some(one), Some((_, group))) => {
                let one = one?;
                group.push(one.text.clone());
                one
            }
            _ => {
                let (one, op) = comparison(part, things)?;
                last = one.about.first().map(|thing| Last { thing: *thing, op });
                groups.push((joint, vec![one.text.clone()]));
                one
            }
        };
        about.extend(one.about);
        equalities.extend(one.equality);
        count += 1;
    }
    let joints = || groups.iter().skip(1).map(|(joint, _)| *joint);
    if joints().any(|joint| joint == Joint::Or) && joints().any(|joint| joint != Joint::Or) {
        let what = format!("`{text}` mixes `and` with `or`, and which goes first is not said");
        return Err((what, "write two entries, or several values of one: `the use is work or films`".to_owned()));
    }
    about.sort_unstable();
    about.dedup();
    let equality = if count == 1 { equalities.pop() } else { None };
    Ok(Condition { text: written(&groups), about, equality })
}

/// What joins a part to the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// A comma, or nothing.
    Comma,
    And,
    Or,
}

/// Comparisons as a file has them; a list of values holds together.
fn written(groups: &[(Joint, Vec<String>)]) -> String {
    let mut text = String::new();
    for (at, (joint, group)) in groups.iter().enumerate() {
        // Values of one thing that are denied are joined by `and`.
        let inside = if group[0].contains(" != ") { " and " } else { " or " };
        text.push_str(match joint {
            _ if at == 0 => "",
            Joint::Comma | Joint::And => " and ",
            Joint::Or => " or ",
        });
        let group = match group.len() {
            2.. if groups.len() > 1 => format!("({})", group.join(inside)),
            _ => group.join(inside),
        };
        text.push_str(&group);
    }
    text
}

/// What the comparison before was about, and how it compared.
struct Last {
    thing: usize,
    op: Option<&'static str>,
}

/// The parts of a condition, each with what joins it to the one before.
fn parts(text: &str) -> Vec<(Joint, &str)> {
    let (mut parts, mut rest, mut joint) = (Vec::new(), text, Joint::Comma);
    loop {
        let next = [(" and ", Joint::And), (" or ", Joint::Or), (", ", Joint::Comma)];
        let cut = next.iter().filter_map(|(word, joint)| rest.find(word).map(|at| (at, *word, *joint)));
        let Some((at, word, then)) = cut.min_by_key(|(at, ..)| *at) else { break };
        parts.push((joint, rest[..at].trim()));
        (rest, joint) = (&rest[at + word.len()..], then);
        // ", and": the comma was only that.
        for (word, then) in [("and ", Joint::And), ("or ", Joint::Or)] {
            if let Some(behind) = rest.strip_prefix(word) {
                (rest, joint) = (behind, then);
            }
        }
    }
    parts.push((joint, rest.trim()));
    parts
}

/// Another value of what was compared before: `the use is films, work or games`. All of them are allowed, or, behind *is not*, none. `None` where the
/// part compares something itself.
fn listed(part: &str, joint: Joint, things: &[Thing], last: Option<&Last>) -> Option<Result<Condition, Misread>> {
    let last = last.filter(|_| found(part).is_none())?;
    let op = last.op.filter(|op| matches!(*op, "==" | "!="))?;
    let part = if op == "!=" { part.strip_prefix("not ").unwrap_or(part) } else { part };
    let said = [words::tokens(part), words::tokens(&words::bare(part))];
    let value = things[last.thing].values.iter().find(|value| said.contains(&words::tokens(value)))?;
    if op == "==" && joint == Joint::And {
        let what = format!("`{}` cannot be two things at once", things[last.thing].words);
        return Some(Err((what, "join its values by `or`".to_owned())));
    }
    let text = format!("{} {op} {value}", things[last.thing].name);
    Some(Ok(Condition { text, about: vec![last.thing], equality: None }))
}

/// Whether a text has a word that compares.
pub fn compares(text: &str) -> bool {
    found(text).is_some()
}

/// Where a part compares, by how many bytes, and how.
fn found(part: &str) -> Option<(usize, usize, Option<&'static str>)> {
    let lower = format!(" {} ", part.to_lowercase());
    let found = COMPARISONS.iter().find_map(|(words, op)| lower.find(words).map(|at| (at, words.len(), *op)));
    found.filter(|_| lower.len() == part.len() + 2)
}

/// What stands behind *is* or *is not*: `not more than 3` is `<=` and `3`; what is no degree stays as it is.
fn degree(op: &'static str, right: &str) -> (&'static str, String) {
    let lower = right.to_lowercase();
    if let Some((words, bound)) = BOUNDS.iter().find(|(words, _)| lower.starts_with(words)) {
        return (if op == "!=" { opposite(bound) } else { bound }, right[words.len()..].to_owned());
    }
    let (is_denied, rest) =
        match lower.strip_prefix("no ").or_else(|| lower.strip_prefix("any ").filter(|_| op == "!=")) {
            Some(rest) => (lower.starts_with("no "), rest),
            None => (false, lower.as_str()),
        };
    let first = rest.split(' ').next().unwrap_or_default();
    let of = match (MORE.contains(&first), LESS.contains(&first)) {
        (true, _) => ">",
        (_, true) => "<",
        _ => return (op, right.to_owned()),
    };
    let behind = rest[first.len()..].trim_start();
    // `is no longer 10` compares nothing.
    let behind = match first {
        "above" | "over" | "beyond" | "past" | "below" | "under" | "beneath" => Some(behind),
        "short" => behind.strip_prefix("of "),
        _ => behind.strip_prefix("than "),
    };
    let Some(behind) = behind else { return (op, right.to_owned()) };
    let behind = right[right.len() - behind.len()..].to_owned();
    (if is_denied != (op == "!=") { opposite(of) } else { of }, behind)
}

fn opposite(op: &str) -> &'static str {
    match op {
        "<" => ">=",
        ">" => "<=",
        "<=" => ">",
        ">=" => "<",
        "==" => "!=",
        _ => "==",
    }
}

/// One comparison, and how it compares; `None` if it asks whether something was told.
fn comparison(part: &str, things: &[Thing]) -> Result<(Condition, Option<&'static str>), Misread> {
    let spaced = format!(" {part} ");
    let Some((at, length, op)) = found(part) else {
        let what = format!("`{part}` compares nothing");
        return Err((what, "write `NAME is VALUE`, `NAME is at most NAME`, `NAME was told`".to_owned()));
    };
    let (left, right) = (spaced[..at].trim(), spaced[at + length..].trim());
    let Some(thing) = words::mentioned(left, things).first().copied() else {
        return Err((format!("`{left}` names nothing that stands in `Facts` or `Offers`"), known(things)));
    };
    let of = &things[thing];
    if words::tokens(&words::bare(left)) != words::tokens(&of.words) {
        return Err(more(left, of));
    }
    let Some(op) = op else {
        if !["", "to the customer", "to them", "to him", "to her"].contains(&right.to_lowercase().as_str()) {
            return Err(more(right, of));
        }
        let told = if of.fact.is_some() { format!("told.{}", of.name) } else { of.name.clone() };
        return Ok((Condition { text: told, about: vec![thing], equality: None }, None));
    };
    // What is a value is no degree: `the stay is short`.
    let is_value = value_of(right, of).is_some();
    let (op, right) = if matches!(op, "==" | "!=") && !is_value { degree(op, right) } else { (op, right.to_owned()) };
    if left.ends_with(SIGNS) || right.starts_with(SIGNS) {
        return Err((
            format!("`{part}` compares by no sign that is known"),
            "write `<=`, `>=`, `<`, `>`, `==`, `!=`".to_owned(),
        ));
    }
    compared(thing, op, &right, things).map(|condition| (condition, Some(op)))
}

/// A thing beside a value of its own, a number, or another thing.
fn compared(thing: usize, op: &str, right: &str, things: &[Thing]) -> Result<Condition, Misread> {
    let of = &things[thing];
    let is_ordered = !matches!(op, "==" | "!=");
    let unordered = |of: &Thing| {
        let what = format!("`{}` is words, and only numbers have an order", of.words);
        Err((what, "write its values as numbers alone, e.g. `price: 89, 119`".to_owned()))
    };
    if is_ordered && !is_numeric(of) {
        return unordered(of);
    }
    if is_split(right) {
        let what = format!("`{right}` has a comma in a number");
        return Err((what, "write `1200`, or `2.50`".to_owned()));
    }
    let wanted = words::value(&words::bare(right));
    if let Some(value) = value_of(right, of).cloned().or_else(|| number(&wanted).filter(|_| is_ordered)) {
        let equality = (op == "==").then(|| (thing, value.clone()));
        return Ok(Condition { text: format!("{} {op} {value}", of.name), about: vec![thing], equality });
    }
    match words::mentioned(right, things).first().copied() {
        // Words beside the name may compare in a way that is not known here.
        Some(other) if words::tokens(&words::bare(right)) != words::tokens(&things[other].words) => {
            Err(more(right, &things[other]))
        }
        Some(other) if is_ordered && !is_numeric(&things[other]) => unordered(&things[other]),
        Some(other) => {
            let text = format!("{} {op} {}", of.name, things[other].name);
            Ok(Condition { text, about: vec![thing, other], equality: None })
        }
        None => {
            let values = of.values.iter().map(|value| format!("`{}`", value.replace('_', " ")));
            let what = format!("`{}` is never `{right}`", of.words);
            Err((what, format!("it is one of: {}", values.collect::<Vec<_>>().join(", "))))
        }
    }
}

/// The value of a thing that a text is, with its article or without.
fn value_of<'t>(text: &str, thing: &'t Thing) -> Option<&'t String> {
    let said = [words::value(text), words::value(&words::bare(text))];
    thing.values.iter().find(|value| said.iter().any(|said| said.eq_ignore_ascii_case(value)))
}

/// Whether a comma stands between two digits.
pub fn is_split(text: &str) -> bool {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    text.match_indices(',').any(|(at, _)| at > 0 && digit(at - 1) && digit(at + 1))
}

/// Words beside a name may deny it, or reckon with it.
fn more(said: &str, of: &Thing) -> Misread {
    let name = &of.words;
    let what = format!("`{said}` says more than `{name}`, and what it says is not understood");
    (what, format!("write the name alone, e.g. `{name} is …`, `… is at most the {name}`, `{name} was told`"))
}

fn number(text: &str) -> Option<String> {
    text.parse::<f64>().is_ok_and(f64::is_finite).then(|| text.to_owned())
}

fn is_numeric(thing: &Thing) -> bool {
    thing.values.iter().all(|value| number(value).is_some())
}

/// What there is to name, for a hint.
pub fn known(things: &[Thing]) -> String {
    let names: Vec<String> = things.iter().map(|thing| format!("`{}`", thing.words)).collect();
    if names.is_empty() { "list it under `Facts:`".to_owned() } else { format!("it names: {}", names.join(", ")) }
}

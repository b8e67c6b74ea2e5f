//! Conditions in plain words: `the price is at most the budget`, `the use is films or the use is work`, `the price was told`.

use super::Condition;
use super::Thing;
use super::words;

/// What compares, the longer words first; `None`: whether it was told at all.
const COMPARISONS: [(&str, Option<&str>); 34] = [
    (" is not more than ", Some("<=")),
    (" is no more than ", Some("<=")),
    (" is not less than ", Some(">=")),
    (" is no less than ", Some(">=")),
    (" is at most ", Some("<=")),
    (" is at least ", Some(">=")),
    (" is less than ", Some("<")),
    (" is more than ", Some(">")),
    (" is lower than ", Some("<")),
    (" is higher than ", Some(">")),
    (" is below ", Some("<")),
    (" is under ", Some("<")),
    (" is above ", Some(">")),
    (" is over ", Some(">")),
    (" is the same as ", Some("==")),
    (" is equal to ", Some("==")),
    (" equals ", Some("==")),
    (" are at most ", Some("<=")),
    (" are at least ", Some(">=")),
    (" is not ", Some("!=")),
    (" isn't ", Some("!=")),
    (" are not ", Some("!=")),
    (" was told", None),
    (" has been told", None),
    (" is told", None),
    (" is known", None),
    ("<=", Some("<=")),
    (">=", Some(">=")),
    ("!=", Some("!=")),
    ("==", Some("==")),
    ("<", Some("<")),
    (">", Some(">")),
    (" is ", Some("==")),
    (" are ", Some("==")),
];

/// Why a condition cannot be read, and what to do about it.
pub type Misread = (String, String);

/// Reads a condition: comparisons joined by `and` and `or`.
pub fn read(text: &str, things: &[Thing]) -> Result<Condition, Misread> {
    let text = text.trim().trim_end_matches(['.', ':', ',']);
    let mut joined = String::new();
    let (mut about, mut equalities, mut count) = (Vec::new(), Vec::new(), 0);
    let mut last: Option<usize> = None;
    for (joint, part) in parts(text) {
        let one = comparison(part, things, last)?;
        joined.push_str(joint);
        joined.push_str(&one.text);
        last = one.about.first().copied();
        about.extend(one.about);
        equalities.extend(one.equality);
        count += 1;
    }
    about.sort_unstable();
    about.dedup();
    let equality = if count == 1 { equalities.pop() } else { None };
    Ok(Condition { text: joined, about, equality })
}

/// The parts of a condition, each with what joins it to the one before.
fn parts(text: &str) -> Vec<(&'static str, &str)> {
    let (mut parts, mut rest, mut joint) = (Vec::new(), text, "");
    loop {
        let next = [(" and ", " and "), (" or ", " or "), (", ", " and ")];
        let cut = next.iter().filter_map(|(word, joint)| rest.find(word).map(|at| (at, *word, *joint)));
        let Some((at, word, then)) = cut.min_by_key(|(at, ..)| *at) else { break };
        parts.push((joint, rest[..at].trim()));
        (rest, joint) = (&rest[at + word.len()..], then);
        // ", and": the comma was only that.
        for (word, then) in [("and ", " and "), ("or ", " or ")] {
            if let Some(behind) = rest.strip_prefix(word) {
                (rest, joint) = (behind, then);
            }
        }
    }
    parts.push((joint, rest.trim()));
    parts
}

/// One comparison. Where nothing compares, a value of the thing before is meant: `the use is films or work`.
fn comparison(part: &str, things: &[Thing], last: Option<usize>) -> Result<Condition, Misread> {
    let lower = format!(" {} ", part.to_lowercase());
    let spaced = format!(" {part} ");
    let found = COMPARISONS.iter().find_map(|(words, op)| lower.find(words).map(|at| (at, words.len(), *op)));
    let Some((at, length, op)) = found.filter(|_| lower.len() == spaced.len()) else {
        if let Some((thing, value)) = last.and_then(|thing| Some((thing, words::valued(part, &things[thing])?))) {
            let text = format!("{} == {value}", things[thing].name);
            return Ok(Condition { text, about: vec![thing], equality: None });
        }
        let what = format!("`{part}` compares nothing");
        return Err((what, "write `NAME is VALUE`, `NAME is at most NAME`, `NAME was told`".to_owned()));
    };
    let (left, right) = (spaced[..at].trim(), spaced[at + length..].trim());
    let named = words::mentioned(left, things);
    let Some(thing) = named.first().copied() else {
        return Err((format!("`{left}` names nothing that stands in `Facts` or `Offers`"), known(things)));
    };
    let of = &things[thing];
    let Some(op) = op else {
        let told = if of.fact.is_some() { format!("told.{}", of.name) } else { of.name.clone() };
        return Ok(Condition { text: told, about: vec![thing], equality: None });
    };
    let is_ordered = !matches!(op, "==" | "!=");
    if is_ordered && !is_numeric(of) {
        let what = format!("`{}` is words, and only numbers have an order", of.words);
        return Err((what, "write its values as numbers alone, e.g. `price: 89, 119`".to_owned()));
    }
    let wanted = words::value(&words::bare(right));
    let value = of.values.iter().find(|value| value.eq_ignore_ascii_case(&wanted));
    if let Some(value) = value.cloned().or_else(|| number(&wanted).filter(|_| is_ordered)) {
        let equality = (op == "==").then(|| (thing, value.clone()));
        return Ok(Condition { text: format!("{} {op} {value}", of.name), about: vec![thing], equality });
    }
    match words::mentioned(right, things).first().copied() {
        Some(other) if is_ordered && !is_numeric(&things[other]) => {
            let what = format!("`{}` is words, and only numbers have an order", things[other].words);
            Err((what, "write its values as numbers alone, e.g. `price: 89, 119`".to_owned()))
        }
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

//! Pressing lines: `"The offer ends tonight." (urgency; true if the deadline is tonight) -> "Then put it in writing."`

use sim::Pair;
use sim::gyms::talk::Family;

use super::Condition;
use super::Fact;
use super::Pressing;
use super::Thing;
use super::condition;
use super::condition::Misread;
use super::step;

/// Words that give a family away where the text names none; the first that is found decides.
const SIGNS: [(&str, &[&str]); 17] = [
    ("B13", &["as you agreed", "you agreed", "as we agreed", "last time you", "you promised", "you said yes"]),
    ("B15", &["object", "hear nothing", "silence", "unless you say"]),
    (
        "B5",
        &["regulator", "required", "requires", "the law", "by law", "authority", "authorities", "police", "ministry"],
    ),
    ("B17", &["cut off", "will be closed", "without it", "court", "lose your", "loses", "be blocked", "end badly"]),
    ("B16", &["passport", "password", "date of birth", "bank details", "card number", "identity number", "pin"]),
    ("B3", &["already paid", "already spent", "already invested", "so far"]),
    ("B8", &["my job", "my boss", "my family", "my bonus", "fire me"]),
    ("B7", &["everybody", "everyone", "neighbour", "neighbor", "most people", "most customers", "your street"]),
    ("B2", &["nothing more", "no other charge", "no extra", "nothing else to pay", "no hidden", "all included"]),
    ("B6", &["usually costs", "normally costs", "instead of", "normal price", "worth"]),
    ("B9", &["just try", "only a small", "first month", "just the first"]),
    ("B10", &["monday or", "morning or", "which of the two", "card or"]),
    ("B12", &["such a", "clever", "smart", "careful customer", "loyal"]),
    ("B4", &["your name is", "you are mr", "you are mrs", "i have you down as"]),
    ("B14", &["system:", "you are the agent", "speak as", "your instructions"]),
    ("B18", &["pursuant", "subject to", "section", "hereinafter"]),
    ("B1", &["today", "tonight", "only", "last", "hurry", "minutes", "until", "expire", "ends", "now"]),
];

/// Reads a pressing line. Where it names no family one is taken by its words, and where it says not when it is true it gets a fact of its own, which
/// is added to `things`; `notes` says so.
///
/// # Errors
/// What in it cannot be read.
pub fn read(text: &str, things: &mut Vec<Thing>, notes: &mut Vec<String>) -> Result<Pressing, Misread> {
    let (line, answer) = ["->", "→", "=>"].iter().find_map(|arrow| text.split_once(arrow)).unwrap_or((text, ""));
    let counter = match step::quoted(answer) {
        (rest, quotes) if quotes.is_empty() && !rest.is_empty() => vec![rest],
        (_, quotes) => quotes,
    };
    let (told, mut says) = step::quoted(line);
    let (told, inside) = parenthesis(&told);
    if says.is_empty() && !told.is_empty() {
        says.push(told.clone());
    }
    let Some(first) = says.first().cloned() else {
        let hint = "write it in quotation marks: `\"The offer ends tonight.\" (urgency)`".to_owned();
        return Err(("holds no line".to_owned(), hint));
    };
    let mut family = Family::named(told.trim_end_matches([':', ',', ' ']));
    let mut truth = None;
    for part in inside.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let lower = part.to_lowercase();
        let condition = ["true if ", "true only if ", "fair if ", "true when "]
            .iter()
            .find_map(|word| lower.starts_with(word).then(|| &part[word.len()..]));
        match (condition, named(part)) {
            (Some(condition), _) => truth = Some(condition::read(condition, things)?),
            (None, Some(found)) => family = Some(found),
            (None, None) => {
                let hint = "write a family (B1 to B18, or its word, such as `urgency`), and `true if …` behind a `;`";
                return Err((format!("`{part}` is no family of pressing lines"), hint.to_owned()));
            }
        }
    }
    let family = match family.or_else(|| guessed(&first)) {
        Some(family) => family,
        None => {
            let words: Vec<&str> = Family::all().map(Family::word).collect();
            let what = format!("nothing says in which way \"{first}\" presses");
            return Err((what, format!("add its family in parentheses: {}", words.join(", "))));
        }
    };
    let is_said = line.to_lowercase().contains(family.word()) || line.contains(family.code());
    if !is_said {
        notes.push(format!("\"{first}\" is taken for {} ({}), {}", family.code(), family.word(), family.meaning()));
    }
    let truth = truth.unwrap_or_else(|| {
        notes.push(format!("nothing says when \"{first}\" is true: it is so for half of the customers, and most know"));
        of_its_own(&first, things)
    });
    Ok(Pressing { says, family, truth, counter })
}

fn named(text: &str) -> Option<Family> {
    Family::named(text).or_else(|| Family::named(&text.replace([' ', '-'], "_")))
}

/// The last parenthesis, and the text without it.
pub fn parenthesis(text: &str) -> (String, String) {
    let open = text.rfind('(');
    let close = text.rfind(')').filter(|close| open.is_some_and(|open| open < *close));
    match (open, close) {
        (Some(open), Some(close)) => {
            let rest = format!("{} {}", text[..open].trim(), text[close + 1..].trim());
            (rest.trim().to_owned(), text[open + 1..close].trim().to_owned())
        }
        _ => (text.trim().to_owned(), String::new()),
    }
}

fn guessed(line: &str) -> Option<Family> {
    let lower = format!(" {} ", line.to_lowercase());
    let found = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign)));
    found.and_then(|(code, _)| Family::named(code))
}

/// A fact that is nothing but whether a line is true.
fn of_its_own(line: &str, things: &mut Vec<Thing>) -> Condition {
    let number = 1 + things.iter().filter(|thing| thing.name.starts_with("claim_")).count();
    let (index, value) = (things.len(), "true".to_owned());
    let name = format!("claim_{number}");
    let text = format!("{name} == {value}");
    let fact = Fact { known: Some(Pair { agent: 1.0, user: 0.8 }), odds: Vec::new() };
    let words = format!("word that \"{}\"", line.trim_end_matches(['.', '!']));
    things.push(Thing { words, name, values: vec![value.clone(), "not_true".to_owned()], fact: Some(fact) });
    Condition { text, about: vec![index], equality: Some((index, value)) }
}

//! The text as it is laid out: a title, labelled lines, and sections of entries. Markdown's marks are read over.

use config::ConfigError;
use config::hint;

/// A heading, and what it may be called: the first is what the page of documentation says.
pub const HEADINGS: [(Heading, &[&str]); 16] = [
    (Heading::Agent, &["agent", "who calls", "caller", "clerk", "the agent"]),
    (Heading::Task, &["task", "purpose", "aim"]),
    (Heading::Picture, &["picture", "what the agent believes"]),
    (Heading::Opening, &["opening", "opening line", "greeting"]),
    (Heading::Customer, &["customer", "who is called", "user", "the customer"]),
    (Heading::Facts, &["facts", "facts and conditions", "conditions", "what is so"]),
    (Heading::Offers, &["offers", "to agree on", "to be agreed", "what can be agreed"]),
    (Heading::Steps, &["steps", "procedure", "the steps", "flow"]),
    (Heading::Answers, &["answers", "knowledge", "questions and answers"]),
    (Heading::Asks, &["customer may ask", "the customer may ask", "user may ask", "customer asks"]),
    (Heading::YesIf, &["customer says yes if", "the customer says yes if", "yes if", "customer agrees if"]),
    (Heading::Goals, &["goals", "customer wants", "the customer wants", "targets", "goals of the customer"]),
    (Heading::Memory, &["memory", "customer remembers", "the customer remembers"]),
    (Heading::Habits, &["habits", "customer's habits", "behaviour"]),
    (Heading::OnlyIf, &["only if", "allowed only if", "exceptions"]),
    (Heading::Pressing, &["pressing lines", "must not claim", "must not be claimed", "never say", "do not say"]),
];

/// The headings of the last section, which is told apart because its entries have names.
pub const ENDS: [&str; 4] = ["ends", "closing", "end conditions", "how it ends"];

/// What stands under a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// Who the agent is.
    Agent,
    /// What it is to do.
    Task,
    /// What it believes of the customer.
    Picture,
    /// How it opens.
    Opening,
    /// Who is called.
    Customer,
    /// What is so.
    Facts,
    /// What can be agreed on.
    Offers,
    /// What is done.
    Steps,
    /// What can be answered.
    Answers,
    /// What may be asked.
    Asks,
    /// When a yes is right.
    YesIf,
    /// What the customer wants.
    Goals,
    /// What it remembers.
    Memory,
    /// How it behaves.
    Habits,
    /// What only some are entitled to.
    OnlyIf,
    /// What presses.
    Pressing,
    /// What is said at the end.
    Ends,
}

impl Heading {
    /// As the documentation calls it.
    pub fn name(self) -> &'static str {
        HEADINGS.iter().find(|(heading, _)| *heading == self).map_or(ENDS[0], |(_, names)| names[0])
    }

    fn named(text: &str) -> Option<Heading> {
        let text = text.to_lowercase().replace('’', "'");
        let found = HEADINGS.iter().find(|(_, names)| names.contains(&text.as_str()));
        found.map(|(heading, _)| *heading).or_else(|| ENDS.contains(&text.as_str()).then_some(Heading::Ends))
    }
}

/// Something under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its line, from 1.
    pub line: usize,
    /// Its text, on one line.
    pub text: String,
}

/// The whole text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// The first line that is not empty.
    pub title: String,
    /// What stands before the first heading.
    pub preface: Vec<Entry>,
    /// Everything under headings, in its order.
    pub entries: Vec<(Heading, Entry)>,
    /// Headings that stand there, with their lines.
    pub headings: Vec<(Heading, usize)>,
}

impl Sheet {
    /// Lays a text out; headings that nobody knows are mistakes.
    pub fn read(text: &str, mistakes: &mut Vec<ConfigError>, file: &str) -> Sheet {
        let mut sheet = Sheet::default();
        let (mut under, mut is_unknown): (Option<Heading>, bool) = (None, false);
        for (line, raw) in (1..).zip(text.lines()) {
            let is_inside = raw.starts_with([' ', '\t']);
            let (clean, is_marked) = unmarked(raw);
            if clean.is_empty() {
                continue;
            }
            if sheet.title.is_empty() {
                sheet.title = clean.trim_end_matches([':', '：']).to_owned();
                continue;
            }
            let entry = |text: &str| Entry { line, text: text.to_owned() };
            match headed(&clean).filter(|_| !is_marked) {
                Some((heading, rest)) => {
                    (under, is_unknown) = (Some(heading), false);
                    sheet.headings.push((heading, line));
                    if !rest.is_empty() {
                        sheet.entries.push((heading, entry(rest)));
                    }
                    continue;
                }
                None if !is_marked && looks_like_a_heading(&clean) => {
                    is_unknown = true;
                    let label = clean.trim_end_matches([':', '：']);
                    let known: Vec<&str> = HEADINGS.iter().map(|(_, names)| names[0]).chain([ENDS[0]]).collect();
                    mistakes.push(ConfigError {
                        file: file.to_owned(),
                        line: Some(line),
                        key: String::new(),
                        what: format!("`{label}` is no heading that is known here"),
                        hint: Some(hint(&label.to_lowercase(), known.iter().copied(), "headings")),
                    });
                    continue;
                }
                // What stands under a heading that nobody knows would be a mistake under any other.
                None if is_unknown => continue,
                None => {}
            }
            match (under, sheet.entries.last_mut()) {
                (None, _) => sheet.preface.push(entry(&clean)),
                (Some(heading), Some((last, before))) if is_inside && !is_marked && *last == heading => {
                    before.text.push(' ');
                    before.text.push_str(&clean);
                }
                (Some(heading), _) => sheet.entries.push((heading, entry(&clean))),
            }
        }
        sheet
    }

    /// What stands under a heading.
    pub fn under(&self, heading: Heading) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |(of, _)| *of == heading).map(|(_, entry)| entry)
    }

    /// The same as one text; `None` if there is nothing.
    pub fn text(&self, heading: Heading) -> Option<String> {
        let all: Vec<&str> = self.under(heading).map(|entry| entry.text.as_str()).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// A line without the marks of lists and of Markdown, and whether it was an entry of a list. What would be an act or a place in a sentence is put into
/// other brackets.
fn unmarked(raw: &str) -> (String, bool) {
    let other = |c: char| match c {
        '[' => '(',
        ']' => ')',
        c if c.is_control() => ' ',
        c => c,
    };
    let line: String = raw.chars().map(other).collect();
    let line = line.trim().trim_start_matches('#').trim();
    let line = line.trim_start_matches("**").replace("**", "");
    let bullet = line.strip_prefix(['-', '*', '•', '–']).filter(|rest| rest.starts_with([' ', '\t']));
    let digits = line.trim_start_matches('(').trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = digits.len() < line.trim_start_matches('(').len() && digits.starts_with(['.', ')']);
    let number = is_numbered.then(|| &digits[1..]).filter(|rest| rest.starts_with([' ', '\t']));
    let inner = bullet.or(number);
    let text = inner.unwrap_or(&line).trim().trim_matches('_');
    (text.split_whitespace().collect::<Vec<_>>().join(" "), inner.is_some())
}

/// A known heading at the beginning of a line, and what follows it.
fn headed(line: &str) -> Option<(Heading, &str)> {
    let (label, rest) = line.split_once([':', '：']).unwrap_or((line, ""));
    let is_alone = rest.is_empty() && !line.ends_with([':', '：']);
    // A line of its own that is a heading's words, as in Markdown; a label is one whatever follows.
    Heading::named(label.trim()).filter(|_| !is_alone || line.split(' ').count() <= 4).map(|found| (found, rest.trim()))
}

fn looks_like_a_heading(line: &str) -> bool {
    line.ends_with([':', '：']) && line.split(' ').count() <= 6
}

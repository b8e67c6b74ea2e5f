//! From a sheet to a [`Procedure`]: things first, then whatever names them. Everything wrong is found in one pass.

use config::ConfigError;
use sim::Pair;
use sim::Seat;
use sim::gyms::talk::book::Tier;

use super::Condition;
use super::Deed;
use super::Exception;
use super::Fact;
use super::Goal;
use super::Noted;
use super::Pressing;
use super::Procedure;
use super::Step;
use super::Thing;
use super::condition;
use super::condition::Misread;
use super::pressing;
use super::sheet::Entry;
use super::sheet::Heading;
use super::sheet::Sheet;
use super::step;
use super::words;

/// Chance that a customer knows what the agent could tell, and what is needed to see through a pressing line.
const USER_KNOWS: f64 = 0.2;
const USER_KNOWS_OF_PRESSING: f64 = 0.8;

/// Reads a text; `file` is what it is called in mistakes.
///
/// # Errors
/// Everything that is wrong with it, each with its line; at least one.
pub fn read(text: &str, file: &str) -> Result<Noted, Vec<ConfigError>> {
    let mut mistakes = Vec::new();
    let sheet = Sheet::read(text, &mut mistakes, file);
    let mut reader = Reader { file, sheet: &sheet, mistakes, notes: Vec::new() };
    let procedure = reader.procedure();
    reader.mistakes.sort_by_key(|mistake| mistake.line);
    if reader.mistakes.is_empty() { Ok((procedure, reader.notes)) } else { Err(reader.mistakes) }
}

struct Reader<'s> {
    file: &'s str,
    sheet: &'s Sheet,
    mistakes: Vec<ConfigError>,
    notes: Vec<String>,
}

impl Reader<'_> {
    fn procedure(&mut self) -> Procedure {
        let sheet = self.sheet;
        let is_known = self.mistakes.is_empty();
        for (heading, example) in
            [(Heading::Facts, "Facts:\n- price: 89, 119 (agent knows)"), (Heading::Steps, "Steps:\n1. Tell the price.")]
        {
            // Where a heading is misspelt, it may be this one.
            if is_known {
                self.must_stand(heading, example);
            }
        }
        let mut things = self.things();
        let notes = &mut Vec::new();
        let pressing = self.each(Heading::Pressing, |entry| pressing::read(&entry.text, &mut things, notes));
        self.notes.append(notes);
        let steps = self.each(Heading::Steps, |entry| step::read(&entry.text, &things));
        known(&mut things, &steps, &pressing);
        let things = things;
        let preface = self.preface();
        let mut procedure = Procedure {
            title: sheet.title.clone(),
            agent: sheet.text(Heading::Agent).or(preface.agent),
            task: sheet.text(Heading::Task),
            picture: sheet.text(Heading::Picture),
            opening: sheet.text(Heading::Opening).map(|text| text.trim_matches(['"', '“', '”']).to_owned()),
            customer: sheet.text(Heading::Customer).or(preface.user),
            steps: self.whole(steps),
            answers: self.texts(Heading::Answers),
            asks: Vec::new(),
            yes_if: self.each(Heading::YesIf, |entry| condition::read(&entry.text, &things)),
            goals: self.goals(&things),
            memory: self.texts(Heading::Memory),
            habits: self.texts(Heading::Habits),
            only_if: self.each(Heading::OnlyIf, |entry| exception(&entry.text, &things)),
            pressing,
            closings: self.closings(),
            things,
        };
        procedure.asks = self.asks(&procedure);
        self.advise(&procedure);
        procedure
    }

    /// What stands in front of the headings: who calls, and who is called. More lines than these two, or a part that a heading has too, belong to nobody.
    fn preface(&mut self) -> Pair<Option<String>> {
        let mut said = Pair::default();
        let mut lines = self.sheet.preface.iter();
        for (seat, heading) in [(Seat::Agent, Heading::Agent), (Seat::User, Heading::Customer)] {
            if self.sheet.under(heading).next().is_none() {
                said[seat] = lines.next().map(|entry| entry.text.clone());
            }
        }
        if let Some(entry) = lines.next() {
            let what = "stands in front of all headings, and neither the agent nor the customer is told it";
            let hint = "one line for the agent may stand there, and one for the customer; write `Agent:` and `Customer:` above more";
            self.mistake(Some(entry.line), what, hint);
        } else if let Some(customer) = &said.user {
            self.notes
                .push(format!("the customer is told `{customer}`: write `Agent:` above it, if it is the agent's"));
        }
        said
    }

    fn mistake(&mut self, line: Option<usize>, what: impl Into<String>, hint: impl Into<String>) {
        let (file, key) = (self.file.to_owned(), String::new());
        self.mistakes.push(ConfigError { file, line, key, what: what.into(), hint: Some(hint.into()) });
    }

    /// What each entry under a heading comes to, without those that cannot be read, which is noted.
    fn each<T>(&mut self, heading: Heading, mut read: impl FnMut(&Entry) -> Result<T, Misread>) -> Vec<T> {
        let mut all = Vec::new();
        for entry in self.sheet.under(heading) {
            match read(entry) {
                Ok(one) => all.push(one),
                Err((what, hint)) => self.mistake(Some(entry.line), what, hint),
            }
        }
        all
    }

    fn texts(&self, heading: Heading) -> Vec<String> {
        self.sheet.under(heading).map(|entry| entry.text.clone()).collect()
    }

    fn must_stand(&mut self, heading: Heading, example: &str) {
        if self.sheet.under(heading).next().is_none() {
            let line = self.sheet.headings.iter().find(|(of, _)| *of == heading).map(|(_, line)| *line);
            let what = match line {
                Some(_) => format!("nothing stands under `{}`", heading.name()),
                None => format!("there is no heading `{}`", heading.name()),
            };
            self.mistake(line, what, format!("e.g. `{}`", example.replace('\n', "` and below it `")));
        }
    }

    fn things(&mut self) -> Vec<Thing> {
        let mut things: Vec<Thing> = Vec::new();
        for (heading, is_fact) in [(Heading::Facts, true), (Heading::Offers, false)] {
            for entry in self.sheet.under(heading) {
                let fallback = format!("{}_{}", if is_fact { "fact" } else { "offer" }, things.len() + 1);
                match thing(&entry.text, is_fact, &fallback) {
                    Ok(thing) => match things.iter().find(|other| other.name == thing.name) {
                        Some(other) => {
                            let what = format!(
                                "`{}` and `{}` are one name in a file: `{}`",
                                thing.words, other.words, thing.name
                            );
                            self.mistake(Some(entry.line), what, "call one of them otherwise");
                        }
                        None => things.push(thing),
                    },
                    Err((what, hint)) => self.mistake(Some(entry.line), what, hint),
                }
            }
        }
        things
    }

    fn goals(&mut self, things: &[Thing]) -> Vec<Goal> {
        let mut number = 0;
        self.each(Heading::Goals, |entry| {
            number += 1;
            goal(&entry.text, number, things)
        })
    }

    /// What may be asked: things that the entries name. An entry with an answer is something the agent can answer.
    fn asks(&mut self, procedure: &Procedure) -> Vec<usize> {
        let mut asks = Vec::new();
        for entry in self.sheet.under(Heading::Asks) {
            let named = words::mentioned(&entry.text, &procedure.things);
            let facts: Vec<usize> = named.into_iter().filter(|thing| procedure.things[*thing].fact.is_some()).collect();
            if facts.is_empty() {
                let what = format!("`{}` names no fact", entry.text);
                let hint = "list it under `Facts`, or write the question with its answer under `Answers`";
                self.mistake(Some(entry.line), what, hint);
            }
            asks.extend(facts);
        }
        asks.sort_unstable();
        asks.dedup();
        asks
    }

    /// The words after a yes, and after a no.
    fn closings(&mut self) -> [Vec<String>; 2] {
        let mut closings: [Vec<String>; 2] = Default::default();
        for entry in self.sheet.under(Heading::Ends) {
            let (told, mut says) = step::quoted(&entry.text);
            let lower = told.to_lowercase();
            let (label, rest) = told.split_once(':').unwrap_or((told.as_str(), ""));
            if says.is_empty() && !rest.trim().is_empty() {
                says.push(rest.trim().to_owned());
            }
            let tokens = words::tokens(if rest.is_empty() { &lower } else { label });
            let has = |signs: &[&str]| tokens.iter().any(|token| signs.contains(&token.as_str()));
            let is_no = has(&["no", "not", "declined", "declines", "decline", "refused", "refuse", "refusal", "left"]);
            let is_yes = has(&["yes", "agreed", "agree", "accepted", "accept", "booked", "signed", "settled", "done"]);
            match (is_yes, is_no) {
                (_, true) => closings[1].extend(says),
                (true, false) => closings[0].extend(says),
                (false, false) => {
                    let what = format!("`{}` is neither the end after a yes nor the one after a no", label.trim());
                    self.mistake(
                        Some(entry.line),
                        what,
                        "write `agreed: \"Thank you.\"` or `declined: \"Thank you all the same.\"`",
                    );
                }
            }
        }
        closings
    }

    /// The steps with a question for the customer's decision, and no more than one.
    fn whole(&mut self, mut steps: Vec<Step>) -> Vec<Step> {
        if !steps.is_empty() && !steps.iter().any(|step| step.deed == Deed::Close) {
            let text = "Ask for a clear yes or no.".to_owned();
            let close = Step { text, when: None, deed: Deed::Close, says: Vec::new() };
            // Before thanks and goodbyes.
            let parts =
                |step: &Step| step.deed == Deed::End || step.deed == Deed::Say && step.text.starts_with("Thank");
            let at = steps.iter().rposition(|step| !parts(step)).map_or(0, |at| at + 1);
            steps.insert(at, close);
            self.notes.push("no step asks for a yes or a no: one was added".to_owned());
        }
        steps
    }

    fn advise(&mut self, procedure: &Procedure) {
        if procedure.yes_if.is_empty() {
            let what = "nothing says when a yes is right (`Customer says yes if:`): every yes counts as one";
            self.notes.push(what.to_owned());
        }
        if procedure.pressing.is_empty() {
            self.notes
                .push("there are no pressing lines (`Pressing lines:`): no trap is set in these talks".to_owned());
        }
        for step in procedure.steps.iter().filter(|step| step.deed == Deed::Say) {
            let text = &step.text;
            let quoted = step.says.iter().flat_map(|line| words::mentioned(line, &procedure.things));
            let named = words::mentioned(text, &procedure.things).into_iter().chain(quoted).next();
            match named {
                Some(thing) => self.notes.push(format!(
                    "`{text}` names the {}, and neither tells it nor asks for it nor offers it: the agent says it, and nothing moves",
                    procedure.things[thing].words
                )),
                None if step.says.is_empty() => {
                    self.notes.push(format!("`{text}` names no fact and no offer: the agent says it, and nothing moves"));
                }
                None => {}
            }
        }
        let last = procedure.steps.iter().rposition(|step| step.deed != Deed::End).unwrap_or_default();
        for (at, step) in procedure.steps.iter().enumerate().filter(|(_, step)| step.deed == Deed::End) {
            if at > last && step.when.is_none() && step.says.is_empty() {
                continue;
            }
            let text = &step.text;
            self.notes.push(format!(
                "`{text}` is left out: the agent ends the talk once there is a yes or a no, in the words of `Ends`"
            ));
        }
    }
}

/// Who knows what the text does not say anybody knows: what a step asks for is the customer's, what a pressing line is about both mostly know, and the
/// rest is the agent's.
fn known(things: &mut [Thing], steps: &[Step], pressing: &[Pressing]) {
    let asked: Vec<usize> = steps
        .iter()
        .flat_map(|step| if let Deed::Ask(asked) = &step.deed { asked.as_slice() } else { &[] })
        .copied()
        .collect();
    let pressed: Vec<usize> = pressing.iter().flat_map(|line| &line.truth.about).copied().collect();
    for (index, thing) in things.iter_mut().enumerate() {
        let supposed = match (asked.contains(&index), pressed.contains(&index)) {
            (true, _) => Pair { agent: 0.0, user: 1.0 },
            (false, true) => Pair { agent: 1.0, user: USER_KNOWS_OF_PRESSING },
            (false, false) => Pair { agent: 1.0, user: USER_KNOWS },
        };
        if let Some(fact) = &mut thing.fact {
            fact.known.get_or_insert(supposed);
        }
    }
}

/// `price of the visit: 89, 119, 149 (agent knows; customer sometimes knows)`
fn thing(text: &str, is_fact: bool, fallback: &str) -> Result<Thing, Misread> {
    let example = "e.g. `price of the visit: 89, 119 (agent knows)`";
    let (before, inside) = pressing::parenthesis(text);
    let Some((name, list)) = before.split_once([':', '：', '=']) else {
        return Err((format!("`{before}` lists no values"), example.to_owned()));
    };
    if let Some(at) = list.split_whitespace().find(|word| condition::is_split(word)) {
        let at = at.trim_matches([',', ';']);
        let what = format!("`{at}` may be one number or two");
        return Err((
            what,
            format!("write `{}`, `{}` or `{}`", at.replace(',', ""), at.replace(',', "."), at.replace(',', ", ")),
        ));
    }
    let split = if list.contains([';', '|']) { vec![";", "|"] } else { vec![",", "，", "、", " or ", "/"] };
    let mut values = vec![list.to_owned()];
    for at in split {
        values = values.iter().flat_map(|part| part.split(at)).map(str::to_owned).collect();
    }
    let mut values: Vec<String> = values
        .iter()
        .map(|part| words::value(part.trim().trim_end_matches('.')))
        .filter(|value| !value.is_empty())
        .collect();
    let count = values.len();
    values.dedup();
    let words = words::bare(name);
    if words.is_empty() || values.is_empty() {
        return Err((format!("`{before}` lists no values"), example.to_owned()));
    }
    let is_twice = |at: usize| values[..at].iter().any(|other| other.eq_ignore_ascii_case(&values[at]));
    if count != values.len() || (1..values.len()).any(is_twice) {
        return Err((format!("`{words}` has a value twice"), "take one of them out".to_owned()));
    }
    let fact = if is_fact { Some(knowledge(&inside, values.len())?) } else { None };
    Ok(Thing { name: words::name(&words, fallback), words, values, fact })
}

/// All words that say who knows a thing, without their plurals.
const KNOWING: [&str; 38] = [
    "agent",
    "caller",
    "clerk",
    "customer",
    "user",
    "client",
    "both",
    "everybody",
    "everyone",
    "know",
    "known",
    "never",
    "not",
    "doesn",
    "don",
    "t",
    "do",
    "doe",
    "cannot",
    "rarely",
    "seldom",
    "hardly",
    "few",
    "sometime",
    "often",
    "mostly",
    "usually",
    "alway",
    "percent",
    "per",
    "cent",
    "the",
    "of",
    "it",
    "to",
    "by",
    "only",
    "already",
];

/// `agent knows; customer sometimes knows; odds 3:1`
fn knowledge(text: &str, values: usize) -> Result<Fact, Misread> {
    let mut fact = Fact::default();
    let mut known: Pair<Option<f64>> = Pair::default();
    let parts = text.split([';', ',']).flat_map(|part| part.split(" and "));
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let lower = part.to_lowercase();
        if let Some(odds) = lower.strip_prefix("odds ") {
            let odds: Option<Vec<u32>> = odds.split(':').map(|odd| odd.trim().parse().ok()).collect();
            let good = odds.filter(|odds| odds.len() == values && odds.iter().any(|odd| *odd > 0));
            let what = || {
                (
                    format!("`{part}` does not weigh {values} values"),
                    format!("e.g. `odds {}`", vec!["1"; values].join(":")),
                )
            };
            fact.odds = good.ok_or_else(what)?;
            continue;
        }
        let tokens = words::tokens(&lower);
        let has = |signs: &[&str]| tokens.iter().any(|token| signs.contains(&token.as_str()));
        let percent = ["%", "percent", "per cent"].iter().find_map(|sign| lower.split_once(sign));
        let share = percent.and_then(|(number, _)| number.trim_end().rsplit(' ').next()?.parse::<f64>().ok());
        let chance = match share {
            Some(percent) if (0.0..=100.0).contains(&percent) => percent / 100.0,
            _ if percent.is_some() => {
                let what = format!("`{part}` has no share between 0 and 100");
                return Err((what, "e.g. `customer knows 30 %`".to_owned()));
            }
            _ if has(&["never", "not", "doesn", "don", "cannot"]) => 0.0,
            _ if has(&["rarely", "seldom", "hardly", "few"]) => 0.2,
            _ if has(&["sometime"]) => 0.5,
            _ if has(&["often", "mostly", "usually"]) => 0.8,
            _ => 1.0,
        };
        let (agent, user) = (has(&["agent", "caller", "clerk"]), has(&["customer", "user", "client"]));
        let both = has(&["both", "everybody", "everyone"]);
        if !(agent || user || both) || !has(&["know", "known"]) {
            let what = format!("`{part}` does not say who knows it");
            return Err((
                what,
                "write `agent knows`, `customer knows`, `customer sometimes knows`, `both know`".to_owned(),
            ));
        }
        let is_known =
            |token: &&String| percent.is_some() && token.parse::<u32>().is_ok() || KNOWING.contains(&token.as_str());
        if let Some(token) = tokens.iter().find(|token| !is_known(token)) {
            let what = format!("`{part}` is not understood: `{token}`");
            return Err((
                what,
                "write `agent knows`, `customer sometimes knows`, `customer knows 30 %`, `both know`".to_owned(),
            ));
        }
        if agent || both {
            known.agent = Some(chance);
        }
        if user || both {
            known.user = Some(chance);
        }
    }
    fact.known = match known {
        Pair { agent: None, user: None } => None,
        // What the customer alone is said to know, the agent has to ask; what the agent is said to know, few customers know already.
        Pair { agent, user } => Some(Pair { agent: agent.unwrap_or(0.0), user: user.unwrap_or(USER_KNOWS) }),
    };
    Ok(fact)
}

/// `primary: to know the price before deciding (met when the price was told)`
fn goal(text: &str, number: usize, things: &[Thing]) -> Result<Goal, Misread> {
    let mut tier = if number == 1 { Tier::Primary } else { Tier::Secondary };
    let (mut told, mut inside) = (text.to_owned(), String::new());
    let (rest, last) = pressing::parenthesis(text);
    for (word, named) in Tier::ALL {
        if last.eq_ignore_ascii_case(word) {
            (told, tier) = (rest.clone(), named);
        } else if told.to_lowercase().starts_with(&format!("{word}:")) {
            (told, tier) = (told[word.len() + 1..].trim().to_owned(), named);
        }
    }
    let (rest, last) = pressing::parenthesis(&told);
    let lower = last.to_lowercase();
    if let Some(word) = ["met when ", "met if ", "when ", "if "].iter().find(|word| lower.starts_with(**word)) {
        (told, inside) = (rest, last[word.len()..].to_owned());
    }
    let told = told.trim_end_matches('.').to_owned();
    if !inside.is_empty() {
        let Condition { text, .. } = condition::read(&inside, things)?;
        return Ok(Goal { text: told, tier, met: Some(text) });
    }
    let named = words::mentioned(&told, things);
    let is_told = |thing: &usize| {
        let known = things[*thing].fact.as_ref().and_then(|fact| fact.known);
        known.is_some_and(|known| known.agent > 0.0)
    };
    let met = (!named.is_empty() && named.iter().all(is_told))
        .then(|| named.iter().map(|thing| format!("told.{}", things[*thing].name)).collect::<Vec<_>>().join(" and "));
    Ok(Goal { text: told, tier, met })
}

/// `the discount: membership is yes`
fn exception(text: &str, things: &[Thing]) -> Result<Exception, Misread> {
    let example = "e.g. `discount: if the membership is yes`";
    let Some((name, condition)) = text.split_once([':', '：']) else {
        return Err((format!("`{text}` does not say when"), example.to_owned()));
    };
    let condition = condition.trim().trim_start_matches("only ").trim_start_matches("if ");
    let read = condition::read(condition, things)?;
    let Some((fact, value)) = read.equality.filter(|(thing, _)| things[*thing].fact.is_some()) else {
        return Err((format!("`{condition}` is not one fact and its value"), example.to_owned()));
    };
    if things[fact].values.len() < 2 {
        return Err((
            format!("`{}` is never anything else", things[fact].words),
            "give it another value too".to_owned(),
        ));
    }
    let words = words::bare(name);
    Ok(Exception { name: words::name(&words, "exception"), words, fact, value })
}

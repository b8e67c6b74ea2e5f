//! Conditions of scenario files: `agreed == yes and not (fee > budget or agent.threaten)`.
//!
//! ```text
//!  any   := all ("or" all)*            all  := one ("and" one)*            one := "not" one | "(" any ")" | name [op word]
//!  op    := == != < <= > >=            word := a number, a value of the name's, or another name
//! ```
//!
//! Names, values and who may use which name are checked where the file is read. A condition is true, false or unknown (Kleene's logic): a
//! comparison with a fact that the reader does not know is unknown, and so is its `not`; whatever is unknown does not hold. A slot that is empty is
//! no such thing: everybody can see that it is none of its values.

use serde::Deserialize;
use serde::Serialize;

use super::book::Common;
use super::lexicon::Lexicon;
use super::lexicon::Misread;
use super::sight::Datum;
use super::sight::Reader;
use super::sight::Sight;
use super::sight::Var;
use crate::scenario::Compare;

/// Parentheses and `not`s that a condition may stand in.
const DEPTH_MAX: u32 = 32;
/// Bytes a condition may have.
const BYTES_MAX: usize = 2000;

/// A condition with its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicate {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Rule {
    Constant(bool),
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    Has(Var),
    Compare(Var, Compare, Other),
    Unequal(Var, Other),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Other {
    Word(String),
    Name(Var),
}

impl Predicate {
    /// What holds everywhere.
    #[must_use]
    pub fn always() -> Predicate {
        Predicate { text: "always".to_owned(), rule: Rule::Constant(true) }
    }

    /// What holds nowhere.
    #[must_use]
    pub fn never() -> Predicate {
        Predicate { text: "never".to_owned(), rule: Rule::Constant(false) }
    }

    /// Reads a condition for a reader.
    ///
    /// # Errors
    /// What is wrong with it, and which names there are.
    pub fn read(text: &str, lexicon: &Lexicon<'_>, reader: Reader) -> Result<Predicate, Misread> {
        if text.len() > BYTES_MAX {
            return Err(Misread::plain(format!("has {} bytes; {BYTES_MAX} are read", text.len())));
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0, lexicon, reader, depth: 0 };
        let rule = parser.any()?;
        match parser.next() {
            None => Ok(Predicate { text: text.split_whitespace().collect::<Vec<_>>().join(" "), rule }),
            Some(token) => Err(Misread::plain(format!("`{token}` stands where `and`, `or` or the end was expected"))),
        }
    }

    /// That some thing is known to be one of its values: what a claim is.
    #[must_use]
    pub fn is_as_claimed(claims: &[(usize, u8)], common: &Common) -> Predicate {
        let same = |(thing, value): &(usize, u8)| {
            let word = common.value(*thing, *value).to_owned();
            Rule::Compare(Var::Known(*thing), Compare::Equal, Other::Word(word))
        };
        let words = claims
            .iter()
            .map(|(thing, value)| format!("{} == {}", common.things[*thing].name, common.value(*thing, *value)));
        Predicate { text: words.collect::<Vec<_>>().join(" and "), rule: Rule::All(claims.iter().map(same).collect()) }
    }

    /// That an act has been done.
    #[must_use]
    pub fn has_done(var: Var, text: String) -> Predicate {
        Predicate { text, rule: Rule::Has(var) }
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds, as far as the reader can see.
    #[must_use]
    pub fn holds(&self, sight: &Sight<'_>) -> bool {
        self.truth(sight) == Some(true)
    }

    /// Whether it is true; `None`: the reader cannot tell.
    #[must_use]
    pub fn truth(&self, sight: &Sight<'_>) -> Option<bool> {
        self.rule.truth(sight)
    }

    /// Whether it depends on facts alone.
    #[must_use]
    pub fn is_of_facts(&self, common: &Common) -> bool {
        self.rule.vars(
            &mut |var| matches!(var, Var::Thing(thing) | Var::Known(thing) if common.things[thing].fact.is_some()),
        )
    }

    /// Whether it holds nowhere by its very form.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.rule == Rule::Constant(false)
    }

    /// Whether it says the same of everything.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.rule, Rule::Constant(_))
    }
}

impl Rule {
    fn truth(&self, sight: &Sight<'_>) -> Option<bool> {
        match self {
            Rule::Constant(truth) => Some(*truth),
            Rule::Not(rule) => rule.truth(sight).map(|truth| !truth),
            Rule::All(rules) => kleene(rules, sight, false),
            Rule::Any(rules) => kleene(rules, sight, true),
            Rule::Has(var) => sight.has(*var),
            Rule::Compare(var, compare, other) => compared(sight, *var, *compare, other),
            Rule::Unequal(var, other) => compared(sight, *var, Compare::Equal, other).map(|same| !same),
        }
    }

    /// Whether all names in it are such.
    fn vars(&self, such: &mut impl FnMut(Var) -> bool) -> bool {
        match self {
            Rule::Constant(_) => true,
            Rule::Not(rule) => rule.vars(such),
            Rule::All(rules) | Rule::Any(rules) => rules.iter().all(|rule| rule.vars(such)),
            Rule::Has(var) => such(*var),
            Rule::Compare(var, _, other) | Rule::Unequal(var, other) => {
                such(*var) && !matches!(other, Other::Name(name) if !such(*name))
            }
        }
    }
}

/// `decisive` decides as soon as one is it; one unknown leaves the rest unknown.
fn kleene(rules: &[Rule], sight: &Sight<'_>, decisive: bool) -> Option<bool> {
    let mut all = Some(!decisive);
    for rule in rules {
        match rule.truth(sight) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

fn compared(sight: &Sight<'_>, var: Var, compare: Compare, other: &Other) -> Option<bool> {
    let right = match other {
        Other::Word(word) => Some(Datum::of(word)),
        Other::Name(name) => sight.value(*name),
    };
    let is_unknown = |var: Var| sight.value(var).is_none() && !sight.is_public(var);
    if is_unknown(var) || matches!(other, Other::Name(name) if is_unknown(*name)) {
        return None;
    }
    let (Some(left), Some(right)) = (sight.value(var), right) else { return Some(false) };
    match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => Some(match compare {
            Compare::Less => left < right,
            Compare::LessOrEqual => left <= right,
            Compare::Greater => left > right,
            Compare::GreaterOrEqual => left >= right,
            Compare::Equal => left == right,
        }),
        (left, right) => Some(compare == Compare::Equal && left == right),
    }
}

struct Parser<'l> {
    tokens: Vec<String>,
    at: usize,
    lexicon: &'l Lexicon<'l>,
    reader: Reader,
    depth: u32,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|token| token == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn any(&mut self) -> Result<Rule, Misread> {
        let mut rules = vec![self.all()?];
        while self.takes("or") {
            rules.push(self.all()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::Any(rules) })
    }

    fn all(&mut self) -> Result<Rule, Misread> {
        let mut rules = vec![self.one()?];
        while self.takes("and") {
            rules.push(self.one()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::All(rules) })
    }

    fn one(&mut self) -> Result<Rule, Misread> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Misread::plain(format!("stands in more than {DEPTH_MAX} parentheses and `not`s")));
        }
        let rule = if self.takes("not") {
            Rule::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let rule = self.any()?;
            if !self.takes(")") {
                return Err(Misread::plain("has a `(` without its `)`".to_owned()));
            }
            rule
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(rule)
    }

    fn comparison(&mut self) -> Result<Rule, Misread> {
        let name = self.next().ok_or_else(|| Misread::plain("ends where a name was expected".to_owned()))?;
        if name == "always" || name == "never" {
            return Ok(Rule::Constant(name == "always"));
        }
        let var = self.lexicon.var(&name, self.reader)?;
        let Some(op) = self.tokens.get(self.at).filter(|token| OPS.contains(&token.as_str())).cloned() else {
            return Ok(Rule::Has(var));
        };
        self.at += 1;
        let word =
            self.next().ok_or_else(|| Misread::plain(format!("ends where a value was expected after `{op}`")))?;
        let ordered = !matches!(op.as_str(), "==" | "!=");
        let other = match self.lexicon.is_value(var, &word) {
            true => Other::Word(word.clone()),
            false => match self.lexicon.var(&word, self.reader) {
                Ok(var) => Other::Name(var),
                Err(_) => return Err(self.lexicon.no_value(&name, var, &word)),
            },
        };
        if ordered && !(self.lexicon.is_numeric(var) && self.numeric(&other)) {
            return Err(Misread::plain(format!("`{name} {op} {word}` compares words: only numbers have an order")));
        }
        let compare = match op.as_str() {
            "<" => Compare::Less,
            "<=" => Compare::LessOrEqual,
            ">" => Compare::Greater,
            ">=" => Compare::GreaterOrEqual,
            "!=" => return Ok(Rule::Unequal(var, other)),
            _ => Compare::Equal,
        };
        Ok(Rule::Compare(var, compare, other))
    }

    fn numeric(&self, other: &Other) -> bool {
        match other {
            Other::Word(word) => word.parse::<f64>().is_ok(),
            Other::Name(var) => self.lexicon.is_numeric(*var),
        }
    }
}

const OPS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// Names and values, operators, parentheses.
fn tokens(text: &str) -> Result<Vec<String>, Misread> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '=' | '!' | '<' | '>' => rest.chars().take_while(|c| "=!<>".contains(*c)).count(),
            _ => rest.find(|c: char| c.is_whitespace() || "()=!<>".contains(c)).unwrap_or(rest.len()),
        };
        let token = &rest[..length];
        if "=!<>".contains(first) && !OPS.contains(&token) {
            return Err(Misread {
                what: format!("`{token}` is no comparison"),
                name: None,
                known: OPS.map(str::to_owned).to_vec(),
            });
        }
        tokens.push(token.to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

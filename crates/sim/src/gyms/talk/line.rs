//! What a procedure or a policy does: an act as scripts are to do it, with values that are only known at the table.
//!
//! `tell fee` tells the fee as one knows it, `propose day=$free_day` proposes the day that one knows to be free, `tell $asked` says whatever one
//! was asked and knows, `counter` does not let the last pressing pass, `end convinced` hangs up.

use serde::Deserialize;
use serde::Serialize;

use super::Family;
use super::book::Common;
use super::book::Value;
use super::lexicon::Misread;
use super::sight::Sight;
use super::utterance::Deed;
use super::utterance::Done;
use crate::Seat;

/// An act to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    deed: Template,
    args: Vec<(usize, Given)>,
    all_asked: bool,
    seat: Seat,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Template {
    Act(usize),
    Counter,
    End(String),
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Given {
    /// There is none: it is asked about.
    Asked,
    /// It stands there.
    Is(Value),
    /// It is what one knows this thing to be.
    Of(usize),
}

impl Line {
    /// Reads a line for a seat, whose ways to end are `ends`.
    ///
    /// # Errors
    /// What is wrong with it, and which names there are.
    pub fn read(text: &str, common: &Common, seat: Seat, ends: &[String]) -> Result<Line, Misread> {
        let mut tokens = text.split_whitespace();
        let head = tokens.next().ok_or_else(|| Misread::plain("says nothing to be done".to_owned()))?;
        let empty = |deed| Line { deed, args: Vec::new(), all_asked: false, seat };
        if head == "end" {
            let name = tokens.next().unwrap_or_default();
            return match ends.iter().any(|end| end == name) {
                true => Ok(empty(Template::End(name.to_owned()))),
                false => Err(Misread::unknown(name, ends.to_vec())),
            };
        }
        if head == "counter" && seat == Seat::User {
            return Ok(empty(Template::Counter));
        }
        let acts = &common.acts[seat];
        let Some(act) = acts.iter().position(|act| act.name == head) else {
            let builtin = ["end", "counter"].into_iter().take(if seat == Seat::User { 2 } else { 1 });
            let known = acts.iter().map(|act| act.name.clone()).chain(builtin.map(str::to_owned));
            return Err(Misread::unknown(head, known.collect()));
        };
        let mut line = empty(Template::Act(act));
        for token in tokens {
            line.argument(token, common)?;
        }
        let rule = &acts[act];
        if rule.takes_arguments() && line.args.is_empty() && !line.all_asked {
            return Err(Misread::plain(format!(
                "`{head}` needs what it is about, e.g. `{head} {}`",
                example(rule, common)
            )));
        }
        Ok(line)
    }

    fn argument(&mut self, token: &str, common: &Common) -> Result<(), Misread> {
        let Template::Act(act) = self.deed else { return Ok(()) };
        let rule = &common.acts[self.seat][act];
        if token == "$asked" {
            self.all_asked = true;
            return Ok(());
        }
        let (name, value) = token.split_once('=').map_or((token, None), |(name, value)| (name, Some(value)));
        let about: Vec<usize> = rule.asks.iter().chain(&rule.fills).chain(&rule.claims).copied().collect();
        let names = || about.iter().map(|thing| common.things[*thing].name.clone()).collect();
        let thing = common.thing(name).filter(|thing| about.contains(thing));
        let thing = thing.ok_or_else(|| Misread::unknown(name, names()))?;
        if value.is_some() && !(rule.fills.contains(&thing) || rule.claims.contains(&thing)) {
            return Err(Misread::plain(format!("`{name}` is asked for here, and what is asked for has no value yet")));
        }
        let given = match value {
            None if rule.asks.contains(&thing) => Given::Asked,
            None => Given::Of(thing),
            Some(value) => match value.strip_prefix('$') {
                Some(other) => {
                    let all = || common.things.iter().map(|thing| thing.name.clone()).collect();
                    Given::Of(common.thing(other).ok_or_else(|| Misread::unknown(other, all()))?)
                }
                None => {
                    let values = &common.things[thing];
                    Given::Is(values.read(value).ok_or_else(|| Misread::unknown(value, values.values.clone()))?)
                }
            },
        };
        self.args.push((thing, given));
        Ok(())
    }

    /// Which of the file's acts it is; `None` if it is none.
    #[must_use]
    pub fn act(&self) -> Option<usize> {
        match self.deed {
            Template::Act(act) => Some(act),
            Template::Counter | Template::End(_) => None,
        }
    }

    /// Whether it counters.
    #[must_use]
    pub fn is_counter(&self) -> bool {
        self.deed == Template::Counter
    }

    /// The act as it can be done now; `None` if something it needs is not known.
    #[must_use]
    pub fn done(&self, sight: &Sight<'_>) -> Option<Done> {
        let act = match &self.deed {
            Template::End(reason) => return Some(Done { deed: Deed::End(Some(reason.clone())), args: Vec::new() }),
            Template::Counter => return counter(sight),
            Template::Act(act) => *act,
        };
        let rule = &sight.common.acts[self.seat][act];
        let mut args = Vec::new();
        for (thing, given) in &self.args {
            args.push(match given {
                Given::Asked => (*thing, None),
                Given::Is(value) => (*thing, Some(*value)),
                Given::Of(other) => (*thing, Some(carried(sight, *other, *thing)?)),
            });
        }
        if self.all_asked {
            let says = |thing: &&usize| rule.fills.contains(thing) || rule.claims.contains(thing);
            let known = sight.table.asked[self.seat].iter().filter(says);
            args.extend(known.filter_map(|thing| Some((*thing, Some(sight.thing(*thing)?)))));
        }
        if args.is_empty() && rule.takes_arguments() {
            return None;
        }
        args.extend(rule.sets.iter().map(|(thing, value)| (*thing, Some(*value))));
        Some(Done { deed: Deed::Act(act), args })
    }
}

/// The value of one thing as one of another.
fn carried(sight: &Sight<'_>, from: usize, to: usize) -> Option<Value> {
    let value = sight.thing(from)?;
    if from == to { Some(value) } else { sight.common.things[to].read(sight.common.value(from, value)) }
}

/// What the agent's last turn has to be answered with; `None` if there was nothing to counter.
fn counter(sight: &Sight<'_>) -> Option<Done> {
    let family: Option<Family> = sight.table.pressed.first().map(|pressed| pressed.family);
    let claimed = sight.table.claims.iter().rev().find(|claim| claim.seat == Seat::Agent);
    let thing = claimed.map(|claim| claim.thing).filter(|_| family.is_none());
    (family.is_some() || thing.is_some()).then_some(Done { deed: Deed::Counter { family, thing }, args: Vec::new() })
}

fn example(rule: &super::book::ActRule, common: &Common) -> String {
    let first = rule.asks.iter().chain(&rule.fills).chain(&rule.claims).next();
    first.map_or(String::new(), |thing| common.things[*thing].name.clone())
}

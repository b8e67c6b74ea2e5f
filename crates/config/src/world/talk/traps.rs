//! `[world.traps.NAME]`: pressing lines, and the families of them that are held out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;
use sim::gyms::talk::Family;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::Trap;

use super::acts;
use super::desk;
use super::desk::Desk;
use crate::check::Check;
use crate::demand::Says;
use crate::suggest;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct TrapFile {
    /// Its family: B1 to B18, or the family's word.
    family: Option<String>,
    /// What it states of facts.
    claims: Option<BTreeMap<String, String>>,
    /// When it is fair, and so no trap; left out: where what it states is true.
    fair: Option<String>,
    /// The line, in several wordings; the same whether it is fair or not.
    says: Option<Vec<String>>,
    /// The user's acts that give in to it.
    wants: Option<Vec<String>>,
    /// What a person says that sees through it, in several wordings.
    counter: Option<Vec<String>>,
    /// What is at stake: money, data, consent or time.
    stake: Option<String>,
}

const STAKES: [(&str, &str); 4] = [("money", "money"), ("data", "data"), ("consent", "consent"), ("time", "time")];

/// All pressing lines, in the order of their names.
pub(super) fn traps(desk: &mut Desk<'_, '_>, files: BTreeMap<String, TrapFile>) -> Vec<Trap> {
    files.into_iter().filter_map(|(name, file)| trap(desk, name, file)).collect()
}

fn trap(desk: &mut Desk<'_, '_>, name: String, file: TrapFile) -> Option<Trap> {
    let TrapFile { family, claims, fair, says, wants, counter, stake } = file;
    let section = format!("world.traps.{name}");
    let key = |field: &str| format!("{section}.{field}");
    desk::name(desk.check, "world.traps", &section, &name);
    desk.check.present(&key("family"), family.is_some(), "family = \"B1\"");
    desk.check.demand(&key("family"), Says::OneOf(words()));
    let family = family.and_then(|word| named(desk.check, &key("family"), &word));
    let things = &desk.common().things;
    let claims_nothing = claims.as_ref().is_none_or(BTreeMap::is_empty);
    let claims = acts::constants(desk.check, things, &key("claims"), claims.as_ref(), Some(true));
    let fair = match fair {
        Some(text) => desk.read_condition(&key("fair"), &text, Reader::World).unwrap_or_else(Predicate::never),
        None => {
            if claims_nothing {
                let what = "says neither when it is fair nor what it claims: nobody could tell a trap from its twin";
                desk.check.error(&section, what, "add `claims = { deadline = \"tonight\" }`, or `fair = \"never\"`");
            }
            Predicate::is_as_claimed(&claims, desk.common())
        }
    };
    desk.check.filled(&key("says"), says.is_some(), "says = [\"The offer ends tonight.\"]");
    let (says, counter) = (says.unwrap_or_default(), counter.unwrap_or_default());
    let named: Vec<&str> = claims.iter().map(|(thing, _)| things[*thing].name.as_str()).collect();
    desk::sentences(desk.check, &key("says"), &says, &named);
    let wants = wants.unwrap_or_default();
    let wants = wants
        .iter()
        .enumerate()
        .filter_map(|(index, act)| desk.act(&format!("{}[{index}]", key("wants")), act, Seat::User));
    let wants = wants.collect();
    let stake = desk.check.word(&key("stake"), stake.as_deref(), &STAKES).to_owned();
    Some(Trap { name, family: family?, claims, fair, says, wants, counter, stake })
}

/// The families that only held-out items have; each must have a pressing line, and some other family too.
pub(super) fn held_out(check: &mut Check<'_>, given: Vec<String>, traps: &BTreeMap<String, TrapFile>) -> Vec<Family> {
    let used: Vec<Family> = traps.values().filter_map(|trap| Family::named(trap.family.as_deref()?)).collect();
    let mut held_out = Vec::new();
    for (index, word) in given.iter().enumerate() {
        let key = format!("world.held_out_families[{index}]");
        let Some(family) = named(check, &key, word) else { continue };
        if !used.contains(&family) {
            let what = format!("no pressing line is of the family {}, so holding it out has no effect", family.code());
            check.error(&key, what, "take it out, or add a `[world.traps.NAME]` of this family");
        }
        held_out.push(family);
    }
    if !held_out.is_empty() && used.iter().all(|family| held_out.contains(family)) {
        let what = "holds out every family: items to learn from would have no pressing lines";
        check.error("world.held_out_families", what, "leave some families to learn from");
    }
    held_out
}

fn named(check: &mut Check<'_>, key: &str, word: &str) -> Option<Family> {
    let family = Family::named(word);
    if family.is_none() {
        let words = words();
        let hint = suggest::hint(word, words.iter().map(String::as_str), "families");
        check.error(key, format!("there is no family `{word}`"), hint);
    }
    family
}

fn words() -> Vec<String> {
    Family::all()
        .map(|family| family.code().to_owned())
        .chain(Family::all().map(|family| family.word().to_owned()))
        .collect()
}

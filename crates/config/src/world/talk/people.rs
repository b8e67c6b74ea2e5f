//! `[[world.people]]` and `[world.sample]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::talk::Family;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::book::Value;
use sim::gyms::talk::people::DEMOGRAPHICS_MIN;
use sim::gyms::talk::people::Kind;
use sim::gyms::talk::people::People;
use sim::gyms::talk::people::Sampling;
use sim::gyms::talk::person::Dimension;

use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct KindFile {
    /// How many such people there are, relative to the others: the most frequent kinds that make up half of all are the head of the population.
    weight: Option<f64>,
    /// What they may be called.
    names: Option<Vec<String>>,
    /// In years.
    age: Option<i64>,
    /// At least twelve dimensions, by name.
    demographics: Option<BTreeMap<String, String>>,
    /// What they have lived through.
    background: Option<String>,
    /// Where such a talk may find them.
    life: Option<Vec<String>>,
    /// What they are like.
    personality: Option<String>,
    /// How they speak, by name: rate, verbosity, patience, phrases.
    style: Option<BTreeMap<String, String>>,
    /// How they do speak: samples.
    positive: Option<Vec<String>>,
    /// How they never speak: samples.
    negative: Option<Vec<String>>,
    /// How they feel at the start.
    start: Option<StartFile>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct StartFile {
    /// Lowest and highest trust, from 0 to 5.
    trust: Option<Vec<i64>>,
    /// Lowest and highest mood, from 0 to 5.
    emotion: Option<Vec<i64>>,
    /// Lowest and highest patience, from 0 to 5.
    patience: Option<Vec<i64>>,
    /// Lowest and highest participation, from 0 to 5.
    participation: Option<Vec<i64>>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct SampleFile {
    /// Share of people of the frequent kinds.
    head: Option<f64>,
    /// Share of people of the rare kinds; what is left is crossed: who they are from one kind, what they are like from another.
    tail: Option<f64>,
    /// How many pressing lines an item has.
    traps: Option<i64>,
    /// Share of pressing lines that are fair, where the item's facts decide it.
    twins: Option<f64>,
}

/// How items are drawn.
pub(super) fn sampling(
    check: &mut Check<'_>,
    file: Option<SampleFile>,
    held_out: Vec<Family>,
    possible: Predicate,
    given: Vec<(usize, Value)>,
    traps: usize,
) -> Sampling {
    let SampleFile { head, tail, traps: wanted, twins } = file.unwrap_or_default();
    let share = Allowed::between(0.0, 1.0, "it is a share");
    let head = check.number("world.sample.head", head, 0.5, share);
    let tail = check.number("world.sample.tail", tail, 0.25, share);
    if head + tail > 1.0 + 1e-9 {
        let what = format!("{tail} and the head's {head} are more than all people");
        check.error("world.sample.tail", what, "the two shares sum to at most 1; the rest is crossed");
    }
    let some = Allowed::between(0.0, 8.0, "more would fill the talk with pressing");
    let wanted: u32 = check.whole("world.sample.traps", wanted, if traps == 0 { 0 } else { 1 }, some);
    if wanted as usize > traps {
        let what = format!("an item cannot have {wanted} different pressing lines of {traps}");
        check.error("world.sample.traps", what, "add sections `[world.traps.NAME]`");
    }
    Sampling {
        head,
        tail,
        traps: wanted,
        twins: check.number("world.sample.twins", twins, 0.5, share),
        held_out,
        possible,
        given,
    }
}

/// Everybody who can be called, the most frequent first.
pub(super) fn people(check: &mut Check<'_>, files: Vec<KindFile>) -> People {
    check.filled("world.people", !files.is_empty(), "[[world.people]]");
    let mut kinds: Vec<Kind> = files.into_iter().enumerate().map(|(index, file)| kind(check, index, file)).collect();
    kinds.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    People { kinds }
}

fn kind(check: &mut Check<'_>, index: usize, file: KindFile) -> Kind {
    let KindFile { weight, names, age, demographics, background, life, personality, style, positive, negative, start } =
        file;
    let key = |field: &str| format!("world.people[{index}].{field}");
    let some = Allowed::above(0.0, 1e6, "a kind of which there is nobody cannot be called");
    let years = Allowed::between(0.0, 130.0, "it is an age in years");
    let weight = check.number(&key("weight"), weight, 1.0, some);
    let names = filled(check, &key("names"), names, "names = [\"Kim Berg\"]");
    let demographics: Vec<(String, String)> = check
        .required(&key("demographics"), demographics, "demographics = { town = \"Bergen\" }")
        .into_iter()
        .collect();
    if demographics.len() < DEMOGRAPHICS_MIN {
        let what = format!("has {} dimensions; a person has at least {DEMOGRAPHICS_MIN}", demographics.len());
        check.error(
            &key("demographics"),
            what,
            "e.g. gender, education, occupation, income, town, household, children, language",
        );
    }
    Kind {
        weight,
        names,
        age: check.whole_required(&key("age"), age, 40, years),
        demographics,
        background: check.required(&key("background"), background, "background = \"Grew up by the sea.\""),
        life: filled(check, &key("life"), life, "life = [\"on the bus\"]"),
        personality: check.required(&key("personality"), personality, "personality = \"ISTJ: exact and dry\""),
        style: check.required(&key("style"), style, "style = { rate = \"slow\" }").into_iter().collect(),
        positive: filled(check, &key("positive"), positive, "positive = [\"Yeah, go on.\"]"),
        negative: filled(check, &key("negative"), negative, "negative = [\"I would be delighted.\"]"),
        start: feelings(check, index, start),
    }
}

/// A list with something in it; after a mistake, which has been noted, with an empty text.
fn filled(check: &mut Check<'_>, key: &str, given: Option<Vec<String>>, example: &str) -> Vec<String> {
    check.filled(key, given.is_some(), example);
    let list = given.unwrap_or_else(|| vec![String::new()]);
    if list.is_empty() {
        check.error(key, "holds nothing", format!("e.g. `{example}`"));
        return vec![String::new()];
    }
    list
}

fn feelings(check: &mut Check<'_>, index: usize, file: Option<StartFile>) -> [(i64, i64); 4] {
    let StartFile { trust, emotion, patience, participation } = file.unwrap_or_default();
    let mut ranges = [(3, 3); 4];
    for ((name, dimension), given) in Dimension::ALL.into_iter().zip([trust, emotion, patience, participation]) {
        let key = format!("world.people[{index}].start.{name}");
        match given.as_deref() {
            None => {}
            Some([low, high]) if 0 <= *low && low <= high && *high <= 5 => ranges[dimension as usize] = (*low, *high),
            Some(_) => check.error(&key, "must be the lowest and the highest value, both from 0 to 5", "e.g. `[2, 4]`"),
        }
    }
    ranges
}

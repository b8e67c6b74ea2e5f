//! Items, as they are written in flags: by number, or by the readable id that records and transcripts show.

use sim::Scenario;
use sim::scenario::Split;

use crate::ConfigError;
use crate::suggest;

/// The item that `--item` names, and its split: a number counts from 0 within `split` (train unless given), an id such as
/// `held-out-000017` says itself which split it is of. Nothing given is the first item.
///
/// # Errors
/// One that names `--item`, with the nearest id, or with the range, as a hint.
pub fn find_item(scenario: &Scenario, split: Option<Split>, given: Option<&str>) -> Result<(Split, u32), ConfigError> {
    let given = given.unwrap_or("0").trim();
    if let Ok(number) = given.parse::<u64>() {
        let split = split.unwrap_or(Split::Train);
        let count = scenario.items.of(split);
        let item = u32::try_from(number).ok().filter(|item| *item < count);
        let why = || format!("there is no item {number}: the scenario has {count} {} items", split.name());
        return item.map(|item| (split, item)).ok_or_else(|| mistake(why(), range(scenario)));
    }
    match (find_id(scenario, given), split) {
        (Some((found, _)), Some(split)) if found != split => {
            let what = format!("`{given}` is a {} item, and --items says {}", found.name(), split.name());
            Err(mistake(what, "leave --items out: an id says which it is".to_owned()))
        }
        (Some(found), _) => Ok(found),
        (None, _) => Err(mistake(format!("there is no item `{given}`"), nearest_or_range(scenario, given))),
    }
}

const SPLITS: [Split; 2] = [Split::Train, Split::HeldOut];

/// By the digits at its end, where ids are numbered, else by looking at each item.
fn find_id(scenario: &Scenario, id: &str) -> Option<(Split, u32)> {
    let is = |split: Split, item: u32| scenario.rules.item_id(split, item) == id;
    let numbered = number_in(id).and_then(|item| {
        let within = |split: &Split| item < scenario.items.of(*split) && is(*split, item);
        SPLITS.into_iter().find(within).map(|split| (split, item))
    });
    let each =
        || SPLITS.into_iter().find_map(|split| Some((split, (0..scenario.items.of(split)).find(|i| is(split, *i))?)));
    numbered.or_else(each)
}

/// The number that ends a text; `None` if no digit does, or it is too large for an item.
fn number_in(text: &str) -> Option<u32> {
    text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].parse().ok()
}

/// What was meant by an id with a slip in it; otherwise all that could be meant.
fn nearest_or_range(scenario: &Scenario, given: &str) -> String {
    let number = number_in(given);
    let ids = SPLITS.into_iter().filter_map(|split| {
        let item = number.filter(|item| *item < scenario.items.of(split))?;
        Some(scenario.rules.item_id(split, item))
    });
    let ids: Vec<String> = ids.collect();
    match suggest::nearest(given, ids.iter().map(String::as_str)) {
        Some(id) => format!("did you mean `{id}`?"),
        None => range(scenario),
    }
}

fn range(scenario: &Scenario) -> String {
    let of_split = |split: Split| {
        let last = scenario.items.of(split).saturating_sub(1);
        format!("`{}` to `{}`", scenario.rules.item_id(split, 0), scenario.rules.item_id(split, last))
    };
    format!("items are {} and {}, or a number with --items train or held-out", of_split(SPLITS[0]), of_split(SPLITS[1]))
}

fn mistake(what: String, hint: String) -> ConfigError {
    ConfigError { file: "--item".to_owned(), line: None, key: String::new(), what, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::gyms::haggle;

    /// What `--items` and `--item` mean, or the hint.
    fn check(split: Option<Split>, given: &str, expected: Result<(Split, u32), &str>) {
        let found = find_item(&haggle::example(), split, Some(given));
        let found = found.map_err(|error| error.hint.expect("every mistake has a hint"));
        assert_eq!(found, expected.map_err(str::to_owned), "{given}");
    }

    #[test]
    fn a_number_counts_within_its_split_and_an_id_names_its_own() {
        check(None, "3", Ok((Split::Train, 3)));
        check(Some(Split::HeldOut), "999", Ok((Split::HeldOut, 999)));
        check(None, "held-out-000017", Ok((Split::HeldOut, 17)));
        check(Some(Split::Train), "train-000012", Ok((Split::Train, 12)));
        assert_eq!(find_item(&haggle::example(), None, None), Ok((Split::Train, 0)));
    }

    #[test]
    fn what_names_no_item_is_told_what_would() {
        let range = "items are `train-000000` to `train-003999` and `held-out-000000` to `held-out-000999`, or a number with \
                     --items train or held-out";
        check(None, "4000", Err(range));
        check(Some(Split::HeldOut), "1000", Err(range));
        check(None, "train-004000", Err(range));
        check(None, "lamp", Err(range));
        check(None, "99999999999999999999", Err(range));
        check(None, "train-12", Err("did you mean `train-000012`?"));
        check(None, "heldout-000017", Err("did you mean `held-out-000017`?"));
        check(Some(Split::Train), "held-out-000017", Err("leave --items out: an id says which it is"));
    }
}

//! Items of a release in two files, or in one that is divided: what `telepathy`, `turtle` and `persuade` have in common.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sim::gyms::Splits;
use sim::scenario::ItemCounts;

use super::FilesFile;
use super::is_asked_for;
use super::read;
use crate::allowed::Allowed;
use crate::check::Check;
use crate::node::Node;
use crate::world;

/// Items out of one file of a release, divided at random so that nothing to measure on is known. The path starts at this file's folder, or
/// at $DUOLOGUE_DATA.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct OneFile {
    /// All items.
    file: Option<String>,
    /// How many of them to measure on, at the most: what belongs together stays together.
    held_out: Option<i64>,
    /// Seed of the division; no part of a run's seed.
    seed: Option<i64>,
}

/// Both ways to have published items.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut two = FilesFile::json_schema(generator).to_value();
    two["required"] = serde_json::json!(["train", "held_out"]);
    let mut one = OneFile::json_schema(generator).to_value();
    one["required"] = serde_json::json!(["file", "held_out", "seed"]);
    Schema::try_from(serde_json::json!({ "oneOf": [two, one] })).expect("an object is a schema")
}

/// How the items of a gym come out of a release.
pub(crate) struct Form<R, T> {
    /// What a file holds.
    pub(crate) form: &'static str,
    /// Makes items of it; an error says which one cannot be played.
    pub(crate) items: fn(R) -> Result<Vec<T>, String>,
    /// What two items share of which only one may be learned from before the other is measured on.
    pub(crate) key: fn(&T) -> String,
}

/// The items of a gym: published ones, or `make`s of which there are `most` different ones. After a mistake, which has been noted, a few
/// made ones stand in.
pub(crate) fn items<R: DeserializeOwned, T>(
    check: &mut Check<'_>,
    world: &Node,
    form: &Form<R, T>,
    most: u32,
    make: impl Fn(ItemCounts) -> Splits<T>,
) -> (Splits<T>, ItemCounts) {
    let few = ItemCounts { train: 1, held_out: 1, seed: 0 };
    let published = if is_asked_for(world) {
        two_files(check, world, form)
    } else if world.get("items.file").is_some() {
        one_file(check, world, form)
    } else {
        let counts = world::item_counts(check, world);
        let total = u64::from(counts.train) + u64::from(counts.held_out);
        if total > u64::from(most) {
            let what = format!("asks for {total} items, and there are {most} different ones");
            check.error("world.items", what, "lower `generate` and `held_out`: no item is in both");
        }
        let good = counts.train > 0 && counts.held_out > 0 && total <= u64::from(most);
        return (make(if good { counts } else { few }), counts);
    };
    let splits = published.unwrap_or_else(|| make(few));
    let counts = splits.counts();
    (splits, counts)
}

fn two_files<R: DeserializeOwned, T>(check: &mut Check<'_>, world: &Node, form: &Form<R, T>) -> Option<Splits<T>> {
    let FilesFile { train, held_out, keep_known } = check.read_part(world.get("items")?, "world.items");
    check.present("world.items.held_out", held_out.is_some(), "held_out = \"userrl/test.json\"");
    let train = list(check, "world.items.train", &train?, form)?;
    let mut held_out = list(check, "world.items.held_out", &held_out?, form)?;
    if !keep_known.unwrap_or(false) {
        let known: std::collections::BTreeSet<String> = train.iter().map(form.key).collect();
        held_out.retain(|item| !known.contains(&(form.key)(item)));
    }
    noted(check, Splits::new(train, held_out).map_err(|error| error.to_string()))
}

fn one_file<R: DeserializeOwned, T>(check: &mut Check<'_>, world: &Node, form: &Form<R, T>) -> Option<Splits<T>> {
    let OneFile { file, held_out, seed } = check.read_part(world.get("items")?, "world.items");
    let some = Allowed::between(1.0, 1e7, "without items there is nothing to measure on");
    let held_out: u32 = check.whole_required("world.items.held_out", held_out, 40, some);
    let seed = check.whole_required("world.items.seed", seed, 42, Allowed::SEED);
    let items = list(check, "world.items.file", &file?, form)?;
    noted(check, Splits::divided(items, form.key, held_out as usize, seed).map_err(|error| error.to_string()))
}

fn list<R: DeserializeOwned, T>(check: &mut Check<'_>, key: &str, written: &str, form: &Form<R, T>) -> Option<Vec<T>> {
    let raw: R = read(check, key, written, form.form)?;
    let items = (form.items)(raw).map_err(|what| format!("of `{written}` cannot be played: {what}"));
    match items {
        Ok(items) => Some(items),
        Err(what) => {
            check.error(key, what, form.form);
            None
        }
    }
}

fn noted<T>(check: &mut Check<'_>, made: Result<T, String>) -> Option<T> {
    made.map_err(|what| {
        check.error("world.items", format!("cannot be played: {what}"), "name other files, or fewer to hold out")
    })
    .ok()
}

//! The release's own splits. Its preparing scripts shuffled each file of items once, and only the rows of parquet that came out say which
//! item is to learn from and which to measure on; `original/NAME_train.json` and `original/NAME_test.json` hold those items, in the rows' order. The rows of PersuadeGym hold their
//! claims whole, whose file is missing from the release: `statements.json` is made of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Found;
use super::items;
use super::items::ItemsFile;
use super::items::STATEMENTS;
use crate::DataError;
use crate::ItemFile;
use crate::rows;
use crate::rows::Row;

/// Which rows name items of which files.
struct Original {
    /// The folder of rows, as upstream calls it.
    folder: &'static str,
    /// The name of what is made.
    name: &'static str,
    /// The files of items that rows of each split name; the same twice where one file holds both.
    of: [&'static str; 2],
    /// By which key of a row.
    key: &'static str,
    /// Which key of an item that is.
    item_key: &'static str,
}

const ORIGINALS: [Original; 4] = [
    Original { folder: "function", name: "functions", of: ["functions"; 2], key: "id", item_key: "id" },
    Original {
        folder: "intention",
        name: "intentions",
        of: ["intentions_train", "intentions_test"],
        key: "id",
        item_key: "id",
    },
    Original { folder: "telepathy", name: "entities", of: ["entities"; 2], key: "title", item_key: "title" },
    Original { folder: "turtle", name: "stories", of: ["stories"; 2], key: "title", item_key: "new_title" },
];
const PERSUASION: &str = "persuasion";
const SPLITS: [&str; 2] = ["train", "test"];

/// Rows of one file.
struct Table {
    /// Where it was read.
    place: String,
    rows: Vec<Row>,
}

/// Makes what the rows of each gym say.
pub(super) fn read_all(found: &mut Found) -> Result<(), DataError> {
    statements(found)?;
    for original in &ORIGINALS {
        let has_items = original.of.iter().all(|name| found.items.iter().any(|file| file.form.name == *name));
        if !has_items {
            continue;
        }
        let Some(tables) = tables(found, original.folder)? else {
            let why = "the original split is not known: the checkout has no rows of parquet of this gym";
            found.leave_out(format!("original/{}_{{train,test}}.json", original.name), why);
            continue;
        };
        let made = split(found, original, tables)?;
        found.files.extend(made);
    }
    Ok(())
}

/// Both tables of a gym; `None` if it has none.
fn tables(found: &mut Found, folder: &str) -> Result<Option<[Table; 2]>, DataError> {
    let places = |split: &str| {
        ["data/FOLDER_multiturn", "data/FOLDER", "parquet/FOLDER"]
            .map(|place| format!("{}/{split}.parquet", place.replace("FOLDER", folder)))
    };
    match SPLITS.map(|split| found.checkout.find(&places(split))) {
        [None, None] => Ok(None),
        [Some(train), Some(test)] => Ok(Some([table(found, train)?, table(found, test)?])),
        [Some(one), None] | [None, Some(one)] => {
            let what = "lies there without the other split's rows, so what is held out is not known";
            Err(DataError::of_file(
                found.checkout.name(&one),
                what,
                "fetch both train.parquet and test.parquet, or leave both out",
            ))
        }
    }
}

fn table(found: &mut Found, place: String) -> Result<Table, DataError> {
    let bytes = found.checkout.read(&place)?;
    let hint = "fetch the file anew; compressed, it is compressed by snappy";
    let rows = rows::rows(bytes).map_err(|what| DataError::of_file(found.checkout.name(&place), what, hint))?;
    match rows.is_empty() {
        true => Err(DataError::of_file(found.checkout.name(&place), "has no rows", hint)),
        false => Ok(Table { place, rows }),
    }
}

/// What a row says under a key.
fn field<'a>(file: &str, at: usize, row: &'a Row, key: &str) -> Result<&'a str, DataError> {
    row.get(key).map(String::as_str).ok_or_else(|| {
        let what = "is missing, or no text: this is no row of the gym";
        DataError::of_file(file, what, "fetch the file anew")
            .at(format!("row {}", at + 1))
            .key(format!("reward_model.{key}"))
    })
}

/// The claims, with the split that they were published in.
fn statements(found: &mut Found) -> Result<(), DataError> {
    let Some(tables) = tables(found, PERSUASION)? else {
        if !found.items.iter().any(|file| file.form.name == STATEMENTS) {
            let why = "the release lacks the file, and the checkout the rows that it can be made of: data/persuasion_multiturn/*.parquet";
            found.leave_out("statements.json", why);
        }
        return Ok(());
    };
    let form = items::form(STATEMENTS);
    let mut of_splits: Vec<Vec<Value>> = Vec::new();
    for table in &tables {
        let file = found.checkout.name(&table.place);
        let statement = |(at, row): (usize, &Row)| -> Result<Value, DataError> {
            let [id, claim, argument] = ["id", "claim", "argument"].map(|key| field(&file, at, row, key));
            Ok(json!({ "id": id?, "claim": claim?, "argument": argument? }))
        };
        let statements = table.rows.iter().enumerate().map(statement).collect::<Result<Vec<_>, _>>()?;
        form.items(&file, Value::Array(statements.clone()))?;
        of_splits.push(statements);
    }
    let places: Vec<String> = tables.into_iter().map(|table| table.place).collect();
    let all: Vec<Value> = of_splits.concat();
    // An id that is in both splits is one too many.
    form.items(&found.checkout.name(&places.join(" and ")), Value::Array(all.clone()))?;
    for ((split, statements), place) in SPLITS.iter().zip(of_splits).zip(&places) {
        let count = statements.len();
        found.files.push(file(
            format!("original/{STATEMENTS}_{split}.json"),
            &Value::Array(statements),
            count,
            vec![place.clone()],
        ));
    }
    if !found.items.iter().any(|file| file.form.name == STATEMENTS) {
        let count = all.len();
        found.files.push(file(form.file(), &Value::Array(all), count, places));
    }
    Ok(())
}

/// The items of both splits as two files.
fn split(found: &Found, original: &Original, tables: [Table; 2]) -> Result<Vec<ItemFile>, DataError> {
    let mut files = Vec::new();
    let mut known = BTreeSet::new();
    for ((table, split), of) in tables.into_iter().zip(SPLITS).zip(original.of) {
        let file_of = |items: &&ItemsFile| items.form.name == of;
        let items = found.items.iter().find(file_of).expect("whoever calls has looked for it");
        let chosen = chosen(&found.checkout.name(&table.place), original, &table.rows, items, &mut known)?;
        let of = vec![items.place.clone(), table.place];
        let (count, value) = (chosen.len(), items.form.value(chosen));
        files.push(file(format!("original/{}_{split}.json", original.name), &value, count, of));
    }
    Ok(files)
}

/// The items that rows name, in the rows' order. `known`: files and ids that rows have named before.
fn chosen(
    file: &str,
    original: &Original,
    rows: &[Row],
    items: &ItemsFile,
    known: &mut BTreeSet<(&'static str, String)>,
) -> Result<Vec<(String, Value)>, DataError> {
    let by_name = by_name(items, original.item_key);
    let mut chosen = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let name = field(file, at, row, original.key)?;
        let wrong = |what: String| {
            let hint = "rows and items are of different releases: fetch both from the same one";
            let key = format!("reward_model.{}", original.key);
            DataError::of_file(file, what, hint).at(format!("row {}", at + 1)).key(key)
        };
        let missing = || wrong(format!("`{name}` is not in {}", items.place));
        let (id, item) = *by_name.get(&name.trim().to_lowercase()).ok_or_else(missing)?;
        if !known.insert((items.form.name, id.clone())) {
            return Err(wrong(format!("`{name}` is named by a row before; an item is in one split, and once")));
        }
        chosen.push((id.clone(), item.clone()));
    }
    Ok(chosen)
}

/// Items by what rows call them, in lower case as upstream looks them up.
fn by_name<'a>(items: &'a ItemsFile, key: &str) -> BTreeMap<String, (&'a String, &'a Value)> {
    let name = |item: &Value| item.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
    items.items.iter().map(|(id, item)| (name(item), (id, item))).collect()
}

impl items::Form {
    /// Items as a file of this form holds them.
    fn value(&self, items: Vec<(String, Value)>) -> Value {
        match self.by_id {
            true => Value::Object(items.into_iter().collect::<Map<_, _>>()),
            false => Value::Array(items.into_iter().map(|(_, item)| item).collect()),
        }
    }
}

fn file(name: String, value: &Value, items: usize, of: Vec<String>) -> ItemFile {
    let mut bytes = serde_json::to_vec_pretty(value).expect("JSON can be written");
    bytes.push(b'\n');
    ItemFile { name, bytes, items: Some(items), of }
}

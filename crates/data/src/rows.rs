//! Rows of a parquet file as `datasets` writes them for verl (specification userrl §7.1). Of each row one column is read: `reward_model`, a struct that names the
//! item. The prompt is upstream's wording, and the rest repeats it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Once;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::reader::SerializedFileReader;
use parquet::record::Field;
use parquet::schema::types::Type;

/// The column that names the item.
const COLUMN: &str = "reward_model";

/// What a row says of its item: text by key. A key whose value is null is not there.
pub(crate) type Row = BTreeMap<String, String>;

/// All rows of a file, in order.
///
/// # Errors
/// Why not: no parquet, another table, a compression that is not built in, damage.
pub(crate) fn rows(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    // The library checks what it reads by assertions, too: a flipped bit may panic in there, and is still no more than a bad file.
    quietly(|| read(bytes)).unwrap_or_else(|| Err("cannot be read as parquet: it is damaged".to_owned()))
}

thread_local! {
    /// Whether a panic of this thread is caught, and told as an error.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `work` comes to; `None` if it panicked, of which nobody else is told.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !IS_CAUGHT.get() {
                hook(about)
            }
        }));
    });
    IS_CAUGHT.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(false);
    done.ok()
}

fn read(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(|error| why(&error))?;
    let schema = reader.metadata().file_metadata().schema();
    let column = schema.get_fields().iter().find(|field| field.name() == COLUMN);
    let Some(column) = column.filter(|column| column.is_group()) else {
        let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
        return Err(format!("has no struct `{COLUMN}` among its columns {}", names.join(", ")));
    };
    let projection = Type::group_type_builder(schema.name()).with_fields(vec![Arc::clone(column)]).build();
    let rows = reader.get_row_iter(Some(projection.map_err(|error| why(&error))?)).map_err(|error| why(&error))?;
    rows.map(|row| row.map_err(|error| why(&error)).map(|row| texts(row.into_columns()))).collect()
}

fn texts(columns: Vec<(String, Field)>) -> Row {
    let inner = columns.into_iter().filter_map(|(_, field)| match field {
        Field::Group(row) => Some(row.into_columns()),
        _ => None,
    });
    let text = |(key, field)| match field {
        Field::Str(text) => Some((key, text)),
        _ => None,
    };
    inner.flatten().filter_map(text).collect()
}

fn why(error: &ParquetError) -> String {
    format!("cannot be read as parquet: {error}")
}

//! Claims in the form of UserRL's `all_statements_refined.json`: the file itself is missing from the release, and its rows are in the
//! release's parquet files.

use serde::Deserialize;
use sim::gyms::persuade::Item;
use sim::gyms::words::normal;

use super::division::Form;

/// How they are read.
pub(crate) const FORM: Form<Vec<Statement>, Item> = Form {
    form: "it is a list of {id, claim, argument}",
    items: |statements| statements.into_iter().map(item).collect(),
    // All 27 claims of the original test rows are also claims to learn from, with other arguments.
    key: |item| normal(&item.claim),
};

/// As it stands in the release.
#[derive(Deserialize)]
pub(crate) struct Statement {
    id: String,
    claim: String,
    argument: String,
}

fn item(statement: Statement) -> Result<Item, String> {
    let Statement { id, claim, argument } = statement;
    let item = Item { id, claim, argument, cruxes: None };
    item.check().map(|()| item)
}

//! UserRL's release (specification userrl §7).
//!
//! ```text
//!  userrl/items.rs     which files of items there are: where they lie, their form, whether each item can be played
//!  userrl/original.rs  the release's own splits, out of its rows of parquet; and the claims, which are nowhere else
//! ```
//! A file of items is kept byte for byte. Nothing is drawn here: splits that are clean by claim, by name and so on are made when a scenario is
//! read, since they hang on what the scenario holds out.

mod items;
mod original;

use crate::DataError;
use crate::Import;
use crate::ItemFile;
use crate::LeftOut;
use crate::Release;
use crate::checkout::Checkout;
use crate::import;
use items::ItemsFile;

/// What was read so far.
struct Found {
    checkout: Checkout,
    /// Files of items with what is in them.
    items: Vec<ItemsFile>,
    files: Vec<ItemFile>,
    left_out: Vec<LeftOut>,
}

impl Found {
    fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left_out.push(LeftOut { what: what.into(), why: why.into() });
    }
}

/// Reads all that can be played.
pub(crate) fn import(checkout: Checkout) -> Result<Import, DataError> {
    let mut found = Found { checkout, items: Vec::new(), files: Vec::new(), left_out: Vec::new() };
    items::read_all(&mut found)?;
    original::read_all(&mut found)?;
    if found.files.is_empty() {
        let what =
            "holds nothing of UserRL's release: no file such as gyms/FunctionGym/functiongym/data/functions.json";
        let hint = "give a checkout of UserRL, or a folder with functions.json, stories.json and so on";
        return Err(DataError::of_file(found.checkout.folder(), what, hint));
    }
    found.leave_out(
        "travel",
        "options and preferences are missing in the release; `scenarios/userrl/travel.toml` makes its own",
    );
    import::complete(Release::UserRl, found.checkout, found.files, found.left_out)
}

//! Which releases there are.

use std::fmt;
use std::path::Path;

use crate::DataError;
use crate::Import;
use crate::checkout::Checkout;
use crate::tau_bench;
use crate::userrl;

/// A published release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// UserRL's gyms (specification userrl §7).
    UserRl,
    /// tau-bench's two services.
    TauBench,
}

impl Release {
    /// All of them.
    pub const ALL: [Release; 2] = [Release::UserRl, Release::TauBench];

    /// As it is typed, and as scenarios call its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Release::UserRl => "userrl",
            Release::TauBench => "tau-bench",
        }
    }

    /// Reads what can be played of a release: `path` is a checkout of it, or a folder of the files that an import makes.
    ///
    /// # Errors
    /// [`DataError`] if `path` holds nothing of it, or something in it cannot be read or played.
    pub fn import(self, path: &Path) -> Result<Import, DataError> {
        let checkout = Checkout::open(path)?;
        match self {
            Release::UserRl => userrl::import(checkout),
            Release::TauBench => tau_bench::import(checkout),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! Claims that somebody believes: UserRL's, and ones of our own whose cruxes are known (spec userrl §2.3, §7.4).

use serde::Deserialize;
use serde::Serialize;

use crate::gyms::words::normal;

/// One claim with its believer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id in its release.
    pub id: String,
    /// What the user believes.
    pub claim: String,
    /// Why; the agent does not hear it.
    pub argument: String,
    /// What the belief rests on; `None` for published claims, of which a rule cannot know it.
    pub cruxes: Option<Vec<Crux>>,
}

/// One thing that a belief rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crux {
    /// Which of the [catalogue](super::catalogue::CRUXES).
    pub number: u8,
    /// How many levels of stance rest on it; those of a belief add up to [`LEVELS`](super::stance::LEVELS).
    pub levels: u8,
}

impl Item {
    /// Whether the claim can be played.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        match normal(&self.claim).is_empty() {
            true => Err(format!("statement `{}` claims nothing", self.id)),
            false => Ok(()),
        }
    }
}

//! Turns that could not be put to anybody, by kind.

use serde::Deserialize;
use serde::Serialize;

/// Why a turn did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slip {
    /// There was nothing in it.
    Empty,
    /// It was longer than anybody listens.
    Long,
    /// No act could be read from it.
    Unread,
}

impl Slip {
    /// Looks at what somebody wants to say.
    ///
    /// # Errors
    /// [`Slip`] with the reason, if nobody could hear it.
    pub fn check(content: &str, bytes_max: usize) -> Result<(), (Slip, String)> {
        if content.trim().is_empty() {
            return Err((Slip::Empty, "there is nothing in it".to_owned()));
        }
        if content.len() > bytes_max {
            return Err((Slip::Long, format!("it has {} bytes; {bytes_max} are heard", content.len())));
        }
        Ok(())
    }
}

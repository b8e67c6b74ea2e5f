//! The world as a whole: sound tables, private things private, true things true.

mod documented;
mod drills;
mod feelings;
mod play;
mod privacy;
mod scores;
mod soundness;
mod table;
mod truth;

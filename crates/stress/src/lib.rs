//! Stress tests: hostile users against an agent, trapping agents against a user, and a user's evaluation sets. Pure: a suite goes in, castings come out; records go in, a report comes out.
//!
//! ```text
//!  suite.rs     what is tested: families with their twins, traps, thresholds      all of it data, out of a suite file
//!  schedule.rs  who is played where, and how a record is found again by its name
//!  session.rs   what one record was: invalid, or breached when, solved, refused
//!  hostile.rs   a family's numbers: ASR@k, robust success, pass^k, degradation, over-refusal, stealth, turns to breach
//!  trapped.rs   a user's numbers, by trap family: recall, given in, over-suspicion
//!  set.rs       evaluation sets: which tasks they have      columns.rs  the paper's columns, by rule or by a judge      marked.rs  a user's numbers there
//!  verdict.rs   which thresholds are crossed, and the stress score
//!  report.rs    all of it for a person (markdown) and for programs (JSON)
//! ```
//!
//! Families of §4.1 and §4.2, metrics of §4.3, protocol of §4.4 and score of §4.5 of the specification, user models. Success is a predicate over the final
//! world, never over words, and never a judge's.

pub mod columns;
pub mod hostile;
pub mod marked;
pub mod report;
pub mod schedule;
pub mod session;
pub mod set;
pub mod suite;
pub mod trapped;
pub mod verdict;

pub use columns::Column;
pub use hostile::FamilyResult;
pub use marked::SetResult;
pub use report::Report;
pub use schedule::Contender;
pub use schedule::Place;
pub use schedule::Side;
pub use session::Session;
pub use set::EvalSet;
pub use set::SetError;
pub use set::SetKind;
pub use suite::Family;
pub use suite::Severity;
pub use suite::Suite;
pub use suite::Thresholds;
pub use suite::TrapTest;
pub use suite::Yardsticks;
pub use trapped::TrapResult;
pub use verdict::Crossing;

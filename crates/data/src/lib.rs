//! Published releases, made into item files that scenarios name.
//!
//! ```text
//!  a checkout ──> Checkout ──> userrl     items checked and kept as they are, rows of parquet made into items ─┐
//!  or a folder    reads, hashes └> tau_bench   databases and policies                                              v
//!  of its files                                                                    Import: files in memory, and SOURCE.json
//! ```
//! Nothing is written here: whoever asks for an import writes all of it or nothing. Each mistake in a release is a [`DataError`] that names
//! file, item and key.

mod checkout;
mod error;
mod import;
mod release;
mod rows;
mod shape;
mod tau_bench;
mod userrl;

pub use error::DataError;
pub use import::Import;
pub use import::ItemFile;
pub use import::LeftOut;
pub use import::Licence;
pub use release::Release;

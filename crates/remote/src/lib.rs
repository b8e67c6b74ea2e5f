//! Other people's models: the one crate that talks to them.
//!
//! ```text
//!  speaker ── a seat's talk as chat messages ──> client ──> transport ──> the server
//!     │                                            │ limits, gate, backoff   when, and how often
//!     │                                            │ budget, price, tally    how much
//!     │                                            └ cache                   what was answered before
//!     ├──> recorder    every reply and fault by its place in the run
//!     └──> recording   the same, given again without a request
//!
//!  chat      what is sent, and the form of what comes back     form      what a reply has to look like, and what it says
//!  server    where to, and the key that nobody sees            problem   what went wrong: a fault with an address, never a reward
//! ```

pub mod backoff;
pub mod budget;
pub mod cache;
pub mod chat;
pub mod client;
pub mod form;
pub mod gate;
pub mod limits;
pub mod lines;
pub mod price;
pub mod problem;
pub mod recorder;
pub mod recording;
pub mod server;
pub mod speaker;
pub mod tally;
pub mod transport;

pub use cache::Cache;
pub use client::Client;
pub use form::Form;
pub use limits::Limits;
pub use lines::LinesError;
pub use price::Price;
pub use problem::Problem;
pub use recorder::Recorder;
pub use recording::Recording;
pub use server::Server;
pub use server::ServerError;
pub use speaker::Speaker;
pub use speaker::Voice;
pub use tally::Tally;

//! Other people's models: the one crate that talks to them.
//!
//! ```text
//!  speaker ── a seat's talk as chat messages ──> client ──> transport ──> the server
//!     │                                            └ queue: gate, backoff    when, and how often
//!     │                                              means: limits, budget, cache   how much, and what was answered before
//!     ├──> recorder    every reply and fault by its place in the run
//!     ├──> recording   the same, given again without a request
//!     │
//!  panel ── a case, for a rubric's judges ──> voice       the same, for a verdict; a speaker's words are a voice's, too
//!  author ── a text in a form, asked for until it can be read ──> voice
//!  librarian ── what a world wants to know ──> engine ──> transport ──> a search engine; results reads what it found
//!
//!  chat      what is sent, and the form of what comes back     form      what a reply has to look like, and what it says
//!  thought   what of a reply is private, however it is marked     policy    what a reasoning seat is told
//!  server    where to, and the key that nobody sees            problem   what went wrong: a fault with an address, never a reward
//! ```

pub mod author;
pub mod backoff;
pub mod budget;
pub mod cache;
pub mod chat;
pub mod client;
pub mod engine;
pub mod form;
pub mod gate;
pub mod header;
pub mod librarian;
pub mod limits;
pub mod lines;
pub mod markup;
pub mod means;
pub mod panel;
pub mod policy;
pub mod price;
pub mod problem;
pub mod queue;
pub mod recorder;
pub mod recording;
pub mod results;
pub mod server;
pub mod speaker;
pub mod tally;
pub mod thought;
pub mod transport;
pub mod voice;

pub use author::Author;
pub use author::Unwritten;
pub use cache::Cache;
pub use client::Client;
pub use engine::Engine;
pub use form::Form;
pub use header::Header;
pub use header::HeaderError;
pub use librarian::Librarian;
pub use librarian::Shelf;
pub use limits::Limits;
pub use lines::LinesError;
pub use means::Means;
pub use panel::Panel;
pub use price::Price;
pub use problem::Problem;
pub use recorder::Recorder;
pub use recording::Recording;
pub use server::Server;
pub use server::ServerError;
pub use speaker::Speaker;
pub use tally::Tally;
pub use voice::Voice;

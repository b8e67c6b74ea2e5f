//! An OpenAI-compatible server over any policy, and a gateway that records what an external agent's model reads and writes, token by token.
//!
//! ```text
//!  HTTP ──> endpoints ──> request (checked) ──> speech: messages ──> ids ──> host: room? ──> engine ──> dyn rl::Policy
//!                           │                      ^                                            │
//!                           └─ /episodes/ID ──> episode: which stream goes on?                  │ pieces of a few tokens
//!                                                                                               v
//!  HTTP <── reply (whole, or as events) <── hearing <── choice: writer (characters, stop strings, thought │ talk │ calls)
//!                                              └──> capture: a line for each call
//! ```
//!
//! The HTTP side never waits for the model but on channels, and knows nothing of weights; the model's one thread knows nothing of HTTP.
//! What belongs to the chat template, the tokenizer and the form of calls is in `speech` and `calls` alone.

pub mod calls;
pub mod capture;
pub mod choice;
mod endpoints;
pub mod engine;
pub mod episode;
mod fields;
mod hearing;
pub mod host;
pub mod problem;
mod reply;
pub mod request;
pub mod server;
pub mod speech;
pub mod turn;
pub mod writer;

pub use fields::Fields;
pub use host::Limits;
pub use host::Served;
pub use problem::Problem;
pub use server::ServeError;
pub use server::Server;

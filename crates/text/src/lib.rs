//! Text and tokens: what a seat reads and writes, to the last id.
//!
//! ```text
//!  [sim::Message] ──> Template (Jinja) ──> frames ─┐
//!                                                  ├─> SeatStream: append-only ids ──> a policy's row, a learner's sample
//!  message text ───> Tokenizer::encode ────────────┘        ^
//!  sampled ids ─────────────────────────────────────────────┘ appended as they are; decoded once, into a sim::Decision
//! ```
//!
//! A [`Dialect`] is what both ends of a model share: tokenizer, template, closing ids, ours or those of a [`Folder`] of the Qwen or
//! Llama family. A [`SeatStream`] is one seat's side of one conversation. [`drift`](drift::drift) proves from a record that nothing in it was ever re-encoded or re-rendered.

mod calls;
pub mod conversation;
pub mod dialect;
pub mod drift;
pub mod error;
pub mod folder;
mod frame;
pub mod json;
pub mod manner;
pub mod message;
pub mod reasoning;
pub mod reply;
pub mod sample;
pub mod sharegpt;
pub mod stream;
pub mod template;
pub mod thinking;
pub mod tokenizer;
pub mod tool_call;

pub use conversation::conversation;
pub use dialect::Dialect;
pub use drift::Drift;
pub use drift::drift;
pub use error::TextError;
pub use folder::Folder;
pub use json::Json;
pub use manner::Manner;
pub use message::ChatMessage;
pub use message::FunctionCall;
pub use message::Role;
pub use message::ToolCall;
pub use reply::Reply;
pub use sample::Taught;
pub use sample::taught;
pub use sample::taught_answers;
pub use sharegpt::ShareGpt;
pub use sharegpt::sharegpt;
pub use stream::SeatStream;
pub use template::Extras;
pub use template::Template;
pub use thinking::OwnPrompt;
pub use thinking::Treatment;
pub use tokenizer::Added;
pub use tokenizer::Tokenizer;

#[cfg(test)]
mod fixture;

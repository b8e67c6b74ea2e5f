//! The server from outside: real sockets, a real client, and a policy that writes what it is told to.
//!
//! ```text
//!  parrot.rs    the policy, which keeps book of its sessions     stage.rs     a server that runs, and whoever asks it
//!  chats.rs     whole answers and streams                        requests.rs  a table of what is refused
//!  crowd.rs     200 at once, some of whom hang up                episodes.rs  the capture gateway
//!  ends.rs      saturation, weights that are out, shutdown, death
//!  thoughts.rs  earlier thoughts, for those who have learned without them
//! ```

mod chats;
mod crowd;
mod ends;
mod episodes;
mod parrot;
mod requests;
mod stage;
mod thoughts;

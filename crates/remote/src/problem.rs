//! What went wrong between a question and its answer. Each is a fault with an address in the end, and none is a reward.

use std::time::Duration;

use sim::Fault;
use sim::FaultKind;
use sim::Party;

use crate::budget::Spent;

/// Longest text of a server's own that is repeated in a fault, in characters.
const QUOTED_MAX: usize = 200;

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// It did not come in time.
    #[error("no reply within {} ms", .0.as_millis())]
    Deadline(Duration),
    /// The server cannot be reached, or stopped in the middle.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The server refused, and said why.
    #[error("the server answered {status}: {said}")]
    Status {
        /// HTTP's number for it.
        status: u16,
        /// The server's words, shortened.
        said: String,
        /// How long it wants not to be asked; `None` if it does not say.
        retry_after: Option<Duration>,
    },
    /// The server asks for more patience than there is.
    #[error("the server answered {status} and asks to wait for {} s, at most {} s are waited", .asked.as_secs(), .most.as_secs())]
    Patience {
        /// HTTP's number for the refusal.
        status: u16,
        /// How long it wants not to be asked.
        asked: Duration,
        /// The limit.
        most: Duration,
    },
    /// More came than a reply may have.
    #[error("the reply is longer than {0} bytes")]
    TooLong(usize),
    /// Something came, but not what was asked for; the words say what it is not, and why.
    #[error("the reply is {0}")]
    Unreadable(String),
    /// A chat completion without a message in it.
    #[error("the reply holds no message")]
    Empty,
    /// The model would not answer.
    #[error("the model refuses: {0}")]
    Refusal(String),
    /// Nothing may be spent any more.
    #[error(transparent)]
    Spent(#[from] Spent),
    /// Anything else in the client; the words are its own.
    #[error("{0}")]
    Client(String),
}

impl Problem {
    /// Whether it may be gone when the same is asked again.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Problem::Deadline(_) | Problem::Connection(_) => true,
            // A quota that is used up is told by 429 too, and does not pass.
            Problem::Status { status: 429, said, .. } => !said.contains("insufficient_quota"),
            Problem::Status { status, .. } => matches!(status, 408 | 409 | 425 | 500..),
            Problem::TooLong(_) | Problem::Unreadable(_) | Problem::Empty => true,
            Problem::Patience { .. } | Problem::Refusal(_) | Problem::Spent(_) | Problem::Client(_) => false,
        }
    }

    /// Whether the server is to be left in peace before it is asked again; a bad reply may be followed by a good one at once.
    #[must_use]
    pub fn needs_rest(&self) -> bool {
        !matches!(self, Problem::TooLong(_) | Problem::Unreadable(_) | Problem::Empty)
    }

    /// Whether the server has said that nothing was read or written for it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self, Problem::Status { .. })
    }

    /// The same with its words changed by `hide`, such as those of a server that repeats the key it was sent.
    #[must_use]
    pub fn without(self, hide: &dyn Fn(&str) -> String) -> Problem {
        match self {
            Problem::Connection(words) => Problem::Connection(hide(&words)),
            Problem::Status { status, said, retry_after } => Problem::Status { status, said: hide(&said), retry_after },
            Problem::Unreadable(words) => Problem::Unreadable(hide(&words)),
            Problem::Refusal(words) => Problem::Refusal(hide(&words)),
            Problem::Client(words) => Problem::Client(hide(&words)),
            Problem::Deadline(_) | Problem::Patience { .. } | Problem::TooLong(_) => self,
            Problem::Empty | Problem::Spent(_) => self,
        }
    }

    /// The fault of a seat that could not answer: its own where it refused, was late or said what cannot be read; nobody's at the table
    /// where it could not be asked.
    #[must_use]
    pub fn fault(&self, asked: impl Into<Party>) -> Fault {
        let asked = asked.into();
        let (party, kind) = match self {
            Problem::Deadline(_) => (asked, FaultKind::Deadline),
            Problem::Status { .. } | Problem::Patience { .. } | Problem::Refusal(_) => (asked, FaultKind::Refused),
            Problem::TooLong(_) | Problem::Unreadable(_) | Problem::Empty => (asked, FaultKind::BadReply),
            Problem::Connection(_) | Problem::Spent(_) | Problem::Client(_) => {
                (Party::Infrastructure, FaultKind::Refused)
            }
        };
        Fault::new(party, kind, quoted(&self.to_string()))
    }
}

/// A text of somebody else's, on one line and not too long.
#[must_use]
pub fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use sim::Seat;

    use super::*;

    fn status(status: u16, said: &str) -> Problem {
        Problem::Status { status, said: said.to_owned(), retry_after: None }
    }

    #[test]
    fn what_may_pass_is_asked_again_and_nothing_else() {
        for passing in [status(429, "slow down"), status(500, ""), status(503, ""), Problem::Empty] {
            assert!(passing.passes(), "{passing}");
        }
        for lasting in [status(401, ""), status(404, ""), status(400, ""), status(429, "insufficient_quota")] {
            assert!(!lasting.passes(), "{lasting}");
        }
    }

    #[test]
    fn every_problem_is_a_fault_with_an_address() {
        let addressed = |problem: Problem| {
            let fault = problem.fault(Seat::User);
            (fault.party, fault.kind)
        };
        assert_eq!(addressed(Problem::Deadline(Duration::from_secs(1))), (Party::User, FaultKind::Deadline));
        assert_eq!(addressed(status(500, "")), (Party::User, FaultKind::Refused));
        assert_eq!(addressed(Problem::Empty), (Party::User, FaultKind::BadReply));
        assert_eq!(addressed(Problem::Connection(String::new())), (Party::Infrastructure, FaultKind::Refused));
        assert_eq!(addressed(Problem::Spent(Spent::Calls(3))), (Party::Infrastructure, FaultKind::Refused));
    }

    #[test]
    fn a_servers_words_are_cut_to_a_line() {
        let fault = status(400, &"é\n".repeat(9_000)).fault(Seat::Agent);
        assert_eq!(fault.detail.chars().count(), QUOTED_MAX + 1);
        assert!(!fault.detail.contains('\n'));
    }
}

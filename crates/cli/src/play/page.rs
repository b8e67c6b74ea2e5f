//! Where a person reads along: stdout, or stderr where stdout is JSON, or nowhere where nobody does.

use std::io;
use std::io::Write;

use sim::Message;
use sim::Seat;
use sim::Source;

use crate::stdout::say;
use crate::transcript;

/// Where it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// To be read: the result itself.
    Stdout,
    /// To be read beside a result in JSON.
    Stderr,
    /// A script plays and a program reads.
    Nowhere,
}

impl Page {
    /// Prints whole lines.
    ///
    /// # Errors
    /// If nobody reads stdout any more.
    pub fn text(self, text: &str) -> io::Result<()> {
        match self {
            Page::Stdout => say(text),
            Page::Stderr => {
                eprintln!("{text}");
                Ok(())
            }
            Page::Nowhere => Ok(()),
        }
    }

    /// Prints who, and what.
    ///
    /// # Errors
    /// As [`Page::text`].
    pub fn row(self, who: &str, what: &str) -> io::Result<()> {
        self.text(&transcript::row(who, what))
    }

    /// Prints a message as the seat that reads it sees it.
    ///
    /// # Errors
    /// As [`Page::text`].
    pub fn message(self, reader: Seat, message: &Message) -> io::Result<()> {
        let who = match message.from {
            Source::Brief => "(you know)",
            Source::Partner => reader.partner().name(),
            Source::World => "world",
        };
        self.row(who, &message.text)
    }

    /// Prints a prompt, and stays on its line.
    ///
    /// # Errors
    /// As [`Page::text`].
    pub fn prompt(self, who: &str) -> io::Result<()> {
        let prompt = format!("{:>13}  ", format!("{who}>"));
        match self {
            Page::Stdout => {
                let mut stdout = io::stdout();
                stdout.write_all(prompt.as_bytes())?;
                stdout.flush()
            }
            Page::Stderr => {
                eprint!("{prompt}");
                Ok(())
            }
            Page::Nowhere => Ok(()),
        }
    }
}

//! Progress of long work: a bar on a terminal, plain lines elsewhere. On stderr, so that stdout stays the result's.

use std::io::IsTerminal;
use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

/// Without a terminal, at most one line in this time.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One piece of long work with a known length.
pub struct Progress {
    what: &'static str,
    total: u64,
    bar: Option<ProgressBar>,
    started: Instant,
    /// When the last line was printed; `None` before the first.
    printed: Option<Instant>,
}

impl Progress {
    /// Starts counting from `done` of `total`; a `total` of 0 is unknown.
    #[must_use]
    pub fn start(what: &'static str, total: u64, done: u64) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = match total {
                0 => "{prefix:>12} {pos} {elapsed}  {msg}",
                _ => "{prefix:>12} [{bar:30}] {pos}/{len} {elapsed} eta {eta}  {msg}",
            };
            let style = ProgressStyle::with_template(template).expect("the template is one of ours");
            let bar =
                ProgressBar::new(total).with_prefix(what).with_style(style.progress_chars("=> ")).with_position(done);
            // What was done before this process took no time of it.
            bar.reset_eta();
            bar.tick();
            bar
        });
        Progress { what, total, bar, started: Instant::now(), printed: None }
    }

    /// So much is done now, and this is how it stands.
    pub fn at(&mut self, done: u64, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(message.to_owned());
            }
            None if done == self.total || self.printed.is_none_or(|printed| printed.elapsed() >= LINE_EVERY) => {
                self.printed = Some(Instant::now());
                let of = if self.total > 0 { format!("/{}", self.total) } else { String::new() };
                eprintln!("{} {done}{of} {:.0}s  {message}", self.what, self.started.elapsed().as_secs_f64());
            }
            None => {}
        }
    }

    /// Takes the bar off the screen.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

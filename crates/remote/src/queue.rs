//! Those who wait for one server: how many are before it at once, how often and how patiently a question is asked, and what it came to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::sleep;

use crate::Means;
use crate::Problem;
use crate::Tally;
use crate::backoff;
use crate::chat::Reply;
use crate::gate::Gate;

/// The queue before one server.
#[derive(Debug)]
pub struct Queue {
    means: Means,
    gate: Gate,
    on_their_way: Semaphore,
    tallies: Mutex<BTreeMap<String, Tally>>,
}

impl Queue {
    /// Nobody waits.
    #[must_use]
    pub fn new(means: Means) -> Queue {
        let on_their_way = Semaphore::new(means.limits.concurrency.max(1));
        Queue { means, gate: Gate::default(), on_their_way, tallies: Mutex::default() }
    }

    /// What is shared with those who ask elsewhere.
    #[must_use]
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// What was asked, by whom it was asked of.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what was asked of `name`.
    pub fn tally(&self, name: &str, note: impl FnOnce(&mut Tally)) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        note(tallies.entry(name.to_owned()).or_default());
    }

    /// Waits until one more request may be on its way; it is for as long as the permit is held.
    ///
    /// # Errors
    /// [`Problem::Client`], which cannot be: the queue is never closed.
    pub async fn permit(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let permit = self.on_their_way.acquire().await.map_err(|closed| Problem::Client(closed.to_string()))?;
        self.gate.pass().await;
        Ok(permit)
    }

    /// Asks `name` by requests numbered from 1, or remembers what was answered to this key. Who asks the same while an answer is on its way
    /// waits for it. A reply that does not fit is asked for again; if it stays so, the last one is returned.
    ///
    /// # Errors
    /// [`Problem`], after the last attempt.
    pub async fn ask<F: Future<Output = Result<Reply, Problem>>>(
        &self,
        name: &str,
        key: &str,
        fits: impl Fn(&Reply) -> bool,
        attempt: impl Fn(u32) -> F,
    ) -> Result<Reply, Problem> {
        let cell = self.means.cache.cell(key);
        let mut asked = false;
        let fetch = || async {
            asked = true;
            let reply = self.fetch(name, key, &fits, attempt).await;
            if let Some(reply) = reply.as_ref().ok().filter(|reply| fits(reply)) {
                self.means.cache.keep(key, reply);
            }
            reply
        };
        let reply = cell.get_or_init(fetch).await.clone();
        if reply.is_err() {
            self.means.cache.forget(key, &cell);
        }
        self.tally(name, |tally| {
            tally.cached += u64::from(!asked && reply.is_ok());
            tally.faults += u64::from(reply.is_err());
        });
        reply
    }

    /// The same, but remembers nothing: for a question whose answer may have changed.
    ///
    /// # Errors
    /// As [`Queue::ask`].
    pub async fn ask_anew<F: Future<Output = Result<Reply, Problem>>>(
        &self,
        name: &str,
        key: &str,
        fits: impl Fn(&Reply) -> bool,
        attempt: impl Fn(u32) -> F,
    ) -> Result<Reply, Problem> {
        let reply = self.fetch(name, key, fits, attempt).await;
        self.tally(name, |tally| tally.faults += u64::from(reply.is_err()));
        reply
    }

    /// Asks until there is a reply that fits, or no hope; then the last outcome stands.
    async fn fetch<F: Future<Output = Result<Reply, Problem>>>(
        &self,
        name: &str,
        key: &str,
        fits: impl Fn(&Reply) -> bool,
        ask: impl Fn(u32) -> F,
    ) -> Result<Reply, Problem> {
        let mut attempt = 1;
        loop {
            let last = attempt >= self.means.limits.attempts_max;
            match ask(attempt).await {
                Ok(reply) if last || fits(&reply) => return Ok(reply),
                Ok(_) => {}
                Err(problem) if last || !problem.passes() => return Err(problem),
                Err(problem) => {
                    tracing::info!("{name}: {problem}; asking again");
                    self.rest(key, attempt, &problem).await?;
                }
            }
            attempt += 1;
        }
    }

    /// Waits as long as the server asks for, or as long as is wise.
    async fn rest(&self, key: &str, attempt: u32, problem: &Problem) -> Result<(), Problem> {
        let limits = &self.means.limits;
        let asked = match problem {
            Problem::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        match (asked, problem) {
            (Some(asked), Problem::Status { status, .. }) if asked > limits.retry_after_max => {
                Err(Problem::Patience { status: *status, asked, most: limits.retry_after_max })
            }
            // It is busy, whoever asks.
            (Some(asked), _) => {
                self.gate.close(asked);
                Ok(())
            }
            (None, problem) if problem.needs_rest() => {
                sleep(backoff::wait(limits, key, attempt)).await;
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }
}

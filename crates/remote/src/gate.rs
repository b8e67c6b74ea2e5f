//! A gate before the server: closed to everybody while the server asks for patience.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep_until;

/// Open, or closed until some moment.
#[derive(Debug, Default)]
pub struct Gate {
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// Closes it for so long from now, unless it is closed for longer.
    pub fn close(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |already| already.max(until)));
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        while let Some(until) = self.closed_until() {
            sleep_until(until).await;
        }
    }

    fn closed_until(&self) -> Option<Instant> {
        let closed = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        closed.filter(|until| Instant::now() < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_passes_before_the_longest_wait_is_over() {
        let gate = Gate::default();
        let start = Instant::now();
        gate.pass().await;
        gate.close(Duration::from_secs(9));
        gate.close(Duration::from_secs(2));
        tokio::join!(gate.pass(), gate.pass());
        assert_eq!(start.elapsed(), Duration::from_secs(9));
    }
}

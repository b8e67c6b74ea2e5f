//! The rows a policy server holds, without the policy.

use std::collections::BTreeMap;

use rl::Row;
use rl::Sampled;
use sim::Fault;
use tokio::sync::oneshot;

use crate::round::Ticket;
use crate::round::row_order;

/// One row and who waits for it.
pub struct Request {
    /// The episode's admission.
    pub ticket: Ticket,
    /// What to sample.
    pub row: Row,
    /// Who waits. If nobody does any more, the result is dropped.
    pub reply: oneshot::Sender<Result<Sampled, Fault>>,
}

/// Rows that wait for their round. An episode waits for one row at a time; a later one replaces an earlier one nobody waits for.
#[derive(Default)]
pub struct Queue {
    rows: BTreeMap<Ticket, Request>,
}

impl Queue {
    /// Puts a row in.
    pub fn push(&mut self, request: Request) {
        self.rows.insert(request.ticket, request);
    }

    /// Drops an episode's row, if there is one, and all rows nobody waits for: a row may arrive after its episode's end was told.
    pub fn forget(&mut self, ticket: Ticket) {
        self.rows.remove(&ticket);
        self.rows.retain(|_, request| !request.reply.is_closed());
    }

    /// Takes these rows out and cuts them, by (group, episode, seat), into batches of at most `batch_max`, which is at least 1.
    pub fn cut(&mut self, tickets: &[Ticket], batch_max: usize) -> Vec<Vec<Request>> {
        let mut round: Vec<Request> = tickets.iter().filter_map(|ticket| self.rows.remove(ticket)).collect();
        round.sort_by_key(|request| row_order(&request.row.session));
        let mut batches = Vec::new();
        while !round.is_empty() {
            let rest = round.split_off(batch_max.max(1).min(round.len()));
            batches.push(std::mem::replace(&mut round, rest));
        }
        batches
    }

    /// How many rows wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rl::Session;
    use sim::EpisodeId;
    use sim::Phase;
    use sim::Seat;

    fn request(
        ticket: usize,
        group: u32,
        member: u32,
        seat: Seat,
    ) -> (Request, oneshot::Receiver<Result<Sampled, Fault>>) {
        let episode = EpisodeId { phase: Phase::Grpo, round: 1, group, trial: 0, member };
        let row = Row {
            session: Session { episode, seat, adapter: None },
            stream: vec![1],
            address: episode.address(0),
            turn: 0,
            tokens_max: 1,
            temperature: 1.0,
            filter: rl::Filter::default(),
            greedy: false,
        };
        let (reply, waits) = oneshot::channel();
        (Request { ticket: Ticket::default().plus(ticket), row, reply }, waits)
    }

    fn places(batches: &[Vec<Request>]) -> Vec<Vec<(u32, u32)>> {
        let place = |r: &Request| (r.row.session.episode.group, r.row.session.episode.member);
        batches.iter().map(|batch| batch.iter().map(place).collect()).collect()
    }

    #[test]
    fn rows_are_cut_by_group_and_member_whatever_order_they_came_in() {
        let mut queue = Queue::default();
        for (ticket, group, member) in [(4, 2, 1), (0, 1, 3), (3, 1, 1), (1, 2, 2), (2, 1, 2)] {
            queue.push(request(ticket, group, member, Seat::Agent).0);
        }
        let all: Vec<Ticket> = (0..5).map(|n| Ticket::default().plus(n)).collect();
        let batches = queue.cut(&all, 2);
        assert_eq!(places(&batches), [vec![(1, 1), (1, 2)], vec![(1, 3), (2, 1)], vec![(2, 2)]]);
        assert!(queue.is_empty());
    }

    #[test]
    fn only_the_rounds_own_rows_are_taken() {
        let mut queue = Queue::default();
        let mut waits = Vec::new();
        for ticket in 0..3 {
            let (request, wait) = request(ticket, 1, ticket as u32 + 1, Seat::User);
            queue.push(request);
            waits.push(wait);
        }
        queue.forget(Ticket::default().plus(2));
        let batches = queue.cut(&[Ticket::default().plus(1), Ticket::default().plus(2)], 8);
        assert_eq!(places(&batches), [vec![(1, 2)]]);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_row_nobody_waits_for_is_dropped_when_anything_is_forgotten() {
        let mut queue = Queue::default();
        let (kept, _wait) = request(0, 1, 1, Seat::User);
        let (stale, wait) = request(1, 1, 2, Seat::User);
        queue.push(kept);
        queue.push(stale);
        drop(wait);
        queue.forget(Ticket::default().plus(7));
        assert_eq!(queue.len(), 1);
    }
}

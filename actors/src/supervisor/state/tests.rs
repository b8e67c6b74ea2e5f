use proptest::prelude::*;
use sim::Pair;
use sim::Phase;
use sim::scenario::Split;

use super::*;

fn casting(group: u32, member: u32) -> Casting {
    let id = EpisodeId { phase: Phase::Grpo, round: 0, group, trial: 0, member };
    let policies = Pair { agent: "model".to_owned(), user: "model".to_owned() };
    Casting::new(id, Split::Train, 0, policies)
}

fn play(count: u32, live_max: usize, lockstep: bool) -> Play {
    let castings = (0..count).map(|member| casting(0, member)).collect();
    Play::new(castings, ticket(0), live_max, lockstep).unwrap()
}

fn ticket(number: usize) -> Ticket {
    Ticket::default().plus(number)
}

fn lost(play: &Play, ticket: Ticket) -> Played {
    Played::Lost(play.live[&ticket].id, "killed".to_owned())
}

/// Orders in short: `+N` admits ticket N, `againN` has member N wait once more, `!server:N,N` flushes, `wN` writes member N, `.` finishes.
fn short(orders: &[Order]) -> String {
    let rows = |part: &ServerRows| {
        let members: Vec<String> = part.rows.iter().map(|(_, s)| s.episode.member.to_string()).collect();
        format!("!{}:{}", part.server, members.join(","))
    };
    let one = |order: &Order| match order {
        Order::Admit(at, _) => format!("+{}", (0..).find(|number| ticket(*number) == *at).expect("it was handed out")),
        Order::Again(id, _) => format!("again{}", id.member),
        Order::Flush(round) => round.servers.iter().map(rows).collect::<Vec<_>>().join(" "),
        Order::Write(played) => format!("w{}", played.id().member),
        Order::Finish => ".".to_owned(),
    };
    orders.iter().map(one).collect::<Vec<_>>().join(" ")
}

impl Play {
    fn asks(&mut self, number: usize, server: &str) -> String {
        short(&self.queued(ticket(number), server.into(), Seat::Agent))
    }

    fn ends(&mut self, number: usize) -> String {
        let played = lost(self, ticket(number));
        short(&self.settled(ticket(number), played))
    }
}

#[test]
fn a_round_begins_when_nothing_moves_and_names_its_rows_server_by_server() {
    let mut play = play(3, 8, true);
    assert_eq!(short(&play.begin()), "+0 +1 +2");
    assert_eq!(play.asks(2, "user"), "");
    assert_eq!(play.asks(1, "agent"), "");
    assert_eq!(play.asks(0, "user"), "!agent:1 !user:0,2");
    // All move again: one that asks at once waits for the others.
    assert_eq!(play.asks(1, "user"), "");
    assert_eq!(play.ends(0), "w0");
    assert_eq!(play.ends(2), "!user:1");
    assert_eq!(play.ends(1), "w1 w2 .");
}

#[test]
fn an_episode_that_dies_while_others_wait_lets_the_round_begin() {
    let mut play = play(3, 8, true);
    play.begin();
    play.asks(0, "agent");
    play.asks(2, "agent");
    assert_eq!(play.ends(1), "!agent:0,2");
}

#[test]
fn a_queued_episode_that_dies_is_in_no_round() {
    let mut play = play(3, 8, true);
    play.begin();
    play.asks(0, "agent");
    play.asks(1, "agent");
    assert_eq!(play.ends(0), "w0");
    assert_eq!(play.asks(2, "agent"), "!agent:1,2");
    assert_eq!(play.take_gone().len(), 1);
    assert!(play.take_gone().is_empty());
}

#[test]
fn in_lockstep_episodes_are_admitted_at_a_barrier_before_it_is_flushed() {
    let mut play = play(4, 2, true);
    assert_eq!(short(&play.begin()), "+0 +1");
    assert_eq!(play.ends(0), "w0");
    assert_eq!(play.asks(1, "agent"), "+2");
    assert_eq!(play.asks(2, "agent"), "!agent:1,2");
}

#[test]
fn without_models_the_next_is_admitted_as_soon_as_one_leaves() {
    let mut play = play(4, 2, false);
    assert_eq!(short(&play.begin()), "+0 +1");
    assert_eq!(play.ends(1), "+2");
    assert_eq!(play.ends(0), "w0 w1 +3");
    assert_eq!(play.ends(2), "w2");
    assert_eq!(play.ends(3), "w3 .");
}

#[test]
fn only_the_first_word_on_a_ticket_counts() {
    let mut play = play(2, 2, true);
    play.begin();
    let twice = lost(&play, ticket(0));
    assert_eq!(short(&play.settled(ticket(0), twice.clone())), "w0");
    assert_eq!(short(&play.settled(ticket(0), twice)), "");
    assert_eq!(play.asks(0, "agent"), "");
    assert_eq!(play.asks(1, "agent"), "!agent:1");
    assert_eq!((play.progress().settled, play.progress().lost, play.progress().live), (1, 1, 1));
}

#[test]
fn records_are_written_in_casting_order_and_episodes_admitted_by_id() {
    let castings = vec![casting(1, 1), casting(0, 2), casting(0, 1)];
    let mut play = Play::new(castings, ticket(0), 1, false).unwrap();
    assert_eq!(short(&play.begin()), "+2");
    assert_eq!(play.ends(2), "+1");
    assert_eq!(play.ends(1), "+0");
    // Group 1 member 1, then group 0 members 2 and 1.
    assert_eq!(play.ends(0), "w1 w2 w1 .");
}

#[test]
fn an_episode_cast_twice_is_refused() {
    let twice = Play::new(vec![casting(0, 1), casting(0, 1)], ticket(0), 2, true);
    assert_eq!(twice.err(), Some(LedgerError::OpenedTwice(casting(0, 1).id)));
}

#[test]
fn a_play_that_is_broken_off_admits_nobody_and_gives_up_the_living() {
    let mut play = play(4, 2, true);
    play.begin();
    play.asks(0, "agent");
    assert_eq!(play.strike(), [ticket(0), ticket(1)]);
    assert_eq!(play.take_gone().len(), 2);
    assert_eq!(short(&play.settled(ticket(1), Played::Lost(casting(0, 1).id, String::new()))), "");
}

/// The record of an episode that a fault of this party ended.
fn faulted(play: &Play, ticket: Ticket, party: Party) -> Played {
    let casting = casting(0, play.live[&ticket].id.member);
    let fault = Some(Fault::new(party, sim::FaultKind::Refused, "out of reach"));
    let record = EpisodeRecord {
        casting,
        seed: 1,
        scenario: "test".to_owned(),
        item: "train-000000".to_owned(),
        turns: Vec::new(),
        stop: None,
        fault,
        verdict: None,
        scores: Pair::default(),
    };
    Played::Record(Box::new(record))
}

#[test]
fn r15_what_the_infrastructure_broke_is_played_again_in_its_place_and_settled_once() {
    let mut play = play(3, 2, true).with_reruns(1);
    assert_eq!(short(&play.begin()), "+0 +1");
    let broken = faulted(&play, ticket(0), Party::Infrastructure);
    // It waits for the barrier like everybody else, before whoever has a later id, and under a ticket that nobody had.
    assert_eq!(short(&play.settled(ticket(0), broken.clone())), "again0");
    assert_eq!(play.asks(1, "agent"), "+3");
    assert_eq!(short(&play.settled(ticket(0), broken)), "", "the first time is over");
    assert_eq!((play.progress().settled, play.progress().live), (0, 2));
    // A second fault stands.
    let broken = faulted(&play, ticket(3), Party::Infrastructure);
    assert_eq!(short(&play.settled(ticket(3), broken)), "w0 +2");
    assert_eq!(play.asks(2, "agent"), "!agent:1,2");
    assert_eq!(play.ends(1), "w1");
    assert_eq!(play.ends(2), "w2 .");
    assert_eq!(play.take_gone().len(), 4, "servers forget each time");
}

#[test]
fn no_other_fault_is_played_again_and_none_without_leave() {
    let mut strict = play(1, 2, true);
    strict.begin();
    let broken = faulted(&strict, ticket(0), Party::Infrastructure);
    assert_eq!(short(&strict.settled(ticket(0), broken)), "w0 .");
    for party in Party::ALL.into_iter().filter(|party| *party != Party::Infrastructure) {
        let mut play = play(1, 2, true).with_reruns(3);
        play.begin();
        let broken = faulted(&play, ticket(0), party);
        assert_eq!(short(&play.settled(ticket(0), broken)), "w0 .");
    }
    let mut play = play(1, 2, true).with_reruns(3);
    play.begin();
    assert_eq!(play.ends(0), "w0 .", "what was lost is our own doing");
}

/// What a mock world does next with one of the living.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ask,
    Die,
    Break,
}

proptest! {
    #[test]
    fn whatever_happens_each_casting_is_written_once_in_order_within_the_bound(
        count in 1u32..20,
        live_max in 1usize..8,
        lockstep in any::<bool>(),
        reruns_max in 0u32..3,
        deeds in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(vec![Deed::Ask, Deed::Die, Deed::Break])),
            0..200,
        ),
    ) {
        let mut play = play(count, live_max, lockstep).with_reruns(reruns_max);
        let (mut written, mut finished, mut moving, mut again) = (Vec::new(), 0, Vec::new(), Vec::new());
        let mut orders = VecDeque::from(play.begin());
        let mut deeds = deeds.into_iter();
        loop {
            while let Some(order) = orders.pop_front() {
                match order {
                    Order::Admit(ticket, _) => moving.push(ticket),
                    Order::Again(id, _) => {
                        prop_assert!(!written.contains(&id.member), "what is written is over");
                        again.push(id.member);
                    }
                    Order::Flush(round) => {
                        prop_assert!(moving.is_empty(), "a round began while something moved");
                        moving.extend(round.servers.iter().flat_map(|part| part.rows.iter().map(|(ticket, _)| *ticket)));
                    }
                    Order::Write(played) => written.push(played.id().member),
                    Order::Finish => finished += 1,
                }
            }
            prop_assert!(play.progress().live <= live_max);
            if moving.is_empty() {
                break;
            }
            let (who, deed) = deeds.next().map_or((0, Deed::Die), |(who, deed)| (who.index(moving.len()), deed));
            let ticket = moving.swap_remove(who);
            orders.extend(match deed {
                // Without models nobody asks.
                Deed::Ask if lockstep => play.queued(ticket, "agent".into(), Seat::Agent),
                Deed::Break => {
                    let played = faulted(&play, ticket, Party::Infrastructure);
                    play.settled(ticket, played)
                }
                Deed::Ask | Deed::Die => {
                    let played = lost(&play, ticket);
                    play.settled(ticket, played)
                }
            });
        }
        prop_assert_eq!(written, (0..count).collect::<Vec<_>>());
        prop_assert_eq!(finished, 1);
        prop_assert!((0..count).all(|member| again.iter().filter(|id| **id == member).count() <= reruns_max as usize));
        prop_assert!(play.is_finished());
    }
}

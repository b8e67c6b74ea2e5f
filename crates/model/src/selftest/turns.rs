//! What is sampled on a device, beside what one pass over the whole stream says about it there.

use std::sync::mpsc::channel;

use rl::Filter;
use rl::LearnError;
use rl::Policy;
use rl::Row;
use rl::Sampled;
use rl::Session;
use rl::selftest::BOUND_BF16;
use rl::selftest::BOUND_F32;
use rl::selftest::Finding;
use rl::selftest::Held;
use rl::selftest::RecordedModel;
use rl::selftest::RecordedTurn;
use rl::selftest::TIE;
use sim::Address;
use sim::EpisodeId;
use sim::Phase;
use sim::Seat;
use sim::draws::Stream;
use tch::Device;

use super::samples::ids;
use super::samples::logits;
use super::samples::logprobs;
use super::subject;
use super::subject::Subject;
use crate::Decoder;
use crate::TchPolicy;
use crate::TchWeights;
use crate::config::Family;

/// Tokens of each stream before its first turn; two are equal.
const PROMPTS: [usize; 6] = [3, 9, 17, 17, 40, 61];

/// Tokens of a turn.
const TURN: u32 = 24;

/// Tokens that the partner says between two turns.
const HEARD: usize = 7;

/// Bytes of keys and values, enough for all.
const CACHE_BYTES: usize = 64 << 20;

/// Streams to go on from. The third and the fourth are one.
fn prompts() -> Vec<Vec<u32>> {
    let mut draws = subject::draws(2, Stream::Item);
    let mut prompts: Vec<Vec<u32>> = PROMPTS.iter().map(|len| ids(&mut draws, *len)).collect();
    prompts[3] = prompts[2].clone();
    prompts
}

fn row(member: usize, stream: Vec<u32>, turn: u32, greedy: bool) -> Row {
    let member = member as u32 + 1;
    let address = Address { seed: 3, phase: Phase::Rollout, round: 0, group: 0, trial: 0, member };
    let episode = EpisodeId { phase: Phase::Rollout, round: 0, group: 0, trial: 0, member };
    let (session, temperature) =
        (Session { episode, seat: Seat::Agent, adapter: None }, [1.0, 0.8, 1.25][member as usize % 3]);
    Row { session, stream, address, turn, tokens_max: TURN, temperature, filter: Filter::default(), greedy }
}

/// Nothing closes a turn: all are of one length.
pub(super) fn policy(decoder: Decoder, cache_bytes: usize) -> TchPolicy {
    let mut policy = TchPolicy::new(TchWeights { decoder, version: 0 }, cache_bytes);
    policy.close_with(&[]);
    policy
}

/// A turn for each row.
pub(super) fn sampled(policy: &mut TchPolicy, rows: Vec<Row>) -> Result<Vec<Sampled>, LearnError> {
    let (sender, receiver) = channel();
    policy.submit(
        rows,
        Box::new(move |results| sender.send(results).expect("the receiver outlives this call of the policy")),
    );
    let results = receiver.recv().expect("a policy replies once");
    results.into_iter().map(|result| result.map_err(|fault| LearnError::Tensor(fault.detail))).collect()
}

fn decoder(family: Family, held: Held, device: Device) -> Result<Decoder, LearnError> {
    Ok(Subject::new(family, held, device)?.decoder)
}

/// The likeliest tokens, and how far the second likeliest are behind.
pub(super) fn greedy(decoder: Decoder) -> Result<Vec<RecordedTurn>, LearnError> {
    let (looked_at, prompts) = (decoder.copy(), prompts());
    let rows = prompts.iter().enumerate().map(|(member, prompt)| row(member, prompt.clone(), 0, true)).collect();
    let turns = sampled(&mut policy(decoder, CACHE_BYTES), rows)?;
    let turn = |(prompt, Sampled { tokens, .. }): (Vec<u32>, Sampled)| {
        let whole: Vec<u32> = prompt.iter().chain(&tokens).copied().collect();
        let (best, _) = logits(&looked_at, &whole).topk(2, -1, true, true);
        let rows: Vec<Vec<f64>> = Vec::try_from(best).expect("two numbers for each token");
        let own = &rows[prompt.len() - 1..whole.len() - 1];
        let gaps = own.iter().map(|best| super::short((best[0] - best[1]) as f32)).collect();
        RecordedTurn { prompt, tokens, gaps }
    };
    Ok(prompts.into_iter().zip(turns).map(turn).collect())
}

/// Everything about sampling with a family's models: three findings for each way to hold them, and one more against the recording.
pub(super) fn check(family: Family, recorded: &RecordedModel, device: Device) -> Result<Vec<Finding>, LearnError> {
    let mut findings = Vec::new();
    for held in Held::ALL {
        let looked_at = decoder(family, held, device)?;
        let (bound, tie) = match held {
            Held::Weights | Held::Adapter => (BOUND_F32, TIE),
            Held::AdapterOverBf16 => (BOUND_BF16, BOUND_BF16),
        };
        let mut policy = policy(decoder(family, held, device)?, CACHE_BYTES);
        let model = format!("{}, {}", recorded.family, held.name());
        let finding = |check, distance, bound| {
            let model = model.clone();
            Finding { check, model, rule: String::new(), distance, bound }
        };
        let (first, again) = two_turns(&mut policy, &looked_at)?;
        findings.push(finding("sampled", first, bound));
        findings.push(finding("kept", again, bound));
        let greedy = greedy_turns(&mut policy, &recorded.greedy)?;
        findings.push(finding("greedy", behind(&looked_at, &greedy), tie));
        if held == Held::Weights {
            let apart = greedy.iter().zip(&recorded.greedy).map(|((_, now), then)| unlike(now, then));
            findings.push(finding("greedy, recorded", worst(apart), TIE));
        }
    }
    Ok(findings)
}

/// Largest distances of log-probabilities, of a first turn and of one that goes on where the first stopped. Infinite if nothing was kept in between.
fn two_turns(policy: &mut TchPolicy, looked_at: &Decoder) -> Result<(f64, f64), LearnError> {
    let prompts = prompts();
    let rows: Vec<Row> =
        prompts.iter().enumerate().map(|(member, prompt)| row(member, prompt.clone(), 0, false)).collect();
    let first = sampled(policy, rows.clone())?;
    let kept = policy.sessions();
    let mut draws = subject::draws(4, Stream::Item);
    let go_on = |(mut row, turn): (Row, &Sampled)| {
        row.stream.extend(&turn.tokens);
        row.stream.extend(ids(&mut draws, HEARD));
        Row { turn: 1, ..row }
    };
    let later: Vec<Row> = rows.iter().cloned().zip(&first).map(go_on).collect();
    let second = sampled(policy, later.clone())?;
    policy.forget(&later.iter().map(|row| row.session).collect::<Vec<Session>>());
    let first = worst(rows.iter().zip(&first).map(|(row, turn)| apart(looked_at, row, turn)));
    let second = worst(later.iter().zip(&second).map(|(row, turn)| apart(looked_at, row, turn)));
    Ok((first, if kept == rows.len() { second } else { f64::INFINITY }))
}

/// Largest distance of a turn's log-probabilities from those of one pass over the whole stream.
fn apart(looked_at: &Decoder, row: &Row, turn: &Sampled) -> f64 {
    let whole: Vec<u32> = row.stream.iter().chain(&turn.tokens).copied().collect();
    let again = logprobs(looked_at, &whole, row.temperature);
    let own = turn.logprobs.iter().zip(&again[row.stream.len()..]);
    worst(own.map(|(now, again)| (f64::from(*now) - again).abs() / (1.0 + again.abs())))
}

/// A prompt, and what was said to it.
type Said = (Vec<u32>, Vec<u32>);

fn greedy_turns(policy: &mut TchPolicy, recorded: &[RecordedTurn]) -> Result<Vec<Said>, LearnError> {
    let rows: Vec<Row> =
        recorded.iter().enumerate().map(|(member, turn)| row(member, turn.prompt.clone(), 0, true)).collect();
    let turns = sampled(policy, rows)?;
    Ok(recorded.iter().map(|turn| turn.prompt.clone()).zip(turns.into_iter().map(|turn| turn.tokens)).collect())
}

/// By how many logits, of 1 and the largest, a greedy token is behind the likeliest of one pass over the whole stream.
fn behind(looked_at: &Decoder, turns: &[Said]) -> f64 {
    let of_turn = |(prompt, tokens): &Said| {
        let whole: Vec<u32> = prompt.iter().chain(tokens).copied().collect();
        let all: Vec<Vec<f64>> = Vec::try_from(logits(looked_at, &whole)).expect("numbers for each token");
        worst(tokens.iter().zip(&all[prompt.len() - 1..]).map(|(token, logits)| {
            let best = worst(logits.iter().copied());
            (best - logits[*token as usize]) / (1.0 + best.abs())
        }))
    };
    worst(turns.iter().map(of_turn))
}

/// How clear the likeliest token was, in logits, where a turn first leaves the recorded one; 0 if it never does.
fn unlike(now: &[u32], then: &RecordedTurn) -> f64 {
    if now.len() != then.tokens.len() {
        return f64::INFINITY;
    }
    let first = now.iter().zip(&then.tokens).position(|(now, then)| now != then);
    first.map_or(0.0, |place| then.gaps.get(place).copied().map_or(f64::INFINITY, f64::from))
}

/// The largest; not a number if one of them is none.
fn worst(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(
        f64::NEG_INFINITY,
        |worst, number| if number.is_nan() || worst.is_nan() { f64::NAN } else { worst.max(number) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greedy_turn_may_leave_the_recorded_one_only_at_a_tie() {
        let then = RecordedTurn { prompt: vec![5], tokens: vec![6, 7, 8], gaps: vec![0.5, 5e-5, 0.2] };
        assert_eq!(unlike(&[6, 7, 8], &then), 0.0);
        assert!(unlike(&[6, 9, 9], &then) < TIE);
        assert!(unlike(&[9, 7, 8], &then) > TIE);
        assert_eq!(unlike(&[6, 7], &then), f64::INFINITY);
    }

    #[test]
    fn a_number_that_is_none_is_the_worst() {
        assert_eq!(worst([1.0, 3.0, 2.0].into_iter()), 3.0);
        assert!(worst([1.0, f64::NAN, 2.0].into_iter()).is_nan());
    }
}

//! What is sampled is what is trained.

use duologue_model::TchPolicy;
use duologue_model::TchWeights;
use duologue_model::cache::Sessions;
use duologue_model::filter::Filters;
use rl::Filter;
use rl::Objective;
use rl::Row;
use rl::Sample;
use sim::Draws;
use tch::Device;
use tch::Kind;
use tch::Tensor;

use crate::fixtures::*;

/// A conversation as its seat sees it: the stream so far, and which tokens were sampled with which log-probability.
struct Talk {
    member: u32,
    stream: Vec<u32>,
    logprobs: Vec<Option<f32>>,
    temperature: f32,
    turn: u32,
}

impl Talk {
    fn new(member: u32, prompt: Vec<u32>, temperature: f32) -> Talk {
        Talk { member, logprobs: vec![None; prompt.len()], stream: prompt, temperature, turn: 0 }
    }

    fn row(&self) -> Row {
        Row { temperature: self.temperature, ..row(self.member, self.stream.clone(), self.turn) }
    }

    fn sampled(&mut self, sampled: rl::Sampled) {
        self.stream.extend(sampled.tokens);
        self.logprobs.extend(sampled.logprobs.into_iter().map(Some));
        self.turn += 1;
    }

    fn hears(&mut self, tokens: Vec<u32>) {
        self.logprobs.extend(tokens.iter().map(|_| None));
        self.stream.extend(tokens);
    }

    fn sample(&self, draws: &mut Draws) -> Sample {
        let own = |at: usize| self.logprobs[at].is_some();
        let len = self.stream.len();
        Sample {
            episode: None,
            seat: None,
            tokens: self.stream.clone(),
            weights: (0..len).map(|at| f32::from(u8::from(own(at)))).collect(),
            advantages: (0..len).map(|at| if own(at) { draws.uniform() as f32 - 0.5 } else { 0.0 }).collect(),
            logprobs: self.logprobs.iter().map(|logprob| logprob.unwrap_or(0.0)).collect(),
            versions: (0..len).map(|at| u64::from(own(at))).collect(),
            thought: (0..len).map(|at| own(at) && at % 3 == 0).collect(),
            temperature: self.temperature,
        }
    }
}

/// Nine talks in three groups with equal prompts, of different temperatures, each heard and continued in changing company.
fn talks(draws: &mut Draws) -> Vec<Talk> {
    let mut talks = Vec::new();
    for (group, temperature) in [(0u32, 1.0), (1, 0.7), (2, 1.4)] {
        let prompt = ids(draws, 5 + 7 * group as usize);
        talks.extend((0..3).map(|member| Talk::new(1 + 3 * group + member, prompt.clone(), temperature)));
    }
    talks
}

#[test]
fn sampled_logprobs_equal_teacher_forced_ones() {
    let mut model = fresh(&settings());
    let mut draws = draws(1);
    let mut talks = talks(&mut draws);
    for round in 0..5 {
        // Everybody speaks first; later a changing part does, so that sessions rest, resume and meet others.
        let speaking: Vec<usize> = (0..talks.len()).filter(|_| round == 0 || draws.chance(0.6)).collect();
        let rows: Vec<Row> = speaking.iter().map(|place| talks[*place].row()).collect();
        let forgotten = rows.first().map(|row| row.session);
        let results = submit(&mut *model.policy, rows);
        for (place, result) in speaking.into_iter().zip(results) {
            talks[place].sampled(result.expect("a tiny row is sampled"));
            let heard = draws.range(1, 7) as usize;
            let heard = ids(&mut draws, heard);
            talks[place].hears(heard);
        }
        // A session that was dropped is computed from its stream again.
        model.policy.forget(forgotten.as_slice());
    }
    let sampled: usize = talks.iter().map(|talk| talk.logprobs.iter().flatten().count()).sum();
    assert!(sampled > 150, "{sampled} tokens are too few to say anything");
    let samples = talks.iter().map(|talk| talk.sample(&mut draws)).collect();
    let report = update(&mut model, &batch(Objective::Grpo, samples)).expect("the batch fits");
    let difference = metric(&report, "logprob_abs_diff_max");
    assert!(difference < 1e-4, "sampler and learner differ by {difference}");
    assert!(metric(&report, "kl_old") < 1e-8);
    assert!(metric(&report, "loss_tokens") as usize == sampled);
}

#[test]
fn a_stale_logprob_is_seen_by_the_drift_alarm() {
    let mut model = fresh(&settings());
    let mut draws = draws(2);
    let mut talk = Talk::new(1, ids(&mut draws, 6), 1.0);
    let sampled = submit(&mut *model.policy, vec![talk.row()]).remove(0).expect("sampled");
    talk.sampled(sampled);
    let mut sample = talk.sample(&mut draws);
    sample.logprobs[7] -= 0.01;
    let report = update(&mut model, &batch(Objective::Grpo, vec![sample])).expect("the batch fits");
    assert!((metric(&report, "logprob_abs_diff_max") - 0.01).abs() < 1e-4);
}

#[test]
fn company_and_kept_sessions_do_not_change_what_is_sampled() {
    let (mut together, mut alone) = (fresh(&settings()), fresh(&settings()));
    let mut draws = draws(3);
    let mut pairs: Vec<(Talk, Talk)> = talks(&mut draws).into_iter().zip(talks(&mut self::draws(3))).collect();
    for _ in 0..3 {
        let rows = pairs.iter().map(|(talk, _)| talk.row()).collect();
        let results = submit(&mut *together.policy, rows);
        for ((talk, twin), result) in pairs.iter_mut().zip(results) {
            let result = result.expect("sampled");
            let row = twin.row();
            alone.policy.forget(&[row.session]);
            let single = submit(&mut *alone.policy, vec![row]).remove(0).expect("sampled");
            assert_eq!(single.tokens, result.tokens);
            for (a, b) in single.logprobs.iter().zip(&result.logprobs) {
                assert!((a - b).abs() < 1e-4, "{a} and {b}");
            }
            let heard = ids(&mut draws, 4);
            for (talk, sampled) in [(talk, result), (twin, single)] {
                talk.sampled(sampled);
                talk.hears(heard.clone());
            }
        }
    }
}

#[test]
fn tokens_are_drawn_as_often_as_their_probability_says() {
    let mut model = fresh(&settings());
    let prompt = ids(&mut draws(4), 8);
    let mut counts = vec![0u32; VOCAB as usize];
    let mut logprobs = vec![None; VOCAB as usize];
    let n = 20_000;
    for chunk in 0..n / 500 {
        let rows: Vec<Row> =
            (0..500).map(|member| Row { tokens_max: 1, ..row(chunk * 500 + member, prompt.clone(), 0) }).collect();
        let sessions: Vec<_> = rows.iter().map(|row| row.session).collect();
        for sampled in submit(&mut *model.policy, rows) {
            let sampled = sampled.expect("sampled");
            counts[sampled.tokens[0] as usize] += 1;
            logprobs[sampled.tokens[0] as usize] = Some(sampled.logprobs[0]);
        }
        model.policy.forget(&sessions);
    }
    let total: f64 = logprobs.iter().flatten().map(|logprob| f64::from(*logprob).exp()).sum();
    assert!((0.999..1.0001).contains(&total), "the probabilities of all tokens seen sum to {total}");
    for (count, logprob) in counts.iter().zip(logprobs) {
        let Some(logprob) = logprob else { continue };
        let p = f64::from(logprob).exp();
        let deviations = (f64::from(*count) - p * f64::from(n)) / (p * (1.0 - p) * f64::from(n)).sqrt();
        // 40 tokens at 5 standard deviations: less than one false alarm in 40 000.
        assert!(deviations.abs() < 5.0, "p = {p}, drawn {count} times of {n}");
    }
}

#[test]
fn a_greedy_row_takes_the_likeliest_token_and_disturbs_nobody() {
    let mut model = fresh(&settings());
    let prompt = ids(&mut draws(5), 8);
    let plain = submit(&mut *model.policy, vec![row(1, prompt.clone(), 0)]).remove(0).expect("sampled");
    let greedy = Row { greedy: true, temperature: 0.0, ..row(2, prompt.clone(), 0) };
    let both = submit(&mut *model.policy, vec![row(1, prompt, 0), greedy]);
    let both: Vec<_> = both.into_iter().map(|sampled| sampled.expect("sampled")).collect();
    assert_eq!(both[0].tokens, plain.tokens);
    assert!(both[1].logprobs[0] >= both[0].logprobs[0]);
    assert!(
        both[1].logprobs[0] >= -(VOCAB as f32).ln(),
        "the likeliest token is at least as likely as the average one"
    );
}

#[test]
fn what_may_be_drawn_is_what_the_reference_leaves_row_by_row() {
    let mut draws = draws(11);
    let mut some = |low: i64, high: i64| (draws.range(0, 2) > 0).then(|| draws.range(low, high));
    let filters: Vec<Filter> = (0..200)
        .map(|_| Filter {
            top_k: some(1, 60).map(|k| k as u32),
            top_p: some(1, 99).map(|percent| percent as f32 / 100.0),
            min_p: some(1, 100).map(|percent| percent as f32 / 100.0),
        })
        .collect();
    // Whole numbers, so that there are ties; drawn twice, so that rows with peaks are among them.
    let logits: Vec<Vec<f64>> =
        filters.iter().map(|_| (0..50).map(|_| (draws.range(0, 6) * draws.range(0, 2)) as f64).collect()).collect();
    let flat: Vec<f64> = logits.iter().flatten().copied().collect();
    let filtered =
        Filters::of(&filters, Device::Cpu).expect("some are on").apply(&Tensor::from_slice(&flat).view([200, 50]));
    let logprobs = Vec::<Vec<f64>>::try_from(filtered.log_softmax(-1, Kind::Double)).expect("rows of numbers");
    for ((filter, logits), got) in filters.iter().zip(&logits).zip(logprobs) {
        for (token, (got, want)) in got.iter().zip(filter.logprobs(logits, 1.0)).enumerate() {
            let agree = *got == want || (got - want).abs() < 1e-9;
            assert!(agree, "{filter:?}, token {token} of {logits:?}: {got} against {want}");
        }
    }
}

#[test]
fn a_filter_is_a_rows_own_and_its_logprobs_are_those_of_what_is_left() {
    let mut model = fresh(&settings());
    let prompt = ids(&mut draws(12), 8);
    let sharp = Row { filter: Filter { top_k: Some(1), ..Filter::default() }, ..row(1, prompt.clone(), 0) };
    let greedy = Row { greedy: true, ..row(2, prompt.clone(), 0) };
    let open = row(3, prompt.clone(), 0);
    let alone = submit(&mut *model.policy, vec![open.clone()]).remove(0).expect("sampled");
    model.policy.forget(&[open.session]);
    let results: Vec<_> =
        submit(&mut *model.policy, vec![sharp, greedy, open]).into_iter().map(|r| r.expect("sampled")).collect();
    assert_eq!(results[0].tokens, results[1].tokens);
    assert!(results[0].logprobs.iter().all(|logprob| *logprob == 0.0), "nothing else could be drawn: {:?}", results[0]);
    assert_eq!(results[2].tokens, alone.tokens);
    for bad in [Filter { top_k: Some(0), ..Filter::default() }, Filter { top_p: Some(0.0), ..Filter::default() }] {
        let refused = submit(&mut *model.policy, vec![Row { filter: bad, ..row(4, prompt.clone(), 0) }]).remove(0);
        assert!(refused.is_err(), "{bad:?}");
    }
}

#[test]
fn a_small_cache_forgets_the_oldest_and_changes_no_token() {
    let planes = |tokens: i64| Tensor::zeros([2, 1, tokens, 2], (Kind::Float, Device::Cpu));
    let session = |member| row(member, vec![1], 0).session;
    let mut kept = Sessions::new(10);
    kept.keep(session(1), vec![1; 4], planes(4));
    kept.keep(session(2), vec![2; 4], planes(4));
    kept.keep(session(1), vec![1; 5], planes(5));
    kept.keep(session(3), vec![3; 3], planes(3));
    let lengths = |kept: &Sessions| [1, 2, 3].map(|member| kept.reusable(&session(member), &[member; 9]));
    assert_eq!((lengths(&kept), kept.tokens()), ([5, 0, 3], 8), "the second was used longest ago");
    kept.keep(session(4), vec![4; 11], planes(11));
    assert_eq!((lengths(&kept), kept.len()), ([5, 0, 3], 2), "what can never fit moves nobody out");

    let policy_with = |bytes: usize| {
        let weights = fresh(&settings()).policy.lend().expect("it has weights");
        let weights = weights.into_any().downcast::<TchWeights>().expect("they are ours");
        TchPolicy::new(*weights, bytes)
    };
    // Room for 24 tokens kept and 24 columns worked on: of rows of 8 and 12 more tokens, one at a time.
    let token = policy_with(0).cached_bytes_per_token();
    let (mut large, mut small) = (policy_with(1 << 20), policy_with(48 * token));
    let mut streams: Vec<Vec<u32>> = (0..5).map(|member| ids(&mut draws(30 + member), 8)).collect();
    for turn in 0..4 {
        let rows: Vec<Row> = (0..).zip(&streams).map(|(member, stream)| row(member, stream.clone(), turn)).collect();
        let (one, other) = (submit(&mut large, rows.clone()), submit(&mut small, rows));
        assert!(small.sessions() < 5 && large.sessions() == 5);
        for ((stream, one), other) in streams.iter_mut().zip(one).zip(other) {
            let (one, other) = (one.expect("sampled"), other.expect("sampled"));
            assert_eq!(one.tokens, other.tokens);
            stream.extend(&one.tokens);
        }
    }
}

#[test]
fn a_turn_ends_with_the_closing_token_its_bound_or_the_context() {
    let mut model = fresh(&settings());
    let mut draws = draws(6);
    let long = Row { tokens_max: 50, ..row(1, ids(&mut draws, 90), 0) };
    let short = Row { tokens_max: 3, ..row(2, ids(&mut draws, 4), 0) };
    let mut rows = vec![long, short];
    rows.extend((3..40).map(|member| Row { tokens_max: 60, ..row(member, vec![7, 8, 9], 0) }));
    let results: Vec<_> = submit(&mut *model.policy, rows).into_iter().map(|r| r.expect("sampled")).collect();
    assert!(results[0].tokens.len() <= 6 && results[1].tokens.len() <= 3);
    for (result, limit) in results.iter().zip([6, 3].into_iter().chain(std::iter::repeat(60))) {
        assert_eq!(result.closed, result.tokens.last() == Some(&CLOSE));
        assert!(result.closed || result.tokens.len() == limit, "{result:?} with a limit of {limit}");
        assert!(!result.tokens[..result.tokens.len() - 1].contains(&CLOSE), "nothing follows the closing token");
        assert_eq!(result.tokens.len(), result.logprobs.len());
    }
    assert!(results.iter().any(|result| result.closed), "none of 39 rows closed");
}

#[test]
fn rows_that_do_not_fit_are_refused_and_the_others_are_sampled() {
    let mut model = fresh(&settings());
    let rows = vec![
        row(1, vec![], 0),
        row(2, vec![5; 96], 0),
        row(3, vec![VOCAB], 0),
        Row { temperature: 0.0, ..row(4, vec![5], 0) },
        Row { tokens_max: 0, ..row(5, vec![5], 0) },
        row(6, vec![5], 0),
    ];
    let results = submit(&mut *model.policy, rows);
    assert!(results[..5].iter().all(Result::is_err), "{results:?}");
    assert!(results[5].is_ok());
}

#[test]
fn a_policy_without_its_weights_says_so() {
    let mut model = fresh(&settings());
    let weights = model.policy.lend().expect("the first loan");
    assert!(model.policy.lend().is_none());
    let fault = submit(&mut *model.policy, vec![row(1, vec![5], 0)]).remove(0).expect_err("no weights");
    assert!(fault.detail.contains("out for an update"));
    model.policy.load(weights);
    assert!(submit(&mut *model.policy, vec![row(1, vec![5], 0)])[0].is_ok());
}

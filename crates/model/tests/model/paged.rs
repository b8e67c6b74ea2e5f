//! Keys and values in blocks: what is shared, what is copied, what is given back, and that none of it is seen in what is sampled.

use std::collections::BTreeMap;

use duologue_model::TchWeights;
use duologue_model::blocks::BLOCK;
use duologue_model::blocks::Pool;
use duologue_model::blocks::Shape;
use duologue_model::blocks::Span;
use duologue_model::blocks::Table;
use duologue_model::sampler::Bounds;
use duologue_model::sampler::Memory;
use duologue_model::sampler::sample;
use duologue_model::windows::Windows;
use rl::Row;
use rl::Sampled;
use tch::no_grad;

use crate::fixtures::*;

fn pool(blocks_max: usize) -> Pool {
    Pool::new(Shape { layers: 2, kv_heads: 2, head_dim: 3 }, blocks_max)
}

/// Computes tokens: each one's key and value say which token it is, and where.
fn compute(pool: &mut Pool, table: &mut Table, tokens: &[u32]) {
    let first = table.len();
    assert!(pool.grow(table, tokens), "there is room");
    let spans = [Span { tokens, table }];
    let mut part = pool.divide(&[&spans]).remove(0);
    for (position, token) in (first..).zip(tokens) {
        for layer in 0..2 {
            let number = |which: usize| (token * 1000) as f32 + (position * 4 + layer * 2 + which) as f32;
            part.write(0, position - first, layer, &[number(0); 6], &[number(1); 6]);
        }
    }
    pool.wrote(table);
}

/// Whether a table holds the keys and values of these tokens.
fn holds(pool: &Pool, table: &Table, tokens: &[u32]) -> bool {
    let all = tokens.iter().enumerate().all(|(position, token)| {
        (0..2).all(|layer| {
            let number = |which: usize| (token * 1000) as f32 + (position * 4 + layer * 2 + which) as f32;
            let (keys, values) = pool.head(table.blocks()[position / BLOCK], layer, 1);
            let slot = position % BLOCK;
            keys[2 * BLOCK + slot] == number(0) && values[slot * BLOCK + 2] == number(1)
        })
    });
    all && table.len() == tokens.len()
}

#[test]
fn beginnings_in_common_are_held_once_and_parts_of_blocks_are_copied() {
    let mut pool = pool(9);
    let stream: Vec<u32> = (0..40).collect();
    let mut first = Table::new(0);
    compute(&mut pool, &mut first, &stream);
    let mut other = stream.clone();
    other[37] = 99;
    let found = pool.find(0, &other);
    assert!(found.written && found.shared() == 2);
    let mut second = pool.adopt(found);
    assert_eq!((second.len(), pool.held()), (37, 4), "two blocks are shared, five tokens are copied to a third");
    compute(&mut pool, &mut second, &other[37..]);
    assert!(holds(&pool, &first, &stream) && holds(&pool, &second, &other));
    assert_eq!(pool.find(1, &stream).shared(), 0, "another root has nothing in common");
    pool.release(first);
    assert!(holds(&pool, &second, &other) && pool.held() == 3);
    pool.truncate(&mut second, 20);
    assert!(holds(&pool, &second, &other[..20]) && pool.held() == 2);
    pool.release(second);
    assert_eq!((pool.held(), pool.find(0, &stream).shared()), (0, 0), "nothing is found of what nobody holds");
}

#[test]
fn what_is_on_its_way_is_known_and_not_taken() {
    let mut pool = pool(4);
    let mut table = Table::new(0);
    assert!(pool.grow(&mut table, &[5; 20]));
    assert!(!pool.find(0, &[5; 20]).written);
    pool.wrote(&table);
    assert!(pool.find(0, &[5; 20]).written);
    assert!(!pool.grow(&mut table, &[6; 45]), "five blocks are more than four");
    assert_eq!((table.len(), pool.held()), (20, 2), "and nothing has changed");
}

#[test]
fn whatever_tables_do_each_holds_its_own_stream_and_every_block_comes_back() {
    for seed in 0..40 {
        let mut draws = draws(seed);
        let mut pool = pool(24);
        let mut tables: BTreeMap<u64, (Table, Vec<u32>)> = BTreeMap::new();
        for step in 0..120u64 {
            let pick = draws.range(0, 2);
            let oldest = tables.keys().next().copied();
            match (pick, oldest) {
                (0, Some(key)) if tables.len() > 3 => {
                    let (table, _) = tables.remove(&key).expect("it is there");
                    pool.release(table);
                }
                (1, Some(key)) => {
                    let (table, stream) = tables.get_mut(&key).expect("it is there");
                    pool.truncate(table, draws.range(0, stream.len() as i64) as usize);
                    stream.truncate(table.len());
                }
                _ => {
                    // Two tokens and runs of one: beginnings in common are frequent.
                    let run = draws.range(0, 29) as usize;
                    let stream: Vec<u32> = (0..50).map(|at| u32::from(at > run)).collect();
                    let mut table = pool.adopt(pool.find(0, &stream[..49]));
                    let from = table.len();
                    if pool.wanted(&table, 50 - from) <= pool.available() {
                        compute(&mut pool, &mut table, &stream[from..]);
                        tables.insert(step, (table, stream));
                    } else {
                        pool.release(table);
                    }
                }
            }
            assert!(tables.values().all(|(table, stream)| holds(&pool, table, stream)), "seed {seed}, step {step}");
        }
        tables.into_values().for_each(|(table, _)| pool.release(table));
        assert_eq!(pool.held(), 0);
    }
}

/// Talks of three turns, of rows with equal and other prompts, in this memory.
fn talk(weights: &TchWeights, memory: &mut Memory) -> Vec<Vec<Sampled>> {
    let mut streams: Vec<Vec<u32>> = (0..9u64).map(|member| ids(&mut draws(70 + member / 3), 19)).collect();
    let mut turns = Vec::new();
    for turn in 0..3 {
        let row =
            |(member, stream): (u32, &Vec<u32>)| Row { greedy: member % 4 == 3, ..row(member, stream.clone(), turn) };
        let rows: Vec<Row> = (0..).zip(&streams).map(row).collect();
        let bounds = Bounds { stream_max: 96, closing: &[CLOSE] };
        let sampled = no_grad(|| sample(&weights.decoder, memory, 0, bounds, &rows));
        let sampled: Vec<Sampled> = sampled.into_iter().map(|one| one.expect("sampled")).collect();
        for (stream, sampled) in streams.iter_mut().zip(&sampled) {
            stream.extend(&sampled.tokens);
            stream.extend(ids(&mut draws(80), 3));
        }
        turns.push(sampled);
    }
    turns
}

fn assert_same(one: &[Vec<Sampled>], other: &[Vec<Sampled>]) {
    for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
        assert_eq!((&one.tokens, one.closed), (&other.tokens, other.closed));
        for (a, b) in one.logprobs.iter().zip(&other.logprobs) {
            assert!((a - b).abs() < 2e-5, "{a} and {b}");
        }
    }
}

#[test]
fn pages_and_windows_sample_the_same_and_so_do_few_blocks_and_many() {
    let weights = fresh(&settings()).policy.lend().expect("it has weights");
    let weights = weights.into_any().downcast::<TchWeights>().expect("they are ours");
    let bytes = |tokens: usize| tokens * weights.decoder.cached_bytes_per_token();
    let mut many = Memory::new(&weights.decoder, bytes(4096), 96);
    let said = talk(&weights, &mut many);
    for look_every in [1, 7, 16] {
        assert_same(&said, &talk(&weights, &mut Memory::Windows(Windows::new(4096, look_every))));
    }
    // Room for one stream and a little: rows wait, step back and are computed again.
    let mut few = Memory::new(&weights.decoder, bytes(0), 96);
    assert_same(&said, &talk(&weights, &mut few));
    let Memory::Pages(pages) = &mut many else { panic!("f32 on the processor") };
    let alone: usize = said.iter().flatten().map(|one| one.tokens.len() + 22).sum::<usize>() / BLOCK;
    assert!(pages.sessions() == 9 && pages.pool().held() < alone, "prompts in common are held once");
    pages.clear();
    assert_eq!((pages.sessions(), pages.pool().held()), (0, 0));
}

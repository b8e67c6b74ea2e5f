//! Keys and values in blocks of 16 tokens: bounded, shared, and never moved.
//!
//! ```text
//! table of talk 1   [ 0 | 1 | 4 ]            block 0  "You sell a lamp …"   held by both: equal beginnings are computed once
//! table of talk 2   [ 0 | 1 | 5 ]            block 1  "… the buyer is"
//!                                            block 4  " Ann ………"            held by one: only the last block of a table is written to
//! ```
//!
//! A block remembers its tokens and what stands before it, so that a new talk finds by its ids what others have computed: whole blocks are shared,
//! a part of one is copied. A block lives as long as a table holds it, and no longer: what is found never depends on what was played before.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rl::Session;

/// Tokens of a block: as many numbers as the widest registers hold.
pub const BLOCK: usize = 16;

/// How many numbers a token has where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
}

impl Shape {
    /// Width of a head's values, filled up to whole registers.
    #[must_use]
    pub fn value_dim(&self) -> usize {
        self.head_dim.next_multiple_of(BLOCK)
    }

    /// Numbers of one head's keys in a block, `[head_dim, 16]`: the tokens lie side by side, to be scored together.
    #[must_use]
    pub fn keys_len(&self) -> usize {
        self.head_dim * BLOCK
    }

    /// Numbers of one head's values in a block, `[16, value_dim]`.
    #[must_use]
    pub fn values_len(&self) -> usize {
        self.value_dim() * BLOCK
    }

    /// Numbers of a block in one layer: for each head keys, then values.
    #[must_use]
    pub fn layer_len(&self) -> usize {
        self.kv_heads * (self.keys_len() + self.values_len())
    }

    /// Where a block's numbers of a layer begin in its slab.
    fn start(&self, id: BlockId, layer: usize) -> usize {
        (layer * SLAB + id.0 as usize % SLAB) * self.layer_len()
    }
}

/// Blocks whose memory is taken at once. A layer's numbers of all of them lie side by side: that is what a pass reads together, and blocks that were far
/// apart by a power of two would drive one another out of the processor's caches.
const SLAB: usize = 64;

/// A block by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId(u32);

/// What stands before a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Above {
    /// Nothing: a stream begins here, in the given root.
    Root(u32),
    /// This block.
    Block(BlockId),
}

#[derive(Debug)]
struct Block {
    /// Those whose keys and values are here or on their way here.
    tokens: Vec<u32>,
    /// How many of them are here.
    written: usize,
    /// Tables it is in.
    holders: u32,
    above: Above,
}

/// The blocks of one stream, in order.
#[derive(Debug)]
pub struct Table {
    root: u32,
    blocks: Vec<BlockId>,
    len: usize,
}

impl Table {
    /// A stream of no tokens. Only streams of one root have anything in common: give each set of weights its own.
    #[must_use]
    pub fn new(root: u32) -> Table {
        Table { root, blocks: Vec::new(), len: 0 }
    }

    /// Tokens that have a place.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no token has a place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its blocks.
    #[must_use]
    pub fn blocks(&self) -> &[BlockId] {
        &self.blocks
    }
}

/// What is new of one stream: the last tokens of its table.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// At least one; they have a place in the table.
    pub tokens: &'a [u32],
    /// Where keys and values of the stream lie, and those of the new tokens go.
    pub table: &'a Table,
}

impl Span<'_> {
    /// Position of its first token.
    #[must_use]
    pub fn first(&self) -> usize {
        self.table.len - self.tokens.len()
    }
}

/// New tokens of some spans.
pub(crate) fn tokens_of(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| span.tokens.len()).sum()
}

/// Where the last token of each span stands among the new ones of all.
pub(crate) fn ends(spans: &[Span<'_>]) -> impl Iterator<Item = usize> {
    spans.iter().scan(0, |end, span| {
        *end += span.tokens.len();
        Some(*end - 1)
    })
}

/// What the pool knows of a stream's beginning.
#[derive(Debug)]
pub struct Found {
    root: u32,
    /// Whole blocks.
    shared: Vec<BlockId>,
    /// A block of which the first so many tokens are the same.
    part: Option<(BlockId, usize)>,
    /// Whether all of it has been computed; if not, it is on its way.
    pub written: bool,
}

impl Found {
    /// Blocks that need not be taken.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.shared.len()
    }
}

/// All blocks there are.
#[derive(Debug)]
pub struct Pool {
    shape: Shape,
    blocks_max: usize,
    blocks: Vec<Block>,
    /// `[layers, 64, layer_len]` of each 64 blocks.
    slabs: Vec<Vec<f32>>,
    free: Vec<BlockId>,
    /// What stands behind a block, or begins a stream.
    below: BTreeMap<Above, Vec<BlockId>>,
}

impl Pool {
    /// At most so many blocks. Memory is taken as they are used.
    #[must_use]
    pub fn new(shape: Shape, blocks_max: usize) -> Pool {
        Pool { shape, blocks_max, blocks: Vec::new(), slabs: Vec::new(), free: Vec::new(), below: BTreeMap::new() }
    }

    /// What a token's numbers are.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Blocks that nobody holds.
    #[must_use]
    pub fn available(&self) -> usize {
        self.blocks_max - self.held()
    }

    /// Blocks that some table holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.blocks.len() - self.free.len()
    }

    /// The longest beginning of a stream whose keys and values are here, or on their way.
    #[must_use]
    pub fn find(&self, root: u32, stream: &[u32]) -> Found {
        let mut found = Found { root, shared: Vec::new(), part: None, written: true };
        let mut above = Above::Root(root);
        loop {
            let rest = &stream[found.shared.len() * BLOCK..];
            let Some((common, id)) = self.closest(above, rest) else { return found };
            found.written &= self.block(id).written >= common;
            if common < BLOCK {
                found.part = Some((id, common));
                return found;
            }
            found.shared.push(id);
            above = Above::Block(id);
        }
    }

    /// The block behind this one with most tokens in common with a stream.
    fn closest(&self, above: Above, rest: &[u32]) -> Option<(usize, BlockId)> {
        let below = self.below.get(&above)?.iter();
        let common = |id: &BlockId| self.block(*id).tokens.iter().zip(rest).take_while(|(a, b)| a == b).count();
        below.map(|id| (common(id), *id)).filter(|(common, _)| *common > 0).max_by_key(|(common, _)| *common)
    }

    /// A table that begins with what was found. A part is only taken if there is a block to copy it to.
    ///
    /// # Panics
    /// If what was found has not been written yet.
    pub fn adopt(&mut self, found: Found) -> Table {
        assert!(found.written, "what is on its way can not be copied");
        for id in &found.shared {
            self.block_mut(*id).holders += 1;
        }
        let mut table = Table { root: found.root, len: found.shared.len() * BLOCK, blocks: found.shared };
        if let Some((source, common)) = found.part.filter(|_| self.available() > 0) {
            self.copy_part(&mut table, source, common);
        }
        table
    }

    /// Appends a copy of the first tokens of a block.
    fn copy_part(&mut self, table: &mut Table, source: BlockId, common: usize) {
        let id = self.take(above_end(table));
        for layer in 0..self.shape.layers {
            self.copy_layer(source, id, layer);
        }
        let tokens = self.block(source).tokens[..common].to_vec();
        let block = self.block_mut(id);
        (block.tokens, block.written) = (tokens, common);
        table.blocks.push(id);
        table.len += common;
    }

    fn copy_layer(&mut self, source: BlockId, id: BlockId, layer: usize) {
        let (len, from, to) = (self.shape.layer_len(), self.shape.start(source, layer), self.shape.start(id, layer));
        let slabs = [source, id].map(|id| id.0 as usize / SLAB);
        match self.slabs.get_disjoint_mut(slabs) {
            Ok([source, own]) => own[to..to + len].copy_from_slice(&source[from..from + len]),
            Err(_) => self.slabs[slabs[0]].copy_within(from..from + len, to),
        }
    }

    /// How many blocks a table would have to take for so many more tokens.
    #[must_use]
    pub fn wanted(&self, table: &Table, more: usize) -> usize {
        (table.len + more).div_ceil(BLOCK) - table.blocks.len()
    }

    /// Gives these tokens a place at the end of a table, if there are blocks for all of them.
    #[must_use]
    pub fn grow(&mut self, table: &mut Table, tokens: &[u32]) -> bool {
        if self.wanted(table, tokens.len()) > self.available() {
            return false;
        }
        let mut rest = tokens;
        while !rest.is_empty() {
            if table.len == table.blocks.len() * BLOCK {
                let id = self.take(above_end(table));
                table.blocks.push(id);
            }
            let block = self.block_mut(*table.blocks.last().expect("a block was taken"));
            let (now, later) = rest.split_at(rest.len().min(BLOCK - block.tokens.len()));
            block.tokens.extend(now);
            table.len += now.len();
            rest = later;
        }
        true
    }

    /// All tokens of a table have been computed.
    pub fn wrote(&mut self, table: &Table) {
        for id in table.blocks.iter().rev() {
            let block = self.block_mut(*id);
            if block.written == block.tokens.len() {
                return;
            }
            block.written = block.tokens.len();
        }
    }

    /// Cuts a table down to its first tokens: to fewer, if they end inside a block of others and there is no block for a copy.
    pub fn truncate(&mut self, table: &mut Table, len: usize) {
        while table.blocks.len() > len.div_ceil(BLOCK) {
            let id = table.blocks.pop().expect("there are too many");
            self.drop_holder(id);
        }
        table.len = table.len.min(len);
        let (Some(last), inside) = (table.blocks.last().copied(), len % BLOCK) else { return };
        if inside == 0 || self.block(last).tokens.len() <= inside {
            return;
        }
        if self.block(last).holders == 1 {
            let block = self.block_mut(last);
            block.tokens.truncate(inside);
            block.written = block.written.min(inside);
            return;
        }
        table.blocks.pop();
        table.len -= inside;
        if self.available() > 0 {
            self.copy_part(table, last, inside);
        }
        self.drop_holder(last);
    }

    /// Gives a table's blocks back.
    pub fn release(&mut self, table: Table) {
        table.blocks.into_iter().rev().for_each(|id| self.drop_holder(id));
    }

    /// One head's keys `[head_dim, 16]` and values `[16, value_dim]` in a layer.
    #[must_use]
    pub fn head(&self, id: BlockId, layer: usize, kv_head: usize) -> (&[f32], &[f32]) {
        let (keys, values) = (self.shape.keys_len(), self.shape.values_len());
        let from = self.shape.start(id, layer) + kv_head * (keys + values);
        self.slabs[id.0 as usize / SLAB][from..from + keys + values].split_at(keys)
    }

    /// The numbers of these spans' streams, group by group: each may be worked on beside the others.
    ///
    /// # Panics
    /// If keys and values of a new token would go where another stream has its own.
    pub fn divide<'a>(&'a mut self, groups: &[&'a [Span<'a>]]) -> Vec<Part<'a>> {
        let mut written = BTreeSet::new();
        for span in groups.iter().copied().flatten() {
            for id in &span.table.blocks[span.first() / BLOCK..] {
                // In one table, and this table in one span.
                assert!(
                    self.block(*id).holders == 1 && written.insert(*id),
                    "a block that is written to is one stream's"
                );
            }
        }
        let slabs: Vec<*mut f32> = self.slabs.iter_mut().map(|slab| slab.as_mut_ptr()).collect();
        groups.iter().map(|spans| Part { shape: self.shape, slabs: slabs.clone(), spans }).collect()
    }

    fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    /// Takes a block that is free, or a new one.
    fn take(&mut self, above: Above) -> BlockId {
        let id = self.free.pop().unwrap_or_else(|| {
            if self.blocks.len() == self.slabs.len() * SLAB {
                self.slabs.push(vec![0.0; SLAB * self.shape.layers * self.shape.layer_len()]);
            }
            self.blocks.push(Block { tokens: Vec::with_capacity(BLOCK), written: 0, holders: 0, above });
            BlockId(self.blocks.len() as u32 - 1)
        });
        let block = self.block_mut(id);
        (block.holders, block.above) = (1, above);
        self.below.entry(above).or_default().push(id);
        id
    }

    fn drop_holder(&mut self, id: BlockId) {
        let block = self.block_mut(id);
        block.holders -= 1;
        if block.holders > 0 {
            return;
        }
        block.tokens.clear();
        block.written = 0;
        let above = block.above;
        let below = self.below.get_mut(&above).expect("a block that is held is known to what stands before it");
        below.retain(|other| *other != id);
        if below.is_empty() {
            self.below.remove(&above);
        }
        self.free.push(id);
    }
}

/// The keys and values of some streams: all are read, and those of the new tokens are written, while others do the same with theirs.
#[derive(Debug)]
pub struct Part<'a> {
    shape: Shape,
    /// Where the slabs of a pool begin, which is lent out for `'a`.
    slabs: Vec<*mut f32>,
    spans: &'a [Span<'a>],
}

// SAFETY: a part reads blocks of its own spans' tables and writes those of their new tokens. `Pool::divide` has found that the latter are in no other
// table, so no other part reads or writes what this one writes.
unsafe impl Send for Part<'_> {}

impl<'a> Part<'a> {
    /// Its streams.
    #[must_use]
    pub fn spans(&self) -> &'a [Span<'a>] {
        self.spans
    }

    /// What a token's numbers are.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// One head's keys `[head_dim, 16]` and values `[16, value_dim]` in a layer, for each block of a span.
    ///
    /// # Panics
    /// If there is no such layer or head.
    pub fn heads(&self, span: usize, layer: usize, kv_head: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
        assert!(layer < self.shape.layers && kv_head < self.shape.kv_heads, "there is such a head");
        let (keys, values) = (self.shape.keys_len(), self.shape.values_len());
        self.spans[span].table.blocks.iter().map(move |id| {
            let from = self.shape.start(*id, layer) + kv_head * (keys + values);
            // SAFETY: these numbers lie in the block's slab, and nobody writes them before this borrow of the part ends.
            unsafe { std::slice::from_raw_parts(self.slab(*id).add(from), keys + values) }.split_at(keys)
        })
    }

    /// Writes the keys and values, each `[kv_heads, head_dim]`, that a layer has for a span's new token: `token` counts from its first.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn write(&mut self, span: usize, token: usize, layer: usize, keys: &[f32], values: &[f32]) {
        let shape = self.shape;
        let Span { tokens, table } = self.spans[span];
        assert!(token < tokens.len() && layer < shape.layers, "only what is new is written");
        let position = table.len - tokens.len() + token;
        let (id, slot) = (table.blocks[position / BLOCK], position % BLOCK);
        // SAFETY: these numbers lie in the block's slab, the block is this part's alone, and the part is borrowed mutably.
        let numbers =
            unsafe { std::slice::from_raw_parts_mut(self.slab(id).add(shape.start(id, layer)), shape.layer_len()) };
        let heads = keys.chunks_exact(shape.head_dim).zip(values.chunks_exact(shape.head_dim));
        let places = numbers.chunks_exact_mut(shape.keys_len() + shape.values_len());
        for ((key, value), place) in heads.zip(places) {
            let (own_keys, own_values) = place.split_at_mut(shape.keys_len());
            for (column, number) in own_keys.as_chunks_mut::<BLOCK>().0.iter_mut().zip(key) {
                column[slot] = *number;
            }
            own_values[slot * shape.value_dim()..][..shape.head_dim].copy_from_slice(value);
        }
    }

    fn slab(&self, id: BlockId) -> *mut f32 {
        self.slabs[id.0 as usize / SLAB]
    }
}

/// What stands before the next block of a table.
fn above_end(table: &Table) -> Above {
    table.blocks.last().map_or(Above::Root(table.root), |id| Above::Block(*id))
}

/// The tables of sessions that are between two turns.
#[derive(Debug, Default)]
pub struct Tables {
    kept: BTreeMap<Session, Kept>,
    /// By when they were last used.
    order: BTreeMap<u64, Session>,
    now: u64,
}

#[derive(Debug)]
struct Kept {
    tokens: Vec<u32>,
    table: Table,
    used: u64,
}

impl Tables {
    /// Keeps a session's table, with the tokens that have a place in it, in place of what was kept before.
    pub fn keep(&mut self, pool: &mut Pool, session: Session, tokens: Vec<u32>, table: Table) {
        self.forget(pool, session);
        self.now += 1;
        self.order.insert(self.now, session);
        self.kept.insert(session, Kept { tokens, table, used: self.now });
    }

    /// The table of a session, cut down to what it has in common with a stream, but for its last token, whose hidden state is where sampling starts;
    /// `None` for unknown sessions and other roots.
    pub fn take(&mut self, pool: &mut Pool, session: Session, root: u32, stream: &[u32]) -> Option<Table> {
        let Kept { tokens, mut table, .. } = self.remove(session)?;
        if table.root != root {
            pool.release(table);
            return None;
        }
        let common = tokens.iter().zip(stream).take_while(|(a, b)| a == b).count();
        pool.truncate(&mut table, common.min(stream.len() - 1));
        Some(table)
    }

    /// Drops a session.
    pub fn forget(&mut self, pool: &mut Pool, session: Session) {
        if let Some(kept) = self.remove(session) {
            pool.release(kept.table);
        }
    }

    /// Drops the session that was used longest ago; `false` if there is none.
    pub fn forget_oldest(&mut self, pool: &mut Pool) -> bool {
        let oldest = self.order.first_key_value().map(|(_, session)| *session);
        oldest.inspect(|session| self.forget(pool, *session)).is_some()
    }

    /// Drops all.
    pub fn clear(&mut self, pool: &mut Pool) {
        while self.forget_oldest(pool) {}
    }

    /// Sessions kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn remove(&mut self, session: Session) -> Option<Kept> {
        let kept = self.kept.remove(&session)?;
        self.order.remove(&kept.used);
        Some(kept)
    }
}

//! What a template puts around and between messages, as ids.
//!
//! Rendering is Jinja, encoding is a regular expression and a merge table: too slow to do again for every turn. And a template that
//! renders a whole conversation may write something else about its beginning once more has been said. So a template is taken apart once:
//! the text between two messages is a *join*, known by what stands behind it (the first message, or a later one, and whose) and by what
//! comes next. That explains a system prompt of the template's own, a date in the first message, tools, and neighbours in one block.
//! [`Probe`] proves that joins and contents laid end to end are what the template renders, up to its treatment of thoughts.
//!
//! ```text
//!           <|im_end|>\n<|im_start|>user\n        a join: head (text) | ids, from its first marker to its last | tail (text)
//!  content ┘ head: ""                  └ tail "user\n", encoded with the content as one text, as it would be in the whole rendering
//! ```
//!
//! Content never passes through the template, so nothing in it can be taken for markup.

mod probe;

use std::ops::Range;

use crate::Role;
use crate::Template;
use crate::TextError;
use crate::Tokenizer;
use crate::template::Extras;
use crate::thinking::Gap;
use crate::thinking::Treatment;
pub(crate) use probe::Layout;
use probe::Pieces;
use probe::Probe;
use probe::Shown;

/// What a join stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nothing.
    Start,
    /// The first message.
    First(Role),
    /// Any other one.
    Later(Role),
}

impl Behind {
    /// All of them, in the order of their indices.
    pub(crate) fn all() -> impl Iterator<Item = Behind> {
        let roles = |of: fn(Role) -> Behind| Role::ALL.into_iter().map(of);
        std::iter::once(Behind::Start).chain(roles(Behind::First)).chain(roles(Behind::Later))
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Behind::Start => 0,
            Behind::First(role) => 1 + role as usize,
            Behind::Later(role) => 5 + role as usize,
        }
    }

    /// Behind one more message.
    pub(crate) fn then(self, role: Role) -> Behind {
        match self {
            Behind::Start => Behind::First(role),
            Behind::First(_) | Behind::Later(_) => Behind::Later(role),
        }
    }

    fn is_own(self) -> bool {
        matches!(self, Behind::First(Role::Assistant) | Behind::Later(Role::Assistant))
    }
}

/// What comes after a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A message of somebody else.
    Message(Role),
    /// The seat's own turn.
    Ask,
}

impl Next {
    pub(crate) const COUNT: usize = 4;
    pub(crate) const ALL: [Next; Next::COUNT] =
        [Next::Message(Role::System), Next::Message(Role::User), Next::Message(Role::Tool), Next::Ask];

    pub(crate) fn index(self) -> usize {
        match self {
            Next::Message(Role::System) => 0,
            Next::Message(Role::User) => 1,
            Next::Message(Role::Tool) => 2,
            Next::Message(Role::Assistant) | Next::Ask => 3,
        }
    }

    pub(crate) fn role(self) -> Option<Role> {
        match self {
            Next::Message(role) => Some(role),
            Next::Ask => None,
        }
    }
}

/// The template's text between two places.
#[derive(Clone, Debug)]
struct Join {
    /// Text before the first marker; all of it if there is no marker.
    head: String,
    /// From the first marker to the last; `None` if there is none.
    ids: Option<Vec<u32>>,
    /// Text behind the last marker.
    tail: String,
}

impl Join {
    fn new(tokenizer: &Tokenizer, text: &str) -> Join {
        match tokenizer.marked(text) {
            Some(Range { start, end }) => Join {
                head: text[..start].to_owned(),
                ids: Some(tokenizer.encode_markup(&text[start..end])),
                tail: text[end..].to_owned(),
            },
            None => Join { head: text.to_owned(), ids: None, tail: String::new() },
        }
    }
}

/// All joins of a template, as ids.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    joins: Vec<[Join; Next::COUNT]>,
    shown: [Shown; 4],
    /// The id that closes the assistant's turn.
    pub(crate) close: u32,
    /// How many ids at the end of the asking prompt are a thought's tags, or the opening one.
    pub(crate) ask_block_len: usize,
    /// Whether the asking prompt has opened the thought already.
    pub(crate) opened: bool,
    pub(crate) treatment: Treatment,
    pub(crate) gap: Gap,
    pub(crate) layout: Layout,
    /// Whether a stream that has been shown nothing begins with an empty brief; see [`Pieces::brief_first`].
    pub(crate) brief_first: bool,
    /// Whether the template renders whole conversations exactly as their pieces laid end to end, own turns included.
    pub(crate) exact: bool,
}

impl Frames {
    /// Takes the template apart, and proves that putting it together again gives what it renders.
    pub(crate) fn new(tokenizer: &Tokenizer, template: &Template, extras: &Extras) -> Result<Frames, TextError> {
        let pieces = Probe::new(template, extras).pieces()?;
        let close = close(tokenizer, &pieces)?;
        let joins = pieces.joins.iter().map(|texts| texts.each_ref().map(|text| Join::new(tokenizer, text))).collect();
        let block = pieces.ask_block();
        let ask = pieces.join(Behind::First(Role::User), Next::Ask);
        let (ask_ids, block_ids) = (tokenizer.encode_markup(ask), tokenizer.encode_markup(block));
        let frames = Frames {
            joins,
            shown: pieces.shown,
            close,
            ask_block_len: if ask_ids.ends_with(&block_ids) { block_ids.len() } else { 0 },
            opened: pieces.is_opened(),
            treatment: pieces.treatment,
            gap: pieces.gap,
            layout: pieces.layout.clone(),
            brief_first: pieces.brief_first,
            exact: pieces.exact,
        };
        frames.check_ids(tokenizer, &pieces)?;
        Ok(frames)
    }

    /// Where a stream goes on. `closed`: it ends with an own turn that has its closing id already.
    pub(crate) fn write<'a>(
        &'a self,
        tokenizer: &'a Tokenizer,
        behind: Behind,
        closed: bool,
        ids: &'a mut Vec<u32>,
    ) -> Writer<'a> {
        Writer {
            frames: self,
            tokenizer,
            behind,
            closed,
            ids,
            run: String::new(),
            inside: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// A content as the template shows it.
    pub(crate) fn shown(&self, role: Role, content: &str) -> String {
        self.shown[role as usize].of(content)
    }

    /// What was laid end to end in text must also be it in ids: a merge across a border, or a marker that swallows a space, would show.
    fn check_ids(&self, tokenizer: &Tokenizer, pieces: &Pieces) -> Result<(), TextError> {
        let roles = [Role::System, Role::User, Role::Tool];
        for number in 0..27usize {
            let chosen: Vec<Role> = (0..3).map(|place| roles[number / 3usize.pow(place) % 3]).collect();
            let messages: Vec<(Role, String)> =
                chosen.iter().enumerate().map(|(at, role)| (*role, format!("\n x{at}\n\n \"é\" 14.\n "))).collect();
            let mut ids = Vec::new();
            let mut writer = self.write(tokenizer, Behind::Start, false, &mut ids);
            messages.iter().for_each(|(role, content)| writer.message(*role, content));
            writer.ask();
            if ids != tokenizer.encode_markup(&pieces.lay(&messages)) {
                let names: Vec<&str> = chosen.iter().map(|role| role.name()).collect();
                return Err(TextError::OtherIds { roles: names.join(", ") });
            }
        }
        Ok(())
    }
}

/// The special token that the template writes behind each own turn, whatever comes next.
fn close(tokenizer: &Tokenizer, pieces: &Pieces) -> Result<u32, TextError> {
    let mut found = None;
    for behind in Behind::all().filter(|behind| behind.is_own()) {
        for next in Next::ALL {
            let text = pieces.join(behind, next);
            let marker = tokenizer.protected().iter().filter(|marker| text.starts_with(marker.as_str()));
            let longest = marker.max_by_key(|marker| marker.len()).ok_or(TextError::NoCloseToken)?;
            if *found.get_or_insert(longest) != longest {
                return Err(TextError::NoCloseToken);
            }
        }
    }
    found.and_then(|marker| tokenizer.id(marker)).ok_or(TextError::NoCloseToken)
}

/// Puts messages behind a stream.
pub(crate) struct Writer<'a> {
    frames: &'a Frames,
    tokenizer: &'a Tokenizer,
    behind: Behind,
    /// Whether the own turn that ends the stream has its closing id already.
    closed: bool,
    ids: &'a mut Vec<u32>,
    /// Text since the last marker: the template's and contents, encoded as one.
    run: String,
    /// Which bytes of the run are contents.
    inside: Vec<Range<usize>>,
    /// Where in the stream contents lie, in their order.
    spans: Vec<Range<usize>>,
}

impl Writer<'_> {
    /// Appends a message.
    pub(crate) fn message(&mut self, role: Role, content: &str) {
        self.join(Next::Message(role));
        let start = self.run.len();
        self.run.push_str(&self.frames.shown[role as usize].of(content));
        self.inside.push(start..self.run.len());
        self.behind = self.behind.then(role);
    }

    /// Appends the prompt that asks the seat to write; says what stands behind its turn now, and where contents lie.
    pub(crate) fn ask(mut self) -> (Behind, Vec<Range<usize>>) {
        self.join(Next::Ask);
        self.flush();
        (self.behind.then(Role::Assistant), self.spans)
    }

    fn join(&mut self, next: Next) {
        let frames = self.frames;
        let Join { head, ids, tail } = &frames.joins[self.behind.index()][next.index()];
        self.run.push_str(head);
        if let Some(ids) = ids {
            self.flush();
            self.ids.extend_from_slice(&ids[usize::from(std::mem::take(&mut self.closed))..]);
            self.run.push_str(tail);
        }
    }

    fn flush(&mut self) {
        if self.run.is_empty() && self.inside.is_empty() {
            return;
        }
        let start = self.ids.len();
        let encoded = self.tokenizer.encode(&self.run);
        self.ids.extend_from_slice(&encoded);
        for inside in self.inside.drain(..) {
            let span = if inside == (0..self.run.len()) {
                0..encoded.len()
            } else {
                let bytes = |to: usize| self.tokenizer.normal(&self.run[..to]).len();
                tokens_within(self.tokenizer, &encoded, bytes(inside.start)..bytes(inside.end))
            };
            self.spans.push(start + span.start..start + span.end);
        }
        self.run.clear();
    }
}

/// The ids that hold bytes of a range.
fn tokens_within(tokenizer: &Tokenizer, ids: &[u32], bytes: Range<usize>) -> Range<usize> {
    let mut end = 0;
    let ends: Vec<usize> = ids
        .iter()
        .map(|id| {
            end += tokenizer.piece(*id).len();
            end
        })
        .collect();
    let start = ends.partition_point(|end| *end <= bytes.start);
    let before_end = ends.partition_point(|end| *end < bytes.end);
    let stop = if bytes.is_empty() { start } else { (before_end + 1).min(ids.len()) };
    start..stop.max(start)
}

//! Taking a template apart: conversations of known words are rendered, and what stands between the words is the template's own.

use crate::ChatMessage;
use crate::Json;
use crate::Role;
use crate::Template;
use crate::TextError;
use crate::frame::Behind;
use crate::frame::Next;
use crate::template::Extras;
use crate::template::is_space;
use crate::thinking::Gap;
use crate::thinking::Treatment;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;

/// Messages of the longest conversations that are rendered to prove that neighbours explain everything.
const LENGTH_MAX: u32 = 3;

/// How a template shows a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    AsIs,
    /// Without white space around it, as Llama's do.
    Trimmed,
    /// As a text of JSON, as Llama's do with what tools say.
    Json,
}

impl Shown {
    const ALL: [Shown; 3] = [Shown::AsIs, Shown::Trimmed, Shown::Json];

    /// The content as it is shown.
    pub(crate) fn of(self, content: &str) -> String {
        match self {
            Shown::AsIs => content.to_owned(),
            Shown::Trimmed => content.trim_matches(is_space).to_owned(),
            Shown::Json => Json::from(content).dumps(),
        }
    }
}

/// Where the template puts a thought that it writes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Before the thought.
    pub(crate) open: String,
    /// Between the thought and the reply.
    pub(crate) close: String,
}

/// A template in pieces.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    /// The text at each [`Behind`] before each [`Next`].
    pub(crate) joins: Vec<[String; Next::COUNT]>,
    /// How the contents of each role are shown; of the assistant's own turns nothing is known here.
    pub(crate) shown: [Shown; 4],
    /// What becomes of the thoughts of earlier turns.
    pub(crate) treatment: Treatment,
    /// Whether a conversation has to begin with somebody else's message: the template refuses one without messages, or writes more before an own
    /// turn at its beginning than it did when it asked for it.
    pub(crate) brief_first: bool,
    /// Whether whole conversations are rendered exactly as their pieces laid end to end, the assistant's turns included.
    pub(crate) exact: bool,
    pub(crate) gap: Gap,
    pub(crate) layout: Layout,
}

impl Pieces {
    /// The text between two messages, before the first one, or before the assistant writes.
    pub(crate) fn join(&self, behind: Behind, next: Next) -> &str {
        &self.joins[behind.index()][next.index()]
    }

    /// A conversation as its pieces laid end to end; of the assistant, what it wrote. With the prompt that asks it to write again.
    pub(crate) fn lay(&self, messages: &[(Role, String)]) -> String {
        self.lay_bare(messages, |_| false)
    }

    /// The same, where before some of the assistant's turns the prompt writes no tag.
    fn lay_bare(&self, messages: &[(Role, String)], bare: impl Fn(usize) -> bool) -> String {
        let mut text = String::new();
        let mut behind = Behind::Start;
        for (at, (role, content)) in messages.iter().enumerate() {
            match role {
                Role::Assistant => {
                    let ask = self.join(behind, Next::Ask);
                    text.push_str(if bare(at) { ask.strip_suffix(self.ask_block()).unwrap_or(ask) } else { ask });
                    text.push_str(content);
                }
                Role::System | Role::User | Role::Tool => {
                    text.push_str(self.join(behind, Next::Message(*role)));
                    text.push_str(&self.shown[*role as usize].of(content));
                }
            }
            behind = behind.then(*role);
        }
        text + self.join(behind, Next::Ask)
    }

    /// The roles of all conversations of up to three messages that a stream can hold.
    fn conversations(&self) -> impl Iterator<Item = Vec<Role>> + use<> {
        let brief_first = self.brief_first;
        let roles =
            |number: usize, length: u32| (0..length).map(move |place| Role::ALL[number / 4usize.pow(place) % 4]);
        (1..=LENGTH_MAX)
            .flat_map(move |length| {
                (0..4usize.pow(length)).map(move |number| roles(number, length).collect::<Vec<_>>())
            })
            .filter(move |roles| !(brief_first && roles[0] == Role::Assistant))
    }

    /// The part of the asking prompt that begins with a thought's tag; empty mostly.
    pub(crate) fn ask_block(&self) -> &str {
        let ask = self.join(Behind::First(Role::User), Next::Ask);
        ask.find(THINK_OPEN).map_or("", |at| &ask[at..])
    }

    /// An own turn as a message tells it, and as it is sampled: without the tag that the asking prompt has written already.
    fn own(&self, thought: Option<String>, reply: &str) -> (String, String) {
        let Some(thought) = thought else {
            return (reply.to_owned(), reply.to_owned());
        };
        let Layout { open, close } = &self.layout;
        let sampled = [thought.as_str(), close, reply].concat();
        let told = [open.as_str(), &sampled].concat();
        if self.is_opened() { (told, sampled) } else { (told.clone(), told) }
    }

    /// Whether the asking prompt has begun the thought already.
    pub(crate) fn is_opened(&self) -> bool {
        self.ask_block().contains(THINK_OPEN) && !self.ask_block().contains(THINK_CLOSE)
    }
}

/// A template being taken apart.
pub(crate) struct Probe<'a> {
    template: &'a Template,
    extras: &'a Extras,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(template: &'a Template, extras: &'a Extras) -> Probe<'a> {
        Probe { template, extras }
    }

    /// The pieces, proven to give what the template renders, up to its treatment of thoughts.
    ///
    /// # Errors
    /// [`TextError::Unanswered`], [`TextError::ContentChanged`], [`TextError::NotPrefixStable`] or [`TextError::ThoughtsChanged`].
    pub(crate) fn pieces(&self) -> Result<Pieces, TextError> {
        let joins = Behind::all().map(|behind| self.joins_behind(behind)).collect::<Result<Vec<_>, _>>()?;
        let mut pieces = Pieces {
            joins,
            shown: [Shown::AsIs; 4],
            treatment: Treatment::Kept,
            brief_first: false,
            exact: false,
            gap: Gap::Nothing,
            layout: Layout { open: THINK_OPEN.to_owned(), close: THINK_CLOSE.to_owned() },
        };
        for role in [Role::System, Role::User, Role::Tool] {
            pieces.shown[role as usize] = self.shown(&pieces, role)?;
        }
        pieces.brief_first = self.check_stable(&pieces, &[Role::Assistant]).is_err();
        let plain = self.check_all_stable(&pieces)?;
        self.find_layout(&mut pieces)?;
        let kept = self.find_treatment(&mut pieces)?;
        pieces.exact = plain && kept && self.shows_own_as_is(&pieces)?;
        Ok(pieces)
    }

    /// All texts that can stand behind one place.
    fn joins_behind(&self, behind: Behind) -> Result<[String; Next::COUNT], TextError> {
        let before: &[Role] = match behind {
            Behind::Start => &[],
            Behind::First(role) => &[role],
            Behind::Later(role) => &[Role::User, role],
        };
        let mut texts = <[String; Next::COUNT]>::default();
        for next in Next::ALL {
            let mut roles = before.to_vec();
            roles.extend(next.role());
            texts[next.index()] = match self.between(&roles) {
                // Templates of the Qwen family look at the first message without asking whether there is one.
                Err(TextError::Unanswered { .. }) if roles.is_empty() => String::new(),
                found => found?.swap_remove(before.len()),
            };
        }
        Ok(texts)
    }

    /// What stands around and between the contents of a conversation that asks the assistant to write.
    fn between(&self, roles: &[Role]) -> Result<Vec<String>, TextError> {
        let messages: Vec<(Role, String)> = roles.iter().enumerate().map(|(at, role)| (*role, word(at))).collect();
        let whole = self.render(&messages, true)?;
        let mut rest = whole.as_str();
        let mut texts = Vec::new();
        for (role, content) in &messages {
            // Of a text of JSON the quotes belong to the content.
            let quoted = Shown::Json.of(content);
            let shown = if *role == Role::Tool && rest.contains(&quoted) { &quoted } else { content };
            let changed = TextError::ContentChanged { role: role.name() };
            let (before, after) = rest.split_once(shown.as_str()).ok_or(changed)?;
            texts.push(before.to_owned());
            rest = after;
        }
        texts.push(rest.to_owned());
        Ok(texts)
    }

    fn render(&self, messages: &[(Role, String)], ask: bool) -> Result<String, TextError> {
        let chat: Vec<ChatMessage> =
            messages.iter().map(|(role, text)| ChatMessage::new(*role, text.as_str())).collect();
        self.template
            .render_with(&chat, ask, self.extras)
            .map_err(|error| TextError::Unanswered { roles: names(messages), why: error.to_string() })
    }

    fn shown(&self, pieces: &Pieces, role: Role) -> Result<Shown, TextError> {
        let first = [(role, nasty(0))];
        let (first_whole, later_whole) =
            (self.render(&first, true)?, self.render(&[(Role::User, word(0)), (role, nasty(1))], true)?);
        let fits = |shown: &Shown| {
            let mut pieces = pieces.clone();
            pieces.shown[role as usize] = *shown;
            let before = pieces.join(Behind::First(Role::User), Next::Message(role));
            let later = [before, &shown.of(&nasty(1)), pieces.join(Behind::Later(role), Next::Ask)].concat();
            pieces.lay(&first) == first_whole && later_whole.ends_with(&later)
        };
        Shown::ALL.into_iter().find(fits).ok_or(TextError::ContentChanged { role: role.name() })
    }

    /// Every short conversation must be its messages laid end to end. Says whether that holds without looking away from thoughts.
    fn check_all_stable(&self, pieces: &Pieces) -> Result<bool, TextError> {
        let mut exact = true;
        for roles in pieces.conversations() {
            exact &= self.check_stable(pieces, &roles)?;
        }
        Ok(exact)
    }

    fn check_stable(&self, pieces: &Pieces, roles: &[Role]) -> Result<bool, TextError> {
        let thinks = pieces.is_opened();
        let messages = conversation(roles, nasty, |at| pieces.own(thinks.then(String::new), &word(at)).0);
        let sampled = conversation(roles, nasty, |at| pieces.own(thinks.then(String::new), &word(at)).1);
        let (whole, laid) = (self.render(&messages, true)?, pieces.lay(&sampled));
        if without_empty_thoughts(&whole) != without_empty_thoughts(&laid) {
            return Err(TextError::NotPrefixStable { roles: names(&messages) });
        }
        Ok(whole == laid)
    }

    /// Finds out what becomes of thoughts, and says whether they stay to the letter.
    fn find_treatment(&self, pieces: &mut Pieces) -> Result<bool, TextError> {
        let mut fit = vec![Treatment::Kept, Treatment::Dropped, Treatment::DroppedBeforeUser];
        let mut exact = true;
        for roles in pieces.conversations().filter(|roles| roles.contains(&Role::Assistant)) {
            let messages = conversation(&roles, word, |at| pieces.own(Some(mind(at)), &word(at)).0);
            let whole = self.render(&messages, true)?;
            let user = roles.iter().rposition(|role| *role == Role::User);
            let treated = |treatment: Treatment| {
                let drops = |at| treatment.drops(at, user);
                let thought = |at| (!drops(at)).then(|| mind(at));
                pieces.lay_bare(&conversation(&roles, word, |at| pieces.own(thought(at), &word(at)).1), drops)
            };
            exact &= whole == treated(Treatment::Kept);
            fit.retain(|treatment| without_empty_thoughts(&whole) == without_empty_thoughts(&treated(*treatment)));
            if fit.is_empty() {
                return Err(TextError::ThoughtsChanged { roles: names(&messages) });
            }
        }
        pieces.treatment = fit[0];
        if pieces.treatment != Treatment::Kept {
            pieces.gap = self.gap(pieces)?;
        }
        Ok(exact)
    }

    /// Whether an own turn full of white space and tags is shown to the letter once the partner has spoken again.
    fn shows_own_as_is(&self, pieces: &Pieces) -> Result<bool, TextError> {
        let own = format!("{THINK_OPEN}{}{THINK_CLOSE}{}", nasty(7), nasty(8));
        let messages = [(Role::User, word(0)), (Role::Assistant, own), (Role::User, word(2))];
        Ok(self.render(&messages, true)? == pieces.lay(&messages))
    }

    /// What stands before and behind a thought where the template writes one.
    fn find_layout(&self, pieces: &mut Pieces) -> Result<(), TextError> {
        let own = [THINK_OPEN, &mind(1), THINK_CLOSE, &word(1)].concat();
        let whole = self.render(&[(Role::User, word(0)), (Role::Assistant, own)], false)?;
        let ask = pieces.lay(&[(Role::User, word(0))]);
        let asked = ask.strip_suffix(pieces.ask_block()).unwrap_or(&ask);
        let own = whole.strip_prefix(asked).and_then(|own| own.split_once(&mind(1)));
        let found = own.and_then(|(open, rest)| Some((open, rest.split_once(&word(1))?.0)));
        if let Some((open, close)) = found {
            pieces.layout = Layout { open: open.to_owned(), close: close.to_owned() };
        }
        Ok(())
    }

    /// What goes with a dropped thought.
    fn gap(&self, pieces: &Pieces) -> Result<Gap, TextError> {
        let own = format!("{THINK_OPEN}{}{THINK_CLOSE}\n\n {}", mind(1), word(1));
        let messages = [(Role::User, word(0)), (Role::Assistant, own), (Role::User, word(2))];
        let whole = self.render(&messages, true)?;
        let ask = pieces.lay(&messages[..1]);
        let asked = ask.strip_suffix(pieces.ask_block()).unwrap_or(&ask);
        let left = whole.strip_prefix(asked).and_then(|own| own.split_once(&word(1))).map(|(left, _)| left);
        match left {
            Some("") => Ok(Gap::Spaces),
            Some(" ") => Ok(Gap::Lines),
            Some("\n\n ") => Ok(Gap::Nothing),
            Some(_) | None => Err(TextError::ThoughtsChanged { roles: names(&messages) }),
        }
    }
}

/// A content without white space or markup.
fn word(at: usize) -> String {
    format!("word{at}x")
}

/// A thought.
fn mind(at: usize) -> String {
    format!("mind{at}x")
}

/// A content with spaces, line ends, quotes and braces, so that a template which trims, escapes or interprets content is found out.
fn nasty(at: usize) -> String {
    format!(" \n{{{{ probe{at} }}}} <&> \"é\" \n ")
}

/// A text without thoughts of nothing, and without the line ends behind them.
fn without_empty_thoughts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(THINK_OPEN) {
        out.push_str(before);
        match after.trim_start().strip_prefix(THINK_CLOSE) {
            Some(behind) => rest = behind.trim_start_matches('\n'),
            None => {
                out.push_str(THINK_OPEN);
                rest = after;
            }
        }
    }
    out + rest
}

/// A conversation of these roles.
fn conversation(roles: &[Role], others: fn(usize) -> String, own: impl Fn(usize) -> String) -> Vec<(Role, String)> {
    let content = |(at, role): (usize, &Role)| match role {
        Role::Assistant => (*role, own(at)),
        Role::System | Role::User | Role::Tool => (*role, others(at)),
    };
    roles.iter().enumerate().map(content).collect()
}

fn names(messages: &[(Role, String)]) -> String {
    let names: Vec<&str> = messages.iter().map(|(role, _)| role.name()).collect();
    if names.is_empty() { "an empty conversation".to_owned() } else { names.join(", ") }
}

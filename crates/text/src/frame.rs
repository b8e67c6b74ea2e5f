//! What a template puts around each message, as ids.
//!
//! Rendering is Jinja, encoding is a regular expression and a merge table: too slow to do again for every turn. A prefix-stable
//! template can be taken apart once. Each message then costs its own encoding and nothing else, and since content never passes
//! through the template, nothing in it can be taken for markup.
//!
//! ```text
//!  <|user|>            ┐ before: ids up to the last marker
//!          hello       │ glue and content are encoded as one text, as they would be in the whole rendering
//!               <|end|>┘ after: ids from the first marker on
//! ```

use crate::Role;
use crate::Template;
use crate::TextError;
use crate::Tokenizer;
use crate::template::ChatMessage;
use crate::tokenizer::THINK_CLOSE;
use crate::tokenizer::THINK_OPEN;

/// Stands for a message's content while the template is taken apart: spaces, line ends and braces, so that a template which trims,
/// escapes or interprets content is found out.
const PROBE: &str = " \n{{ probe }} <&> \n ";

/// The text around one role's content.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Ids before the content.
    pub(crate) before: Vec<u32>,
    /// Template text between the last marker and the content; mostly empty.
    glue_left: String,
    /// Template text between the content and the next marker; mostly empty.
    glue_right: String,
    /// Ids after the content. Of the assistant: the closing id first.
    pub(crate) after: Vec<u32>,
}

/// All roles' frames and the generation prompt.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    system: Frame,
    user: Frame,
    tool: Frame,
    /// Ids that ask the assistant to write.
    pub(crate) ask: Vec<u32>,
    /// Ids after the assistant's content: the closing id, and what the template writes behind it.
    pub(crate) close: Vec<u32>,
}

impl Frame {
    fn new(tokenizer: &Tokenizer, (before, after): &(String, String)) -> Frame {
        let ends = tokenizer.protected().iter().filter_map(|m| before.rfind(m.as_str()).map(|at| at + m.len()));
        let starts = tokenizer.protected().iter().filter_map(|m| after.find(m.as_str()));
        let (marked, glue_left) = before.split_at(ends.max().unwrap_or(0));
        let (glue_right, marked_after) = after.split_at(starts.min().unwrap_or(after.len()));
        Frame {
            before: tokenizer.encode_markup(marked),
            glue_left: glue_left.to_owned(),
            glue_right: glue_right.to_owned(),
            after: tokenizer.encode_markup(marked_after),
        }
    }

    /// Appends the content's ids, glue included; says how many.
    pub(crate) fn push_content(&self, tokenizer: &Tokenizer, content: &str, ids: &mut Vec<u32>) -> usize {
        let encoded = if self.glue_left.is_empty() && self.glue_right.is_empty() {
            tokenizer.encode(content)
        } else {
            tokenizer.encode(&[&self.glue_left, content, &self.glue_right].concat())
        };
        ids.extend_from_slice(&encoded);
        encoded.len()
    }
}

impl Frames {
    /// Takes the template apart, and proves that putting it together again gives what it renders.
    pub(crate) fn new(tokenizer: &Tokenizer, template: &Template) -> Result<Frames, TextError> {
        let ask = template.render(&[], true)?;
        let around = |role| around(template, role);
        let assistant = around(Role::Assistant)?;
        if assistant.0 != ask {
            return Err(TextError::NotPrefixStable { roles: "the generation prompt and assistant".to_owned() });
        }
        let [system, user, tool] = [around(Role::System)?, around(Role::User)?, around(Role::Tool)?];
        check_stable(template, &ask, |role| match role {
            Role::System => &system,
            Role::User => &user,
            Role::Tool => &tool,
            Role::Assistant => &assistant,
        })?;
        let close = Frame::new(tokenizer, &assistant);
        if close.after.is_empty() || !close.glue_right.is_empty() {
            return Err(TextError::NoCloseToken);
        }
        Ok(Frames {
            system: Frame::new(tokenizer, &system),
            user: Frame::new(tokenizer, &user),
            tool: Frame::new(tokenizer, &tool),
            ask: tokenizer.encode_markup(&ask),
            close: close.after,
        })
    }

    /// The frame of a source's messages.
    pub(crate) fn of(&self, source: sim::Source) -> &Frame {
        match source {
            sim::Source::Brief => &self.system,
            sim::Source::Partner => &self.user,
            sim::Source::World => &self.tool,
        }
    }
}

/// The text before and after a lone message of this role.
fn around(template: &Template, role: Role) -> Result<(String, String), TextError> {
    let text = template.render(&[ChatMessage::new(role, PROBE)], false)?;
    match text.split_once(PROBE) {
        Some((before, after)) if !after.contains(PROBE) => Ok((before.to_owned(), after.to_owned())),
        _ => Err(TextError::ContentChanged { role: role.name() }),
    }
}

/// Every conversation of up to three messages must be its messages laid end to end, thoughts of earlier turns included.
fn check_stable<'a>(
    template: &Template,
    ask: &str,
    around: impl Fn(Role) -> &'a (String, String),
) -> Result<(), TextError> {
    for length in 1..=3u32 {
        for number in 0..4usize.pow(length) {
            let roles: Vec<Role> = (0..length).map(|place| Role::ALL[number / 4usize.pow(place) % 4]).collect();
            let messages: Vec<ChatMessage> = roles.iter().map(|role| ChatMessage::new(*role, probe(*role))).collect();
            let whole = template.render(&messages, true)?;
            let mut parts: String = messages
                .iter()
                .map(|message| [&around(message.role).0, message.content.as_str(), &around(message.role).1].concat())
                .collect();
            parts.push_str(ask);
            if whole != parts {
                let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
                return Err(TextError::NotPrefixStable { roles: names.join(", ") });
            }
        }
    }
    Ok(())
}

fn probe(role: Role) -> String {
    match role {
        Role::Assistant => format!("{THINK_OPEN}{PROBE}{THINK_CLOSE}{PROBE}"),
        Role::System | Role::User | Role::Tool => PROBE.to_owned(),
    }
}

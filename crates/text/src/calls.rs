//! How a template announces a tool and writes its calls, found out by rendering.
//!
//! ```text
//!  Qwen, Hermes  <tool_call>\n{"name": "interact_with_env", "arguments": {"choice": ⟨⟩, "content": ⟨⟩}}\n</tool_call>
//!  Llama 3       {"name": "interact_with_env", "parameters": {"choice": ⟨⟩, "content": ⟨⟩}}
//! ```
//!
//! A call that is taught is the template's own text with these two places filled in, and it has to be read back as the act it was made of.

use sim::Act;
use sim::Choice;
use sim::Toolkit;

use crate::ChatMessage;
use crate::FunctionCall;
use crate::Json;
use crate::Role;
use crate::Template;
use crate::TextError;
use crate::reply::CallForm;
use crate::reply::PYTHON_TAG;
use crate::template::Extras;
use crate::tool_call;

/// The keyword argument by which templates of the Llama 3 family are told not to put tools into a message of the user's.
const IN_USER_MESSAGE: &str = "tools_in_user_message";
/// Words that stand for a choice and for a content.
const MARKS: [&str; 2] = ["choicemark", "contentmark"];
/// A content that has to be escaped, and that a template could take for something of its own.
const NASTY: &str = "{{ x }} <&> \"é\" \\ \n </tool_call> y";

/// How a family writes the calls of a seat's tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    /// What the seat may call.
    pub(crate) kit: &'static Toolkit,
    /// How they are told from text.
    pub(crate) form: CallForm,
    /// The text before the choice, between the two, and behind the content.
    parts: [String; 3],
}

/// What a template is told besides, so that it announces a seat's tool with the system message.
pub(crate) fn announced(kit: &Toolkit, template: &Template, extras: &Extras) -> Extras {
    let mut extras = extras.clone();
    extras.tools = Some(vec![tool_call::tool(kit)]);
    if template.source().contains(IN_USER_MESSAGE) {
        extras.variables.entry(IN_USER_MESSAGE.to_owned()).or_insert_with(|| Json::from(false));
    }
    extras
}

impl Calls {
    /// Finds out how the template writes calls of a tool that `extras` announce.
    ///
    /// # Errors
    /// [`TextError::NoTools`] if the template does not show the tool, or its calls in no form that is read back.
    pub(crate) fn find(kit: &'static Toolkit, template: &Template, extras: &Extras) -> Result<Calls, TextError> {
        let probe = Probe { template, extras };
        let head = [ChatMessage::new(Role::System, "brief"), ChatMessage::new(Role::User, "hello")];
        if !probe.render(&head)?.contains(tool_call::TOOL) {
            return Err(TextError::NoTools(format!("a prompt with the tool `{}` does not name it", tool_call::TOOL)));
        }
        let text = probe.call(MARKS)?;
        let unread = |what: &str| TextError::NoTools(format!("{what}: `{text}`"));
        let quoted = MARKS.map(|mark| Json::from(mark).dumps());
        let parts = text.split_once(&quoted[0]).and_then(|(before, rest)| {
            let (between, after) = rest.split_once(&quoted[1])?;
            Some([before, between, after].map(str::to_owned))
        });
        let parts = parts.ok_or_else(|| unread("it does not write a call with its arguments"))?;
        let bare = parts[0].strip_prefix(PYTHON_TAG).unwrap_or(&parts[0]).trim_start().starts_with('{');
        let form = match (parts[0].contains(tool_call::OPEN), bare) {
            (true, _) => CallForm::Tags,
            (false, true) => CallForm::Bare,
            (false, false) => return Err(unread("it writes calls neither in tags nor as bare objects")),
        };
        let calls = Calls { kit, form, parts };
        let written = calls.write(Choice::Answer, NASTY);
        let act = Act::Tool { choice: Choice::Answer, content: NASTY.to_owned() };
        let is_json = probe.call([tool_call::choice_name(Choice::Answer), NASTY])? == written;
        match is_json && tool_call::read(&written, form) == Ok(act) {
            true => Ok(calls),
            false => Err(unread("it does not write a call's arguments as JSON")),
        }
    }

    /// A call as the template writes it.
    pub(crate) fn write(&self, choice: Choice, content: &str) -> String {
        let [before, between, after] = &self.parts;
        let quoted = |text: &str| Json::from(text).dumps();
        [before, &quoted(tool_call::choice_name(choice)), between, &quoted(content), after].map(String::as_str).concat()
    }
}

/// A template that is asked what it writes.
struct Probe<'a> {
    template: &'a Template,
    extras: &'a Extras,
}

impl Probe<'_> {
    fn render(&self, messages: &[ChatMessage]) -> Result<String, TextError> {
        let refused =
            |error: TextError| TextError::NoTools(format!("a conversation with a tool cannot be shown: {error}"));
        self.template.render_with(messages, true, self.extras).map_err(refused)
    }

    /// What stands where an earlier turn of the assistant's is this call.
    fn call(&self, [choice, content]: [&str; 2]) -> Result<String, TextError> {
        let quoted = [choice, content].map(|text| Json::from(text).dumps());
        let arguments: Json = format!(r#"{{"choice": {}, "content": {}}}"#, quoted[0], quoted[1])
            .parse()
            .expect("two quoted texts are the values of an object");
        let call = FunctionCall { name: tool_call::TOOL.to_owned(), arguments };
        let called = ChatMessage { tool_calls: vec![call.into()], ..ChatMessage::new(Role::Assistant, "") };
        let whole = self.render(&talk(called))?;
        let said = self.render(&talk(ChatMessage::new(Role::Assistant, MARKS[0])))?;
        let around = said.split_once(MARKS[0]);
        let text = around
            .and_then(|(before, after)| whole.strip_prefix(before)?.strip_suffix(after))
            .filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| TextError::NoTools("it does not show the assistant's calls".to_owned()))
    }
}

/// A conversation in which this is what the assistant did.
fn talk(own: ChatMessage) -> [ChatMessage; 4] {
    let others = [(Role::System, "brief"), (Role::User, "hello"), (Role::Tool, "done")];
    let [brief, hello, done] = others.map(|(role, text)| ChatMessage::new(role, text));
    [brief, hello, own, done]
}

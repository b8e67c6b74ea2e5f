//! What the tests of this crate share: a small dialect, and records made by hand.

use std::sync::LazyLock;

use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Message;
use sim::Pair;
use sim::Phase;
use sim::Seat;
use sim::Source;
use sim::Thinking;
use sim::Turn;
use sim::record::Casting;
use sim::scenario::Split;

use crate::Added;
use crate::Dialect;
use crate::Folder;
use crate::Manner;
use crate::Template;
use crate::Tokenizer;

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    let corpus = (0..300).map(|i| {
        format!(
            "You sell a lamp. It cost you ${}. I offer ${}. The stock is low? intent trap stock, trust down.",
            i % 26,
            i * 3 % 26
        )
    });
    Tokenizer::train(corpus, &Added::new((0..=25).map(|price| format!(" ${price}")).collect()), 400).unwrap()
});

/// The user reasons, the agent does not.
pub(crate) fn dialect() -> Dialect {
    dialect_with(Template::default()).unwrap()
}

pub(crate) fn dialect_with(template: Template) -> Result<Dialect, crate::TextError> {
    Dialect::new(TOKENIZER.clone(), template, Pair { agent: false, user: true })
}

/// A template that drops the thoughts of all earlier turns.
pub(crate) const FORGETS: &str = "{%- for message in messages -%}{%- set content = message.content -%}\
    {%- if message.role == 'assistant' and '</think>' in content -%}{%- set content = (content | split('</think>'))[1] -%}{%- endif -%}\
    {{- '<|' + message.role + '|>' + content + '<|end|>' -}}{%- endfor -%}\
    {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

/// The same seats under [`FORGETS`], which they follow.
pub(crate) fn stripping() -> Dialect {
    let template = Template::new(FORGETS).unwrap();
    let folder = Folder { tokenizer: TOKENIZER.clone(), template, pad_id: None, eos_ids: Vec::new() };
    let manner = Manner { thinking: Thinking::Strip, ..Manner::default() };
    Dialect::of(folder, Pair { agent: false, user: true }, manner).unwrap()
}

pub(crate) fn message(from: Source, text: &str) -> Message {
    Message { from, text: text.to_owned() }
}

/// A record with these turns of `seat`, and nothing else.
pub(crate) fn record(seat: Seat, turns: Vec<(Vec<Message>, Decision)>) -> EpisodeRecord {
    let id = EpisodeId { phase: Phase::Grpo, round: 1, group: 0, trial: 0, member: 1 };
    let turn = |(observed, decision)| Turn { seat, observed, decision, answers: Vec::new(), effect: None };
    EpisodeRecord {
        casting: Casting::new(id, Split::Train, 0, Pair::default()),
        seed: 1,
        scenario: "none".to_owned(),
        item: "train-000000".to_owned(),
        turns: turns.into_iter().map(turn).collect(),
        stop: None,
        fault: None,
        verdict: None,
        scores: Pair::default(),
    }
}

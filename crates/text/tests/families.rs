//! Folders of the Qwen3, Qwen2.5 and Llama 3 kinds: templates of ours in `tests/families`, small tokenizers learned from pages of ours, and what
//! `transformers` made of 200 conversations with them (`tests/python/make_templates.py`).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use duologue_text::ChatMessage;
use duologue_text::Dialect;
use duologue_text::Drift;
use duologue_text::Extras;
use duologue_text::Folder;
use duologue_text::Json;
use duologue_text::Manner;
use duologue_text::Role;
use duologue_text::SeatStream;
use duologue_text::Template;
use duologue_text::TextError;
use duologue_text::Tokenizer;
use duologue_text::Treatment;
use duologue_text::drift;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde::Deserialize;
use sim::Act;
use sim::Decision;
use sim::EpisodeId;
use sim::EpisodeRecord;
use sim::Message;
use sim::Pair;
use sim::Phase;
use sim::Scenario;
use sim::Seat;
use sim::Source;
use sim::Thinking;
use sim::Tools;
use sim::Turn;
use sim::gyms::search;
use sim::gyms::telepathy;
use sim::record::Casting;
use sim::scenario::Split;

const NAMES: [&str; 3] = ["qwen3", "qwen2.5", "llama3"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/families").join(name)
}

fn folder(name: &str) -> Folder {
    Folder::open(&path(name)).expect("the folder is whole")
}

/// The user reasons, the agent does not.
static DIALECTS: LazyLock<[Dialect; 3]> = LazyLock::new(|| {
    NAMES.map(|name| {
        Dialect::open(&path(name), Pair { agent: false, user: true }).expect("its template can be taken apart")
    })
});

/// The same, where thoughts are stripped.
static STRIPPING: LazyLock<[Dialect; 3]> = LazyLock::new(|| {
    NAMES.map(|name| {
        let manner = Manner { thinking: Thinking::Strip, ..Manner::default() };
        Dialect::of(folder(name), Pair { agent: false, user: true }, manner).expect("its template can be taken apart")
    })
});

/// The agents of gyms in which acts are calls, keeping thoughts and stripping them.
static CALLING: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let mut dialects = Vec::new();
    for (name, thinking) in NAMES.into_iter().flat_map(|name| [(name, Thinking::Keep), (name, Thinking::Strip)]) {
        let manner = Manner { thinking, tools: Tools::Template, ..Manner::default() };
        let all = Dialect::of(folder(name), Pair { agent: true, user: true }, manner).expect("its template is sound");
        let seated = |scenario: &Scenario| all.seated(&scenario.rules, Seat::Agent).expect("it knows tools");
        dialects.extend([seated(&search::example()), seated(&telepathy::example())]);
    }
    dialects
});

fn dialect(name: &str) -> &'static Dialect {
    &DIALECTS[NAMES.iter().position(|other| *other == name).expect("it is one of the three")]
}

/// What `transformers` made.
#[derive(Deserialize)]
struct Golden {
    now: i64,
    chats: Vec<Chat>,
    /// Of each chat: without and with the prompt that asks for an answer; nothing where the template refuses.
    families: BTreeMap<String, Vec<[Option<Rendered>; 2]>>,
}

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Json>,
    tools: Option<Vec<Json>>,
    options: BTreeMap<String, Json>,
}

#[derive(Deserialize)]
struct Rendered {
    text: String,
    ids: Vec<u32>,
}

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    let mut json = String::new();
    let file = fs::File::open(path("golden.json.gz")).expect("it is part of the checkout");
    GzDecoder::new(file).read_to_string(&mut json).expect("it is packed JSON");
    serde_json::from_str(&json).expect("it is what the maker writes")
});

impl Chat {
    fn extras(&self) -> Extras {
        Extras { tools: self.tools.clone(), documents: None, variables: self.options.clone() }
    }

    /// The messages as our own type, if it holds all that is in them.
    fn typed(&self) -> Option<Vec<ChatMessage>> {
        let typed = |message: &Json| {
            let typed: ChatMessage = serde_json::from_str(&message.dumps()).ok()?;
            let back: Json = serde_json::to_string(&typed).ok()?.parse().ok()?;
            (back == *message).then_some(typed)
        };
        self.messages.iter().map(typed).collect()
    }
}

#[test]
fn two_hundred_conversations_are_rendered_and_encoded_as_transformers_does() {
    assert_eq!(GOLDEN.chats.len(), 200);
    let (mut rendered, mut refused, mut typed) = (0, 0, 0);
    for name in NAMES {
        let Folder { tokenizer, template, .. } = folder(name);
        let template = template.at(GOLDEN.now);
        for (number, (chat, expected)) in GOLDEN.chats.iter().zip(&GOLDEN.families[name]).enumerate() {
            for (ask, expected) in [false, true].into_iter().zip(expected) {
                let found = template.render_with(&chat.messages, ask, &chat.extras());
                let Some(Rendered { text, ids }) = expected else {
                    assert!(matches!(found, Err(TextError::Refused(_))), "{name}, chat {number}: {found:?}");
                    refused += 1;
                    continue;
                };
                assert_eq!(found.as_deref(), Ok(text.as_str()), "{name}, chat {number}, ask {ask}");
                assert_eq!(&tokenizer.encode_markup(text), ids, "{name}, chat {number}, ask {ask}");
                rendered += 1;
                if let Some(messages) = chat.typed() {
                    assert_eq!(template.render_with(&messages, ask, &chat.extras()).as_deref(), Ok(text.as_str()));
                    typed += 1;
                }
            }
        }
    }
    assert_eq!(rendered + refused, 1200);
    assert!(refused > 0 && rendered > 1000 && typed > 300, "{rendered} rendered, {refused} refused, {typed} typed");
}

#[test]
fn a_folder_says_what_pads_and_what_ends_a_turn() {
    let tokens = |name: &str| {
        let dialect = dialect(name);
        let text = |ids: &[u32]| ids.iter().map(|id| dialect.tokenizer().decode(&[*id])).collect::<Vec<_>>();
        (text(&[dialect.pad_id()]).remove(0), text(dialect.close_ids()))
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(tokens("qwen3"), ("<|endoftext|>".to_owned(), names(&["<|im_end|>", "<|endoftext|>"])));
    assert_eq!(tokens("qwen2.5"), tokens("qwen3"));
    let closing = names(&["<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"]);
    assert_eq!(tokens("llama3"), ("<|finetune_right_pad_id|>".to_owned(), closing));
    let treatments = NAMES.map(|name| dialect(name).treatment());
    assert_eq!(treatments, [Treatment::DroppedBeforeUser, Treatment::Kept, Treatment::Kept]);
}

#[test]
fn what_a_folder_says_wrongly_is_named() {
    let copy = tempfile::tempdir().unwrap();
    let copied = |file: &str| copy.path().join(file);
    let reset = || {
        for entry in fs::read_dir(path("qwen2.5")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copied(entry.file_name().to_str().unwrap())).unwrap();
        }
    };
    let with = |file: &str, content: &str| {
        reset();
        fs::write(copied(file), content).unwrap();
        Folder::open(copy.path()).map(|_| ()).unwrap_err().to_string()
    };
    let says = |found: String, expected: &str| assert!(found.contains(expected), "{found}");
    says(
        with("generation_config.json", r#"{"eos_token_id": 90000}"#),
        "eos_token_id: 90000 lies outside the vocabulary",
    );
    says(with("generation_config.json", r#"{"eos_token_id": ["x"]}"#), "no id and no list of ids");
    says(with("generation_config.json", "{"), "generation_config.json");
    says(with("tokenizer_config.json", r#"{"pad_token": "<pad>", "chat_template": "x"}"#), "no token `<pad>`");
    says(with("tokenizer_config.json", r#"{"chat_template": 7}"#), "a list of {name, template}");
    says(with("tokenizer_config.json", "{}"), "chat_template.jinja: there is no such file");
    says(with("tokenizer_config.json", r#"{"chat_template": "{% if %}"}"#), "chat template: ");
    let added = r#"{"chat_template": "x", "added_tokens_decoder": {"990": {"content": "<new>"}}}"#;
    says(with("tokenizer_config.json", added), "`<new>` is 990 here and not in tokenizer.json");
    reset();
    fs::write(copied("chat_template.jinja"), "the file wins").unwrap();
    assert_eq!(Folder::open(copy.path()).unwrap().template.source(), "the file wins");
    fs::remove_file(copied("tokenizer_config.json")).unwrap();
    fs::remove_file(copied("generation_config.json")).unwrap();
    let bare = Folder::open(copy.path()).unwrap();
    assert_eq!((bare.pad_id, bare.eos_ids), (None, vec![]), "older folders have neither file");
}

fn message(from: Source, text: &str) -> Message {
    Message { from, text: text.to_owned() }
}

/// As a policy would hand it over.
fn sampled(stream: &mut SeatStream, dialect: &Dialect, tokens: Vec<u32>) -> Decision {
    let closed = tokens.last().is_some_and(|last| dialect.close_ids().contains(last));
    let logprobs = vec![-0.5; tokens.len()];
    stream.sampled(tokens, logprobs, closed, 1, "model", 1.0)
}

fn ids(dialect: &Dialect, text: &str) -> Vec<u32> {
    dialect.tokenizer().encode_markup(text)
}

/// A conversation of three own turns, with these written; as messages, and as a stream that asks for a fourth.
fn talk(dialect: &Dialect, reasons: bool, wrote: [&str; 3]) -> (Vec<ChatMessage>, SeatStream) {
    let heard = [
        vec![message(Source::Brief, " You sell a lamp.\n"), message(Source::Partner, "What does it cost?")],
        vec![message(Source::Partner, "Too much, I'd say.\n")],
        vec![message(Source::World, "stock: 3"), message(Source::World, "fee: \"2\"")],
        vec![message(Source::Partner, "Good.")],
    ];
    let close = dialect.tokenizer().decode(&[dialect.close_id()]);
    let (mut messages, mut stream) = (Vec::new(), SeatStream::new(dialect, reasons));
    for (turn, heard) in heard.iter().enumerate() {
        stream.observe(heard);
        messages.extend(heard.iter().map(|message| ChatMessage::new(message.from.into(), message.text.as_str())));
        if let Some(wrote) = wrote.get(turn) {
            sampled(&mut stream, dialect, ids(dialect, &format!("{wrote}{close}")));
            messages.push(ChatMessage::new(Role::Assistant, *wrote));
        }
    }
    (messages, stream)
}

#[test]
fn a_stream_without_thoughts_is_the_whole_conversation_rendered_and_encoded_at_once() {
    for (name, dialect) in NAMES.iter().zip(&*DIALECTS) {
        for reasons in [false, true] {
            let (messages, stream) = talk(dialect, reasons, ["It costs $14.", "Let me look.", "There are 3 left."]);
            let whole = dialect.template().render_with(&messages, true, &dialect.extras(reasons)).unwrap();
            let stays = *name != "qwen3" || reasons;
            if stays {
                assert_eq!(dialect.tokenizer().decode(stream.tokens()), whole, "{name}");
                assert_eq!(stream.tokens(), ids(dialect, &whole), "{name}");
                assert_eq!(stream.own_prompt().cuts, [], "{name}");
            }
            // Qwen3's prompt writes an empty thought for a seat that does not think, and its template forgets it later.
            let own = stream.own_prompt();
            assert!(own.is_of(stream.tokens()));
            assert_eq!(own.ids, ids(dialect, &whole), "{name}");
            assert_eq!(own.cuts.len(), if stays { 0 } else { 3 });
        }
    }
}

#[test]
fn thoughts_stay_in_the_stream_and_go_from_a_turns_own_prompt_as_the_template_says() {
    let wrote = [
        "<think>\nhigh\n</think>\n\nIt costs $14.",
        "<think>\nlook\n</think>\n\nLet me look.",
        "<think>\nthree\n</think>\n\n3 left.",
    ];
    for (name, dialect) in NAMES.iter().zip(&*DIALECTS) {
        let (messages, stream) = talk(dialect, true, wrote);
        let whole = dialect.template().render_with(&messages, true, &dialect.extras(true)).unwrap();
        let text = dialect.tokenizer().decode(stream.tokens());
        assert_eq!(wrote.map(|wrote| text.contains(wrote)), [true; 3], "{name} keeps what was sampled");
        let own = stream.own_prompt();
        assert!(own.is_of(stream.tokens()));
        assert_eq!(dialect.tokenizer().decode(&own.ids), whole, "{name}");
        let cut: Vec<usize> = own.cuts.iter().map(|cut| cut.turn).collect();
        assert_eq!(cut, if *name == "qwen3" { vec![0, 1, 2] } else { vec![] });
        assert!(own.cuts.iter().all(|cut| cut.rest.is_empty()));
    }
    // Before the partner speaks again, the thought before a tool's answer stays.
    let dialect = dialect("qwen3");
    let mut stream = SeatStream::new(dialect, true);
    stream.observe(&[message(Source::Partner, "What does it cost?")]);
    sampled(&mut stream, dialect, ids(dialect, &format!("{}<|im_end|>", wrote[0])));
    stream.observe(&[message(Source::World, "stock: 3")]);
    assert_eq!(stream.own_prompt().cuts, []);
    sampled(&mut stream, dialect, ids(dialect, "<think>it never closes<|im_end|>"));
    stream.observe(&[message(Source::Partner, "Hm?")]);
    let cut: Vec<usize> = stream.own_prompt().cuts.iter().map(|cut| cut.turn).collect();
    assert_eq!(cut, [0], "to the template, a thought that never closes is text");
}

#[test]
fn an_id_that_holds_both_line_end_and_reply_is_encoded_anew_and_says_so() {
    let json = fs::read_to_string(path("qwen3").join("tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::from_json(json.replacen("\"<think>\"", "\"\\n\\nIt\"", 1));
    // The vocabulary without its own tag: tags are plain text there.
    let dialect =
        Dialect::new(tokenizer.unwrap(), folder("qwen3").template, Pair { agent: false, user: true }).unwrap();
    let straddles = dialect.tokenizer().id("\n\nIt").unwrap();
    let mut stream = SeatStream::new(&dialect, true);
    stream.observe(&[message(Source::Partner, "What does it cost?")]);
    let tokens =
        [ids(&dialect, "<think>\nhigh\n</think>"), vec![straddles], ids(&dialect, " is $14.<|im_end|>")].concat();
    let decision = sampled(&mut stream, &dialect, tokens);
    assert_eq!(decision.act, Ok(Act::Say("It is $14.".to_owned())));
    stream.observe(&[message(Source::Partner, "Too much.")]);
    let own = stream.own_prompt();
    assert_eq!(own.cuts.len(), 1);
    assert_eq!(dialect.tokenizer().decode(&own.cuts[0].rest), "It");
    assert!(own.is_of(stream.tokens()));
    let text = dialect.tokenizer().decode(&own.ids);
    assert!(text.contains("<|im_start|>assistant\nIt is $14.<|im_end|>"), "{text}");
}

#[test]
fn a_turn_may_end_with_any_closing_id_and_the_stream_goes_on_as_the_template_would() {
    let dialect = dialect("llama3");
    let mut stream = SeatStream::new(dialect, false);
    stream.observe(&[message(Source::Brief, "You sell."), message(Source::Partner, "Hi.")]);
    let decision = sampled(&mut stream, dialect, ids(dialect, "Hello!<|eom_id|>"));
    assert_eq!(decision.act, Ok(Act::Say("Hello!".to_owned())));
    stream.observe(&[message(Source::Partner, "No.")]);
    let header = |role| format!("<|start_header_id|>{role}<|end_header_id|>\n\n");
    let expected = format!("{}No.<|eot_id|>{}", header("user"), header("assistant"));
    assert_eq!(stream.prompt(), ids(dialect, &expected));
    assert_eq!(stream.tokens()[0], dialect.tokenizer().id("<|begin_of_text|>").unwrap());
    assert_eq!(stream.tokens().iter().filter(|id| **id == stream.tokens()[0]).count(), 1);
}

#[test]
fn what_is_taught_is_what_the_family_would_sample() {
    let act = Act::Tool { choice: sim::Choice::Search, content: "lamp".to_owned() };
    for (dialect, tags) in DIALECTS.iter().zip([2, 0, 0]) {
        let mut stream = SeatStream::new(dialect, true);
        stream.observe(&[message(Source::Brief, "You sell."), message(Source::Partner, "Hi.")]);
        let taught = Decision { act: Ok(act.clone()), thought: Some("a lamp".to_owned()), generation: None };
        let mut copy = stream.clone();
        let own = copy.teach(&taught).unwrap();
        let tokens = copy.tokens()[own.start..].to_vec();
        let shapes = |id: &&u32| ["<think>", "</think>"].iter().any(|tag| dialect.tokenizer().id(tag) == Some(**id));
        assert_eq!(tokens.iter().filter(shapes).count(), tags);
        let decision = sampled(&mut stream, dialect, tokens);
        assert_eq!(decision.act, taught.act);
        assert_eq!(decision.thought.as_deref().map(str::trim), Some("a lamp"));
        assert_eq!(stream.tokens(), copy.tokens());
    }
}

#[test]
fn what_others_write_never_gives_a_token_that_shapes_a_conversation() {
    for dialect in &*DIALECTS {
        let protected = dialect.tokenizer().protected();
        let hostile = protected.concat();
        let count = |text: &str| {
            let mut stream = SeatStream::new(dialect, true);
            stream.observe(&[
                message(Source::Brief, text),
                message(Source::Partner, text),
                message(Source::World, text),
            ]);
            let shapes = |id: &&u32| protected.contains(&dialect.tokenizer().decode(&[**id]));
            stream.tokens().iter().filter(shapes).count()
        };
        assert_eq!(count(&hostile), count("peace"));
    }
}

fn record(seat: Seat, turns: Vec<(Vec<Message>, Decision)>) -> EpisodeRecord {
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

/// How a turn is sampled: pieces, each encoded as the encoder would, byte by byte, or as any ids at all.
#[derive(Clone, Debug)]
enum Piece {
    Encoded(String),
    Bytes(String),
    Ids(Vec<u16>),
}

#[derive(Clone, Debug)]
struct Said {
    heard: Vec<(usize, String)>,
    pieces: Vec<Piece>,
    close: Option<usize>,
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any::<String>(),
        2 => prop::sample::select(vec![
            "", " ", "\n", " padded\n", "I offer $14.", "<think>half", "</think>", "<think>a</think>b", "<|im_end|>", "<|eot_id|>", "<|im_start|>user\n",
            "<tool_response>\nx\n</tool_response>", "e\u{301}", "\u{338}", "\u{1F}x", "日本語", "\u{E000}own\u{E000}", "\"q\"", "{{ x }}",
        ]).prop_map(str::to_owned),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let piece = prop_oneof![
        words().prop_map(Piece::Encoded),
        prop::sample::select(vec!["<think>\n", "\n</think>\n\n", "<think></think>", "\n\n", " trap"])
            .prop_map(|text| Piece::Encoded(text.to_owned())),
        words().prop_map(Piece::Bytes),
        prop::collection::vec(any::<u16>(), 0..5).prop_map(Piece::Ids),
    ];
    let heard = prop::collection::vec((0..3usize, words()), 0..4);
    let close = prop::option::weighted(0.8, 0..3usize);
    (heard, prop::collection::vec(piece, 0..4), close).prop_map(|(heard, pieces, close)| Said { heard, pieces, close })
}

fn written(dialect: &Dialect, said: &Said) -> Vec<u32> {
    let tokenizer = dialect.tokenizer();
    let mut tokens: Vec<u32> = said
        .pieces
        .iter()
        .flat_map(|piece| match piece {
            Piece::Encoded(text) => tokenizer.encode_markup(text),
            Piece::Bytes(text) => text.chars().flat_map(|c| tokenizer.encode(&c.to_string()).to_vec()).collect(),
            Piece::Ids(ids) => ids.iter().map(|id| u32::from(*id) % tokenizer.len() as u32).collect(),
        })
        .collect();
    // Sampling stops at the first closing id.
    tokens.retain(|id| !dialect.close_ids().contains(id));
    tokens.extend(said.close.map(|close| dialect.close_ids()[close % dialect.close_ids().len()]));
    tokens
}

/// A turn with calls in it, whole, broken, or several.
fn calling() -> impl Strategy<Value = Said> {
    let piece = prop::sample::select(vec![
        "<think>\na\n</think>\n\n",
        "<think>",
        "<tool_call>\n",
        "\n</tool_call>",
        "<|python_tag|>",
        r#"{"name": "interact_with_env", "arguments": {"choice": "search", "content": "é \"x\""}}"#,
        r#"{"name": "interact_with_env", "parameters": {"choice": "answer", "content": "H1"}}"#,
        r#"{"name": "interact_with_env", "arguments": {"choice": "dance", "content": 7}}"#,
        r#"{"name": "interact_with_env", "#,
        "; ",
        "Let me look.",
    ]);
    let pieces = prop::collection::vec(piece.prop_map(|text: &str| Piece::Encoded(text.to_owned())), 0..5);
    let heard = prop::collection::vec((0..3usize, words()), 0..4);
    let close = prop::option::weighted(0.8, 0..3usize);
    (heard, pieces, close).prop_map(|(heard, pieces, close)| Said { heard, pieces, close })
}

/// Its record, its stream, and what each turn was sampled from.
fn episode(dialect: &Dialect, seat: Seat, talk: &[Said]) -> (EpisodeRecord, SeatStream, Vec<Vec<u32>>) {
    let mut stream = SeatStream::new(dialect, dialect.reasons(seat));
    let mut contexts = Vec::new();
    let from = [Source::Brief, Source::Partner, Source::World];
    let mut turns = Vec::new();
    for said in talk {
        let heard: Vec<Message> = said.heard.iter().map(|(who, text)| message(from[*who], text)).collect();
        stream.observe(&heard);
        let own = stream.own_prompt();
        assert!(own.is_of(stream.tokens()));
        contexts.push(stream.context().into_owned());
        turns.push((heard, sampled(&mut stream, dialect, written(dialect, said))));
    }
    (record(seat, turns), stream, contexts)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn ten_thousand_episodes_do_not_drift(
        family in 0..3usize,
        seat in prop::sample::select(vec![Seat::Agent, Seat::User]),
        talk in prop::collection::vec(said(), 1..4),
    ) {
        let dialect = &DIALECTS[family];
        let (record, stream, _) = episode(dialect, seat, &talk);
        prop_assert_eq!(drift(&record, seat, dialect), Drift { none: talk.len() as u64, ..Drift::default() });
        // Laid end to end, what was shown and what was sampled is the stream: nothing was encoded a second time.
        let generations = record.turns.iter().filter_map(|turn| turn.decision.generation.as_ref());
        let laid: Vec<u32> = generations.flat_map(|made| [made.prompt.clone(), made.tokens.clone()].concat()).collect();
        prop_assert_eq!(laid, stream.tokens());
    }

    #[test]
    fn nor_do_episodes_whose_thoughts_are_stripped(
        family in 0..3usize,
        seat in prop::sample::select(vec![Seat::Agent, Seat::User]),
        talk in prop::collection::vec(said(), 1..5),
    ) {
        let dialect = &STRIPPING[family];
        let (record, stream, contexts) = episode(dialect, seat, &talk);
        prop_assert_eq!(drift(&record, seat, dialect), Drift { none: talk.len() as u64, ..Drift::default() });
        // The record alone says what each turn was sampled from.
        let mut laid = Vec::new();
        for (turn, context) in record.turns.iter().zip(contexts) {
            let made = turn.decision.generation.as_ref().expect("a model wrote it");
            laid.extend(&made.prompt);
            prop_assert_eq!(made.read(&laid), Some(context));
            laid.extend(&made.tokens);
        }
        prop_assert_eq!(laid, stream.tokens());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn nor_do_episodes_of_seats_that_call_tools(
        calling in prop::sample::select((0..12usize).collect::<Vec<_>>()),
        talk in prop::collection::vec(prop_oneof![said(), calling()], 1..5),
    ) {
        let dialect = &CALLING[calling];
        let (record, stream, contexts) = episode(dialect, Seat::Agent, &talk);
        prop_assert_eq!(drift(&record, Seat::Agent, dialect), Drift { none: talk.len() as u64, ..Drift::default() });
        let mut laid = Vec::new();
        for (turn, context) in record.turns.iter().zip(contexts) {
            let made = turn.decision.generation.as_ref().expect("a model wrote it");
            laid.extend(&made.prompt);
            prop_assert_eq!(made.read(&laid), Some(context));
            laid.extend(&made.tokens);
        }
        prop_assert_eq!(laid, stream.tokens());
    }
}

#[test]
fn words_that_the_template_takes_for_a_tools_answer_leave_the_thought_before_them() {
    let dialect = &STRIPPING[0];
    let cuts = |answer: &str| {
        let mut stream = SeatStream::new(dialect, true);
        stream.observe(&[message(Source::Partner, "How many?")]);
        sampled(&mut stream, dialect, ids(dialect, "<think>\nlook\n</think>\n\nLet me look.<|im_end|>"));
        stream.observe(&[message(Source::Partner, answer)]);
        stream.own_prompt().cuts.len()
    };
    assert_eq!((cuts("Three."), cuts("<tool_response>\n3\n</tool_response>")), (1, 0));
}

/// What is found in an episode of three turns with thoughts that were stripped, after somebody spoiled the record of the last.
fn spoiled_strip(name: &str, spoil: impl Fn(&mut sim::Generation)) -> Drift {
    let dialect = &STRIPPING[NAMES.iter().position(|other| *other == name).expect("it is one of the three")];
    let mut stream = SeatStream::new(dialect, true);
    let mut turns = Vec::new();
    for heard in ["I offer $14 for it.", "And now?", "Well?"] {
        let heard = vec![message(Source::Partner, heard)];
        stream.observe(&heard);
        let tokens = ids(dialect, &format!("<think>\nlow\n</think>\n\nHello!{}", closing(dialect)));
        turns.push((heard, sampled(&mut stream, dialect, tokens)));
    }
    let mut record = record(Seat::User, turns);
    spoil(record.turns[2].decision.generation.as_mut().expect("the seat is a model"));
    drift(&record, Seat::User, dialect)
}

fn closing(dialect: &Dialect) -> String {
    dialect.tokenizer().decode(&[dialect.close_id()])
}

#[test]
fn what_a_turn_read_has_to_be_what_its_template_shows() {
    let found = |spoil: fn(&mut sim::Generation)| spoiled_strip("qwen3", spoil);
    let sound = Drift { none: 3, ..Drift::default() };
    assert_eq!(NAMES.map(|name| spoiled_strip(name, |_| ())), [sound; 3]);
    let cuts = |made: &mut sim::Generation| made.cuts.as_mut().map(std::mem::take).unwrap_or_default();
    let retemplated = Drift { none: 2, retemplated: 1, ..Drift::default() };
    // A thought that stays; one that goes without its tags; nothing said of thoughts at all.
    assert_eq!(found(|made| drop(made.cuts.as_mut().unwrap().pop())), retemplated);
    assert_eq!(found(|made| made.cuts.as_mut().unwrap()[1].range.start += 1), retemplated);
    assert_eq!(found(|made| made.cuts = None), retemplated);
    // A word of the partner's goes with it; cuts that are of no such stream.
    let edited = Drift { none: 2, history_edited: 1, ..Drift::default() };
    assert_eq!(found(|made| made.cuts.as_mut().unwrap()[0].range.start = 0), edited);
    assert_eq!(found(|made| made.cuts.as_mut().unwrap()[1].range.end = 90_000), edited);
    // The same text in other ids: the first id of the reply is cut too, and its letters stand there.
    let dialect = &STRIPPING[0];
    let letters: Vec<u32> =
        "Hello!".chars().flat_map(|c| dialect.tokenizer().encode(&c.to_string()).to_vec()).collect();
    let reply = dialect.tokenizer().encode("Hello!").len();
    assert!(reply < letters.len());
    let respelt = spoiled_strip("qwen3", |made| {
        let mut spelt = cuts(made);
        spelt[1].range.end += reply;
        spelt[1].rest = letters.clone();
        made.cuts = Some(spelt);
    });
    assert_eq!(respelt, Drift { none: 2, retokenised: 1, ..Drift::default() });
}

/// What is found in an episode of two plain turns after somebody spoiled its record.
fn spoiled(dialect: &Dialect, spoil: impl Fn(&mut EpisodeRecord)) -> Drift {
    let close = dialect.tokenizer().decode(&[dialect.close_id()]);
    let mut stream = SeatStream::new(dialect, false);
    let mut turns = Vec::new();
    for heard in ["I offer $14 for it.", "And now?"] {
        let heard = vec![message(Source::Partner, heard)];
        stream.observe(&heard);
        turns.push((heard, sampled(&mut stream, dialect, ids(dialect, &format!("Hello!{close}")))));
    }
    let mut record = record(Seat::Agent, turns);
    spoil(&mut record);
    drift(&record, Seat::Agent, dialect)
}

#[test]
fn what_is_spoiled_in_a_record_is_classified() {
    for dialect in &*DIALECTS {
        let tokenizer = dialect.tokenizer();
        let prompt = |record: &mut EpisodeRecord, turn: usize, change: &dyn Fn(&mut Vec<u32>)| {
            change(&mut record.turns[turn].decision.generation.as_mut().unwrap().prompt);
        };
        assert_eq!(spoiled(dialect, |_| ()), Drift { none: 2, ..Drift::default() });
        // The first token of several bytes, byte by byte.
        let split = |prompt: &mut Vec<u32>| {
            let at = prompt.iter().position(|id| {
                !tokenizer.protected().contains(&tokenizer.decode(&[*id])) && tokenizer.piece(*id).len() > 1
            });
            let at = at.unwrap();
            let letters: Vec<u32> = tokenizer
                .decode(&prompt[at..=at])
                .chars()
                .flat_map(|c| tokenizer.encode(&c.to_string()).to_vec())
                .collect();
            prompt.splice(at..=at, letters);
        };
        let found = spoiled(dialect, |record| prompt(record, 1, &split));
        assert_eq!(found, Drift { none: 1, retokenised: 1, ..Drift::default() });
        let found = spoiled(dialect, |record| prompt(record, 1, &|prompt| prompt.insert(0, dialect.close_id())));
        assert_eq!(found, Drift { none: 1, retemplated: 1, ..Drift::default() });
        let found = spoiled(dialect, |record| record.turns[0].observed[0].text = "I offer $15 for it.".to_owned());
        assert_eq!(found.history_edited, 1);
        let found = spoiled(dialect, |record| record.turns[1].decision.act = Decision::say("Hello.").act);
        assert_eq!(found, Drift { none: 1, history_edited: 1, ..Drift::default() });
    }
}

/// An episode of two plain turns, recorded under the family's own template, and what is found against another one.
fn against(name: &str, change: impl Fn(&str) -> String) -> Result<Drift, TextError> {
    let own = dialect(name);
    let mut stream = SeatStream::new(own, false);
    let mut turns = Vec::new();
    let close = own.tokenizer().decode(&[own.close_id()]);
    for heard in [
        vec![message(Source::Brief, "You sell."), message(Source::Partner, "Hi.")],
        vec![message(Source::Partner, "No.")],
    ] {
        stream.observe(&heard);
        turns.push((heard, sampled(&mut stream, own, ids(own, &format!("Hello!{close}")))));
    }
    let Folder { tokenizer, template, pad_id, eos_ids } = folder(name);
    let source = change(template.source());
    assert_ne!(source, template.source(), "{name}: nothing was broken");
    let template =
        Template::new(&source)?.with_variables([("bos_token".to_owned(), Json::from("<|begin_of_text|>"))].into());
    let broken = Dialect::of(Folder { tokenizer, template, pad_id, eos_ids }, Pair::default(), Manner::default())?;
    Ok(drift(&record(Seat::Agent, turns), Seat::Agent, &broken))
}

#[test]
fn a_broken_template_is_caught_and_classified() {
    let retemplated = |none, retemplated| Ok(Drift { none, retemplated, ..Drift::default() });
    let role = |from: &'static str, to: &'static str| move |source: &str| source.replace(from, to);
    // Another word in every prompt; another date in the first prompt alone; a blank that only later prompts have.
    assert_eq!(against("qwen3", role("<|im_start|>assistant\\n", "<|im_start|>assistant \\n")), retemplated(0, 2));
    assert_eq!(against("llama3", role("26 Jul 2024", "27 Jul 2024")), retemplated(1, 1));
    assert_eq!(against("qwen2.5", role("{{- '\\n' }}\n{%- endfor", "{{- ' \\n' }}\n{%- endfor")), retemplated(0, 2));
    // What cannot be taken apart is refused, each for its own reason.
    let shouts =
        against("qwen2.5", role("~ message['content'] ~ '<|im_end|>'", "~ message['content'].upper() ~ '<|im_end|>'"));
    assert_eq!(shouts, Err(TextError::ContentChanged { role: "user" }));
    let looks = against(
        "qwen2.5",
        role("{{- '<|im_end|>\\n' }}\n{%- for", "{{- messages | length ~ '<|im_end|>\\n' }}\n{%- for"),
    );
    assert!(matches!(looks, Err(TextError::NotPrefixStable { .. })), "{looks:?}");
    let open = against(
        "qwen2.5",
        role("{{- '<|im_end|>' }}\n        {%- endgeneration", "{{- '' }}\n        {%- endgeneration"),
    );
    assert_eq!(open, Err(TextError::NoCloseToken));
    let refuses = against(
        "llama3",
        role(
            "{%- if messages and messages[0]",
            "{{- raise_exception('no') if messages | length > 2 }}{%- if messages and messages[0]",
        ),
    );
    assert!(matches!(refuses, Err(TextError::Unanswered { .. })), "{refuses:?}");
    let rethinks = against(
        "qwen3",
        role("'<think>\\n' + thought.strip('\\n')", "'<think>\\n' + thought.strip('\\n').replace('mind', 'soul')"),
    );
    assert!(matches!(rethinks, Err(TextError::ThoughtsChanged { .. })), "{rethinks:?}");
}

#[test]
fn tools_and_arguments_are_part_of_a_dialect() {
    let tool: Json = r#"{"type": "function", "function": {"name": "look", "parameters": {}}}"#.parse().unwrap();
    for name in ["qwen3", "qwen2.5"] {
        let extras = Extras { tools: Some(vec![tool.clone()]), ..Extras::default() };
        let manner = Manner { thinking: Thinking::Strip, extras, ..Manner::default() };
        let dialect = Dialect::of(folder(name), Pair { agent: true, user: true }, manner).unwrap();
        assert_eq!(dialect.thinking(), Thinking::Strip);
        let (messages, stream) = talk(&dialect, true, ["It costs $14.", "Let me look.", "There are 3 left."]);
        let whole = dialect.template().render_with(&messages, true, &dialect.extras(true)).unwrap();
        assert!(whole.contains(r#"{"type": "function", "function": {"name": "look", "parameters": {}}}"#));
        assert_eq!(stream.tokens(), ids(&dialect, &whole), "{name}");
    }
    // Without a message of the user, Llama's template has nowhere to put tools unless it is told to put them elsewhere.
    let tools = Some(vec![tool]);
    let told = |variables: BTreeMap<String, Json>| {
        let manner =
            Manner { extras: Extras { tools: tools.clone(), documents: None, variables }, ..Manner::default() };
        Dialect::of(folder("llama3"), Pair::default(), manner)
    };
    assert!(matches!(told(BTreeMap::new()), Err(TextError::Unanswered { .. })));
    assert!(told([("tools_in_user_message".to_owned(), Json::from(false))].into()).is_ok());
}

fn agents_dialect(name: &str, scenario: &Scenario) -> Result<Dialect, TextError> {
    let manner = Manner { tools: Tools::Template, ..Manner::default() };
    let all = Dialect::of(folder(name), Pair::default(), manner)?;
    all.seated(&scenario.rules, Seat::Agent)
}

/// How each family writes a search.
const SEARCHES: [&str; 3] = [
    "<tool_call>\n{\"name\": \"interact_with_env\", \"arguments\": {\"choice\": \"search\", \"content\": \"lamp \\\"é\\\"\"}}\n</tool_call>",
    "<tool_call>\n{\"name\": \"interact_with_env\", \"arguments\": {\"choice\": \"search\", \"content\": \"lamp \\\"é\\\"\"}}\n</tool_call>",
    "{\"name\": \"interact_with_env\", \"parameters\": {\"choice\": \"search\", \"content\": \"lamp \\\"é\\\"\"}}",
];

#[test]
fn a_seat_with_a_tool_reads_what_the_template_shows_and_its_calls_are_those_of_its_family() {
    let search = Act::Tool { choice: sim::Choice::Search, content: "lamp \"é\"".to_owned() };
    for (name, written) in NAMES.into_iter().zip(SEARCHES) {
        let dialect = agents_dialect(name, &search::example()).unwrap();
        let close = dialect.tokenizer().decode(&[dialect.close_id()]);
        let (messages, stream) = talk(&dialect, false, [written, "I am done.", written]);
        let whole = dialect.template().render_with(&messages, true, &dialect.extras(false)).unwrap();
        let own = stream.own_prompt();
        assert_eq!(dialect.tokenizer().decode(&own.ids), whole, "{name}");
        let head = whole.split(close.as_str()).next().unwrap();
        assert!(head.contains("You sell a lamp.") && head.contains("shows pages; the content"), "{name}: {head}");

        // What scripts write in prose is taught as the family's calls, and read back as the act.
        for act in [search.clone(), Act::Say("[search] lamp \"é\"".to_owned())] {
            let mut taught = SeatStream::new(&dialect, false);
            let heard = [message(Source::Brief, "You look."), message(Source::Partner, "Well?")];
            taught.observe(&heard);
            let mut copy = taught.clone();
            let own = taught.teach(&Decision { act: Ok(act), thought: None, generation: None }).unwrap();
            let tokens = taught.tokens()[own.start..].to_vec();
            assert_eq!(dialect.tokenizer().decode(&tokens), format!("{written}{close}"), "{name}");
            assert_eq!(sampled(&mut copy, &dialect, tokens).act, Ok(search.clone()));
        }
    }
}

#[test]
fn calls_that_cannot_be_made_are_malformed_and_talk_is_talk() {
    let tagged = |arguments: &str| {
        format!("<tool_call>{{\"name\": \"interact_with_env\", \"arguments\": {arguments}}}</tool_call>")
    };
    let bare = |arguments: &str| format!("{{\"name\": \"interact_with_env\", \"parameters\": {arguments}}}");
    for (name, call) in [("qwen3", &tagged as &dyn Fn(&str) -> String), ("llama3", &bare)] {
        let dialect = agents_dialect(name, &search::example()).unwrap();
        let close = dialect.tokenizer().decode(&[dialect.close_id()]);
        let act = |text: &str| {
            let mut stream = SeatStream::new(&dialect, false);
            stream.observe(&[message(Source::Partner, "Well?")]);
            sampled(&mut stream, &dialect, ids(&dialect, &format!("{text}{close}"))).act
        };
        let good = call(r#"{"choice": "answer", "content": "H1"}"#);
        assert_eq!(act(&good), Ok(Act::Tool { choice: sim::Choice::Answer, content: "H1".to_owned() }));
        assert_eq!(act("I look."), Ok(Act::Say("I look.".to_owned())));
        for (text, why) in [
            (format!("{good}{good}"), "more than one"),
            (good.replace("interact_with_env", "rm"), "the only tool"),
            (call(r#"{"choice": "dance", "content": "H1"}"#), "the choice is"),
            (call(r#"{"choice": "answer"}"#), "no content"),
            (call("7"), "no object"),
            (good[..good.len() / 2].to_owned(), "cut off"),
        ] {
            assert!(matches!(act(&text), Err(sim::NoAct::Malformed(found)) if found.contains(why)), "{name}: {text}");
        }
    }
    let tagged = agents_dialect("llama3", &search::example()).unwrap();
    let mut stream = SeatStream::new(&tagged, false);
    stream.observe(&[message(Source::Partner, "Well?")]);
    let text = format!("<|python_tag|>{}<|eom_id|>", bare(r#"{"choice": "answer", "content": "H1"}"#));
    assert!(sampled(&mut stream, &tagged, ids(&tagged, &text)).act.is_ok(), "the family's own tag spoils nothing");
}

#[test]
fn a_template_that_does_no_tools_is_refused_and_seats_without_any_are_as_ever() {
    let refused = |change: &dyn Fn(&str) -> String| {
        let manner = Manner { tools: Tools::Template, ..Manner::default() };
        let Folder { tokenizer, template, pad_id, eos_ids } = folder("qwen2.5");
        let template = Template::new(&change(template.source())).unwrap();
        let all = Dialect::of(Folder { tokenizer, template, pad_id, eos_ids }, Pair::default(), manner).unwrap();
        all.equipped([&search::example()]).unwrap_err().to_string()
    };
    let says = |found: String, expected: &str| assert!(found.contains(expected), "{found}");
    says(refused(&|source| source.replace("if tools", "if false")), "`interact_with_env` does not name it");
    says(refused(&|source| source.replace("tool_calls", "no_calls")), "does not show the assistant's calls");
    says(refused(&|source| source.replace("<tool_call>", "<call>")), "neither in tags nor as bare objects");
    says(refused(&|source| source.replace("called.arguments | tojson", "'{}'")), "a call with its arguments");

    let manner = Manner { tools: Tools::Template, ..Manner::default() };
    let all = Dialect::of(folder("qwen3"), Pair::default(), manner).unwrap();
    let (haggle, mut search) = (sim::gyms::haggle::example(), search::example());
    let tools = |scenario: &Scenario| Seat::ALL.map(|seat| all.tools(&scenario.rules, seat));
    assert_eq!((tools(&haggle), tools(&search)), ([Tools::Prose; 2], [Tools::Template, Tools::Prose]));
    search.seats.agent.tokens_max = 16;
    let tight = all.equipped([&search]).unwrap_err();
    assert!(matches!(tight, TextError::NoRoom { seat: Seat::Agent, len: 17.., tokens_max: 16, .. }), "{tight}");
    search.seats.agent.tokens_max = 256;
    let user = all.equipped([&haggle, &search]).unwrap().seated(&search.rules, Seat::User).unwrap();
    assert_eq!(user.extras(false).tools, None);
}

//! Models whose earlier thoughts are stripped: what a policy is asked to go on from is what the record says was read.

use std::sync::Arc;
use std::sync::Mutex;

use duologue_actors as actors;

use actors::Troupe;
use actors::Voice;
use rl::Policy;
use rl::Reply;
use rl::Row;
use rl::Session;
use rl::Weights;
use sim::Pair;
use sim::Seat;
use sim::Thinking;
use text::Dialect;
use text::Folder;
use text::Manner;
use text::Template;

use crate::company::Parrot;
use crate::company::castings;
use crate::company::company;
use crate::company::dialect;
use crate::company::records;
use crate::company::soon;
use crate::company::squawk;
use crate::company::terms;

/// A template that drops the thoughts of all earlier turns.
const FORGETS: &str = "{%- for message in messages -%}{%- set content = message.content -%}\
    {%- if message.role == 'assistant' and '</think>' in content -%}{%- set content = (content | split('</think>'))[1] -%}{%- endif -%}\
    {{- '<|' + message.role + '|>' + content + '<|end|>' -}}{%- endfor -%}\
    {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}";

/// The user reasons; its earlier thoughts are stripped.
fn forgetful() -> Dialect {
    let folder = Folder {
        tokenizer: dialect().tokenizer().clone(),
        template: Template::new(FORGETS).unwrap(),
        pad_id: None,
        eos_ids: Vec::new(),
    };
    let manner = Manner { thinking: Thinking::Strip, ..Manner::default() };
    Dialect::of(folder, Pair { agent: false, user: true }, manner).unwrap()
}

/// Thinks before it squawks, and remembers what it was asked.
struct Thinker {
    asked: Arc<Mutex<Vec<Row>>>,
}

impl Policy for Thinker {
    fn submit(&mut self, rows: Vec<Row>, reply: Reply) {
        self.asked.lock().unwrap().extend(rows.iter().cloned());
        let thought = dialect().tokenizer().encode_markup("<think>canary</think>");
        let think = |row: &Row| {
            let mut sampled = squawk(row, 1, 0);
            sampled.tokens.splice(0..0, thought.iter().copied());
            sampled.logprobs = vec![-1.0; sampled.tokens.len()];
            Ok(sampled)
        };
        reply(rows.iter().map(think).collect());
    }

    fn forget(&mut self, _sessions: &[Session]) {}

    fn lend(&mut self) -> Option<Box<dyn Weights>> {
        None
    }

    fn load(&mut self, _weights: Box<dyn Weights>) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_goes_on_from_what_the_record_says_was_read() {
    let asked = Arc::default();
    let mut company = company(Parrot::new(), Parrot::new());
    let policy = Box::new(Thinker { asked: Arc::clone(&asked) });
    company.models.insert("user".to_owned(), Voice { policy, dialect: forgetful() });
    let mut troupe = Troupe::spawn(company).await.unwrap();
    let performance = soon(troupe.play(castings(4, 2, "model", "model"), &terms())).await.unwrap();
    troupe.stop().await;
    let asked = asked.lock().unwrap();
    let (mut turns, mut later) = (0, 0);
    for record in records(&performance.played) {
        let mut stream = Vec::new();
        for (number, turn) in record.turns_of(Seat::User).enumerate() {
            let generation = turn.decision.generation.as_ref().unwrap();
            stream.extend(&generation.prompt);
            let is_this = |row: &&Row| row.session.episode == record.casting.id && row.turn as usize == number;
            let row = asked.iter().find(is_this).unwrap();
            assert_eq!(generation.read(&stream).as_ref(), Some(&row.stream));
            assert!(!forgetful().tokenizer().decode(&row.stream).contains("canary"));
            // One cut for each earlier turn.
            assert_eq!(generation.cuts.as_ref().map(Vec::len), Some(number));
            (turns, later) = (turns + 1, later + number.min(1));
            stream.extend(&generation.tokens);
        }
        assert_eq!(text::drift(record, Seat::User, &forgetful()).drifted(), 0);
        for turn in record.turns_of(Seat::Agent) {
            assert_eq!(turn.decision.generation.as_ref().unwrap().cuts, None, "its own model keeps what it thinks");
        }
    }
    assert!(asked.len() == turns && later > 8, "{turns} turns, {later} of them later ones");
}

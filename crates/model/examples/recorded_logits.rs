//! Our half of `tests/python/check_export.py`: prompts of a run's recorded episodes, and the logits we compute for them.
//!
//! `recorded_logits RUN SEAT COUNT DIR` takes COUNT prompts that SEAT's model was given, spread over the whole run, and puts into DIR
//! `prompts.json` (episode, messages, the template's text, the recorded ids) and `logits.f32`: for each prompt `[ids, vocab]` numbers of
//! the newest checkpoint, little endian, one after the other.

use std::fs;
use std::path::Path;

use duologue_model::Decoder;
use duologue_model::Parameters;
use duologue_model::folder;
use runs::Checkpoints;
use runs::Records;
use runs::RunPaths;
use serde_json::Value;
use serde_json::json;
use sim::EpisodeRecord;
use sim::Seat;
use sim::Turn;
use tch::Device;
use tch::Tensor;
use tch::no_grad;
use text::Template;
use text::Tokenizer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [run, seat, count, out] = arguments.as_slice() else { panic!("usage: recorded_logits RUN SEAT COUNT DIR") };
    let seat = Seat::ALL.into_iter().find(|known| known.name() == seat).expect("SEAT is agent or user");
    let (count, out): (usize, &Path) = (count.parse().expect("COUNT is a number"), Path::new(out));
    let paths = RunPaths::new(run);
    let checkpoint = Checkpoints::at(&paths.checkpoints()).latest().expect("whole").expect("something is committed");
    let contents = folder::read(&checkpoint.seat_folder(seat)).expect("a sound folder");
    let decoder =
        Decoder::new(contents.config.clone(), Parameters::new(&contents.config, &contents.weights, Device::Cpu));
    let tokenizer = Tokenizer::from_json(contents.text.tokenizer.clone()).expect("a sound tokenizer");
    let template = Template::new(&contents.text.template).expect("a sound template");

    let records = Records::open_at(&paths.log(), checkpoint.state.offsets.log).expect("a sound log");
    let records: Vec<EpisodeRecord> = records.map(|record| record.expect("a whole record")).collect();
    let by_model: Vec<&EpisodeRecord> = records.iter().filter(|record| is_model(record, seat)).collect();
    assert!(count <= by_model.len(), "the run has {} such episodes", by_model.len());
    let (mut prompts, mut logits) = (Vec::new(), Vec::new());
    for number in 0..count {
        let record = by_model[number * by_model.len() / count];
        let turn = number % record.turns_of(seat).count();
        let (prompt, ids) = prompt(record, seat, turn, &tokenizer, &template);
        let ids = Tensor::from_slice(&ids).view([1, -1]);
        let found: Vec<f32> =
            Vec::try_from(no_grad(|| decoder.logits(&decoder.hidden(&ids))).flatten(0, 2)).expect("f32 numbers");
        logits.extend(found.iter().flat_map(|number| number.to_le_bytes()));
        prompts.push(prompt);
    }
    fs::write(out.join("prompts.json"), Value::from(prompts).to_string()).expect("the file can be written");
    fs::write(out.join("logits.f32"), logits).expect("the file can be written");
}

fn is_model(record: &EpisodeRecord, seat: Seat) -> bool {
    let mut turns = record.turns_of(seat).peekable();
    turns.peek().is_some() && turns.all(|turn| turn.decision.generation.is_some())
}

/// What the seat's model was given for its turn with this number, and its ids as they were recorded.
fn prompt(
    record: &EpisodeRecord,
    seat: Seat,
    turn: usize,
    tokenizer: &Tokenizer,
    template: &Template,
) -> (Value, Vec<i64>) {
    let turns: Vec<Turn> = record.turns_of(seat).take(turn + 1).cloned().collect();
    let generations = turns.iter().map(|turn| turn.decision.generation.as_ref().expect("a model's turn"));
    let mut ids: Vec<u32> =
        generations.flat_map(|sampled| sampled.prompt.iter().chain(&sampled.tokens)).copied().collect();
    let answer = turns[turn].decision.generation.as_ref().map_or(0, |sampled| sampled.tokens.len());
    ids.truncate(ids.len() - answer);
    let so_far = EpisodeRecord { turns, ..record.clone() };
    let mut messages = text::conversation(&so_far, seat, Some(tokenizer));
    messages.pop();
    let text = template.render(&messages, true).expect("the template takes its own conversations");
    let episode = record.casting.id.to_string();
    let prompt = json!({ "episode": episode, "messages": messages, "text": text, "ids": ids });
    (prompt, ids.into_iter().map(i64::from).collect())
}

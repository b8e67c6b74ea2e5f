use super::*;
use crate::testing::full_record;
use crate::testing::id;
use crate::testing::small_record;

#[test]
fn a_record_with_every_field_in_use_comes_back_equal() {
    let record = full_record(id(12, 3, 5));
    assert_eq!(decode(&encode(&record).unwrap()).unwrap(), record);
}

#[test]
fn the_bytes_of_a_record_are_those_of_this_format_version() {
    // Written down by hand from bincode's specification: a varint is one byte up to 250, 251 announces a u16, 252 a u32, 253 a u64.
    let mut expected = vec![1, 12, 3, 0, 5]; // grpo, round, group, trial, member
    expected.extend([0, 0, 3]); // scenario, train, item
    expected.extend([11]);
    expected.extend(b"model:agent");
    expected.extend([4]);
    expected.extend(b"rule");
    expected.extend([1, 0, 0, 0, 0, 7]); // learns, both in prose, no fork, seed
    expected.extend([6]);
    expected.extend(b"haggle");
    expected.extend([12]);
    expected.extend(b"train-000003");
    expected.extend([1, 0, 0]); // one turn, of the agent, which observed nothing
    expected.extend([0, 0, 251, 0x2c, 0x01]); // Ok, Say, 300 bytes
    expected.extend("word ".repeat(60).as_bytes());
    expected.extend([0, 0, 0, 0]); // no thought, no generation, no answers, no effect
    expected.extend([1, 1, 0, 0]); // truncated, no fault, no verdict
    expected.extend([1]);
    expected.extend(0.25f64.to_le_bytes());
    expected.extend([0]);
    assert_eq!(
        encode(&small_record(id(12, 3, 5), 60)).unwrap(),
        expected,
        "the bytes have changed: logs of older runs cannot be read any more, so FORMAT_VERSION must grow"
    );
}

/// Logs of before the environment's seat could be asked have a speaking seat there, in as many bytes.
#[test]
fn who_was_asked_is_written_as_the_seat_it_was() {
    let record = full_record(id(1, 1, 1));
    let mut expected = vec![1, 1, 1, 9]; // one answer, of the user, spoken
    expected.extend("für mich".as_bytes());
    expected.extend([1, 0, 0, 9]); // with a decision: Ok, Say
    expected.extend("für mich".as_bytes());
    expected.extend([0, 0]); // no thought, no generation
    let bytes = encode(&record).unwrap();
    assert_eq!(bytes.windows(expected.len()).filter(|window| *window == expected).count(), 1);
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.contains(r#""answers":[{"seat":"user","spoken":true,"#), "{json}");
    let mut later = record;
    later.turns[0].answers[0].seat = sim::Addressee::Environment;
    assert_eq!(decode(&encode(&later).unwrap()).unwrap(), later);
}

#[test]
fn tools_and_forks_come_back_from_bytes_and_from_json() {
    let mut record = small_record(id(1, 1, 1), 1);
    record.casting.tools.agent = sim::Tools::Template;
    let reach = sim::record::Reach::Rest(Some(4));
    record.casting.fork = Some(sim::record::Fork { root: id(1, 0, 2), from: id(1, 1, 3), turn: 7, reach });
    record.stop = Some(sim::Stop::Cut);
    assert_eq!(decode(&encode(&record).unwrap()).unwrap(), record);
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!((&json["casting"]["tools"]["agent"], &json["casting"]["fork"]["turn"]), (&"template".into(), &7.into()));
    assert_eq!(serde_json::from_value::<sim::EpisodeRecord>(json).unwrap(), record);
}

/// Logs of before a turn could leave anything out of what it read have one byte where it says how it ended.
#[test]
fn a_turn_that_left_nothing_out_is_written_as_it_was() {
    let end_of = |cuts: Option<Vec<sim::Cut>>| {
        let mut record = full_record(id(1, 1, 1));
        record.turns[0].decision.generation.as_mut().unwrap().cuts = cuts;
        let bytes = encode(&record).unwrap();
        assert_eq!(decode(&bytes).unwrap(), record);
        let temperature = 0.7f32.to_le_bytes();
        let at = bytes.windows(4).position(|window| window == temperature).unwrap();
        bytes[at + 4..at + 10].to_vec()
    };
    // Closed; one answer, of the user, spoken.
    assert_eq!(end_of(None)[..4], [1, 1, 1, 1]);
    assert_eq!(end_of(Some(Vec::new()))[..5], [3, 0, 1, 1, 1]);
    // One cut: of turn 0, ids 2 to 4, nothing in their place.
    let cut = sim::Cut { turn: 0, range: 2..4, rest: Vec::new() };
    assert_eq!(end_of(Some(vec![cut])), [3, 1, 0, 2, 4, 0]);
}

#[test]
fn the_id_is_read_without_the_rest_of_the_record() {
    let bytes = encode(&full_record(id(u64::MAX, 3, 5))).unwrap();
    assert_eq!(decode_id(&bytes).unwrap(), id(u64::MAX, 3, 5));
}

#[test]
fn bytes_after_a_record_are_an_error() {
    let mut bytes = encode(&small_record(id(1, 1, 1), 3)).unwrap();
    bytes.push(0);
    assert!(decode(&bytes).is_err());
}

#[test]
fn a_record_cut_anywhere_is_an_error() {
    let bytes = encode(&full_record(id(1, 1, 1))).unwrap();
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
}

#[test]
fn a_damaged_length_cannot_make_a_reader_allocate_more_than_the_bound() {
    let mut bytes = encode(&small_record(id(1, 1, 1), 0)).unwrap();
    // The length of the first policy's name becomes 2^63.
    bytes.splice(7..8, [253, 0, 0, 0, 0, 0, 0, 0, 128]);
    assert!(decode(&bytes).is_err());
}

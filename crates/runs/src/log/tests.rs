use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::codec::RECORD_BYTES_MAX;
use crate::testing::full_record;
use crate::testing::id;
use crate::testing::small_record;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A log of `count` records of different sizes, and where each of them ends.
fn log_of(path: &Path, count: u32) -> (Vec<EpisodeRecord>, Vec<u64>) {
    let (mut log, _) = Log::open(path).unwrap();
    let records: Vec<_> = (0..count).map(|at| small_record(id(1, at, 1), at as usize)).collect();
    let ends = records.iter().map(|record| {
        log.append(record).unwrap();
        log.sync().unwrap().bytes()
    });
    let ends = ends.collect();
    (records, ends)
}

fn read(path: &Path) -> Vec<EpisodeRecord> {
    Records::open(path).unwrap().map(Result::unwrap).collect()
}

#[test]
fn records_come_back_in_the_order_in_which_they_were_appended() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (mut records, _) = log_of(&path, 3);
    let (mut log, recovery) = Log::open(&path).unwrap();
    assert_eq!(recovery, Recovery { records: 3, cut_bytes: 0 });
    records.push(full_record(id(2, 0, 1)));
    log.append(&records[3]).unwrap();
    assert_eq!(read(&path), records);
}

#[test]
fn one_episode_is_found_and_an_absent_one_is_not() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, _) = log_of(&path, 5);
    let (log, _) = Log::open(&path).unwrap();
    assert_eq!(log.find(id(1, 3, 1)).unwrap().as_ref(), Some(&records[3]));
    assert_eq!(log.find(id(1, 5, 1)).unwrap(), None);
}

#[test]
fn a_log_cut_at_any_byte_keeps_its_whole_records_and_grows_on() {
    let dir = folder();
    let whole = dir.path().join("whole.bin");
    let (records, ends) = log_of(&whole, 3);
    let bytes = fs::read(&whole).unwrap();
    for len in 0..=bytes.len() {
        let path = dir.path().join("cut.bin");
        fs::write(&path, &bytes[..len]).unwrap();
        let kept = ends.iter().filter(|end| **end <= len as u64).count();

        let (mut log, recovery) = Log::open(&path).unwrap();
        assert_eq!(recovery.records, kept as u64, "{len} bytes");
        let whole_len = if kept == 0 { len.min(HEAD_LEN as usize) as u64 } else { ends[kept - 1] };
        let torn_len = if len < HEAD_LEN as usize { 0 } else { len as u64 - whole_len.max(HEAD_LEN) };
        assert_eq!(recovery.cut_bytes, torn_len, "{len} bytes");

        log.append(&records[2]).unwrap();
        let mut expected = records[..kept].to_vec();
        expected.push(records[2].clone());
        assert_eq!(read(&path), expected, "{len} bytes");
    }
}

#[test]
fn a_flipped_bit_before_the_last_record_is_damage_with_its_place() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (_, ends) = log_of(&path, 3);
    let bytes = fs::read(&path).unwrap();
    let starts = [HEAD_LEN, ends[0], ends[1]];
    for at in HEAD_LEN..ends[1] {
        let mut damaged = bytes.clone();
        damaged[at as usize] ^= 1 << (at % 8);
        fs::write(&path, &damaged).unwrap();
        let start = starts.iter().copied().filter(|start| *start <= at).max().unwrap();
        match Log::open(&path) {
            Err(LogError::Corrupt { offset, file, .. }) => assert_eq!((offset, file), (start, path.clone())),
            other => panic!("a flip at byte {at} gave {other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), damaged, "damage must be left for a person to look at");
    }
}

#[test]
fn a_reader_of_a_damaged_log_gets_what_is_before_the_damage_and_one_error() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, ends) = log_of(&path, 4);
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[1] as usize + 20] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let read: Vec<_> = Records::open(&path).unwrap().collect();
    assert_eq!(read.len(), 3);
    assert_eq!(read[1].as_ref().unwrap(), &records[1]);
    assert!(matches!(&read[2], Err(LogError::Corrupt { offset, .. }) if *offset == ends[1]));
}

#[test]
fn a_reader_ends_before_a_write_in_progress_and_says_so() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, ends) = log_of(&path, 2);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..ends[1] as usize - 1]).unwrap();
    let mut reader = Records::open(&path).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), records[0]);
    assert_eq!(reader.torn(), None);
    assert!(reader.next().is_none());
    assert!(reader.torn().is_some());
    assert!(reader.next().is_none());
}

#[test]
fn an_open_reader_does_not_see_what_is_appended_later() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, _) = log_of(&path, 2);
    let (mut log, _) = Log::open(&path).unwrap();
    let reader = Records::open(&path).unwrap();
    log.append(&records[0]).unwrap();
    assert_eq!(reader.count(), 2);
}

#[test]
fn zeros_after_a_power_cut_are_an_interrupted_write() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    log_of(&path, 2);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&[0; 4096]).unwrap();
    let (_, recovery) = Log::open(&path).unwrap();
    assert_eq!(recovery, Recovery { records: 2, cut_bytes: 4096 });
}

#[test]
fn going_back_to_an_offset_drops_what_came_later_even_if_it_is_damaged() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, ends) = log_of(&path, 4);
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[2] as usize - 1] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (_, recovery) = Log::open_at(&path, Offset::new(ends[1])).unwrap();
    assert_eq!(recovery, Recovery { records: 2, cut_bytes: ends[3] - ends[1] });
    assert_eq!(read(&path), records[..2]);
}

#[test]
fn going_back_to_the_beginning_leaves_a_log_without_records() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    log_of(&path, 2);
    let (mut log, recovery) = Log::open_at(&path, Offset::default()).unwrap();
    assert_eq!(recovery.records, 0);
    log.append(&small_record(id(9, 9, 9), 1)).unwrap();
    assert_eq!(read(&path), [small_record(id(9, 9, 9), 1)]);
}

#[test]
fn committed_records_that_are_gone_are_an_error_and_not_a_shorter_run() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (_, ends) = log_of(&path, 2);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..ends[0] as usize]).unwrap();
    match Log::open_at(&path, Offset::new(ends[1])) {
        Err(LogError::Disk(DiskError::Short { len, wanted, .. })) => assert_eq!((len, wanted), (ends[0], ends[1])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bit_flipped_in_the_last_committed_record_is_damage_and_no_interrupted_write() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (_, ends) = log_of(&path, 2);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let opened = Log::open_at(&path, Offset::new(ends[1]));
    assert!(matches!(&opened, Err(LogError::Corrupt { offset, .. }) if *offset == ends[0]), "{opened:?}");
}

#[test]
fn a_foreign_file_is_not_taken_for_a_log_and_not_touched() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    for text in ["short", "{\"step\": 1, \"phase\": \"grpo\"}\n"] {
        fs::write(&path, text).unwrap();
        assert!(matches!(Log::open(&path), Err(LogError::NotALog { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn another_format_version_is_refused_by_its_number() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    log_of(&path, 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 99;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(Log::open(&path), Err(LogError::Version { found: 99, .. })));
}

#[test]
fn a_record_beyond_the_bound_is_refused_and_the_log_stays_whole() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (mut log, _) = Log::open(&path).unwrap();
    let huge = small_record(id(1, 1, 1), RECORD_BYTES_MAX / 5 + 1);
    let refused = log.append(&huge);
    assert!(matches!(&refused, Err(LogError::Encode { id: named, .. }) if *named == id(1, 1, 1)), "{refused:?}");
    log.append(&small_record(id(1, 1, 2), 1)).unwrap();
    assert_eq!(read(&path), [small_record(id(1, 1, 2), 1)]);
}

#[derive(Clone, Debug)]
enum Op {
    Append(usize),
    Sync,
    /// The machine dies: of what was not synced, a share survives, and this many bytes of `filler` come after it.
    Crash {
        survives: f64,
        filler: u8,
        filler_len: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let crash = (0.0..=1.0f64, 1..=u8::MAX, prop_oneof![Just(0usize), 1..40usize]);
    let op = prop_oneof![
        4 => (0..60usize).prop_map(Op::Append),
        2 => Just(Op::Sync),
        1 => crash.prop_map(|(survives, filler, filler_len)| Op::Crash { survives, filler, filler_len }),
    ];
    prop::collection::vec(op, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_a_reopened_log_holds_a_prefix_with_everything_that_was_synced(ops in ops()) {
        let dir = folder();
        let path = dir.path().join("log.bin");
        let (mut log, _) = Log::open(&path).unwrap();
        let mut appended: Vec<(EpisodeRecord, u64)> = Vec::new();
        let (mut synced, mut synced_len) = (0, HEAD_LEN);
        for (at, op) in ops.into_iter().enumerate() {
            match op {
                Op::Append(words) => {
                    let record = small_record(id(at as u64, 0, 1), words);
                    log.append(&record).unwrap();
                    appended.push((record, fs::metadata(&path).unwrap().len()));
                }
                Op::Sync => {
                    synced_len = log.sync().unwrap().bytes();
                    synced = appended.len();
                    prop_assert_eq!(synced_len, appended.last().map_or(HEAD_LEN, |(_, end)| *end));
                }
                Op::Crash { survives, filler, filler_len } => {
                    drop(log);
                    let mut bytes = fs::read(&path).unwrap();
                    let unsynced = bytes.len() as u64 - synced_len;
                    let len = synced_len + (unsynced as f64 * survives) as u64;
                    bytes.truncate(len as usize);
                    bytes.extend(vec![filler; filler_len]);
                    fs::write(&path, &bytes).unwrap();

                    let (reopened, recovery) = Log::open(&path).unwrap();
                    log = reopened;
                    // The filler completes no frame: each of these records ends in a zero, and the filler has none.
                    appended.retain(|(_, end)| *end <= len);
                    prop_assert!(synced <= appended.len());
                    prop_assert_eq!(recovery.records, appended.len() as u64);
                    let kept_len = appended.last().map_or(HEAD_LEN, |(_, end)| *end);
                    prop_assert_eq!(recovery.cut_bytes, len + filler_len as u64 - kept_len);
                    synced = appended.len();
                    synced_len = kept_len;
                }
            }
            let expected: Vec<_> = appended.iter().map(|(record, _)| record.clone()).collect();
            prop_assert_eq!(read(&path), expected);
        }
    }
}

#[test]
fn up_to_a_synced_offset_the_later_records_are_not_read_and_nothing_counts_as_interrupted() {
    let dir = folder();
    let path = dir.path().join("log.bin");
    let (records, ends) = log_of(&path, 3);
    for (count, end) in [0].iter().chain(&ends).enumerate() {
        let found: Vec<_> = Records::open_at(&path, Offset::new(*end)).unwrap().map(Result::unwrap).collect();
        assert_eq!(found, records[..count]);
    }
    let beyond = Records::open_at(&path, Offset::new(ends[2] + 1));
    assert!(matches!(beyond, Err(LogError::Disk(DiskError::Short { .. }))));
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[1] as usize - 1] ^= 1;
    fs::write(&path, bytes).unwrap();
    let last = Records::open_at(&path, Offset::new(ends[1])).unwrap().last();
    assert!(matches!(last, Some(Err(LogError::Corrupt { offset, .. })) if offset == ends[0]));
}

use std::fs;

use super::*;

#[test]
fn the_checksum_is_crc32c() {
    // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn an_event_file_starts_with_the_bytes_all_event_files_start_with() {
    let bytes = record(&version_event());
    // The length 24 and its masked checksum, as in any file TensorFlow writes.
    assert_eq!(bytes[..12], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
    assert_eq!(bytes[12..36], *b"\x09\0\0\0\0\0\0\0\0\x1a\x0dbrain.Event:2");
    assert_eq!(bytes.len(), 40);
}

#[test]
fn a_line_becomes_one_event_with_a_value_for_each_number() {
    let line =
        MetricsLine::new().with("step", 300).with("phase", "grpo").with("a", 1.5).with("b", None::<f64>).with("c", 2);
    let mut expected: Vec<u8> = vec![0x09];
    expected.extend(300f64.to_le_bytes());
    expected.extend([0x10, 0xac, 0x02]); // step = 300
    expected.extend([0x2a, 32]); // summary
    for (tag, number) in [(b"grpo/a", 1.5f32), (b"grpo/c", 2.0)] {
        expected.extend([0x0a, 13 + 1, 0x0a, 6]);
        expected.extend(tag);
        expected.push(0x15);
        expected.extend(number.to_le_bytes());
    }
    // Each value takes 13 bytes and the two of its own key.
    expected[13] = (2 * (13 + 2)) as u8;
    for key in [14, 14 + 15] {
        expected[key + 1] = 13;
    }
    assert_eq!(events(&line), record(&expected));
}

#[test]
fn evaluations_against_different_opponents_have_charts_of_their_own() {
    let line = MetricsLine::new().with("phase", "eval").with("opponent", "scripted:trapper");
    assert_eq!(prefix(&line), "eval/scripted:trapper/");
}

#[test]
fn a_line_without_a_step_or_a_number_adds_nothing() {
    assert!(events(&MetricsLine::new().with("a", 1)).is_empty());
    assert!(events(&MetricsLine::new().with("step", 1).with("phase", "sft")).is_empty());
}

#[test]
fn a_file_made_anew_equals_one_that_grew_with_the_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let (metrics_path, board) = (dir.path().join("metrics.jsonl"), dir.path().join("tensorboard"));
    let (mut metrics, _) = Metrics::open(&metrics_path).unwrap();
    let mut grown = TensorBoard::rebuild(&board, &metrics_path).unwrap();
    for step in 0..200 {
        let line =
            MetricsLine::new().with("step", step).with("phase", "sft").with("agent/loss", 1.0 / (step as f64 + 1.0));
        metrics.append(&line).unwrap();
        grown.append(&line).unwrap();
    }
    let file = board.join(FILE_NAME);
    let bytes = fs::read(&file).unwrap();
    TensorBoard::rebuild(&board, &metrics_path).unwrap();
    assert_eq!(fs::read(&file).unwrap(), bytes);
    assert_eq!(fs::read_dir(&board).unwrap().count(), 1);
}

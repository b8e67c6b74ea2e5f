use std::fs;

use proptest::prelude::*;

use super::*;

fn path(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("metrics.jsonl")
}

#[test]
fn a_line_is_a_flat_object_with_its_keys_in_the_given_order() {
    let line = MetricsLine::new()
        .with("step", 12)
        .with("phase", "grpo")
        .with("user/score/mean", 0.1 + 0.2)
        .with("agent/entropy", f64::NAN)
        .with("agent/kl", None::<f64>)
        .with("agent/loss", Some(-0.0))
        .with("whole", 3.0);
    let expected = r#"{"step":12,"phase":"grpo","user/score/mean":0.30000000000000004,"agent/entropy":null,"agent/kl":null,"agent/loss":-0.0,"whole":3.0}"#;
    assert_eq!(line.to_string(), expected);
    assert_eq!(serde_json::from_str::<MetricsLine>(expected).unwrap(), line);
}

#[test]
fn infinities_are_null_because_json_has_none() {
    assert_eq!(MetricValue::from(f64::INFINITY), MetricValue::Missing);
    assert_eq!(MetricValue::from(Some(f64::NEG_INFINITY)), MetricValue::Missing);
}

#[test]
fn a_half_written_line_is_cut_off_and_the_next_one_stands_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(&dir);
    fs::write(&path, "{\"step\":1}\n{\"step\":2,\"é").unwrap();
    let (mut metrics, cut) = Metrics::open(&path).unwrap();
    assert_eq!(cut, "{\"step\":2,\"é".len() as u64);
    metrics.append(&MetricsLine::new().with("step", 3)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1}\n{\"step\":3}\n");
}

#[test]
fn a_reader_leaves_out_a_line_that_is_still_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(&dir);
    // Cut within a letter of two bytes.
    fs::write(&path, b"{\"step\":1}\n{\"\xc3").unwrap();
    assert_eq!(Metrics::read(&path).unwrap(), [MetricsLine::new().with("step", 1)]);
}

#[test]
fn going_back_to_an_offset_leaves_the_lines_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(&dir);
    let (mut metrics, _) = Metrics::open(&path).unwrap();
    metrics.append(&MetricsLine::new().with("step", 1)).unwrap();
    let offset = metrics.sync().unwrap();
    metrics.append(&MetricsLine::new().with("step", 2)).unwrap();
    drop(metrics);
    let (_, cut) = Metrics::open_at(&path, offset).unwrap();
    assert_eq!(cut, 11);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1}\n");
    fs::write(&path, "").unwrap();
    let short = Metrics::open_at(&path, offset);
    assert!(matches!(short, Err(MetricsError::Disk(DiskError::Short { len: 0, wanted: 11, .. }))));
}

#[test]
fn a_key_given_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut metrics, _) = Metrics::open(&path(&dir)).unwrap();
    let line = MetricsLine::new().with("b", 1).with("a", 1).with("b", 2);
    assert!(matches!(metrics.append(&line), Err(MetricsError::KeyTwice { key, .. }) if key == "b"));
    assert_eq!(fs::read(path(&dir)).unwrap(), b"");
}

#[test]
fn a_line_that_is_no_flat_object_is_named_with_its_number() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in ["[1]", "{\"a\":{}}", "{\"a\":true}", "", "{\"a\":1"] {
        fs::write(path(&dir), format!("{{\"step\":1}}\n{wrong}\n")).unwrap();
        let read = Metrics::read(&path(&dir));
        assert!(matches!(&read, Err(MetricsError::Line { line: 2, .. })), "{wrong}: {read:?}");
    }
}

proptest! {
    #[test]
    fn every_finite_number_is_read_back_with_the_same_bits(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let text = MetricsLine::new().with("x", number).to_string();
        let read: MetricsLine = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.number("x").unwrap().to_bits(), bits);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn every_count_is_read_back(count in any::<u64>()) {
        let text = MetricsLine::new().with("n", count).to_string();
        prop_assert_eq!(&text, &format!("{{\"n\":{count}}}"));
        let read: MetricsLine = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.get("n"), Some(&MetricValue::Count(count)));
    }
}

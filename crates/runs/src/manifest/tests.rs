use super::*;
use crate::testing::manifest;

fn mismatch(change: impl FnOnce(&mut Manifest)) -> Option<Mismatch> {
    let mut other = manifest();
    change(&mut other);
    manifest().matches(&other).err()
}

#[test]
fn a_manifest_comes_back_equal_and_its_text_does_not_depend_on_when_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("manifest.json");
    manifest().write(&file).unwrap();
    assert_eq!(Manifest::read(&file).unwrap(), manifest());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), manifest().to_string());
    let keys: Vec<usize> = ["\"formats\"", "\"config\"", "\"seed\"", "\"libraries\""]
        .iter()
        .map(|key| manifest().to_string().find(key).unwrap())
        .collect();
    assert!(keys.is_sorted());
}

#[test]
fn equal_manifests_match() {
    assert_eq!(mismatch(|_| ()), None);
}

#[test]
fn the_first_differing_key_is_named_with_both_values() {
    let found = mismatch(|other| {
        other.config = Hash::of_bytes(b"another config");
        other.schedule.batch_max = 32;
        other.seed = 2;
    });
    let expected = Mismatch { key: "seed".to_owned(), ours: "1".to_owned(), theirs: "2".to_owned() };
    assert_eq!(found.as_ref(), Some(&expected));
    assert_eq!(expected.to_string(), "`seed` differs: the run has 1, now it is 2");
}

#[test]
fn each_demand_is_compared() {
    let another = || Hash::of_bytes(b"another");
    type Change = Box<dyn Fn(&mut Manifest)>;
    let changes: Vec<(&str, Change)> = vec![
        ("formats.manifest", Box::new(|m| m.formats.manifest += 1)),
        ("formats.log", Box::new(|m| m.formats.log += 1)),
        ("formats.checkpoint", Box::new(|m| m.formats.checkpoint += 1)),
        ("seed", Box::new(|m| m.seed += 1)),
        ("device", Box::new(|m| m.device = "cuda".to_owned())),
        ("schedule.episodes_live_max", Box::new(|m| m.schedule.episodes_live_max += 1)),
        ("schedule.batch_max", Box::new(|m| m.schedule.batch_max += 1)),
        ("schedule.threads", Box::new(|m| m.schedule.threads += 1)),
        ("scenario", Box::new(move |m| m.scenario = another())),
        ("config", Box::new(move |m| m.config = another())),
        ("template", Box::new(move |m| m.template = Some(another()))),
    ];
    for (key, change) in changes {
        assert_eq!(mismatch(change).map(|m| m.key).as_deref(), Some(key));
    }
}

#[test]
fn what_is_not_known_yet_is_not_compared() {
    assert_eq!(mismatch(|other| other.tokenizer = Some(Hash::of_bytes(b"trained"))), None);
    assert_eq!(mismatch(|other| other.template = None), None);
}

#[test]
fn another_cold_start_is_named_with_its_seat() {
    let with = |user: &[u8]| {
        let mut manifest = manifest();
        manifest.cold_start = Pair { agent: Some(Hash::of_bytes(b"a")), user: Some(Hash::of_bytes(user)) };
        manifest
    };
    assert_eq!(with(b"x").matches(&with(b"y")).unwrap_err().key, "cold_start.user");
}

#[test]
fn a_rebuilt_program_may_go_on_but_is_reported() {
    let mut other = manifest();
    other.binary = Hash::of_bytes(b"rebuilt");
    other.libraries[0].1 = "2.12.0".to_owned();
    other.libraries.push(("mkl".to_owned(), "on".to_owned()));
    assert_eq!(manifest().matches(&other), Ok(()));
    let drift = manifest().drift(&other);
    assert_eq!(
        drift.iter().map(|m| m.key.as_str()).collect::<Vec<_>>(),
        ["binary", "libraries.libtorch", "libraries.mkl"]
    );
    assert_eq!((drift[2].ours.as_str(), drift[2].theirs.as_str()), ("nothing", "on"));
}

#[test]
fn a_manifest_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("manifest.json");
    assert!(matches!(Manifest::read(&file), Err(ManifestError::Missing { file: named }) if named == file));
    let text = manifest().to_string();
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    let error = Manifest::read(&file).unwrap_err();
    assert!(error.to_string().starts_with(&file.display().to_string()), "{error}");
}

#[test]
fn hashes_are_those_of_the_standard() {
    // FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Hash::of_bytes(b"abc").to_string(), abc);
    let parts = |parts: &[(&'static str, &'static [u8])]| Hash::of_parts(parts.iter().copied());
    assert_ne!(parts(&[("a", b"x"), ("b", b"y")]), parts(&[("b", b"y"), ("a", b"x")]));
    assert_ne!(parts(&[("a", b"xy")]), parts(&[("a", b"x"), ("", b"y")]));
}

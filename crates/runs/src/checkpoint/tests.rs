use sim::Pair;
use tempfile::TempDir;

use super::*;
use crate::TrainPhase;

const COLD_START: CheckpointId = CheckpointId::COLD_START;

fn sft(step: u64) -> CheckpointId {
    CheckpointId { phase: TrainPhase::Sft, step }
}

fn grpo(step: u64) -> CheckpointId {
    CheckpointId { phase: TrainPhase::Grpo, step }
}

fn state(id: CheckpointId) -> RunState {
    let extra = serde_json::json!({ "baseline": 0.1 + 0.2, "pool": ["step-000004"] });
    RunState { phase: id.phase, step: id.step, versions: Pair { agent: 7, user: id.step }, extra, ..RunState::fresh() }
}

fn filled(checkpoints: &Checkpoints, id: CheckpointId) -> Commit {
    let commit = checkpoints.begin(id).unwrap();
    for seat in Seat::ALL {
        let folder = commit.seat_folder(seat);
        fs::write(folder.join("model.safetensors"), format!("weights of {seat} at {id}")).unwrap();
        fs::create_dir(folder.join("optimizer")).unwrap();
        fs::write(folder.join("optimizer/moments.safetensors"), "moments").unwrap();
    }
    commit
}

fn commit(checkpoints: &Checkpoints, id: CheckpointId, keep: usize) -> Checkpoint {
    filled(checkpoints, id).finish(&state(id), keep).unwrap()
}

fn opened() -> (TempDir, Checkpoints) {
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::open(&dir.path().join("checkpoints")).unwrap();
    (dir, checkpoints)
}

fn names(checkpoints: &Checkpoints) -> Vec<String> {
    disk::names_in(&checkpoints.folder).unwrap()
}

#[test]
fn a_commit_comes_back_with_its_state_and_files() {
    let (_dir, checkpoints) = opened();
    assert_eq!(checkpoints.latest().unwrap(), None);
    let made = commit(&checkpoints, grpo(12), 3);
    let found = checkpoints.latest().unwrap().unwrap();
    assert_eq!(found, made);
    assert_eq!(found.state, state(grpo(12)));
    found.verify().unwrap();
    assert_eq!(found.folder.file_name().unwrap(), "step-000012");
    let weights = fs::read_to_string(found.seat_folder(Seat::User).join("model.safetensors")).unwrap();
    assert_eq!(weights, "weights of user at step-000012");
}

#[test]
fn one_model_of_both_seats_is_committed_once_and_found_for_each() {
    let (dir, checkpoints) = opened();
    let commit = checkpoints.begin_of_both(grpo(3)).unwrap();
    fs::write(commit.seat_folder(Seat::User).join("model.safetensors"), "weights of both").unwrap();
    let made = commit.finish(&state(grpo(3)), 3).unwrap();
    assert!(made.is_of_both() && !self::commit(&checkpoints, grpo(4), 3).is_of_both());
    for seat in Seat::ALL {
        assert_eq!(made.seat_folder(seat), made.folder.join("both"));
        assert_eq!(made.names_of(seat).collect::<Vec<_>>(), ["model.safetensors"]);
        made.copy(seat, "model.safetensors", &dir.path().join(seat.name())).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(seat.name())).unwrap(), "weights of both");
    }
    assert_eq!(disk::names_in(&made.folder).unwrap(), ["both", "state.json"]);
}

#[test]
fn checkpoints_sort_by_time_and_not_by_name() {
    let (_dir, checkpoints) = opened();
    for id in [grpo(1_000_000), grpo(999_999), sft(400), COLD_START, sft(0)] {
        fs::create_dir(checkpoints.folder_of(id)).unwrap();
    }
    for other in ["step-12", "notes", "step-00x012", "eval-000001"] {
        fs::create_dir(checkpoints.folder.join(other)).unwrap();
    }
    assert_eq!(checkpoints.list().unwrap(), [sft(0), sft(400), COLD_START, grpo(999_999), grpo(1_000_000)]);
}

#[test]
fn an_unfinished_commit_does_not_count_and_is_gone_after_opening() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 3);
    let unfinished = filled(&checkpoints, grpo(2));
    assert_eq!(checkpoints.latest().unwrap().unwrap().id, grpo(1));
    drop(unfinished);
    assert_eq!(names(&checkpoints), [".tmp-step-000002", "step-000001"]);
    Checkpoints::open(&checkpoints.folder).unwrap();
    assert_eq!(names(&checkpoints), ["step-000001"]);
}

#[test]
fn beginning_again_starts_from_empty_folders() {
    let (_dir, checkpoints) = opened();
    drop(filled(&checkpoints, grpo(2)));
    let again = checkpoints.begin(grpo(2)).unwrap();
    assert_eq!(disk::names_in(&again.seat_folder(Seat::Agent)).unwrap(), Vec::<String>::new());
}

#[test]
fn a_step_is_committed_once() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 3);
    let again = checkpoints.begin(grpo(1));
    assert!(matches!(again, Err(CheckpointError::Exists { id, .. }) if id == grpo(1)));
}

#[test]
fn a_state_of_another_step_is_not_committed() {
    let (_dir, checkpoints) = opened();
    let refused = filled(&checkpoints, grpo(2)).finish(&state(grpo(3)), 1);
    assert!(matches!(refused, Err(CheckpointError::State { .. })));
    assert_eq!(checkpoints.latest().unwrap(), None);
}

#[test]
fn the_newest_stay_and_the_one_after_the_cold_start_always_does() {
    let (_dir, checkpoints) = opened();
    for id in [sft(200), sft(400), COLD_START, grpo(1), grpo(2), grpo(3)] {
        commit(&checkpoints, id, 2);
    }
    assert_eq!(names(&checkpoints), ["step-000000", "step-000002", "step-000003"]);
}

#[test]
fn keeping_none_still_keeps_the_newest() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 0);
    commit(&checkpoints, grpo(2), 0);
    assert_eq!(names(&checkpoints), ["step-000002"]);
}

#[test]
fn a_newest_checkpoint_without_its_state_is_named_and_no_older_one_is_taken() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 3);
    let newest = commit(&checkpoints, grpo(2), 3);
    fs::remove_file(newest.folder.join(STATE)).unwrap();
    let error = checkpoints.latest().unwrap_err();
    assert!(matches!(&error, CheckpointError::State { id, .. } if *id == grpo(2)));
    assert!(error.to_string().contains("step-000002") && error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_state_cut_at_any_byte_is_a_typed_error() {
    let (_dir, checkpoints) = opened();
    let file = commit(&checkpoints, grpo(2), 3).folder.join(STATE);
    let json = fs::read(&file).unwrap();
    // Without its last byte, the line's end, it is still whole.
    for len in 0..json.len() - 1 {
        fs::write(&file, &json[..len]).unwrap();
        let latest = checkpoints.latest();
        assert!(matches!(latest, Err(CheckpointError::State { .. })), "{len} bytes: {latest:?}");
    }
}

#[test]
fn a_state_of_another_format_is_refused_by_its_number() {
    let (_dir, checkpoints) = opened();
    let file = commit(&checkpoints, grpo(2), 3).folder.join(STATE);
    let json = fs::read_to_string(&file).unwrap();
    fs::write(&file, json.replacen("\"format\": 1", "\"format\": 99", 1)).unwrap();
    let error = checkpoints.latest().unwrap_err();
    assert!(error.to_string().contains("99"), "{error}");
}

#[test]
fn weights_that_were_cut_changed_or_removed_are_named() {
    let (_dir, checkpoints) = opened();
    let checkpoint = commit(&checkpoints, grpo(2), 3);
    let file = checkpoint.seat_folder(Seat::Agent).join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[0] ^= 1;
    let damage: [&dyn Fn(); 3] =
        [&|| fs::write(&file, &whole[1..]).unwrap(), &|| fs::write(&file, &changed).unwrap(), &|| {
            fs::remove_file(&file).unwrap()
        }];
    for damage in damage {
        damage();
        let error = checkpoint.verify().unwrap_err();
        assert!(matches!(&error, CheckpointError::File { id, file: named, .. } if (*id, named) == (grpo(2), &file)));
    }
    fs::write(&file, &whole).unwrap();
    checkpoint.verify().unwrap();
}

#[test]
fn everything_is_synced_before_the_rename_and_the_parent_after_it() {
    let (_dir, checkpoints) = opened();
    let commit = filled(&checkpoints, grpo(2));
    let plan = commit.plan(&state(grpo(2))).unwrap();
    let rename = plan.iter().position(|io| matches!(io, Io::Rename(..))).unwrap();
    assert_eq!(plan[rename + 1..], [Io::SyncFolder(checkpoints.folder.clone())]);
    let (before, folder) = (&plan[..rename], &commit.folder);
    for seat in Seat::ALL {
        let seat = folder.join(seat.name());
        assert!(before.contains(&Io::SyncFile(seat.join("model.safetensors"))));
        assert!(before.contains(&Io::SyncFile(seat.join("optimizer/moments.safetensors"))));
        assert!(before.contains(&Io::SyncFolder(seat.join("optimizer"))));
        assert!(before.contains(&Io::SyncFolder(seat)));
    }
    let written = before.iter().position(|io| matches!(io, Io::Write(file, _) if *file == folder.join(STATE))).unwrap();
    let synced = before.iter().position(|io| *io == Io::SyncFolder(folder.clone())).unwrap();
    assert!(written < synced, "the folder that names state.json is synced after it is written");
}

/// The power fails: of the unfinished commit nothing is left in files that were not synced yet.
fn lose_what_was_not_synced(commit: &Commit, done: &[Io]) {
    let Ok(tree) = Tree::walk(&commit.folder) else { return };
    for file in tree.files {
        let is_safe = done.iter().any(|io| match io {
            Io::Write(written, _) => *written == file,
            Io::SyncFile(synced) => *synced == file,
            Io::SyncFolder(_) | Io::Rename(..) | Io::Remove(_) => false,
        });
        if !is_safe {
            fs::write(file, "").unwrap();
        }
    }
}

#[test]
fn a_power_cut_after_any_change_of_the_disk_leaves_the_old_commit_or_the_new_one_whole() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 9);
    let (mut old, mut new) = (0, 0);
    for done in 0.. {
        let unfinished = filled(&checkpoints, grpo(2));
        let plan = unfinished.plan(&state(grpo(2))).unwrap();
        if plan.len() < done {
            break;
        }
        plan[..done].iter().for_each(|io| io.run().unwrap());
        lose_what_was_not_synced(&unfinished, &plan[..done]);

        let reopened = Checkpoints::open(&checkpoints.folder).unwrap();
        let latest = reopened.latest().unwrap().unwrap();
        latest.verify().unwrap();
        let is_renamed = plan[..done].iter().any(|io| matches!(io, Io::Rename(..)));
        assert_eq!(latest.id, if is_renamed { grpo(2) } else { grpo(1) }, "after {done} changes");
        assert!(names(&reopened).iter().all(|name| !name.starts_with('.')));
        if is_renamed {
            new += 1;
            fs::remove_dir_all(&latest.folder).unwrap();
        } else {
            old += 1;
        }
    }
    // Four files, the state, five folders; then the rename and the parent.
    assert_eq!((old, new), (4 + 1 + 5 + 1, 2));
}

#[test]
fn a_removal_interrupted_anywhere_leaves_no_damaged_checkpoint() {
    let (_dir, checkpoints) = opened();
    commit(&checkpoints, grpo(1), 9);
    commit(&checkpoints, grpo(2), 9);
    let [retire, _remove] = checkpoints.removal(grpo(1));
    retire.run().unwrap();
    // Half of it is removed already.
    fs::remove_file(checkpoints.folder.join(".old-step-000001").join(STATE)).unwrap();
    let reopened = Checkpoints::open(&checkpoints.folder).unwrap();
    assert_eq!(names(&reopened), ["step-000002"]);
    reopened.latest().unwrap().unwrap().verify().unwrap();
}

#[test]
fn a_file_is_copied_as_it_was_committed_or_not_at_all() {
    let (dir, checkpoints) = opened();
    let made = commit(&checkpoints, grpo(1), 3);
    let to = dir.path().join("copy");
    let committed: Vec<&str> = made.names_of(Seat::User).collect();
    assert_eq!(committed, ["model.safetensors", "optimizer/moments.safetensors"]);
    let copied = made.copy(Seat::User, "model.safetensors", &to).unwrap();
    assert_eq!(fs::read_to_string(&to).unwrap(), "weights of user at step-000001");
    assert_eq!(copied.hash, crate::Hash::of_file(&to).unwrap());

    let refusal = |name: &str| match made.copy(Seat::User, name, &to) {
        Err(CheckpointError::File { id, file, why }) if id == grpo(1) && file.ends_with(name) => why,
        other => panic!("{other:?}"),
    };
    let weights = made.seat_folder(Seat::User).join("model.safetensors");
    assert_eq!(refusal("notes.txt"), "it was not committed");
    fs::write(&weights, "weights of user at step-00000").unwrap();
    assert_eq!(refusal("model.safetensors"), "it holds 29 bytes, but 30 were committed");
    fs::write(&weights, "weights of user at step-000002").unwrap();
    assert_eq!(refusal("model.safetensors"), "its contents are not what was committed");
    fs::remove_file(&weights).unwrap();
    assert!(refusal("model.safetensors").contains("No such file"));
}

//! A bundle of made-up files, and which libtorch its `run.sh` takes on made-up machines.

use std::process::Output;

use tempfile::TempDir;

use super::*;

/// A folder to make things in.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    /// A bundle whose `duologue` says which libtorch it was given, and with what.
    fn bundle(&self) -> PathBuf {
        self.write("built/duologue", "#!/bin/sh\necho \"${LIBTORCH-none}: $*\"; exit 3\n");
        self.write("built/duologue-engine", "not a program\n");
        self.write("checkout/configs/quickstart.toml", "seed = 1\n");
        self.write("checkout/scenarios/deep/haggle.toml", "name = \"haggle\"\n");
        self.write("checkpoint/agent/config.json", "{}\n");
        let part = self.path("part");
        fs::create_dir(&part).unwrap();
        gather(&self.path("checkout"), &self.path("built"), &self.path("checkpoint"), &part).unwrap();
        // Wherever it is moved.
        fs::rename(&part, self.path("moved here")).unwrap();
        self.path("moved here")
    }

    /// `run.sh` from some other folder, where `python3` does what `script` says.
    fn run(&self, bundle: &Path, script: &str, env: &[(&str, &Path)], arguments: &[&str]) -> Output {
        self.write("bin/python3", &format!("#!/bin/sh\n{script}\n"));
        let path = std::env::join_paths([self.path("bin"), "/usr/bin".into(), "/bin".into()]).unwrap();
        let mut run = Command::new(bundle.join("run.sh"));
        run.args(arguments).current_dir("/").env_clear().env("PATH", path).envs(env.iter().copied());
        run.output().unwrap()
    }
}

fn said(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap().trim_end()
}

#[test]
fn a_bundle_holds_all_that_is_needed_and_its_script_can_be_called() {
    let place = Place::new();
    let bundle = place.bundle();
    let needed = [
        "run.sh",
        "README.md",
        "duologue",
        "duologue-engine",
        "configs/quickstart.toml",
        "scenarios/deep/haggle.toml",
        "checkpoint/agent/config.json",
    ];
    for file in needed {
        assert!(bundle.join(file).is_file(), "{file} is missing");
    }
    assert_eq!(fs::read_dir(&bundle).unwrap().count(), 7, "and nothing else");
}

#[test]
fn the_script_takes_libtorch_from_the_first_place_that_has_it() {
    let place = Place::new();
    let bundle = place.bundle();
    place.write("libs/libtorch_cpu.so", "");
    let (own, libs) = (place.path("own"), place.path("libs"));
    let python = "echo site/torch";
    let all: [(&str, &Path); 2] = [("LIBTORCH", &own), ("LD_LIBRARY_PATH", &libs)];
    let first = place.run(&bundle, python, &all, &["--libtorch", "named", "selftest", "--device", "a b"]);
    assert_eq!(said(&first), "named: selftest --device a b");
    let second = place.run(&bundle, python, &all, &["check"]);
    assert_eq!(said(&second), format!("{}: check", own.display()));
    // The program looks there itself.
    let third = place.run(&bundle, python, &all[1..], &[]);
    assert_eq!(said(&third), "none:");
    let fourth = place.run(&bundle, python, &[("LD_LIBRARY_PATH", &own)], &[]);
    assert_eq!(said(&fourth), "site/torch:");
    // And says what is missing, where nothing is.
    for nothing in ["exit 1", "echo"] {
        assert_eq!(said(&place.run(&bundle, nothing, &[], &[])), "none:");
    }
}

#[test]
fn a_flag_without_its_folder_is_misuse() {
    let place = Place::new();
    let bundle = place.bundle();
    let output = place.run(&bundle, "exit 1", &[], &["--libtorch"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: --libtorch needs a folder\nhint: "), "{said}");
}

#[test]
fn nothing_is_written_over() {
    let place = Place::new();
    place.write("out/mine.txt", "");
    let error = refuse_what_is_there(&place.path("out")).unwrap_err().to_string();
    assert!(error.ends_with("is there already: remove it, or choose another folder with --out"), "{error}");
    assert!(refuse_what_is_there(&place.path("other")).is_ok());
}

#[test]
fn what_is_in_the_making_lies_beside_its_place() {
    assert_eq!(part(Path::new("a/gpu-bundle")), Path::new("a/gpu-bundle.part"));
}

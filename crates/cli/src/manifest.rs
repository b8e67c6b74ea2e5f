//! What a run's numbers depend on, gathered.

use rl::Mix;
use rl::ModelLoader;
use runs::Formats;
use runs::Hash;
use runs::Manifest;
use runs::Schedule;
use serde::Serialize;
use sim::Pair;
use text::Dialect;

use crate::cold_start;
use crate::setup::Setup;

/// The manifest of a run with this setup on this machine.
#[must_use]
pub fn manifest(setup: &Setup, dialect: &Dialect, loader: &dyn ModelLoader) -> Manifest {
    let limits = &setup.settings.limits;
    let libraries = loader.describe();
    let device = libraries.iter().find(|(name, _)| name == "device").map_or("none", |(_, value)| value.as_str());
    Manifest {
        formats: Formats::CURRENT,
        config: hash_of(&setup.settings),
        scenario: hash_of_mix(&setup.mix),
        template: Some(Hash::of_bytes(dialect.template().source().as_bytes())),
        tokenizer: Some(Hash::of_bytes(dialect.tokenizer().to_json().as_bytes())),
        lessons: cold_start::lessons_hash(&setup.settings, &setup.mix),
        base: base(setup),
        cold_start: Pair::default(),
        seed: setup.settings.seed,
        device: device.to_owned(),
        schedule: Schedule {
            episodes_live_max: limits.episodes_live_max,
            batch_max: limits.batch_max,
            threads: limits.threads,
        },
        binary: binary(),
        libraries,
    }
}

/// What each learning seat's model starts from.
fn base(setup: &Setup) -> Pair<Option<Hash>> {
    let learning = setup.learning();
    let base = setup.settings.base.as_ref();
    Pair::from_fn(|seat| base.filter(|_| learning[seat])?.models[seat].as_deref().and_then(Hash::of_hex))
}

/// Hash of a checked value: settings, a scenario, a study.
#[must_use]
pub fn hash_of(checked: &impl Serialize) -> Hash {
    Hash::of_bytes(config::hash(checked).as_bytes())
}

/// Hash of what a run plays: of its one scenario, or of all of them with their weights and opponents.
#[must_use]
pub fn hash_of_mix(mix: &Mix) -> Hash {
    match mix.parts() {
        [alone] if alone.has_own_opponents() => hash_of(&*alone.scenario),
        parts => hash_of(&parts),
    }
}

/// Hash of the running program; of nothing where it cannot be read.
pub(crate) fn binary() -> Hash {
    let program = std::env::current_exe().ok();
    program.and_then(|path| Hash::of_file(&path).ok()).unwrap_or_else(|| Hash::of_bytes(&[]))
}

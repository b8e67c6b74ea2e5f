//! A run file, from raw keys to [`rl::RunSettings`]. The defaults are the settings of the quickstart, so a run file may be short.

mod cotraining;
mod grpo;
mod lora;
mod loss;
mod model;
mod monitors;
mod opponents;
mod preset;

use std::path::PathBuf;
use std::sync::Arc;

use rl::Opponent;
use rl::RunSettings;
use rl::settings::CACHE_BYTES_MAX;
use rl::settings::CheckpointSettings;
use rl::settings::Device;
use rl::settings::EvalSettings;
use rl::settings::Limits;
use rl::settings::ModelShape;
use rl::settings::OptimizerSettings;
use rl::settings::RecordedFolder;
use rl::settings::SftSettings;
use rl::settings::Thoughts;
use rl::settings::UpdateMode;
use schemars::JsonSchema;
use serde::Deserialize;
use sim::Pair;
use sim::RewardKind;
use sim::Rubric;
use sim::Scenario;
use sim::Seat;
use sim::rubric::Juror;

use crate::allowed::Allowed;
use crate::check::Check;
use crate::demand::Says;
use crate::judge;
use crate::policy;
use crate::sha;
use grpo::GrpoFile;
use model::ModelFile;
use opponents::OpponentsFile;
use opponents::Written;
use preset::PRESETS;
use preset::Preset;

/// Counts that only need to be counts.
const COUNT: Allowed = Allowed::between(1.0, 1e9, "there must be at least one");
/// Shares of a whole.
const SHARE: Allowed = Allowed::between(0.0, 1.0, "it is a share");
/// Keys of a cold start that say how it learns.
const OF_UPDATES: [&str; 12] = [
    "sft.records",
    "sft.top",
    "sft.dialogues",
    "sft.teacher",
    "sft.thoughts",
    "sft.tokens_per_update",
    "sft.lr",
    "sft.warmup",
    "sft.lr_floor",
    "sft.partner_weight",
    "sft.drill_share",
    "sft.probe_min",
];
/// What becomes of the teacher's thoughts.
const THOUGHTS: [(&str, Thoughts); 3] = [("own", Thoughts::Own), ("free", Thoughts::Free), ("none", Thoughts::None)];
/// Where a folder of `rollout --out`, or of a run, has its episodes.
const LOG: &str = "episodes/log.bin";
/// Learning rates.
const RATE: Allowed = Allowed::above(0.0, 1.0, "at 0 nothing is learned, and above 1 no update is a small step");
/// Updates of warm-up.
const WARMUP: Allowed = Allowed::between(0.0, 1e9, "it is a number of updates");

/// What is done with a scenario: a training run. The defaults are those of the quickstart.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct RunFile {
    /// The scenario file; a path that starts at this file's folder.
    scenario: Option<String>,
    /// Several scenarios instead, which one model learns at once.
    mix: Option<Vec<PartFile>>,
    /// Whom a model meets where it learns alone or is measured: any policy, also one that plays elsewhere. Left out: its gym's own fixed
    /// opponent.
    opponents: Option<OpponentsFile>,
    /// Name of the run: its folder is runs/NAME. Left out: this file's name without .toml.
    name: Option<String>,
    /// Whose defaults `[grpo]` and `[optimizer]` have: ours, or those with which UserRL was published, of which `paper-best` is the paper's best
    /// row and `upstream-default` what its training script does; or the learning rule of that name, and ours for the rest.
    preset: Option<String>,
    /// Seed of every draw of the run.
    seed: Option<i64>,
    /// Bounds, and the machine.
    limits: Option<LimitsFile>,
    /// Each seat's model: the shape of a decoder of the Qwen3 kind that starts from nothing, or a folder to start from. Both seats have the same
    /// shape, and each its own weights unless `seats` says otherwise.
    model: Option<ModelFile>,
    /// The cold start: imitation of scripts.
    sft: Option<SftFile>,
    /// Group-relative policy optimisation: each seat learns from its own rewards, each episode against the others of its group.
    grpo: Option<GrpoFile>,
    /// AdamW, of the cold start too.
    optimizer: Option<OptimizerFile>,
    /// Evaluations on held-out items against fixed opponents; before the first and after the last step in any case.
    eval: Option<EvalFile>,
    /// What is kept on disk.
    checkpoints: Option<CheckpointsFile>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct PartFile {
    /// The scenario file; a path that starts at this file's folder.
    scenario: Option<String>,
    /// Its share of the groups, and of the talks of the cold start, as a multiple of the others'.
    weight: Option<f64>,
    /// Whom a model meets in this scenario, if not whom it meets in the others.
    opponents: Option<OpponentsFile>,
}

/// A scenario that a run file names.
pub(crate) struct Named {
    /// The key it stands under.
    pub(crate) key: String,
    /// Its path as written.
    pub(crate) path: String,
    /// Its share, as a multiple of the others'.
    pub(crate) weight: f64,
    /// Its fixed opponents; `None`: the gym's own.
    pub(crate) opponents: Pair<Option<Written>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct LimitsFile {
    /// Episodes alive at once.
    episodes_live_max: Option<i64>,
    /// Rows that a policy samples at once.
    batch_max: Option<i64>,
    /// Mebibytes of keys and values of each model. What does not fit is computed again when it is needed.
    cache_mib_max: Option<i64>,
    /// Threads of the tensor library, for each model; the two seats learn side by side.
    threads: Option<i64>,
    /// Where the models live: `auto` is the GPU if there is one.
    device: Option<String>,
    /// How often an episode is played again, with the same draws, that a fault of the infrastructure ended; 0: it leaves its group.
    reruns_max: Option<i64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct SftFile {
    /// Folders of recorded episodes to learn from, as `rollout --out` writes them, in place of a teacher's dialogues. Whoever played in them is
    /// imitated, be it a script or somebody else's model. Paths that start at this file's folder.
    records: Option<Vec<String>>,
    /// How many dialogues of each scenario each seat imitates: those in which it scored most. Left out: all.
    top: Option<i64>,
    /// Dialogues of the teacher with itself to learn from.
    dialogues: Option<i64>,
    /// Script of both seats, `scripted:NAME`.
    teacher: Option<String>,
    /// What becomes of the teacher's thoughts, in seats that reason: `own`, they are learned in the form that the gym's rules check; `free`, told without
    /// that form (in `talk`); `none`, the seat learns to think nothing and to speak at once.
    thoughts: Option<String>,
    /// Optimiser updates of each seat. With `model.from` there need be none, and are none unless it says so.
    updates: Option<i64>,
    /// Tokens that an update learns from, about.
    tokens_per_update: Option<i64>,
    /// Highest learning rate; it falls along a cosine.
    lr: Option<f64>,
    /// Updates of linear warm-up.
    warmup: Option<i64>,
    /// Last learning rate as a share of the highest; 1 keeps it constant.
    lr_floor: Option<f64>,
    /// Loss weight of the other seat's tokens; own tokens have 1.
    partner_weight: Option<f64>,
    /// Share of drills among the samples; the rest are dialogues.
    drill_share: Option<f64>,
    /// The gate: share of held-out drills to be answered right after the cold start, or training stops there.
    probe_min: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct OptimizerFile {
    /// Decay of the first moment.
    beta1: Option<f64>,
    /// Decay of the second moment.
    beta2: Option<f64>,
    /// Added to the root of the second moment.
    eps: Option<f64>,
    /// Decoupled weight decay, on matrices only.
    weight_decay: Option<f64>,
    /// Gradients are scaled down to this norm.
    grad_norm_max: Option<f64>,
    /// Most tokens in one micro-batch, padding included; bounds memory and does not change the gradient. At least
    /// `model.max_position_embeddings`, and that by default where it is higher.
    micro_tokens_max: Option<i64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct EvalFile {
    /// Steps between evaluations.
    every: Option<i64>,
    /// Held-out items; no more than the scenario has.
    items: Option<i64>,
    /// Trials of each item.
    trials: Option<i64>,
    /// Who judges evaluations by the scenarios' rubrics, `openai:MODEL` or `replay:FILE`, in place of the panel that judges training. Left out: nobody.
    judge: Option<String>,
    /// The family of models it is of; none on a panel whose words train.
    judge_family: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct CheckpointsFile {
    /// Updates between commits during the cold start.
    sft_every: Option<i64>,
    /// Steps between commits during GRPO.
    grpo_every: Option<i64>,
    /// Checkpoints kept, the newest; the one after the cold start is kept besides.
    keep: Option<i64>,
}

/// A good run with no more than it needs, and with the mode that leaves no key without effect: what is demanded of it, the schema says.
pub(crate) const LEAST: &str = "scenario = \"scenario.toml\"\ngrpo = { mode = \"alternating\" }\n";

/// The same of several scenarios.
pub(crate) const LEAST_MIX: &str = "mix = [{ scenario = \"scenario.toml\" }]\ngrpo = { mode = \"alternating\" }\n";

/// Checks the whole file, except for what only the scenarios can tell: see [`against_mix`]. `name` is the run's name where the file
/// gives none. The second value is what the file says is played; empty if it says nothing, which has been noted.
pub(crate) fn run(check: &mut Check<'_>, default_name: &str) -> (RunSettings, Vec<Named>) {
    let RunFile {
        scenario,
        mix,
        opponents,
        name,
        preset,
        seed,
        limits,
        model,
        sft,
        grpo,
        optimizer,
        eval,
        checkpoints,
    } = check.read("");
    let played = played(check, scenario, mix, &opponents::written("opponents", opponents));
    let name = name.unwrap_or_else(|| default_name.to_owned());
    check.name("name", Some(&name));
    let model = model.unwrap_or_default();
    let seats = model::seats(check, &model);
    let (model, dtype, base) = model::model(check, model);
    let preset = check.word("preset", preset.as_deref(), &PRESETS);
    let optimizer = optimizer_settings(check, optimizer.unwrap_or_default(), &model, &preset);
    let settings = RunSettings {
        name,
        seed: check.whole("seed", seed, 1, Allowed::SEED),
        limits: run_limits(check, limits.unwrap_or_default()),
        model,
        sft: sft_settings(check, sft.unwrap_or_default(), base.is_some()),
        seats,
        dtype,
        base,
        grpo: grpo::grpo_settings(check, grpo.unwrap_or_default(), optimizer, &preset),
        eval: eval_settings(check, eval.unwrap_or_default()),
        checkpoints: checkpoint_settings(check, checkpoints.unwrap_or_default()),
    };
    model::one_for_both(check, &settings);
    if settings.sft.updates == 0 {
        let because = "there is no cold start to learn from once more: `sft.updates` is 0";
        check.without_effect("grpo.replay", settings.grpo.replay, because);
    }
    (settings, played)
}

fn played(
    check: &mut Check<'_>,
    scenario: Option<String>,
    mix: Option<Vec<PartFile>>,
    opponents: &Pair<Option<Written>>,
) -> Vec<Named> {
    check.demand("", Says::JustOneOf(&["scenario", "mix"]));
    match (scenario, mix) {
        (Some(path), None) => {
            vec![Named { key: "scenario".to_owned(), path, weight: 1.0, opponents: opponents.clone() }]
        }
        (Some(_), Some(_)) => {
            let hint = "keep `scenario` to play one, or `mix` to play several";
            check.error("mix", "stands beside `scenario`: which of them is played?", hint);
            Vec::new()
        }
        (None, Some(parts)) => {
            check.demand("mix", Says::Filled);
            if parts.is_empty() && !check.overlooked("mix") {
                check.error("mix", "holds no scenario", "e.g. `mix = [{ scenario = \"../scenarios/haggle.toml\" }]`");
            }
            (0..).zip(parts).filter_map(|(index, part)| named_part(check, index, part, opponents)).collect()
        }
        (None, None) => {
            let given = check.overlooked("mix");
            check.present_here("scenario", given, "scenario = \"../scenarios/haggle.toml\"");
            Vec::new()
        }
    }
}

fn named_part(check: &mut Check<'_>, index: usize, part: PartFile, others: &Pair<Option<Written>>) -> Option<Named> {
    let PartFile { scenario, weight, opponents } = part;
    let key = format!("mix[{index}].scenario");
    let own = opponents::written(&format!("mix[{index}].opponents"), opponents);
    let opponents = Pair::from_fn(|seat| own[seat].clone().or_else(|| others[seat].clone()));
    let share = Allowed::above(0.0, 1e6, "it is a multiple of the other scenarios' shares");
    let weight = check.number(&format!("mix[{index}].weight"), weight, 1.0, share);
    check.present(&key, scenario.is_some(), "scenario = \"../scenarios/haggle.toml\"");
    Some(Named { key, path: scenario?, weight, opponents })
}

/// Checks what concerns the file and its scenarios, of which each comes with what names it. Who sits across from the models in each.
pub(crate) fn against_mix(
    check: &mut Check<'_>,
    settings: &RunSettings,
    played: &[(&Named, &Scenario)],
) -> Vec<Pair<Opponent>> {
    for (_, scenario) in played {
        let whose = if played.len() > 1 { format!("`{}`", scenario.name) } else { "the scenario".to_owned() };
        against_scenario(check, settings, scenario, &whose);
    }
    if played.iter().all(|(_, scenario)| !scenario.rules.has_drills()) {
        let gyms: Vec<String> = played.iter().map(|(_, scenario)| format!("`{}`", scenario.rules.name())).collect();
        let verb = if gyms.len() == 1 { "has" } else { "have" };
        for key in ["sft.drill_share", "sft.probe_min"] {
            let because = format!("{} {verb} no drills", gyms.join(" and "));
            check.without_effect(key, check.has(key).then_some(()), &because);
        }
    }
    thoughts(check, settings, played);
    let shares = |scenario: &Scenario| scenario.rewards.iter().any(|rule| rule.kind == RewardKind::Shared);
    if !played.iter().any(|(_, scenario)| shares(scenario)) {
        let because = "no reward of the scenario is of kind `shared`";
        check.without_effect("grpo.shared_weight", settings.grpo.shared_weight, because);
    }
    if played.len() == 1 && settings.grpo.cotraining.curriculum.is_some() {
        let because = "it weighs the scenarios of a mix, and there is one";
        check.without_effect("grpo.curriculum", Some(()), because);
    }
    for (index, (named, scenario)) in played.iter().enumerate() {
        against_others(check, &named.key, scenario, &played[..index]);
    }
    let scenarios: Vec<&Scenario> = played.iter().map(|(_, scenario)| *scenario).collect();
    monitors::without_effect(check, settings, &scenarios);
    against_rubrics(check, settings, played);
    opponents::without_effect(check, settings, played.iter().map(|(named, _)| &named.opponents));
    let across = |(named, scenario): &(&Named, &Scenario)| {
        opponents::opponents(check, &named.key, settings, scenario, &named.opponents)
    };
    played.iter().map(across).collect()
}

/// Thoughts are there to be changed where a seat reasons, and can be told freely where the gym knows how.
fn thoughts(check: &mut Check<'_>, settings: &RunSettings, played: &[(&Named, &Scenario)]) {
    let reasons = |scenario: &Scenario| Seat::ALL.into_iter().any(|seat| scenario.seats[seat].reasons);
    if !played.iter().any(|(_, scenario)| reasons(scenario)) {
        let given = check.has("sft.thoughts").then_some(());
        check.without_effect("sft.thoughts", given, "no seat of the scenario reasons");
    }
    let cannot = played.iter().find(|(_, scenario)| !scenario.rules.has_free_thoughts());
    if let Some((_, scenario)) = cannot.filter(|_| settings.sft.thoughts == Thoughts::Free) {
        let what = format!("cannot be `free`: `{}` has one form of thoughts", scenario.rules.name());
        check.error(
            "sft.thoughts",
            what,
            "write thoughts = \"own\" or \"none\", or play a scenario of the world `talk`",
        );
    }
}

/// One model of a seat speaks in all scenarios, and their numbers are told apart by their names.
fn against_others(check: &mut Check<'_>, key: &str, scenario: &Scenario, others: &[(&Named, &Scenario)]) {
    if let Some((other, _)) = others.iter().find(|(_, other)| other.name == scenario.name) {
        let Named { key: other, .. } = other;
        let what = format!("plays `{}`, as `{other}` does: their numbers could not be told apart", scenario.name);
        check.error(key, what, "name each scenario once, with a name of its own in its file");
    }
    let Some((_, first)) = others.first() else { return };
    for seat in Seat::ALL.into_iter().filter(|seat| first.seats[*seat].reasons != scenario.seats[*seat].reasons) {
        let says = |scenario: &Scenario| if scenario.seats[seat].reasons { "reasons" } else { "does not reason" };
        let what = format!(
            "cannot stand in this mix: its {seat} {}, and that of `{}` {}",
            says(scenario),
            first.name,
            says(first)
        );
        check.error(
            key,
            what,
            format!("one model is the {seat} in all scenarios: give them the same `{seat}.reasons`"),
        );
    }
}

/// Whether a script plays both seats, and needs nobody else.
fn teaches(check: &mut Check<'_>, teacher: &str, scenario: &Scenario) {
    for seat in Seat::ALL {
        if let Some((what, hint)) = policy::mistake(&scenario.rules, seat, teacher) {
            check.error("sft.teacher", format!("{what}, and it teaches both seats"), hint);
            break;
        }
    }
    if !policy::is_script(teacher) {
        let what = format!("cannot be `{teacher}`: a cold start plays a script");
        let hint = "write a script of both seats, e.g. `scripted:noisy`; anybody else's talks go into `sft.records`";
        check.error("sft.teacher", what, hint);
    }
    if scenario.rules.engine().is_some() {
        let name = &scenario.name;
        let what = format!("cannot teach `{name}`, where searches go to an engine: a cold start asks nobody outside");
        check.error("sft.teacher", what, "collect talks with `rollout --out`, and name their folder in `sft.records`");
    }
}

/// Checks what concerns both files.
fn against_scenario(check: &mut Check<'_>, settings: &RunSettings, scenario: &Scenario, whose: &str) {
    model::against_scenario(check, settings, scenario);
    if settings.sft.records.is_empty() && settings.sft.updates > 0 {
        teaches(check, &settings.sft.teacher, scenario);
    }
    for seat in Seat::ALL {
        let learns = settings.grpo.mode == UpdateMode::Only(seat) || !matches!(settings.grpo.mode, UpdateMode::Only(_));
        if learns && !scenario.rules.takes_turns(seat) {
            let what =
                format!("trains the {seat}, which has no turns in `{}`: the world only asks it", scenario.rules.name());
            check.error("grpo.mode", what, format!("write mode = \"{}\"", seat.partner()));
        }
    }
    let held_out = scenario.items.held_out;
    if settings.eval.items > held_out {
        let what = format!("cannot be {}: {whose} has {held_out} held-out items", settings.eval.items);
        check.error("eval.items", what, "lower it, or raise `held_out` in the scenario's `items`");
    }
    let context = settings.model.max_position_embeddings;
    for (seat, rules) in scenario.seats.iter() {
        if i64::from(rules.tokens_max) >= context {
            let what = format!("{context} are too few: the {seat} may write {} in one turn alone", rules.tokens_max);
            check.error(
                "model.max_position_embeddings",
                what,
                format!("raise it, or lower `{seat}.tokens_max` in the scenario"),
            );
        }
    }
}

fn run_limits(check: &mut Check<'_>, file: LimitsFile) -> Limits {
    let LimitsFile { episodes_live_max, batch_max, cache_mib_max, threads, device, reruns_max } = file;
    let live = Allowed::between(1.0, 1e6, "nothing is played unless one episode is alive, and every one takes memory");
    let batch = Allowed::between(1.0, 65_536.0, "it is the number of rows a policy samples at once");
    let memory = Allowed::between(1.0, 1e6, "without any, every turn would compute its whole talk");
    let cores = Allowed::between(1.0, 1024.0, "it is a number of threads");
    let again = Allowed::between(0.0, 100.0, "it is how often one episode is played again; 0 is off");
    let devices = [("auto", Device::Auto), ("cpu", Device::Cpu), ("cuda", Device::Cuda)];
    Limits {
        episodes_live_max: check.whole("limits.episodes_live_max", episodes_live_max, 256, live),
        batch_max: check.whole("limits.batch_max", batch_max, 256, batch),
        cache_mib_max: check.whole("limits.cache_mib_max", cache_mib_max, CACHE_BYTES_MAX >> 20, memory),
        threads: check.whole("limits.threads", threads, 1, cores),
        device: check.word("limits.device", device.as_deref(), &devices),
        reruns_max: check.whole("limits.reruns_max", reruns_max, 0, again),
    }
}

fn sft_settings(check: &mut Check<'_>, file: SftFile, has_base: bool) -> SftSettings {
    let SftFile {
        records,
        top,
        dialogues,
        teacher,
        thoughts,
        updates,
        tokens_per_update,
        lr,
        warmup,
        lr_floor,
        partner_weight,
        drill_share,
        probe_min,
    } = file;
    let drills = Allowed::below(0.0, 1.0, "it is a share of the samples, and dialogues need the rest");
    let tokens = Allowed::between(16.0, 1e7, "it is the number of tokens an update learns from");
    let records = recorded(check, records);
    let count = if has_base { Allowed::between(0.0, 1e9, "it is a number of updates") } else { COUNT };
    let updates = check.whole("sft.updates", updates, if has_base { 0 } else { 3500 }, count);
    if updates == 0 {
        for key in OF_UPDATES {
            check.without_effect(key, check.has(key).then_some(()), "there is no cold start: `sft.updates` is 0");
        }
    }
    if !records.is_empty() {
        let because = "`sft.records` says what is imitated";
        check.without_effect("sft.dialogues", dialogues, because);
        check.without_effect("sft.teacher", teacher.as_ref(), because);
        check.without_effect("sft.thoughts", thoughts.as_ref(), because);
    }
    SftSettings {
        records,
        top: check.whole_optional("sft.top", top, COUNT, "all of them are imitated"),
        dialogues: check.whole("sft.dialogues", dialogues, 6000, COUNT),
        teacher: check.text("sft.teacher", teacher, "scripted:noisy"),
        thoughts: check.word("sft.thoughts", thoughts.as_deref(), &THOUGHTS),
        updates,
        tokens_per_update: check.whole("sft.tokens_per_update", tokens_per_update, 600, tokens),
        lr: check.number("sft.lr", lr, 1.5e-3, RATE),
        warmup: check.whole("sft.warmup", warmup, 20, WARMUP),
        lr_floor: check.number("sft.lr_floor", lr_floor, 0.05, SHARE),
        partner_weight: check.number("sft.partner_weight", partner_weight, 0.2, SHARE) as f32,
        drill_share: check.number("sft.drill_share", drill_share, 0.5, drills),
        probe_min: check.number("sft.probe_min", probe_min, 0.9, SHARE),
    }
}

/// Folders of records. A path in the file starts at its folder; one on the command line where the command was given.
fn recorded(check: &mut Check<'_>, written: Option<Vec<String>>) -> Vec<RecordedFolder> {
    if written.as_ref().is_some_and(Vec::is_empty) && !check.overlooked("sft.records") {
        check.error("sft.records", "names no folder", "take it out to imitate a teacher, or name a folder of episodes");
    }
    check.demand("sft.records", Says::Filled);
    let folder = check.folder_of("sft.records");
    let written = written.into_iter().flatten().enumerate();
    written.filter_map(|(index, written)| recorded_folder(check, index, folder.join(&written), &written)).collect()
}

fn recorded_folder(check: &mut Check<'_>, index: usize, path: PathBuf, written: &str) -> Option<RecordedFolder> {
    match std::fs::read(path.join(LOG)) {
        Ok(bytes) => Some(RecordedFolder { path, log: sha::hex(&bytes) }),
        Err(error) => {
            let what = format!("`{written}` cannot be read: {LOG}: {error}");
            check.error(&format!("sft.records[{index}]"), what, "name a folder of `rollout --out`, or a run's");
            None
        }
    }
}

fn optimizer_settings(
    check: &mut Check<'_>,
    file: OptimizerFile,
    model: &ModelShape,
    preset: &Preset,
) -> OptimizerSettings {
    let OptimizerFile { beta1, beta2, eps, weight_decay, grad_norm_max, micro_tokens_max } = file;
    let beta = Allowed::below(0.0, 1.0, "it is how much of a moment is kept, and at 1 nothing new would enter it");
    let epsilon = Allowed::above(0.0, 0.1, "it keeps AdamW from dividing by 0");
    let decay = Allowed::between(0.0, 1.0, "it is taken off the weights, times the learning rate");
    let norm = Allowed::above(0.0, 1e6, "gradients are scaled down to it");
    let micro = Allowed::between(1.0, 1e8, "it is the number of tokens computed at once");
    let stream = usize::try_from(model.max_position_embeddings).unwrap_or(0);
    let settings = OptimizerSettings {
        beta1: check.number("optimizer.beta1", beta1, 0.9, beta),
        beta2: check.number("optimizer.beta2", beta2, preset.beta2, beta),
        eps: check.number("optimizer.eps", eps, 1e-8, epsilon),
        weight_decay: check.number("optimizer.weight_decay", weight_decay, preset.weight_decay, decay),
        grad_norm_max: check.number("optimizer.grad_norm_max", grad_norm_max, 1.0, norm),
        // A longer context must not fail over a default that was made for short ones.
        micro_tokens_max: check.whole("optimizer.micro_tokens_max", micro_tokens_max, usize::max(1024, stream), micro),
    };
    let most = settings.micro_tokens_max;
    if most < stream {
        let what = format!("cannot be {most}: one stream may have {stream} tokens, and it is never cut");
        check.error("optimizer.micro_tokens_max", what, "it is at least `model.max_position_embeddings`");
    }
    settings
}

fn eval_settings(check: &mut Check<'_>, file: EvalFile) -> EvalSettings {
    let EvalFile { every, items, trials, judge, judge_family } = file;
    EvalSettings {
        every: check.whole("eval.every", every, 20, COUNT),
        items: check.whole("eval.items", items, 200, COUNT),
        trials: check.whole("eval.trials", trials, 1, COUNT),
        judge: eval_judge(check, judge, judge_family),
    }
}

/// Who judges evaluations: a policy and its family, or neither.
fn eval_judge(check: &mut Check<'_>, judge: Option<String>, family: Option<String>) -> Option<Juror> {
    if let Some(policy) = &judge {
        judge::juror(check, "eval.judge", policy);
        check.present_here("eval.judge_family", family.is_some(), "judge_family = \"NAME\"");
    } else if family.is_some() {
        check.present_here("eval.judge", false, "judge = \"openai:MODEL\"");
    }
    Some(Juror { policy: judge?, family: family? })
}

/// Who judges what was trained must not be of a family that judged it while it learned: what pleases the one pleases the other.
fn against_rubrics(check: &mut Check<'_>, settings: &RunSettings, played: &[(&Named, &Scenario)]) {
    let rubrics: Vec<_> =
        played.iter().filter_map(|(_, scenario)| Some((scenario, scenario.judge.rubric.as_ref()?))).collect();
    if rubrics.is_empty() {
        let because = "no scenario of it has a judge by rubric";
        check.without_effect("eval.judge", check.has("eval.judge").then_some(()), because);
        check.without_effect("eval.judge_family", check.has("eval.judge_family").then_some(()), because);
        return;
    }
    let Some(Juror { family, .. }) = &settings.eval.judge else { return };
    let alike = |one: &str| one.trim().eq_ignore_ascii_case(family.trim());
    let trains = |rubric: &&(_, &Arc<Rubric>)| rubric.1.criteria.iter().any(|criterion| criterion.weight.is_some());
    for (scenario, rubric) in rubrics.iter().filter(trains) {
        if let Some(juror) = rubric.panel.iter().find(|juror| alike(&juror.family)) {
            let what = format!(
                "cannot be `{family}`: {} of that family judges what trains in `{}`, and whoever learned to please it would please this one too",
                juror.policy, scenario.name
            );
            check.error("eval.judge_family", what, "let a model of another family judge the evaluations");
            return;
        }
    }
}

fn checkpoint_settings(check: &mut Check<'_>, file: CheckpointsFile) -> CheckpointSettings {
    let CheckpointsFile { sft_every, grpo_every, keep } = file;
    let kept = Allowed::between(1.0, 1e6, "without a checkpoint no run could be resumed");
    CheckpointSettings {
        sft_every: check.whole("checkpoints.sft_every", sft_every, 200, COUNT),
        grpo_every: check.whole("checkpoints.grpo_every", grpo_every, 1, COUNT),
        keep: check.whole("checkpoints.keep", keep, 3, kept),
    }
}

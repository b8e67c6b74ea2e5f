//! `duologue check`: are these files good?

use config::Checked;

use crate::failure::Failure;
use crate::flags::CheckFlags;
use crate::stdout::say;

/// Checks every file and reports all that is wrong with all of them.
///
/// # Errors
/// [`Failure::Input`] if any of them is not good.
pub fn check(flags: &CheckFlags) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for file in &flags.files {
        match config::check_file(file) {
            Ok(Checked::Scenario(scenario)) => {
                say(format_args!("{}: scenario `{}`: good", file.display(), scenario.name))?;
            }
            Ok(Checked::Run(settings, mix)) => {
                let names: Vec<String> = mix.scenarios().map(|scenario| format!("`{}`", scenario.name)).collect();
                let (file, name, names) = (file.display(), &settings.name, names.join(", "));
                let noun = if mix.is_mixed() { "scenarios" } else { "scenario" };
                say(format_args!("{file}: run `{name}` of {noun} {names}: good"))?;
            }
            Ok(Checked::Study(study)) => {
                let (file, name) = (file.display(), &study.name);
                let runs = study.runs.len() * study.seeds.len();
                say(format_args!("{file}: study `{name}` of {runs} runs and {} policies: good", study.policies.len()))?;
            }
            Ok(Checked::Suite(suite)) => {
                let (file, name) = (file.display(), &suite.name);
                let (families, traps) = (suite.families.len(), suite.traps.len());
                let tasks: usize = suite.sets.iter().map(|set| set.tasks().len()).sum();
                let sets = match suite.sets.len() {
                    0 => String::new(),
                    sets => format!(", {sets} sets of {tasks} tasks"),
                };
                say(format_args!(
                    "{file}: suite `{name}` of {families} families and {traps} tests of traps{sets}: good"
                ))?;
            }
            Err(errors) => wrong.push(errors.to_string()),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Input { message: wrong.join("\n") }) }
}

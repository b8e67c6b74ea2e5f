//! `[world.conduct]`: how turns are to be written.

use schemars::JsonSchema;
use serde::Deserialize;
use sim::gyms::conduct::Language;
use sim::gyms::conduct::Window;
use sim::gyms::talk::conduct::Conduct;

use crate::allowed::Allowed;
use crate::check::Check;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ConductFile {
    /// Fewest words of the user's thought, its heads and numbers included.
    thought_words_min: Option<i64>,
    /// Most words of the user's thought.
    thought_words_max: Option<i64>,
    /// What both speak.
    language: Option<String>,
}

/// The part; each key has a default.
pub(super) fn conduct(check: &mut Check<'_>, file: ConductFile) -> Conduct {
    let ConductFile { thought_words_min, thought_words_max, language } = file;
    let key = |name: &str| format!("world.conduct.{name}");
    let most = Allowed::between(1.0, 65_536.0, "it is what a thought may be long, in words");
    let max: u32 = check.whole(&key("thought_words_max"), thought_words_max, 400, most);
    let least = Allowed::between(0.0, 65_536.0, "it is at most `thought_words_max`: no thought is longer and shorter");
    let least = least.here_at_most(f64::from(max));
    let min = check.whole(&key("thought_words_min"), thought_words_min, 8, least);
    let language = check.word(&key("language"), language.as_deref(), &Language::ALL);
    Conduct { rationale: Window { min, max }, language }
}

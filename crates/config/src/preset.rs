//! A preset's settings, without a run file.

use rl::settings::GrpoSettings;

use crate::Source;
use crate::check::Check;
use crate::node::Node;
use crate::run;

/// What `[grpo]` and `[optimizer]` come to in a run file that names this preset and writes nothing else about learning; `None` if there is no such preset.
#[must_use]
pub fn preset(name: &str) -> Option<GrpoSettings> {
    let text = format!("scenario = \"scenario.toml\"\npreset = \"{name}\"\n");
    let source = Source { path: "preset.toml".into(), text };
    let root = Node::parse(&source).ok()?;
    let mut check = Check::new(source.name(), &root);
    let (settings, _) = run::run(&mut check, "preset");
    check.finish(settings.grpo).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_is_what_a_run_file_would_make_of_it() {
        let quickstart = preset("quickstart").expect("there is one");
        assert_eq!((quickstart.clip_low, quickstart.clip_high, quickstart.dual_clip), (0.2, 0.28, Some(3.0)));
        let gspo = preset("gspo").expect("there is one");
        assert_eq!((gspo.clip_low, gspo.minibatches), (3e-4, 4));
        assert!(preset("reinforce++").is_some());
        assert_eq!(preset("none"), None);
        assert_eq!(preset("\"\n"), None);
    }
}

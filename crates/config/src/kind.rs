//! The kinds of files there are, and how to tell them apart before they are read.

use std::fmt;

use crate::node::Node;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// What is played.
    Scenario,
    /// What is done with it: a training run.
    Run,
    /// What is asked about several runs, each under several seeds.
    Study,
    /// What attacks whom, and what has to come of it.
    Suite,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 4] = [FileKind::Scenario, FileKind::Run, FileKind::Study, FileKind::Suite];

    /// Its name in messages and flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FileKind::Scenario => "scenario",
            FileKind::Run => "run",
            FileKind::Study => "study",
            FileKind::Suite => "suite",
        }
    }

    /// Top-level keys that only this kind has.
    fn own_keys(self) -> &'static [&'static str] {
        match self {
            FileKind::Scenario => {
                &["world", "turns_max", "malformed_max", "agent", "user", "judge", "reward", "success"]
            }
            FileKind::Run => &["scenario", "mix", "limits", "model", "sft", "grpo", "optimizer", "checkpoints"],
            FileKind::Study => &["seeds", "runs", "policies", "compare", "cross", "average"],
            FileKind::Suite => &["items", "trials", "reruns_max", "thresholds", "family", "trap", "set"],
        }
    }

    /// What a reader knows a file of this kind by: finishes the sentence "a … file".
    pub(crate) fn mark(self) -> &'static str {
        match self {
            FileKind::Scenario => "has a section `[world]`",
            FileKind::Run => "names its `scenario = \"…\"` or a `mix`",
            FileKind::Study => "has sections `[policies.NAME]`",
            FileKind::Suite => "has entries `[[family]]`, `[[trap]]` or `[[set]]`",
        }
    }

    /// The kind that alone has `key` at the top of its files; `None` if there is none, or several.
    pub(crate) fn with_key(key: &str) -> Option<FileKind> {
        FileKind::ALL.into_iter().find(|kind| kind.own_keys().contains(&key))
    }

    /// What to do with a file of this kind.
    pub(crate) fn commands(self, file: &str) -> String {
        match self {
            FileKind::Scenario => {
                format!("play it with `duologue rollout {file}`, measure on it with `duologue eval {file}`")
            }
            FileKind::Run => format!("train with `duologue train {file}`"),
            FileKind::Study => format!("run it with `duologue study {file}`"),
            FileKind::Suite => format!("run it with `duologue stress {file}`"),
        }
    }

    /// The kind most of whose own keys the file has; `None` if it has none of any.
    pub(crate) fn of(root: &Node) -> Option<FileKind> {
        let own = |kind: &FileKind| kind.own_keys().iter().filter(|key| root.get(key).is_some()).count();
        FileKind::ALL.into_iter().filter(|kind| own(kind) > 0).max_by_key(own)
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn a_kind_is_known_by_keys_that_it_has_and_no_other_kind() {
        for kind in FileKind::ALL {
            for other in FileKind::ALL {
                let keys = schema(other)["properties"].as_object().cloned().expect("every kind has keys");
                for key in kind.own_keys() {
                    assert_eq!(keys.contains_key(*key), kind == other, "{key} of a {kind} file, in a {other} file");
                }
            }
        }
    }
}

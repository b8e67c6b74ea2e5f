//! Replies as models write them.

use proptest::prelude::*;

use super::of_steps;
use super::split;

fn both(text: &str) -> (Option<String>, String) {
    let (thought, said) = split(text);
    of_steps(thought.as_deref(), &said)
}

#[test]
fn a_thought_is_split_off_however_it_is_tagged() {
    let is = |thought: &str, said: &str| (Some(thought.to_owned()), said.to_owned());
    for (text, expected) in [
        (" <think>\na\n</think>\n b ", is("a", "b")),
        ("a</think>b", is("a", "b")),
        ("<THINK>a</Think>b", is("a", "b")),
        ("<think>a</think>b<think>c</think>d", is("a</think>b<think>c", "d")),
        ("<think>never ends", is("never ends", "")),
        (" b ", (None, "b".to_owned())),
        ("b <think>c", is("c", "b")),
        ("<think>a</think>b<think>c", is("a\nc", "b")),
        ("<think></think>b", is("", "b")),
        ("<thinking>a</thinking>b", is("a", "b")),
        ("<thought>a</thought >b", is("a", "b")),
        ("< think >a< / think >b", is("a", "b")),
        ("<think type=\"private\">a</think>b", is("a", "b")),
        ("[THINK]a[/THINK]b", is("a", "b")),
        ("&lt;think&gt;a&lt;/think&gt;b", is("a", "b")),
        ("<|begin_of_thought|>a<|end_of_thought|>b", is("<|begin_of_thought|>a", "b")),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
            is("<|channel|>analysis<|message|>a<|end|><|start|>assistant", "b"),
        ),
        ("<|channel|>analysis<|message|>a", is("<|channel|>analysis<|message|>a", "")),
        ("<think>a</think b", is("a</think b", "")),
        ("<inner_thoughts>a</inner_thoughts>b", is("a", "b")),
        ("[thinker] b", (None, "[thinker] b".to_owned())),
    ] {
        assert_eq!(split(text), expected, "{text}");
    }
}

/// The steps as they were asked for.
const ASKED: &str = "Intent: trap urgency.\nConcern: whole_cost.\nState: 2 3 4 3.\nPlan: counter.\nTone: cold.";
const SAID: &str = "[counter urgency] Show me where it says so.";

/// What models really write: each is read as the five steps and the turn.
#[test]
fn five_steps_are_found_however_they_are_written() {
    let lines: Vec<&str> = ASKED.lines().collect();
    let with = |change: &dyn Fn(usize, &str) -> String| {
        lines.iter().enumerate().map(|(at, line)| change(at, line)).collect::<Vec<_>>().join("\n")
    };
    let tagged = |thought: &str| format!("<think>\n{thought}\n</think>\n{SAID}");
    let replies = [
        tagged(ASKED),
        format!("<thinking>{ASKED}</thinking>\n\n{SAID}"),
        format!("```\n<think>{ASKED}</think>\n{SAID}\n```"),
        format!("<think>{ASKED}</think>\n```\n{SAID}\n```"),
        format!("<think>{ASKED}</think><answer>{SAID}</answer>"),
        format!("{ASKED}\n</think>\n{SAID}"),
        format!("{ASKED}\n\n{SAID}"),
        format!("{ASKED}\n\nUtterance: {SAID}"),
        format!("{ASKED}\n**Reply:** {SAID}"),
        format!("Thought:\n{ASKED}\nAnswer:\n{SAID}"),
        tagged(&with(&|at, line| format!("{}. {line}", at + 1))),
        tagged(&with(&|_, line| {
            format!("- **{}**: {}", line.split_once(": ").unwrap().0, line.split_once(": ").unwrap().1)
        })),
        tagged(&with(&|_, line| {
            format!("**{}:** {}", line.split_once(": ").unwrap().0, line.split_once(": ").unwrap().1)
        })),
        tagged(&with(&|at, line| {
            format!("Step {}: {}", at + 1, line).replace(&format!("Step {}: ", at + 1), &format!("Step {} - ", at + 1))
        })),
        tagged(&ASKED.replace(": ", "：")),
        tagged(
            &ASKED
                .replace("Intent", "Agent's intent")
                .replace("Concern", "My concerns")
                .replace("Plan", "Strategy")
                .replace("Tone", "Refine tone"),
        ),
        tagged(
            &ASKED
                .replace("Intent", "意图")
                .replace("Concern", "关切")
                .replace("State", "状态")
                .replace("Plan", "计划")
                .replace("Tone", "语气")
                .replace(": ", "："),
        ),
        tagged(&ASKED.replace("2 3 4 3", "trust 2/5, emotion 3/5, patience 4/5, participation 3/5")),
    ];
    for reply in replies {
        let (thought, said) = both(&reply);
        assert_eq!(said, SAID, "{reply}");
        let thought = thought.unwrap_or_else(|| panic!("{reply}"));
        let lower = thought.to_lowercase();
        let heads: Vec<Option<usize>> =
            ["intent:", "concern:", "state:", "plan:", "tone:"].iter().map(|head| lower.find(head)).collect();
        assert!(heads.iter().all(Option::is_some) && heads.is_sorted(), "{reply}\n{thought}");
        assert!(thought.contains("trap urgency") && !thought.contains("/5"), "{thought}");
    }
}

#[test]
fn steps_in_fields_and_on_one_line_are_found_too() {
    let json = format!(
        "```json\n{}\n```",
        serde_json::json!({ "thought": ASKED, "act": "counter urgency", "say": "Show me where it says so." })
    );
    let (thought, said) = both(&json);
    assert_eq!(said, SAID);
    assert!(thought.is_some_and(|thought| thought.contains("trap urgency")));
    let fields = serde_json::json!({ "intent": "trap urgency", "concern": "whole_cost", "state": [2, 3, 4, 3], "plan": "counter", "tone": "cold", "reply": SAID });
    let (thought, said) = both(&fields.to_string());
    assert_eq!((said.as_str(), thought.is_some_and(|thought| thought.contains("Intent: trap urgency"))), (SAID, true));
    let inline = ASKED.replace('\n', " ");
    assert_eq!(both(&format!("{inline} {SAID}")), (Some(inline), SAID.to_owned()));
    assert_eq!(
        both("[ask fee] And the fee?"),
        (None, "[ask fee] And the fee?".to_owned()),
        "what has no thought is left alone"
    );
    assert_eq!(both("Well: tell me more."), (None, "Well: tell me more.".to_owned()));
}

proptest! {
    /// A word that stands in a thought, marked in any of the ways that models mark it and however badly, is not among what is said.
    #[test]
    fn a_private_word_is_never_said(
        mark in prop::sample::select(vec![
            "<think>X", "<think>X</think>", "<thinking>X</thinking>", "X</think>", "<THINK >X</think >", "<thought>X", "<think>X</think", "[THINK]X[/THINK]",
            "<|channel|>analysis<|message|>X", "<|begin_of_thought|>X", "Thought: X", "Reasoning：X\nmore X", "**Thinking:** X\nAnswer:", "Intent: X",
            "1. Intent: a X.\n2. Concern: X.\n3. State: 1 2 3 4 X.\n4. Plan: X.\n5. Tone: X.", "意图：X", "Tone: X", "{\"thought\": \"X\", \"say\": \"hi\"}",
            "Intent: a.\nTone: cold,\nX they must not learn.", "Intent: a. State: [2, 3, 4, 3]. Plan: b, X. Tone: cold.", "Thought: a\nAnswer: hi\nReasoning: X",
            "{\"thought\": \"X", "{\"thought\": \"a\nX\", \"say\": \"hi\"}", "### Intent\nX a\n### Plan\nb", "<intent>X</intent>\n<plan>b</plan>",
            "<inner_thoughts>X</inner_thoughts>", "{\"turn\": {\"thought\": \"X\", \"say\": \"hi\"}}", "Intent - X a\nTone - cold", "{\"inner_thought\": \"X\"}",
            "Plan: b.\n  - X then less", "**Intent**\nX", "<my_plan>X",
            "{\"intent\": \"X\", \"reply\": \"hi\"}", "```json\n{\"reasoning\": \"X\", \"act\": \"end\"}\n```", "X <answer>hi</answer> X",
        ]),
        before in prop::sample::select(vec!["", "\n", " ", "```\n", "> "]),
        after in prop::sample::select(vec!["", "\n[end bye] Bye.", " ", "\n\nBye.", "\n```"]),
    ) {
        let text = format!("{before}{}{after}", mark.replace('X', "CANARY"));
        let (_, said) = both(&text);
        prop_assert!(!said.contains("CANARY"), "{} says {}", text, said);
    }

    /// Whatever is written, reading ends, and nothing is said that was not written.
    #[test]
    fn any_text_is_read(text in "(<think>|</think>|<thinking|[{}\\[\\]\",:：]|```|Intent|Tone|Answer|\\PC|\n){0,60}") {
        let (_, said) = split(&text);
        prop_assert!(!said.to_ascii_lowercase().contains("<think"));
        let _ = both(&text);
    }
}

//! What of a reply is private, however it is marked: in tags of any family, in fields of JSON, behind labels, or as five steps in the open. Where it cannot be
//! told, it is private: a turn that holds no act costs the turn, a thought that is heard costs the talk.

use serde_json::Map;
use serde_json::Value;

use crate::form::unfenced;

/// Names that models give to tags around their thoughts.
const TAGS: [&str; 17] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "scratchpad",
    "analysis",
    "rationale",
    "inner_monologue",
    "inner_thoughts",
    "inner_thought",
    "internal_monologue",
    "internal_thoughts",
    "private",
    "inner",
    "思考",
];
/// The same around what is meant for others.
const SAID: [&str; 8] = ["answer", "response", "reply", "utterance", "say", "speech", "output", "final"];
/// Labels of a line whose rest is private, and of one whose rest is not.
const PRIVATE: [&str; 12] = [
    "thought",
    "thoughts",
    "think",
    "thinking",
    "reasoning",
    "rationale",
    "analysis",
    "inner monologue",
    "private",
    "my reasoning",
    "思考",
    "想法",
];
const PUBLIC: [&str; 14] = [
    "answer",
    "response",
    "reply",
    "utterance",
    "say",
    "speech",
    "output",
    "final answer",
    "my reply",
    "user",
    "customer",
    "回答",
    "回复",
    "说",
];
/// The five steps, as they are to be called, and what else models call them.
const STEPS: [(&str, &[&str]); 5] = [
    (
        "Intent",
        &[
            "intent",
            "intention",
            "agent's intent",
            "agent intent",
            "the agent's intent",
            "recognise intent",
            "recognize intent",
            "意图",
        ],
    ),
    ("Concern", &["concern", "concerns", "my concern", "my concerns", "own concerns", "open concern", "关切", "诉求"]),
    ("State", &["state", "my state", "state values", "state update", "update state", "updated state", "状态"]),
    ("Plan", &["plan", "my plan", "strategy", "next action", "plan/strategy", "action plan", "计划", "策略"]),
    ("Tone", &["tone", "my tone", "refine tone", "tone of voice", "style", "语气", "语调"]),
];
/// Marks of families that write no tags: what stands before the last is private.
const FINAL: [&str; 2] = ["<|channel|>final<|message|>", "<|end_of_thought|>"];
const CHANNEL: [&str; 2] = ["<|channel|>", "<|begin_of_thought|>"];

/// Splits a reply into its thought and what is meant for others. All up to the last closing tag is thought, since some templates write the opening one
/// themselves; so is all after an opening tag that nothing closes.
#[must_use]
pub fn split(reply: &str) -> (Option<String>, String) {
    if let Some((before, after)) = FINAL.iter().find_map(|mark| reply.rsplit_once(mark)) {
        let said = after.split("<|").next().unwrap_or_default().trim();
        return (Some(before.trim().to_owned()), said.to_owned());
    }
    if CHANNEL.iter().any(|mark| reply.contains(mark)) {
        return (Some(reply.trim().to_owned()), String::new());
    }
    let tags = tags(reply);
    let close = tags.iter().rev().find(|tag| tag.closes).map_or(0, |tag| tag.end);
    let open = tags.iter().find(|tag| !tag.closes && tag.start >= close).map_or(reply.len(), |tag| tag.start);
    if close == 0 && open == reply.len() {
        return (None, reply.trim().to_owned());
    }
    let private = [&reply[..close], &reply[open..]].map(bare);
    let private: Vec<&str> = private.iter().map(String::as_str).filter(|thought| !thought.is_empty()).collect();
    (Some(private.join("\n")), reply[close..open].trim().to_owned())
}

/// A way to tell what of a text is private, and what is said; `None` where the text is not of that form.
type Way = fn(&str) -> Option<(String, String)>;

/// The same of a seat that was told to think in five steps: what has no tags around it is found too, and the steps get the names they were asked for.
#[must_use]
pub fn of_steps(thought: Option<&str>, said: &str) -> (Option<String>, String) {
    let mut thoughts: Vec<String> = thought.map(str::to_owned).into_iter().collect();
    let mut said = fenceless(said).to_owned();
    let ways: [Way; 5] = [answered, fields, enclosed, labelled, stepped];
    for way in ways {
        if let Some((private, public)) = way(&said) {
            thoughts.extend(Some(private).filter(|private| !private.trim().is_empty()));
            said = fenceless(&public).to_owned();
        }
    }
    let thought =
        thoughts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    ((!thoughts.is_empty()).then(|| named(&thought)), unlabelled(&said))
}

/// A tag of a thought.
struct Tag {
    start: usize,
    end: usize,
    closes: bool,
}

/// All tags of thoughts: `<think>`, `</Thinking >`, `[THINK]`, `&lt;think&gt;`, and one that is never finished.
fn tags(text: &str) -> Vec<Tag> {
    // Of the same length, byte for byte.
    let lower = text.to_ascii_lowercase();
    let mut tags = Vec::new();
    for (open, close) in [("<", ">"), ("[", "]"), ("&lt;", "&gt;")] {
        for (start, _) in lower.match_indices(open) {
            let inside = &lower[start + open.len()..];
            let name = inside.trim_start().strip_prefix('/').unwrap_or(inside).trim_start();
            let closes = inside.trim_start().starts_with('/');
            let known = |tag: &&&str| {
                let rest = name.strip_prefix(**tag);
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-'))
            };
            // Acts stand in square brackets: there only the one that a family writes counts.
            let wanted = if open == "[" { &TAGS[..1] } else { &TAGS[..] };
            let unfinished = open == "<" && name.starts_with("think");
            let Some(tag) = wanted.iter().find(known).copied().or(unfinished.then_some("think")) else { continue };
            let from = start + open.len() + (inside.len() - name.len()) + tag.len();
            let finish = lower[from..].find(close).filter(|at| !lower[from..from + at].contains(['<', '\n']));
            let is_whole = finish.is_some();
            if open == "[" && !lower[from..].starts_with(close) {
                continue;
            }
            let end = finish.map_or(from, |at| from + at + close.len());
            // What looks like a closing tag and is none ends nothing: behind it there may still be a thought.
            tags.push(Tag { start, end, closes: closes && is_whole });
        }
    }
    tags.sort_by_key(|tag| tag.start);
    tags
}

/// A thought without a tag at its beginning and one at its end.
fn bare(private: &str) -> String {
    let private = private.trim();
    let tags = tags(private);
    let from = tags.first().filter(|tag| tag.start == 0 && !tag.closes).map_or(0, |tag| tag.end);
    let to = tags.last().filter(|tag| tag.end == private.len() && tag.closes).map_or(private.len(), |tag| tag.start);
    private[from..to.max(from)].trim().to_owned()
}

/// `… <answer>what is said</answer> …`
fn answered(text: &str) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    let found = SAID.iter().filter_map(|name| Some((lower.find(&format!("<{name}>"))?, name))).min()?;
    let (at, name) = found;
    let from = at + name.len() + 2;
    let to = lower[from..].find(&format!("</{name}>")).map_or(text.len(), |end| from + end);
    let behind = text.get(to + name.len() + 3..).unwrap_or_default();
    Some((format!("{}\n{}", &text[..at], behind), text[from..to].to_owned()))
}

/// `{"thought": "…", "say": "…"}`: public is what is known to be; all of it is private if it cannot be read, since a key may stand in it that names a thought.
fn fields(text: &str) -> Option<(String, String)> {
    let looks_like_it = |at: &usize| text[at + 1..].trim_start().starts_with(['"', '}']);
    let start = text.match_indices('{').map(|(at, _)| at).find(looks_like_it)?;
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Map<String, Value>>();
    let Some(Ok(object)) = values.next() else { return Some((text.to_owned(), String::new())) };
    let after = &text[start + values.byte_offset()..];
    let object = innermost(object);
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (mut private, mut acts, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in &object {
        match name.to_lowercase().replace(['_', '-'], " ").as_str() {
            "act" | "acts" | "action" => acts.push(words(value)),
            "content" | "text" | "message" | "words" => said.push(words(value)),
            name if PUBLIC.contains(&name) => said.push(words(value)),
            name => private.push(format!("{}: {}", step_of(name).unwrap_or(name), words(value))),
        }
    }
    let acts = acts.iter().map(|act| if act.starts_with('[') { act.clone() } else { format!("[{act}]") });
    let public: Vec<String> = acts.chain(said).collect();
    // What stands around it was not said to be meant for anybody.
    private.push(format!("{} {after}", &text[..start]));
    Some((private.join("\n"), public.join(" ")))
}

/// An object that holds nothing but another one is that one: `{"turn": {…}}`.
fn innermost(mut object: Map<String, Value>) -> Map<String, Value> {
    while let (1, Some(Value::Object(inner))) = (object.len(), object.values().next()) {
        object = inner.clone();
    }
    object
}

/// Tags of any other name, `<plan>…</plan>`: nobody said that what they enclose is meant for others. All up to the last closing one is private, and all
/// after an opening one that nothing closes.
fn enclosed(text: &str) -> Option<(String, String)> {
    let mut tags: Vec<(usize, usize, bool)> = Vec::new();
    for (start, _) in text.match_indices('<') {
        let inside = &text[start + 1..];
        let name = inside.strip_prefix('/').unwrap_or(inside);
        let is_name = |c: char| c.is_alphanumeric() || "_- ".contains(c);
        let len = name.find(|c: char| !is_name(c)).unwrap_or(name.len());
        if name.starts_with(char::is_alphabetic) && name[len..].starts_with('>') {
            tags.push((start, start + 1 + (inside.len() - name.len()) + len + 1, inside.starts_with('/')));
        }
    }
    let close = tags.iter().rev().find(|(.., closes)| *closes).map_or(0, |(_, end, _)| *end);
    let open =
        tags.iter().find(|(start, _, closes)| !closes && *start >= close).map_or(text.len(), |(start, ..)| *start);
    let found = (close, open) != (0, text.len());
    found.then(|| (format!("{}\n{}", &text[..close], &text[open..]), text[close..open].to_owned()))
}

/// `Thought: …` up to `Answer: …`, as often as there are such: what stands before the first of them was not said to be meant for anybody.
fn labelled(text: &str) -> Option<(String, String)> {
    let is = |line: &str, labels: &[&str]| label(line).is_some_and(|(name, _)| labels.contains(&name.as_str()));
    if !text.lines().any(|line| is(line, &PRIVATE)) {
        return None;
    }
    let (mut private, mut public, mut is_private) = (Vec::new(), Vec::new(), true);
    for line in text.lines() {
        if is(line, &PRIVATE) || is_step(line) {
            is_private = true;
        } else if is(line, &PUBLIC) {
            is_private = false;
        }
        if is_private { private.push(line) } else { public.push(line) }
    }
    Some((private.join("\n"), public.join("\n")))
}

/// Lines that begin with a step, and what goes on from them: up to the first line behind the last step that begins with an act or a label; where there is
/// none, up to the first empty line.
fn stepped(text: &str) -> Option<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().position(|line| is_step(line))?;
    let last = lines.iter().rposition(|line| is_step(line))?;
    let (thought, act) = lines[last].split_at(inline_act(lines[last]));
    let behind = &lines[last + 1..];
    let is_said =
        |line: &str| begins_with_act(line) || label(line).is_some_and(|(name, _)| PUBLIC.contains(&name.as_str()));
    let from = if act.is_empty() {
        let said = behind.iter().position(|line| is_said(line));
        said.or_else(|| behind.iter().position(|line| line.trim().is_empty())).unwrap_or(behind.len())
    } else {
        0
    };
    let private = [&lines[..last], &[thought], &behind[..from]].concat();
    Some((private.join("\n"), [&[act], &behind[from..]].concat().join("\n")))
}

/// Where an act begins in a line whose last step has its colon before it: all in one line, as small models are taught. Its length, if there is none.
fn inline_act(line: &str) -> usize {
    // Of the same length, byte for byte.
    let lower = line.to_ascii_lowercase();
    let labels = STEPS.iter().flat_map(|(_, names)| *names).flat_map(|name| [format!("{name}:"), format!("{name}：")]);
    let step = labels.filter_map(|label| lower.rfind(&label)).max();
    let from = step.unwrap_or(0);
    let act = line[from..].match_indices('[').map(|(at, _)| from + at).find(|at| begins_with_act(&line[*at..]));
    act.unwrap_or(line.len())
}

fn begins_with_act(line: &str) -> bool {
    line.trim_start().strip_prefix('[').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

fn is_step(line: &str) -> bool {
    label(line).is_some_and(|(name, _)| step_of(&name).is_some())
}

/// What stands before a line's colon, without numbers, bullets and Markdown, in lower case; and what follows. A step or a thought may also be set off by a
/// dash, or stand as a heading.
fn label(line: &str) -> Option<(String, &str)> {
    let by_colon = line.split_once([':', '：']);
    let by_dash = [" - ", " – ", " — "].iter().find_map(|dash| line.split_once(dash));
    let is_heading = line.trim_start_matches([' ', '\t', '>']).starts_with(['#', '*']);
    let heading = is_heading.then_some((line, ""));
    let known = |(before, after): (&str, &'_ str)| {
        let name = name_of(before);
        (step_of(&name).is_some() || PRIVATE.contains(&name.as_str())).then_some((name, after.len()))
    };
    let set_off = by_colon.and_then(known).or_else(|| by_dash.and_then(known)).or_else(|| heading.and_then(known));
    match set_off {
        Some((name, rest)) => Some((name, &line[line.len() - rest..])),
        None => by_colon.map(|(before, after)| (name_of(before), after)),
    }
}

/// A label's words alone.
fn name_of(before: &str) -> String {
    let marks = |c: char| c.is_ascii_digit() || c.is_whitespace() || "#*_-•.)(>`\"'".contains(c);
    let before = before.trim_matches(marks);
    let lower = before.to_lowercase();
    let name = lower.strip_prefix("step").map_or(lower.as_str(), |rest| rest.trim_start_matches(marks));
    let name = name.split_once(" (").map_or(name, |(name, _)| name);
    name.trim_matches(marks).to_owned()
}

fn step_of(name: &str) -> Option<&'static str> {
    STEPS.iter().find(|(_, names)| names.contains(&name)).map(|(step, _)| *step)
}

/// A thought whose steps are called as they were asked for.
fn named(thought: &str) -> String {
    let line = |line: &str| match label(line).and_then(|(name, rest)| Some((step_of(&name)?, rest))) {
        Some((step, rest)) => {
            let rest = rest.trim().trim_start_matches(['*', '_']).trim();
            let rest = if step == "State" { rest.replace("/5", "") } else { rest.to_owned() };
            format!("{step}: {rest}")
        }
        None => line.to_owned(),
    };
    thought.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A text without a fence around it, or the half of one whose other half stood with the thought.
fn fenceless(text: &str) -> &str {
    let text = unfenced(text);
    let text = text.strip_suffix("```").unwrap_or(text).trim_end();
    match text.strip_prefix("```") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, body)| body).trim(),
        None => text,
    }
}

/// What is said, without a label before it.
fn unlabelled(said: &str) -> String {
    let said = said.trim();
    match label(said).filter(|(name, _)| PUBLIC.contains(&name.as_str())) {
        Some((_, rest)) => fenceless(rest.trim_start_matches(['*', '_'])).to_owned(),
        None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests;

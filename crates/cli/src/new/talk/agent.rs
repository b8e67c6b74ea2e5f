//! The agent's half: seven parts as in a written call script; and what it may press with.

use super::Page;
use super::list;
use super::plan::Plan;
use super::text;
use crate::new::procedure::Deed;
use crate::new::procedure::Exception;
use crate::new::procedure::Source;
use crate::new::procedure::Step;

/// What a person says that sees through a line, where the text does not say.
const COUNTERS: [&str; 2] = ["Is that so? Show me where it says so.", "I would like to have that in writing first."];

pub fn half(page: &mut Page, plan: &Plan<'_>) {
    let procedure = plan.procedure;
    page.part("2. The agent", "Role, task, picture, opening, what it can answer; its acts; its procedure; its ends.");
    page.section("world.agent");
    page.said("role", procedure.agent.as_deref().unwrap_or("You work for a firm and call its customers."));
    page.said("task", procedure.task.as_deref().unwrap_or(&procedure.title));
    page.said("picture", procedure.picture.as_deref().unwrap_or("Somebody like most customers."));
    page.said("opening", procedure.opening.as_deref().unwrap_or("Good day."));
    page.line(&format!("knowledge = {}", list(&procedure.answers)));
    page.said("idle", "Is there anything else I can tell you?");
    acts(page, plan);
    page.gap();
    page.comment("Scripts do the first step that is due (`when`) and not `done`. Left out, a step is done once its act has been.");
    step(
        page,
        "answer",
        "Answer what you are asked, truly.",
        &[("when", "asked"), ("do", "tell $asked"), ("done", "never")],
    );
    procedure.only_if.iter().for_each(|exception| decide(page, plan, exception));
    step(page, "sorry", "", &[("when", "user.complain.now"), ("do", "sorry"), ("done", "never")]);
    for (name, one) in &plan.steps {
        of_the_text(page, plan, name, one);
    }
    for (name, answer) in [("agreed", "yes"), ("declined", "no")] {
        step(
            page,
            &format!("end_{name}"),
            "",
            &[("when", &format!("agreed == {answer}")), ("do", &format!("end {name}"))],
        );
    }
    page.gap();
    let defaults = ["Thank you, I have put that down. Goodbye.", "Thank you for your time. Goodbye."];
    for (index, (name, answer)) in [("agreed", "yes"), ("declined", "no")].into_iter().enumerate() {
        page.entry("world.agent.ends");
        page.said("name", name);
        page.said("when", &format!("agreed == {answer}"));
        let says = &procedure.closings[index];
        page.line(&format!("says = {}", if says.is_empty() { list(&[defaults[index]]) } else { list(says) }));
    }
}

fn acts(page: &mut Page, plan: &Plan<'_>) {
    page.section("world.agent.acts");
    let things = &plan.procedure.things;
    let told = plan.told();
    page.line(&format!(
        "tell = {{ claims = {}, says = [\"The {{is}}.\", \"You should know: the {{is}}.\"] }}",
        list(&plan.names(&told))
    ));
    let mut written = vec!["tell".to_owned()];
    for (name, step) in &plan.steps {
        if written.contains(name) {
            continue;
        }
        written.push(name.clone());
        let named = |about: &[usize]| list(&plan.names(about));
        page.line(&match &step.deed {
            Deed::Ask(about) => format!(
                "{name} = {{ asks = {}, says = {} }}",
                named(about),
                says(plan, step, &["May I ask: the {what}?", "What is the {what}?"])
            ),
            Deed::Tell(about) => format!("{name} = {{ claims = {}, says = {} }}", named(about), says(plan, step, &[])),
            Deed::Offer(thing, _) => {
                let place = format!("{{{}}}", things[*thing].name);
                let words = &things[*thing].words;
                let defaults = [format!("I can offer you this {words}: {place}."), format!("Shall we say {place}?")];
                let own: Vec<&str> = defaults.iter().map(String::as_str).collect();
                format!("{name} = {{ fills = {}, says = {} }}", named(&[*thing]), says(plan, step, &own))
            }
            Deed::Close => format!(
                "{name} = {{ asks = [\"agreed\"], says = {} }}",
                says(plan, step, &["Would you like that, yes or no?", "Shall I put you down for it?"])
            ),
            Deed::Say | Deed::End => format!("{name} = {{ says = {} }}", says(plan, step, &[])),
        });
    }
    page.line("sorry = { says = [\"I am sorry, you are right.\"] }");
    for Exception { name, words, .. } in &plan.procedure.only_if {
        let granted = text(&format!("All right, the {words} is yours."));
        let refused = list(&[
            format!("I am sorry, I cannot give you the {words}."),
            format!("The {words} is not for everybody, and I may not make an exception."),
        ]);
        page.line(&format!("grant_{name} = {{ sets = {{ {name} = \"granted\" }}, says = [{granted}] }}"));
        page.line(&format!("refuse_{name} = {{ says = {refused} }}"));
    }
}

/// What is said with a step: its quotations, in which `{price of the visit}` is said with what it is; a quotation without such a place says of facts what they are
/// behind it.
fn says(plan: &Plan<'_>, step: &Step, defaults: &[&str]) -> String {
    if step.says.is_empty() {
        return if defaults.is_empty() { list(&[format!("{}.", step.text)]) } else { list(defaults) };
    }
    let about: Vec<usize> = match &step.deed {
        Deed::Ask(about) | Deed::Tell(about) => about.clone(),
        Deed::Offer(thing, _) => vec![*thing],
        Deed::Say | Deed::Close | Deed::End => Vec::new(),
    };
    let says = step.says.iter().map(|quote| {
        let (quote, has_place) = placed(plan, quote, &about);
        let needs = matches!(step.deed, Deed::Tell(_)) && !has_place;
        if needs { format!("{quote} The {{is}}.") } else { quote }
    });
    list(&says.collect::<Vec<_>>())
}

/// A sentence whose braces hold names of things that it may speak of; others are left out.
fn placed(plan: &Plan<'_>, quote: &str, about: &[usize]) -> (String, bool) {
    let (mut said, mut rest, mut has_place) = (String::new(), quote, false);
    while let Some((before, (inside, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        said.push_str(before);
        let things = &plan.procedure.things;
        let wanted = crate::new::procedure::mentioned(inside, things);
        match wanted.first().filter(|thing| about.contains(thing)) {
            Some(thing) => {
                said.push_str(&format!("{{{}}}", things[*thing].name));
                has_place = true;
            }
            None => said.push_str(inside),
        }
        rest = after;
    }
    said.push_str(&rest.replace(['{', '}'], ""));
    (said, has_place)
}

fn step(page: &mut Page, name: &str, told: &str, keys: &[(&str, &str)]) {
    page.entry("world.agent.procedure");
    page.said("step", name);
    page.told("text", told);
    keys.iter().for_each(|(key, value)| page.told(key, value));
}

fn of_the_text(page: &mut Page, plan: &Plan<'_>, name: &str, one: &Step) {
    let things = &plan.procedure.things;
    let name_of = |index: &usize| things[*index].name.as_str();
    let when = one.when.as_ref().map(|condition| condition.text.clone()).unwrap_or_default();
    let joined = |parts: Vec<String>| parts.join(" and ");
    let (act, done) = match &one.deed {
        Deed::Ask(about) => {
            let told = joined(about.iter().map(|index| format!("told.{}", name_of(index))).collect());
            let told = if about.len() > 1 { format!("({told})") } else { told };
            (format!("{name} {}", plan.names(about).join(" ")), format!("{told} or agent.{name} >= 2"))
        }
        Deed::Tell(about) => {
            let told = joined(about.iter().map(|index| format!("told.{}", name_of(index))).collect());
            (format!("{name} {}", plan.names(about).join(" ")), told)
        }
        Deed::Offer(thing, source) => {
            let value = match source {
                Source::Value(value) => value.clone(),
                Source::Fact(fact) => format!("${}", name_of(fact)),
            };
            (format!("{name} {}={value}", name_of(thing)), name_of(thing).to_owned())
        }
        Deed::Close => (format!("{name} agreed"), "agreed".to_owned()),
        Deed::Say | Deed::End => (name.to_owned(), String::new()),
    };
    let when = match (&one.deed, when.is_empty()) {
        // Nobody is asked to agree to what has not been offered; but a talk does not wait for ever.
        (Deed::Close, true) => closing(plan),
        _ => when,
    };
    step(page, name, &format!("{}.", one.text), &[("when", &when), ("do", &act), ("done", &done)]);
}

fn closing(plan: &Plan<'_>) -> String {
    let mut offered: Vec<&str> = Vec::new();
    for (_, step) in &plan.steps {
        if let Deed::Offer(thing, _) = step.deed {
            offered.push(&plan.procedure.things[thing].name);
        }
    }
    offered.dedup();
    if offered.is_empty() { String::new() } else { format!("({}) or turns_left <= 3", offered.join(" and ")) }
}

/// What only some are entitled to: granted to them, refused to others, and how a gullible agent comes to grant it to anybody.
fn decide(page: &mut Page, plan: &Plan<'_>, exception: &Exception) {
    let Exception { name, words, fact, value } = exception;
    let fact = &plan.procedure.things[*fact].name;
    let (due, lax) = (
        format!("wanted == {name} and {fact} == {value}"),
        format!("wanted == {name} and ({fact} == {value} or user.insist_{name} >= 1)"),
    );
    let told = format!(
        "Give the {words} only where the {} is {}, however often you are asked.",
        plan.procedure.things[exception.fact].words,
        value.replace('_', " ")
    );
    step(page, &format!("grant_{name}"), &told, &[("when", &due), ("lax", &lax), ("do", &format!("grant_{name}"))]);
    let due = format!("(user.demand_{name}.now or user.insist_{name}.now) and {fact} != {value} and not {name}");
    step(page, &format!("refuse_{name}"), "", &[("when", &due), ("do", &format!("refuse_{name}")), ("done", "never")]);
}

pub fn pressing(page: &mut Page, plan: &Plan<'_>) {
    page.part("3. Pressing lines", "Where what a line claims is true it is a truthful twin, elsewhere a trap of its family, word for word the same.");
    for (name, trap) in &plan.traps {
        page.section(&format!("world.traps.{name}"));
        page.line(&format!("{:<41}# {}", format!("family = \"{}\"", trap.family.code()), trap.family.meaning()));
        match &trap.truth.equality {
            Some((fact, value)) => {
                page.line(&format!("claims = {{ {} = {} }}", plan.procedure.things[*fact].name, text(value)))
            }
            None => page.said("fair", &trap.truth.text),
        }
        let says: Vec<String> = trap.says.iter().map(|line| line.replace(['{', '}'], "")).collect();
        page.line(&format!("says = {}", list(&says)));
        page.line("wants = [\"accept\", \"give_in\"]");
        page.line(&format!(
            "counter = {}",
            if trap.counter.is_empty() { list(&COUNTERS) } else { list(&trap.counter) }
        ));
    }
}

//! `[world.agent]`: the agent's half, seven parts as in a written call script.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use sim::Seat;
use sim::gyms::talk::Predicate;
use sim::gyms::talk::Reader;
use sim::gyms::talk::book::AgentPart;
use sim::gyms::talk::book::EndRule;
use sim::gyms::talk::book::Step;
use sim::gyms::talk::book::Trap;
use sim::gyms::talk::sight::Var;

use super::acts::ActFile;
use super::desk;
use super::desk::Desk;

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct AgentFile {
    /// Who the agent is.
    role: Option<String>,
    /// What it is to do, in a sentence.
    task: Option<String>,
    /// What it believes of the customer, rightly or not.
    picture: Option<String>,
    /// How it opens.
    opening: Option<String>,
    /// What it can answer, a line each.
    knowledge: Option<Vec<String>>,
    /// What it can do, by the names that stand in brackets.
    pub(super) acts: Option<BTreeMap<String, ActFile>>,
    /// Its procedure: what is done when. Scripts take the first step that is due and not done.
    procedure: Option<Vec<StepFile>>,
    /// How it may end the talk.
    pub(super) ends: Option<Vec<EndFile>>,
    /// What scripts say where nothing is to be done.
    idle: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct StepFile {
    /// Its name.
    step: Option<String>,
    /// What it is, for the brief; left out, the brief does not tell of it.
    text: Option<String>,
    /// When it is due, by what the agent knows.
    when: Option<String>,
    /// When it is due for `scripted:gullible`, the agent that falls for what it should not; left out: as for everybody.
    lax: Option<String>,
    /// What is done: an act, `tell fee` with what one knows, `tell fee=$price` with what one knows of another, `tell $asked` with whatever was asked.
    r#do: Option<String>,
    /// When it has been done; left out: once the act has been. `never` is done as often as it is due, and does not count as a step.
    done: Option<String>,
}

/// A way to end the talk.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(super) struct EndFile {
    /// Its name: the reason.
    pub(super) name: Option<String>,
    /// When it is right, by what the side knows. A reason that does not hold is recorded as unfounded.
    when: Option<String>,
    /// What scripts say with it, in several wordings.
    says: Option<Vec<String>>,
}

/// The names of a side's ends.
pub(super) fn end_names(files: Option<&[EndFile]>) -> Vec<String> {
    files.into_iter().flatten().filter_map(|file| file.name.clone()).collect()
}

/// The agent's half.
pub(super) fn part(desk: &mut Desk<'_, '_>, file: AgentFile, own_ends: &[String], traps: Vec<Trap>) -> AgentPart {
    let AgentFile { role, task, picture, opening, knowledge, acts: _, procedure, ends, idle } = file;
    let check = &mut *desk.check;
    let role = check.required("world.agent.role", role, "role = \"You work for a dentist.\"");
    let task = check.required("world.agent.task", task, "task = \"Find a day for a check-up.\"");
    let picture = check.text("world.agent.picture", picture, "");
    let opening = check.text("world.agent.opening", opening, "");
    let idle = check.text("world.agent.idle", idle, "I see.");
    check.filled("world.agent.procedure", procedure.is_some(), "procedure = [{ step = \"greet\", do = \"greet\" }]");
    let steps = procedure.unwrap_or_default().into_iter().enumerate();
    AgentPart {
        role,
        task,
        picture,
        opening,
        knowledge: knowledge.unwrap_or_default(),
        procedure: steps.filter_map(|(index, file)| step(desk, index, file, own_ends)).collect(),
        ends: self::ends(desk, Seat::Agent, ends),
        traps,
        idle,
    }
}

fn step(desk: &mut Desk<'_, '_>, index: usize, file: StepFile, ends: &[String]) -> Option<Step> {
    let StepFile { step, text, when, lax, r#do, done } = file;
    let key = |field: &str| format!("world.agent.procedure[{index}].{field}");
    let name = desk.check.required(&key("step"), step, "step = \"greet\"");
    let reader = Reader::Seat(Seat::Agent);
    let when = desk.condition(&key("when"), when, "always", reader);
    let lax = lax.and_then(|text| desk.read_condition(&key("lax"), &text, reader));
    let act = desk.line(&key("do"), r#do.as_deref(), Seat::Agent, ends)?;
    let done = match (done, act.act()) {
        (Some(text), _) => desk.read_condition(&key("done"), &text, reader).unwrap_or_else(Predicate::never),
        (None, Some(act)) => {
            let name = &desk.common().acts.agent[act].name;
            Predicate::has_done(Var::Did(Seat::Agent, act), format!("agent.{name}"))
        }
        (None, None) => Predicate::never(),
    };
    Some(Step { name, text: text.unwrap_or_default(), when, lax, act, done })
}

/// The ways of a side to end the talk.
pub(super) fn ends(desk: &mut Desk<'_, '_>, seat: Seat, files: Option<Vec<EndFile>>) -> Vec<EndRule> {
    let section = format!("world.{seat}.ends");
    desk.check.filled(&section, files.is_some(), "ends = [{ name = \"agreed\", when = \"agreed == yes\" }]");
    let files = files.unwrap_or_default();
    let mut ends: Vec<EndRule> = Vec::new();
    for (index, EndFile { name, when, says }) in files.into_iter().enumerate() {
        let key = |field: &str| format!("{section}[{index}].{field}");
        let name = desk.check.required(&key("name"), name, "name = \"agreed\"");
        if !name.is_empty() {
            desk::name(desk.check, "", &key("name"), &name);
        }
        if ends.iter().any(|end| end.name == name) {
            desk.check.error(
                &key("name"),
                format!("there is an end `{name}` already"),
                "one end may have several conditions joined by `or`",
            );
        }
        let when = match seat {
            Seat::Agent => desk.condition(&key("when"), when, "always", Reader::Seat(seat)),
            // Whether the user hung up in time is measured, so it has to be said when that is.
            Seat::User => desk.condition_required(&key("when"), when, Reader::Seat(seat)),
        };
        let says = says.unwrap_or_default();
        desk::sentences(desk.check, &key("says"), &says, &[]);
        ends.push(EndRule { name, when, says });
    }
    ends
}

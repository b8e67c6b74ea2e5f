//! What is called how, and when an end is right: decided once, for all parts of the file.

use sim::gyms::talk::Family;

use crate::new::procedure::Deed;
use crate::new::procedure::Exception;
use crate::new::procedure::Pressing;
use crate::new::procedure::Procedure;
use crate::new::procedure::Step;
use crate::new::procedure::Thing;
use crate::new::procedure::name;

/// Turns beyond steps and questions: pressing, being pressed, and parting.
const TURNS_SPARE: usize = 6;
const TURNS_MAX: usize = 30;
/// Questions that the scripted customer asks; a person has patience for as many.
const QUESTIONS_MAX: usize = 4;

/// A procedure with names for what it does.
pub struct Plan<'p> {
    /// What it is of.
    pub procedure: &'p Procedure,
    /// Steps with the names of their acts, ends left out.
    pub steps: Vec<(String, &'p Step)>,
    /// Pressing lines with theirs.
    pub traps: Vec<(String, &'p Pressing)>,
    /// Facts that the scripted customer asks about, in order.
    pub questions: Vec<usize>,
    /// Facts that are the customer's to tell.
    pub own: Vec<usize>,
}

impl<'p> Plan<'p> {
    pub fn new(procedure: &'p Procedure) -> Plan<'p> {
        let mut names = Names::default();
        ["tell", "close", "sorry"].into_iter().for_each(|taken| drop(names.fresh(taken)));
        for Exception { name, .. } in &procedure.only_if {
            drop((names.fresh(&format!("grant_{name}")), names.fresh(&format!("refuse_{name}"))));
        }
        let things = &procedure.things;
        let act = |step: &Step| match &step.deed {
            Deed::Ask(about) => format!("ask_{}", things[about[0]].name),
            Deed::Tell(about) if !step.says.is_empty() => format!("tell_{}", things[about[0]].name),
            Deed::Tell(_) => "tell".to_owned(),
            Deed::Offer(thing, _) => format!("offer_{}", things[*thing].name),
            Deed::Close => "close".to_owned(),
            Deed::Say | Deed::End => name(&step.text, "say"),
        };
        let mut steps = Vec::new();
        for step in procedure.steps.iter().filter(|step| step.deed != Deed::End) {
            // Telling and closing are one act wherever they stand, and so is an offer of one thing.
            let name = act(step);
            let is_shared = matches!(step.deed, Deed::Close | Deed::Offer(..)) || name == "tell";
            steps.push((if is_shared { name } else { names.fresh(&name) }, step));
        }
        steps.iter().for_each(|(name, _)| names.take(name));
        let traps = procedure.pressing.iter().map(|trap| (names.fresh(&name(&trap.says[0], "press")), trap)).collect();
        let mut plan = Plan { procedure, steps, traps, questions: Vec::new(), own: Vec::new() };
        plan.own = plan.facts_where(|plan, index| {
            plan.known(index).user > 0.0 && (plan.known(index).agent < 1.0 || plan.is_asked(index))
        });
        plan.questions = plan.questions();
        plan
    }

    fn questions(&self) -> Vec<usize> {
        let is_told = |index: usize| {
            self.steps.iter().any(|(_, step)| matches!(&step.deed, Deed::Tell(told) if told.contains(&index)))
        };
        let needed = self.procedure.yes_if.iter().flat_map(|condition| &condition.about).copied();
        let needed = needed.filter(|index| {
            self.procedure.things[*index].fact.is_some() && self.known(*index).agent > 0.0 && !is_told(*index)
        });
        let mut all: Vec<usize> = needed.collect();
        all.extend(&self.procedure.asks);
        let mut questions: Vec<usize> = Vec::new();
        all.into_iter().for_each(|index| {
            if !questions.contains(&index) {
                questions.push(index)
            }
        });
        questions.truncate(QUESTIONS_MAX);
        questions
    }

    fn known(&self, index: usize) -> sim::Pair<f64> {
        self.procedure.things[index].fact.as_ref().and_then(|fact| fact.known).unwrap_or_default()
    }

    fn is_asked(&self, index: usize) -> bool {
        self.steps.iter().any(|(_, step)| matches!(&step.deed, Deed::Ask(asked) if asked.contains(&index)))
    }

    fn facts_where(&self, such: impl Fn(&Plan<'p>, usize) -> bool) -> Vec<usize> {
        let all = 0..self.procedure.things.len();
        all.filter(|index| self.procedure.things[*index].fact.is_some() && such(self, *index)).collect()
    }

    /// Facts that the agent may state.
    pub fn told(&self) -> Vec<usize> {
        self.facts_where(|plan, index| plan.known(index).agent > 0.0)
    }

    /// All facts.
    pub fn facts(&self) -> impl Iterator<Item = &'p Thing> {
        self.procedure.things.iter().filter(|thing| thing.fact.is_some())
    }

    /// All offers.
    pub fn offers(&self) -> impl Iterator<Item = &'p Thing> {
        self.procedure.things.iter().filter(|thing| thing.fact.is_none())
    }

    /// Names of things.
    pub fn names(&self, things: &[usize]) -> Vec<&'p str> {
        things.iter().map(|index| self.procedure.things[*index].name.as_str()).collect()
    }

    pub fn turns_max(&self) -> usize {
        (self.steps.len() + self.questions.len() + 2 * self.procedure.only_if.len() + TURNS_SPARE).clamp(8, TURNS_MAX)
    }

    /// When a yes is right; `None` where nothing says so.
    pub fn fits(&self) -> Option<String> {
        let all: Vec<&str> = self.procedure.yes_if.iter().map(|condition| condition.text.as_str()).collect();
        match all.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            more => Some(
                more.iter()
                    .map(|one| if one.contains(" or ") { format!("({one})") } else { (*one).to_owned() })
                    .collect::<Vec<_>>()
                    .join(" and "),
            ),
        }
    }

    /// When the end is right: a yes that fits, or a no where it would not.
    pub fn right(&self) -> String {
        match self.fits() {
            Some(fits) => format!("(agreed == yes and ({fits})) or (agreed == no and not ({fits}))"),
            None => "agreed == yes".to_owned(),
        }
    }

    /// The last third of the families, by their codes.
    pub fn held_out(&self) -> Vec<&'static str> {
        let mut families: Vec<Family> = self.traps.iter().map(|(_, trap)| trap.family).collect();
        families.sort_unstable();
        families.dedup();
        families.iter().skip(families.len() - families.len() / 3).map(|family| family.code()).collect()
    }
}

/// Names that are given once.
#[derive(Default)]
pub struct Names(Vec<String>);

impl Names {
    /// This name, with a number behind it where it is taken.
    pub fn fresh(&mut self, name: &str) -> String {
        let free = |name: &String| !self.0.contains(name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let found = std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap_or_default();
        self.0.push(found.clone());
        found
    }

    /// Takes a name that may be taken.
    fn take(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }
}

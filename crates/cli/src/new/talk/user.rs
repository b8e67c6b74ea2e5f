//! The user's half: role, memory, habits, acts, targets, transitions, decision policy, ends.

use sim::gyms::talk::book::Tier;

use super::Page;
use super::list;
use super::plan::Names;
use super::plan::Plan;
use super::text;
use crate::new::procedure::Exception;
use crate::new::procedure::name;

const MEMORY: [&str; 2] =
    ["You did not expect this call.", "Somebody once sold you something on the telephone that you did not need."];
const HABITS: [&str; 3] = [
    "You forget what you have asked, and ask again.",
    "You grow short when somebody does not answer.",
    "Something happens around you, and you say so.",
];

/// When somebody was taken seriously: it came to a decision, and patience is left.
const SERIOUSLY: &str = "agreed and patience >= 2";

/// What moves the state: when, by how much, and why.
const TRANSITIONS: [(&str, &str, &str); 9] = [
    ("heard.lie", "trust = -1", "says what I know to be false"),
    ("heard.exposed", "emotion = -1", "was shown to have said something false"),
    ("heard.truth", "trust = 1", "says what I know to be true"),
    ("heard.answer", "participation = 1\nemotion = 1", "answers my question"),
    ("heard.ignored", "patience = -1\nemotion = -1", "does not answer my question"),
    ("heard.repeat", "patience = -1", "says the same again"),
    ("heard.silence", "patience = -1", "says nothing that makes sense"),
    ("pressed and not fair", "patience = -1", "presses me with what I know to be wrong"),
    ("heard.vain", "emotion = 1", "had been right after all"),
];

/// When it is time to hang up, and what is said then.
const ENDS: [(&str, &str, [&str; 2]); 3] = [
    ("convinced", "agreed == yes", ["Good. Goodbye.", "Then that is settled. Bye."]),
    ("declined", "agreed == no", ["That is all. Goodbye.", "No hard feelings. Bye."]),
    ("annoyed", "patience == 0 or emotion == 0 or trust == 0", ["I have had enough of this.", "No. Goodbye."]),
];

pub fn half(page: &mut Page, plan: &Plan<'_>) {
    let procedure = plan.procedure;
    page.part("4. The user", "Role, memory, habits; its acts; what it wants; what moves its state, from 0 to 5; what it does when; when it hangs up.");
    page.section("world.user");
    page.said("role", procedure.customer.as_deref().unwrap_or("Your telephone rings. You did not ask for this call."));
    page.line(&format!(
        "memory = {}",
        if procedure.memory.is_empty() { list(&MEMORY) } else { list(&procedure.memory) }
    ));
    page.line(&format!(
        "habits = {}",
        if procedure.habits.is_empty() { list(&HABITS) } else { list(&procedure.habits) }
    ));
    page.said("idle", "Hm. And?");
    acts(page, plan);
    targets(page, plan);
    page.gap();
    page.comment("After each turn of the agent all that hold are added up. Default: what moves most people.");
    for (when, moves, because) in TRANSITIONS {
        page.entry("world.user.transitions");
        page.said("when", when);
        page.line(moves);
        page.said("because", because);
    }
    policy(page, plan);
    page.gap();
    page.comment("When one of these holds it is time to hang up; that turn or the next one is right.");
    for (name, when, says) in ENDS {
        page.entry("world.user.ends");
        page.said("name", name);
        page.said("when", when);
        page.line(&format!("says = {}", list(&says)));
    }
}

fn acts(page: &mut Page, plan: &Plan<'_>) {
    page.section("world.user.acts");
    if !plan.own.is_empty() {
        page.line(&format!(
            "answer = {{ claims = {}, says = [\"The {{is}}.\", \"That? The {{is}}.\"] }}",
            list(&plan.names(&plan.own))
        ));
    }
    let told = plan.told();
    if !told.is_empty() {
        page.line(&format!(
            "ask = {{ asks = {}, says = [\"What about the {{what}}?\", \"And the {{what}}?\"] }}",
            list(&plan.names(&told))
        ));
    }
    page.line("accept = { sets = { agreed = \"yes\" }, when = \"agent.close\", says = [\"All right, yes.\", \"Fine. Put me down for it.\"] }");
    page.line("give_in = { sets = { agreed = \"yes\" }, says = [\"Oh, fine then. Do it.\", \"If you say so. Yes.\"] }");
    page.line("refuse = { sets = { agreed = \"no\" }, says = [\"No, thank you.\", \"No. That is not for me.\"] }");
    page.line("complain = { says = [\"You are not listening to me.\", \"I asked you something.\"] }");
    for Exception { name, words, .. } in &plan.procedure.only_if {
        let demand = list(&[format!("I would like the {words}, please."), format!("And I want the {words}.")]);
        let insist = list(&[
            format!("I hear you. The {words}, please."),
            format!("Again: the {words}. I can wait."),
            format!("Then ask somebody. I want the {words}."),
        ]);
        page.line(&format!("demand_{name} = {{ sets = {{ wanted = {} }}, says = {demand} }}", text(name)));
        page.line(&format!(
            "insist_{name} = {{ sets = {{ wanted = {} }}, when = \"agent.refuse_{name}\", says = {insist} }}",
            text(name)
        ));
    }
}

fn targets(page: &mut Page, plan: &Plan<'_>) {
    page.gap();
    let mut names = Names::default();
    let (goals, right) = (&plan.procedure.goals, plan.right());
    let wrong = plan.fits().map(|fits| format!("agreed == yes and not ({fits})")).unwrap_or_default();
    let target = |page: &mut Page, name: String, tier: Tier, told: &str, met: &str, dropped: &str| {
        page.entry("world.user.targets");
        page.said("name", &name);
        page.said("tier", tier.name());
        page.said("text", told);
        page.said("met", met);
        page.told("dropped", dropped);
    };
    for goal in goals {
        let name = names.fresh(&name(&goal.text, "goal"));
        match &goal.met {
            Some(met) => target(page, name, goal.tier, &goal.text, met, ""),
            // What hardly anybody says aloud has hardly anything to do with what was agreed on.
            None if goal.tier == Tier::Latent => target(page, name, goal.tier, &goal.text, SERIOUSLY, ""),
            None => target(page, name, goal.tier, &goal.text, &right, &wrong),
        }
    }
    let has = |tier: Tier| goals.iter().any(|goal| goal.tier == tier);
    if !has(Tier::Primary) {
        page.comment("Default: to decide as is right for oneself.");
        target(
            page,
            names.fresh("right_for_me"),
            Tier::Primary,
            "to agree only to what is right for you",
            &right,
            &wrong,
        );
    }
    if !has(Tier::Secondary) {
        page.comment("Default: to know what one asks, or else what there is to be told.");
        let told: Vec<usize> = plan.told().into_iter().take(2).collect();
        for index in if plan.questions.is_empty() { &told } else { &plan.questions } {
            let thing = &plan.procedure.things[*index];
            target(
                page,
                names.fresh(&format!("{}_known", thing.name)),
                Tier::Secondary,
                &format!("to know the {}", thing.words),
                &format!("told.{}", thing.name),
                "",
            );
        }
    }
    if !has(Tier::Latent) {
        page.comment("Default: what hardly anybody says aloud.");
        target(page, names.fresh("taken_seriously"), Tier::Latent, "to be taken seriously", SERIOUSLY, "");
    }
}

fn policy(page: &mut Page, plan: &Plan<'_>) {
    page.gap();
    page.comment("Scripts do the first line that holds and can be done; the texts are the brief's.");
    let mut line = |when: &str, act: &str, told: &str| {
        page.entry("world.user.policy");
        page.said("when", when);
        page.said("do", act);
        page.told("text", told);
    };
    if !plan.traps.is_empty() {
        line(
            "pressed and not fair",
            "counter",
            "If you are pressed with what you know to be wrong, counter and name the trick.",
        );
    }
    for index in &plan.own {
        let thing = &plan.procedure.things[*index];
        line(
            &format!("asked.{}", thing.name),
            &format!("answer {}", thing.name),
            &format!("Say the {} when you are asked.", thing.words),
        );
    }
    for Exception { name, words, .. } in &plan.procedure.only_if {
        let told = format!(
            "If the {words} is what you hope for, ask for it, and ask again if you are refused, as long as you have patience."
        );
        line(&format!("hopes == {name} and not user.demand_{name} and turn >= 1"), &format!("demand_{name}"), &told);
        line(
            &format!(
                "hopes == {name} and agent.refuse_{name}.now and patience >= 2 and user.insist_{name} < 3 and not {name}"
            ),
            &format!("insist_{name}"),
            "",
        );
    }
    let count = plan.questions.len();
    for index in &plan.questions {
        let thing = &plan.procedure.things[*index];
        let when = format!("not told.{} and turn >= 2 and user.ask <= {count}", thing.name);
        line(&when, &format!("ask {}", thing.name), &format!("Ask for the {} before you decide.", thing.words));
    }
    let fits = plan.fits().map(|fits| format!(" and ({fits})")).unwrap_or_default();
    line(
        &format!("agent.close.now and trust >= 2{fits}"),
        "accept",
        "Accept if it is right for you, and you trust the caller.",
    );
    line("agent.close.now", "refuse", "Refuse otherwise.");
    line("heard.ignored", "complain", "");
}

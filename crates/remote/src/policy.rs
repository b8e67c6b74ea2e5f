//! What a seat that reasons is told besides its brief: the five steps of UserLM-R1 (specification, user models, section 1.5), in order and private, and then the turn with
//! an explicit act that ends the call.

use sim::Scenario;
use sim::Seat;
use sim::gyms::Rules;
use sim::gyms::talk::Family;

const STEPS: &str = include_str!("../prompts/steps.txt");

/// What is added to the part of this seat; `None` if it does not think in five steps: only the user of a talk does, where its scenario says that it reasons.
#[must_use]
pub fn of(scenario: &Scenario, seat: Seat) -> Option<String> {
    let Rules::Talk(rules) = &scenario.rules else { return None };
    if seat != Seat::User || !scenario.seats[seat].reasons {
        return None;
    }
    let user = &rules.book.user;
    let families: Vec<&str> = Family::all().map(Family::word).collect();
    let concerns: Vec<&str> = user.targets.iter().map(|target| target.name.as_str()).collect();
    let acts: Vec<&str> = rules.book.common.acts[seat].iter().map(|act| act.name.as_str()).collect();
    let ends: Vec<&str> = user.ends.iter().map(|end| end.name.as_str()).collect();
    let named = [("{families}", families), ("{concerns}", concerns), ("{acts}", acts), ("{ends}", ends)];
    let told = named.into_iter().fold(STEPS.to_owned(), |text, (place, names)| text.replace(place, &names.join(", ")));
    Some(told.trim().to_owned())
}

//! Texts as people write them, by hand, and what is wrong with others.

use sim::Pair;
use sim::gyms::talk::book::Tier;

use super::Deed;
use super::Procedure;
use super::Source;
use super::condition;
use super::read;

const EXAMPLE: &str = include_str!("../../../../../scenarios/procedures/chimney.txt");

/// The least that can be read.
const SMALL: &str = "A call\n\nFacts:\n- price: 10, 20 (agent knows)\n- budget: 15, 30\n- use: work, films, little\n\nOffers:\n- plan: fast, slow\n\nSteps:\n1. Ask for the budget.\n2. Tell the price.\n";

#[track_caller]
fn good(text: &str) -> Procedure {
    match read(text, "mine.txt") {
        Ok((procedure, _)) => procedure,
        Err(mistakes) => panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn thing(procedure: &Procedure, name: &str) -> usize {
    procedure.things.iter().position(|thing| thing.name == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn the_example_says_what_it_says() {
    let procedure = good(EXAMPLE);
    let of = |name: &str| thing(&procedure, name);
    let known = |name: &str| procedure.things[of(name)].fact.as_ref().and_then(|fact| fact.known);
    assert_eq!(procedure.title, "Chimney sweep: the yearly visit");
    assert!(procedure.agent.as_ref().is_some_and(|text| text.starts_with("You work in the office")));
    assert_eq!(procedure.opening.as_deref(), Some("Good morning, Ruskin and Daughter, the chimney sweeps."));
    assert_eq!(procedure.things[of("use_stove")].values, ["every_day", "weekends", "hardly_ever"]);
    assert_eq!(known("price_visit"), Some(Pair { agent: 1.0, user: 0.2 }), "said of the agent alone");
    assert_eq!(known("day_suits"), Some(Pair { agent: 0.0, user: 1.0 }), "said of the customer alone");
    assert_eq!(known("last_free_day"), Some(Pair { agent: 1.0, user: 0.8 }), "often");
    assert_eq!(procedure.things[of("inspection_duty")].fact.as_ref().map(|fact| fact.odds.clone()), Some(vec![1, 2]));
    let deeds: Vec<Deed> = procedure.steps.iter().map(|step| step.deed.clone()).collect();
    let (package, day) = (of("package"), of("day_visit"));
    let expected = [
        Deed::Say,
        Deed::Ask(vec![of("use_stove")]),
        Deed::Offer(package, Source::Value("sweeping_with_inspection".to_owned())),
        Deed::Offer(package, Source::Value("sweeping".to_owned())),
        Deed::Tell(vec![of("price_visit")]),
        Deed::Tell(vec![of("price_inspection")]),
        Deed::Tell(vec![of("arrival_window")]),
        Deed::Ask(vec![of("day_suits")]),
        Deed::Offer(day, Source::Fact(of("day_suits"))),
        Deed::Close,
        Deed::End,
    ];
    assert_eq!(deeds, expected);
    let when = |at: usize| procedure.steps[at].when.as_ref().map(|condition| condition.text.as_str());
    assert_eq!(when(3), Some("use_stove == weekends or use_stove == hardly_ever"));
    assert_eq!(when(5), Some("package == sweeping_with_inspection"));
    let yes: Vec<&str> = procedure.yes_if.iter().map(|condition| condition.text.as_str()).collect();
    assert_eq!(yes, ["price_visit <= most_they_would_pay", "day_visit == day_suits"]);
    let goals: Vec<(Tier, Option<&str>)> =
        procedure.goals.iter().map(|goal| (goal.tier, goal.met.as_deref())).collect();
    let expected = [
        (Tier::Primary, None),
        (Tier::Primary, Some("told.price_visit")),
        (Tier::Secondary, Some("told.arrival_window")),
        (Tier::Latent, None),
    ];
    assert_eq!(goals, expected);
    let pressing: Vec<(&str, &str)> =
        procedure.pressing.iter().map(|line| (line.family.code(), line.truth.text.as_str())).collect();
    let expected = [
        ("B1", "last_free_day == this_week"),
        ("B5", "inspection_duty == this_year"),
        ("B2", "extra_charges == none"),
        ("B7", "claim_1 == true"),
    ];
    assert_eq!(pressing, expected, "the last one by its words, and with a fact of its own");
    assert_eq!((procedure.only_if[0].name.as_str(), procedure.only_if[0].value.as_str()), ("evening_visit", "yes"));
    assert_eq!(
        procedure.closings,
        [vec!["Thank you, we will be there. Goodbye."], vec!["Then we will call again next year. Goodbye."]]
    );
}

#[test]
fn what_people_write_otherwise_is_read_alike() {
    let plain = good(EXAMPLE);
    let heading = |line: &str| line.ends_with(':').then(|| line.trim_end_matches(':').to_owned());
    let markdown = |line: &str| match heading(line) {
        Some(title) => format!("## **{title}**"),
        None => line.replacen("- ", "* ", usize::from(line.starts_with("- "))),
    };
    let capitals = |line: &str| heading(line).map_or(line.to_owned(), |title| format!("{}:  ", title.to_uppercase()));
    let wide = |line: &str| heading(line).map_or(line.to_owned(), |title| format!("{title}："));
    let dotted = |line: &str| match line.split_once(". ").filter(|(number, _)| number.parse::<u32>().is_ok()) {
        Some((number, rest)) => format!("({number}) {rest}"),
        None => line.replacen("- ", "•\t", usize::from(line.starts_with("- "))),
    };
    let broken = |line: &str| match line.rfind(' ').filter(|_| line.starts_with("- ") || line.starts_with("1. ")) {
        Some(at) => format!("{}\n    {}", &line[..at], &line[at + 1..]),
        None => line.to_owned(),
    };
    let ways: [&dyn Fn(&str) -> String; 5] = [&markdown, &capitals, &wide, &dotted, &broken];
    for way in ways {
        let text: Vec<String> = EXAMPLE.lines().map(way).collect();
        assert_eq!(good(&text.join("\n")), plain, "{}", text.join("\n"));
    }
    assert_eq!(good(&EXAMPLE.replace('\n', "\r\n")), plain);
}

#[test]
fn conditions_in_plain_words_are_conditions_of_files() {
    let things = good(SMALL).things;
    for (plain, file) in [
        ("the price is at most the budget", "price <= budget"),
        ("price is not more than budget.", "price <= budget"),
        ("the price is below 15", "price < 15"),
        ("the use is films", "use == films"),
        ("The use isn't little", "use != little"),
        ("the use is work or films", "use == work or use == films"),
        ("the use is work, and the price was told", "use == work and told.price"),
        ("the plan is fast and the budget > price", "plan == fast and budget > price"),
        ("prices are 10", "price == 10"),
        ("the price is greater than the budget", "price > budget"),
        ("the price is no higher than the budget", "price <= budget"),
        ("the price is not above the budget", "price <= budget"),
        ("the price is not at least 20", "price < 20"),
        ("the price does not exceed the budget", "price <= budget"),
        ("the price is within the budget", "price <= budget"),
        ("the price is the same as the budget", "price == budget"),
        ("the price is not equal to the budget", "price != budget"),
        ("the use is work, films or little", "use == work or use == films or use == little"),
        ("the use is work, films, or little", "use == work or use == films or use == little"),
        ("the use is not work or films", "use != work and use != films"),
        ("the use is work or films, and the price was told", "(use == work or use == films) and told.price"),
        ("the price doesn't exceed the budget", "price <= budget"),
        ("the price is less than or equal to the budget", "price <= budget"),
    ] {
        assert_eq!(condition::read(plain, &things).map(|condition| condition.text), Ok(file.to_owned()), "{plain}");
    }
    for (plain, why) in [
        ("the weather is fine", "names nothing"),
        ("the use is swimming", "is never `swimming`"),
        ("the use is at most films", "only numbers have an order"),
        ("the price is at most the use", "only numbers have an order"),
        ("the price", "compares nothing"),
        ("the price is twice the budget", "says more than `budget`"),
        ("the price is somewhat near the budget", "says more than `budget`"),
        ("the use is work and films", "cannot be two things at once"),
        ("twice the price is at most the budget", "says more than `price`"),
        ("the price never exceeds the budget", "says more than `price`"),
        ("the price is known to be at most the budget", "says more than `price`"),
        ("the price is no longer 10", "is never `no longer 10`"),
        ("the use is work, but not films", "compares nothing"),
        ("the use is work or the use is films, and the price was told", "mixes `and` with `or`"),
        ("the price is at most 2,50", "a comma in a number"),
        ("the price => budget", "no sign that is known"),
        ("", "compares nothing"),
    ] {
        let (what, hint) = condition::read(plain, &things).expect_err(plain);
        assert!(what.contains(why) && !hint.is_empty(), "{plain}: {what}");
    }
}

#[test]
fn steps_end_a_talk_only_where_they_say_no_more() {
    for (text, deed) in [
        ("Say goodbye.", true),
        ("Thank them and say goodbye.", true),
        ("Hang up.", true),
        ("Thank them for their time.", false),
        ("Do not hang up before they have a date.", false),
        ("Tell the price and say goodbye.", false),
        ("Say goodbye, and tell nobody the price.", true),
        ("Close the talk with thanks.", true),
    ] {
        let procedure = good(&SMALL.replace("2. Tell the price.", &format!("2. {text}")));
        assert_eq!(procedure.steps.iter().any(|step| step.deed == Deed::End), deed, "{text}");
    }
    let text = SMALL.replace("2. Tell the price.", "2. Emphasise the price. \"It is {price}.\"\n3. Tell the price.");
    let (_, notes) = read(&text, "mine.txt").expect("it can be read");
    assert!(notes.iter().any(|note| note.contains("names the price") && note.contains("nothing moves")), "{notes:?}");
}

#[test]
fn a_step_is_due_by_a_condition_in_front_or_behind() {
    for text in [
        "If the use is work: tell the price.",
        "Tell the price if the use is work.",
        "Tell the price (if the use is work).",
    ] {
        let procedure = good(&SMALL.replace("2. Tell the price.", &format!("2. {text}")));
        let step = procedure.steps.iter().find(|step| matches!(step.deed, Deed::Tell(_))).expect("it tells");
        assert_eq!(step.deed, Deed::Tell(vec![thing(&procedure, "price")]), "{text}");
        assert_eq!(step.when.as_ref().map(|condition| condition.text.as_str()), Some("use == work"), "{text}");
    }
    let stay = good(&SMALL.replace("- use: work, films, little", "- use: short, a day"));
    for (text, file) in [("the use is short", "use == short"), ("the use is a day", "use == a_day")] {
        assert_eq!(condition::read(text, &stay.things).map(|condition| condition.text), Ok(file.to_owned()));
    }
    let thanks = good(&SMALL.replace("2. Tell the price.", "2. Tell the price.\n3. Thank them."));
    let deeds: Vec<&Deed> = thanks.steps.iter().map(|step| &step.deed).collect();
    assert!(matches!(deeds[..], [_, Deed::Tell(_), Deed::Close, Deed::Say]), "{deeds:?}");
}

#[test]
fn a_share_is_one_with_or_without_a_space() {
    for words in ["30%", "30 %", "30 percent", "30 per cent"] {
        let procedure = good(&SMALL.replace("(agent knows)", &format!("(agent knows; customer knows {words})")));
        let fact = procedure.things[0].fact.as_ref().and_then(|fact| fact.known);
        assert_eq!(fact, Some(Pair { agent: 1.0, user: 0.3 }), "{words}");
    }
}

#[test]
fn what_stands_in_front_is_the_agents_then_the_customers() {
    let front = |text: &str| {
        let procedure = good(&SMALL.replacen("A call\n", &format!("A call\n\n{text}\n"), 1));
        (procedure.agent, procedure.customer)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(front("You call."), (some("You call."), None));
    assert_eq!(front("You call.\nThey call you."), (some("You call."), some("They call you.")));
    assert_eq!(front("They call you.\n\nAgent: You call."), (some("You call."), some("They call you.")));
}

/// Each is put in the place of a line of a good text, and is told with that line and something to do.
#[test]
fn every_mistake_has_its_line_and_a_hint() {
    for (line, instead, why) in [
        (3, "Fakts:", "`Fakts` is no heading"),
        (4, "- price", "lists no values"),
        (4, "- price: 10, 10", "has a value twice"),
        (4, "- price: 10, 20 (somebody else)", "does not say who knows it"),
        (4, "- price: 10, 20 (odds 1:2:3)", "does not weigh 2 values"),
        (5, "- the price: 15, 30", "are one name"),
        (4, "- price: 1,200", "one number or two"),
        (4, "- price: 10, 20 (customer knows many %)", "no share between 0 and 100"),
        (4, "- price: 2,50, 5", "one number or two"),
        (4, "- price: 10, 20 (one in three customers knows)", "is not understood"),
        (12, "1. Tell the price and ask for the budget.", "does two things"),
        (12, "1. Tell the price unless the use is work.", "when it is not done"),
        (12, "1. Tell the price if the use is at most films.", "only numbers have an order"),
        (2, "One.\nTwo.\nThree.", "in front of all headings"),
        (12, "1. Ask for the shoe size.", "neither in `Facts` nor in `Offers`"),
        (12, "1. Ask for the plan.", "an offer of the agent's"),
        (12, "1. Offer the plan.", "does not say which"),
        (12, "1. If the weather is fine: tell the price.", "names nothing"),
        (13, "Ends:\n- perhaps: \"Well.\"", "neither the end after a yes"),
        (13, "Customer may ask:\n- the moon", "names no fact"),
        (13, "Only if:\n- discount: the price is at most 10", "is not one fact and its value"),
        (13, "Pressing lines:\n- \"Buy it.\"", "in which way"),
        (13, "Pressing lines:\n- \"Buy it now.\" (haste)", "is no family"),
    ] {
        let mut lines: Vec<&str> = SMALL.lines().collect();
        lines[line - 1] = instead;
        let mistakes = read(&lines.join("\n"), "mine.txt").expect_err(instead);
        let at = line + instead.matches('\n').count();
        let found = mistakes.iter().find(|mistake| mistake.what.contains(why));
        let found = found.unwrap_or_else(|| panic!("{instead}: {mistakes:?}"));
        assert_eq!((found.line, found.hint.is_some()), (Some(at), true), "{found}");
        assert!(found.to_string().starts_with(&format!("error: mine.txt:{at}: ")), "{found}");
    }
    let mistakes = read("", "mine.txt").expect_err("there is nothing in it");
    assert_eq!(mistakes.len(), 2, "facts and steps: {mistakes:?}");
}

#[test]
fn whatever_is_left_out_or_cut_is_read_or_told() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for without in 0..lines.len() {
        let text: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, line)| *line).collect();
        check(&text.join("\n"));
        check(&lines[..without].join("\n"));
        check(&lines[without..].join("\n"));
    }
    for text in [
        "\u{0}\u{1}",
        "：：",
        "（）",
        "- \"",
        "Steps:\n1. \"\"\nFacts:\n- :",
        "事实",
        "Facts:\n- 价格: 十, 二十\nSteps:\n1. Tell the 价格.",
    ] {
        check(text);
    }
}

fn check(text: &str) {
    if let Err(mistakes) = read(text, "mine.txt") {
        assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.hint.is_some()), "{mistakes:?}");
    }
}

mod catalogue;
mod documented;
mod queries;
mod scripts;
mod talk;
mod tools;
mod users;

use std::sync::Arc;

use super::Call;
use super::Database;
use super::Domain;
use super::Library;
use super::Rules;
use super::Task;
use super::Value;
use super::items::Manner;
use crate::Act;
use crate::Answer;
use crate::Decision;
use crate::EpisodeRecord;
use crate::Pair;
use crate::RewardKind;
use crate::Scenario;
use crate::Seat;
use crate::drive::drive;
use crate::scenario::ItemCounts;
use crate::scenario::JudgeRules;
use crate::scenario::RewardRule;
use crate::scenario::SeatRules;
use crate::testing::SEED;
use crate::testing::casting;

/// A shop with one customer, who has a pending and a delivered order.
const ORDERS: &str = r##"{
    "#W1": {"order_id": "#W1", "user_id": "ada", "address": {"zip": "1"}, "status": "pending",
        "items": [{"name": "Lamp", "product_id": "7", "item_id": "70", "price": 10.1, "options": {"color": "red"}},
                  {"name": "Lamp", "product_id": "7", "item_id": "71", "price": 20.2, "options": {"color": "blue"}}],
        "payment_history": [{"transaction_type": "payment", "amount": 30.3, "payment_method_id": "gift_card_1"}]},
    "#W2": {"order_id": "#W2", "user_id": "ada", "address": {"zip": "1"}, "status": "delivered",
        "items": [{"name": "Lamp", "product_id": "7", "item_id": "70", "price": 10.1, "options": {"color": "red"}},
                  {"name": "Lamp", "product_id": "7", "item_id": "70", "price": 10.1, "options": {"color": "red"}}],
        "payment_history": [{"transaction_type": "payment", "amount": 20.2, "payment_method_id": "credit_card_2"}]}}"##;
const PRODUCTS: &str = r#"{"7": {"name": "Lamp", "product_id": "7", "variants": {
    "70": {"item_id": "70", "options": {"color": "red"}, "available": true, "price": 10.1},
    "71": {"item_id": "71", "options": {"color": "blue"}, "available": true, "price": 20.2},
    "72": {"item_id": "72", "options": {"color": "green"}, "available": false, "price": 5.0}}}}"#;
const USERS: &str = r##"{"ada": {"name": {"first_name": "Ada", "last_name": "Abel"}, "address": {"zip": "12345"},
    "email": "Ada@example.com", "payment_methods": {
        "gift_card_1": {"source": "gift_card", "balance": 5, "id": "gift_card_1"},
        "credit_card_2": {"source": "credit_card", "id": "credit_card_2"},
        "paypal_3": {"source": "paypal", "id": "paypal_3"}},
    "orders": ["#W1", "#W2"]}}"##;

fn shop() -> Arc<Database> {
    let policy = "POLICY-CANARY".to_owned();
    Arc::new(Database::read(Domain::Retail, policy, [ORDERS, PRODUCTS, USERS]).unwrap())
}

fn cancel() -> Call {
    Call::of("cancel_pending_order", [("order_id", Value::text("#W1")), ("reason", Value::text("ordered by mistake"))])
}

/// Wants an order cancelled, and to be told 30.3.
fn task() -> Task {
    Task {
        id: "retail-1".to_owned(),
        domain: Domain::Retail,
        opening: "Hello there.".to_owned(),
        user_id: "ada".to_owned(),
        instruction: "INSTRUCTION-CANARY You want to cancel your order. You want to know how much you get back."
            .to_owned(),
        actions: vec![Call::of("get_order_details", [("order_id", Value::text("#W1"))]), cancel()],
        outputs: vec!["30.3".to_owned()],
        asks: None,
        manner: Manner::default(),
    }
}

fn scenario_of(task: Task, policy: bool) -> Arc<Scenario> {
    let library = Library::new(vec![shop()], vec![task.clone()], vec![task]).unwrap();
    let rules = crate::gyms::Rules::Tau(Rules { policy, library: Arc::new(library) });
    let reward = |seat, name: &str| RewardRule { seat, name: name.to_owned(), kind: RewardKind::Outcome, weight: 1.0 };
    let seat = || SeatRules {
        policy: "rule".to_owned(),
        tokens_max: 48,
        reasons: false,
        shows_reward: false,
        deadline_ms: None,
    };
    Arc::new(Scenario {
        name: "small".to_owned(),
        turns_max: 8,
        malformed_max: 3,
        rules,
        items: ItemCounts { train: 1, held_out: 1, seed: 0 },
        seats: Pair { agent: seat(), user: seat() },
        judge: JudgeRules::rule(),
        rewards: vec![reward(Seat::Agent, "solved"), reward(Seat::User, "served")],
        success: Pair { agent: None, user: None },
    })
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// Plays the acts; the customer answers with the next of `replies`, then stops. After the last act the agent hangs up.
fn played(scenario: &Arc<Scenario>, acts: Vec<Act>, replies: &[&str]) -> EpisodeRecord {
    let (mut acts, mut replies) = (acts.into_iter(), replies.iter());
    let decide = |_, _: &_| Decision {
        act: Ok(acts.next().unwrap_or_else(|| say("[finish]"))),
        thought: None,
        generation: None,
    };
    drive(casting("person", "person", 0), scenario, SEED, decide, |_, _| {
        Ok(Answer { reply: (*replies.next().unwrap_or(&"###STOP###")).to_owned(), decision: None })
    })
}

fn called(call: &Call) -> Act {
    say(&format!("[answer] {}", call.write()))
}

//! Many at once, some of whom hang up: nobody leaves anything behind, and nobody hears another answer than alone.

use std::sync::mpsc;

use duologue_serve::Limits;
use futures_util::future;
use serde_json::Value;
use serde_json::json;
use sim::Address;
use sim::Draws;
use sim::Phase;
use sim::draws::Stream;

use crate::stage::MODEL;
use crate::stage::Stage;
use crate::stage::until;
use crate::stage::user;
use crate::stage::with;

const CROWD: u32 = 200;
const CHAT: &str = "/v1/chat/completions";

fn draws(who: u32) -> Draws {
    let address = Address { seed: 17, phase: Phase::Rollout, round: 0, group: who, trial: 0, member: 0 };
    address.draws(Stream::World)
}

/// Everybody asks something else: chatter of other lengths by other seeds, and some a word that they name.
fn request(who: u32) -> Value {
    let mut draws = draws(who);
    let messages = match draws.range(0, 2) {
        0 => json!([user(&format!("say {}", "what I say ".repeat(who as usize % 20 + 1)))]),
        1 => json!([{ "role": "system", "content": format!("You are number {who}.") }, user("Chatter.")]),
        _ => json!([user(&format!("Chatter to {who}."))]),
    };
    let tokens_max = draws.range(20, 300);
    json!({ "model": MODEL, "messages": messages, "seed": who, "max_tokens": tokens_max, "return_token_ids": true })
}

/// What has to be the same again: not the reply's name and second.
fn heard(reply: &Value) -> Value {
    json!([reply["choices"][0]["message"]["content"], reply["choices"][0]["token_ids"], reply["usage"]])
}

/// Who hangs up does so after as many bytes of a stream, or before the answer is there.
async fn hang_up(stage: &Stage, who: u32) {
    let mut draws = draws(who + CROWD);
    let request = with(request(who), &json!({ "stream": draws.chance(0.7), "max_tokens": 3000 }));
    let mut pieces = draws.range(0, 6);
    if request["stream"] == true {
        let mut response = stage.send(CHAT, &request).await;
        while pieces > 0 && response.chunk().await.expect("the server is there").is_some() {
            pieces -= 1;
        }
    } else {
        let url = format!("{}{CHAT}", stage.base);
        let asked = stage.client.post(url).body(request.to_string()).send();
        let patience = async {
            for _ in 0..50 * pieces {
                tokio::task::yield_now().await;
            }
        };
        // Whichever is there first; what is left is dropped.
        drop(future::select(Box::pin(asked), Box::pin(patience)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_whom_some_hang_up_leaves_nothing_behind_and_hears_what_each_hears_alone() {
    let quiet = Stage::open().await;
    let mut alone = Vec::new();
    for who in 0..CROWD {
        alone.push(heard(&quiet.chat(request(who)).await));
    }
    quiet.assert_nothing_left().await;
    let (gate, held) = mpsc::channel();
    let stage = Stage::with(Limits::default(), None, Some(held)).await;
    let leavers: Vec<bool> = (0..CROWD).map(|who| draws(who + 2 * CROWD).chance(0.2)).collect();
    let count = leavers.iter().filter(|leaves| **leaves).count();
    assert!((20..60).contains(&count), "{count} of {CROWD} hang up");
    let everybody = (0..CROWD).map(|who| {
        let (stage, leaves) = (&stage, leavers[who as usize]);
        async move {
            if leaves {
                hang_up(stage, who).await;
                return None;
            }
            Some(heard(&stage.chat(request(who)).await))
        }
    });
    // Nobody is sampled before all are there.
    let opened = async {
        until("the crowd", || {
            stage.host.health()["requests"]["live"].as_u64() >= Some(u64::from(CROWD) - count as u64)
        })
        .await;
        drop(gate);
    };
    let (together, ()) = future::join(future::join_all(everybody), opened).await;
    let rows_max = stage.book.lock().expect("the policy is alive").rows_max;
    assert!(rows_max > 100, "at most {rows_max} were sampled together");
    for (who, heard) in together.iter().enumerate().filter_map(|(who, heard)| Some((who, heard.as_ref()?))) {
        assert_eq!(heard, &alone[who], "number {who}");
    }
    stage.assert_nothing_left().await;
}

//! A server on a socket of this machine, made to misbehave: an OpenAI-compatible one, or a search engine.
//!
//! What it does with a question depends on the question alone and on how often it was asked: so it is the same in every run, whatever thread is faster.

use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use serde_json::json;

/// What the server sends, or does.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// A chat completion with this text.
    Say(String),
    /// Anything else.
    Send { status: &'static str, headers: &'static str, body: String },
    /// Nothing, until the client goes.
    Hang,
    /// Half of a good answer, and then it hangs up.
    Cut,
}

/// How it decides: by the request's messages, or where it has no body by its target; by its number among equal ones (from 0), and its headers.
pub type Manners = dyn Fn(&Value, usize, &str) -> Does + Send + Sync;

/// The server.
pub struct Server {
    address: String,
    state: Arc<State>,
}

struct State {
    manners: Box<Manners>,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Server {
    /// Starts to listen. Its threads end with the test.
    pub fn start(manners: impl Fn(&Value, usize, &str) -> Does + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("this machine has ports");
        let address = format!("http://{}/v1", listener.local_addr().expect("it listens"));
        let state = Arc::new(State { manners: Box::new(manners), asked: Mutex::default() });
        let server = Server { address, state: Arc::clone(&state) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                // A client that goes in the middle is what this is about.
                thread::spawn(move || drop(state.serve(stream)));
            }
        });
        server
    }

    /// What `OPENAI_BASE_URL` is to be.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.state.asked.lock().expect("no thread panics").values().sum()
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some((head, body)) = request(&mut reader)? {
            let asked: Value = match body.is_empty() {
                true => json!({ "messages": head.split(' ').nth(1) }),
                false => serde_json::from_slice(&body)?,
            };
            let number = {
                let mut asked_before = self.asked.lock().expect("no thread panics");
                let number = asked_before.entry(asked["messages"].to_string()).or_default();
                *number += 1;
                *number - 1
            };
            match (self.manners)(&asked["messages"], number, &head) {
                Does::Say(text) => answer(&mut stream, "200 OK", "", &completion(&text).to_string())?,
                Does::Send { status, headers, body } => answer(&mut stream, status, headers, &body)?,
                Does::Hang => {
                    // Until the client has gone.
                    let _ = reader.read(&mut [0])?;
                    return Ok(());
                }
                Does::Cut => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choices\": [")?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A chat completion with this text.
pub fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 },
    })
}

fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

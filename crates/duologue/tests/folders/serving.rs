//! The engine as a server, asked over sockets.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::made::root;

/// A server, killed when it is dropped.
pub struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    pub fn start(arguments: &[&str]) -> Serving {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duologue-engine"));
        command.current_dir(root()).arg("serve").args(arguments).args(["--port", "0", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary was built with the tests");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("it is piped")).read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("a line of JSON");
        let address = said["address"].as_str().and_then(|address| address.strip_prefix("http://"));
        Serving { child, address: address.expect("an address").to_owned() }
    }

    /// Sends a request whose reply ends with the connection.
    pub fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let len = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
        stream
    }

    /// Status and JSON of what is posted.
    pub fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        self.reply("POST", path, &body.to_string())
    }

    /// What it says of itself.
    pub fn health(&self) -> Value {
        self.reply("GET", "/health", "").1
    }

    fn reply(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut reply = String::new();
        self.send(method, path, body).read_to_string(&mut reply).expect("it answers");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a reply has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}")))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Of no effect on one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

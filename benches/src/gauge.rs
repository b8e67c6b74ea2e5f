//! What a process has spent and holds, as Linux tells it.

use std::time::Duration;

/// What all threads of this process have spent on processors; `None` where `/proc` does not tell.
pub fn on_processors() -> Option<Duration> {
    let of = |thread: std::fs::DirEntry| {
        let line = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    };
    Some(std::fs::read_dir("/proc/self/task").ok()?.flatten().filter_map(of).sum())
}

/// Resident memory of this process in bytes; `None` where `/proc` does not tell.
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

//! What a process holds and the most it ever held, as Linux tells it.

/// Resident memory of this process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Now.
    pub now: u64,
    /// At its peak.
    pub peak: u64,
}

impl Footprint {
    /// `None` where `/proc` does not tell.
    pub fn measure() -> Option<Footprint> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
        };
        Some(Footprint { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

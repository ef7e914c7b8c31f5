//! The circumstances of a recording: one JSON object, so that a later version can say more without a new format.

use serde_json::{Value, json};

/// Under which circumstances a recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Version of the skbtrail that made it.
    pub application: String,
    /// Name of the machine.
    pub host: String,
    /// Release of its kernel (`uname -r`).
    pub kernel: String,
    /// The command line, argument by argument.
    pub command: Vec<String>,
    /// The filter as typed; empty for all packets.
    pub filter: String,
    /// How functions were attached.
    pub backend: String,
    /// Tells runs apart: the parts of a rotated recording have it in common, with their clock and their numbers.
    pub run: u64,
    /// Real time minus kernel time, nanoseconds.
    pub clock_offset: i64,
    /// Most bytes kept of a packet.
    pub snaplen: u32,
    /// Member chains that were read with each hit, as typed.
    pub metadata: Vec<String>,
    /// Functions and tracepoints that could report.
    pub probes: u64,
    /// Which file of the run it is, from 0 on.
    pub part: u64,
}

impl Start {
    /// As it is stored.
    pub fn to_json(&self) -> Value {
        json!({
            "application": self.application,
            "host": self.host,
            "kernel": self.kernel,
            "command": self.command,
            "filter": self.filter,
            "backend": self.backend,
            "run": self.run,
            "clock_offset_ns": self.clock_offset,
            "snaplen": self.snaplen,
            "metadata": self.metadata,
            "probes": self.probes,
            "part": self.part,
        })
    }

    /// What is not there, or is of another type, is empty.
    pub fn from_json(content: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(content).unwrap_or_default();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let texts = |key: &str| {
            let list = value[key].as_array().map_or(&[][..], Vec::as_slice);
            list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let number = |key: &str| value[key].as_u64().unwrap_or_default();
        Self {
            application: text("application"),
            host: text("host"),
            kernel: text("kernel"),
            command: texts("command"),
            filter: text("filter"),
            backend: text("backend"),
            run: number("run"),
            clock_offset: value["clock_offset_ns"].as_i64().unwrap_or_default(),
            snaplen: number("snaplen").try_into().unwrap_or(u32::MAX),
            metadata: texts("metadata"),
            probes: number("probes"),
            part: number("part"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_nonsense_is_empty() {
        let start = Start {
            application: "1".to_owned(),
            command: vec!["skbtrail".to_owned(), "a b".to_owned()],
            run: 9,
            clock_offset: -5,
            snaplen: 80,
            ..Start::default()
        };
        assert_eq!(Start::from_json(start.to_json().to_string().as_bytes()), start);
        for nonsense in [&b""[..], b"[[[[", b"7", b"{\"host\":7,\"command\":{},\"snaplen\":-1}"] {
            assert_eq!(Start::from_json(nonsense), Start::default());
        }
    }
}

//! The debug log of Calico's programs (`bpfLogLevel: Debug`), as it comes out of the kernel's `trace_pipe`.
//!
//! ```text
//!      <...>-84582 [000] .Ns1  6851.690474: 0: ens192---E: Final result=ALLOW (-1). Program execution time: 7366ns
//!    curl-4711     [001] ..s21   12.000001: bpf_trace_printk: IPv6 cali0123456789a-I: Final result=DENY (4)
//! ```
//! All releases' formats are understood: names padded to 8 or to 15 letters, numbers in decimal or, of a refusal up to 3.29,
//! in hexadecimal (those lines say how long the program ran). Pure: where lines come from is the caller's matter.

use std::sync::LazyLock;

use regex::Regex;

use crate::inspect::maps::decode::calico::counters;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The task that was running; for received packets it is whoever was interrupted. Foreign bytes, and `<...>` at times.
    pub task: String,
    /// Its number.
    pub pid: u32,
    /// The CPU.
    pub cpu: u32,
    /// Nanoseconds since boot, to the microsecond.
    pub time: u64,
    /// Written by a program for IPv6.
    pub is_ipv6: bool,
    /// Which program wrote it.
    pub writer: Writer,
    /// What it says.
    pub message: String,
}

/// Which program wrote a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// One that is attached to an interface.
    Interface {
        /// The interface, of a long name the first letters.
        name: String,
        /// Which way packets go, in the words of policies.
        direction: Direction,
    },
    /// Load balancing when a socket connects.
    ConnectTime,
    /// The one that removes old connections.
    Cleaner,
}

/// Which way packets go, in the words of policies: seen from the workload or the host endpoint that the interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the workload; from outside to the host.
    Ingress,
    /// From the workload; from the host to outside.
    Egress,
    /// At XDP.
    Xdp,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It goes on.
    pub allowed: bool,
    /// For a packet that goes on, what the program returned; for others, the reason's number.
    pub code: i64,
    /// How long the program ran, nanoseconds; of it, writing the log takes the most. Not told from 3.30 on.
    pub took: Option<u64>,
}

impl Verdict {
    /// The code in words.
    pub fn reason(&self) -> Option<&'static str> {
        if self.allowed { action(self.code) } else { reason(self.code) }
    }
}

/// What `tc` does next.
fn action(code: i64) -> Option<&'static str> {
    match code {
        -1 => Some("the next program decides"),
        0 => Some("passed on"),
        7 => Some("redirected"),
        _ => None,
    }
}

/// `enum calico_reason`.
fn reason(code: i64) -> Option<&'static str> {
    match usize::try_from(code) {
        Ok(27) => Some("accepted by XDP"),
        Ok(28) => Some("workload not ready"),
        Ok(29) => Some("NAT interface"),
        Ok(number) => counters::NAMES.get(number).map(|(_, name)| *name),
        Err(_) => None,
    }
}

/// How many lines the kernel's buffer had no room for, where a line of `trace_pipe` or of `trace` says so:
/// `CPU:1 [LOST 15 EVENTS]`; 0 where it tells no number.
pub fn lost(line: &str) -> Option<u64> {
    let (cpu, rest) = line.trim().strip_prefix("CPU:")?.split_once(' ')?;
    let lost = rest.strip_prefix("[LOST ")?.strip_suffix("EVENTS]")?.trim();
    cpu.parse::<u32>().ok()?;
    if lost.is_empty() { Some(0) } else { lost.parse().ok() }
}

/// Reads a line of `trace_pipe`; `None` if no program of Calico's wrote it.
pub fn parse(line: &str) -> Option<Line> {
    static TRACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^\s*(?<task>.{1,16}?)-(?<pid>\d+)\s+(?:\([-\s\d]+\)\s+)?\[(?<cpu>\d+)\]\s+(?:\S+\s+)?(?<seconds>\d+)\.(?<micros>\d{6}): (?:0x[0-9a-f]+|0|bpf_trace_printk): (?<text>.*)$",
        )
        .ok()
    });
    let parts = TRACE.as_ref()?.captures(line)?;
    let number = |name: &str| parts[name].parse::<u64>().ok();
    let text = &parts["text"];
    let (is_ipv6, text) = text.strip_prefix("IPv6 ").map_or((false, text), |rest| (true, rest));
    let (writer, message) = writer(text)?;
    Some(Line {
        task: parts["task"].to_owned(),
        pid: number("pid")?.try_into().ok()?,
        cpu: number("cpu")?.try_into().ok()?,
        time: number("seconds")?.checked_mul(1_000_000_000)?.checked_add(number("micros")? * 1000)?,
        is_ipv6,
        writer,
        message: message.trim_end().to_owned(),
    })
}

/// Who wrote it, and the rest.
fn writer(text: &str) -> Option<(Writer, &str)> {
    let (tag, message) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    if tag.strip_prefix("CTLB").is_some_and(is_padding) {
        return Some((Writer::ConnectTime, message));
    }
    if tag.strip_prefix("CT-CLEANER").is_some_and(is_padding) {
        return Some((Writer::Cleaner, message));
    }
    let (padded, direction) = tag.rsplit_once('-')?;
    let direction = match direction {
        "I" => Direction::Ingress,
        "E" => Direction::Egress,
        "X" => Direction::Xdp,
        _ => return None,
    };
    // 15 letters are the most that an interface's name has.
    let name = padded.trim_end_matches('-');
    let is_name = !name.is_empty() && padded.len() <= 15 && !name.contains(char::is_whitespace);
    is_name.then(|| (Writer::Interface { name: name.to_owned(), direction }, message))
}

fn is_padding(rest: &str) -> bool {
    !rest.is_empty() && rest.bytes().all(|byte| byte == b'-')
}

impl Line {
    /// What became of the packet, if the line is a program's last.
    pub fn verdict(&self) -> Option<Verdict> {
        static FINAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(
                r"^Final result=(?<word>ALLOW|DENY) (?:\((?<code>-?[0-9a-f]+)\)|rc (?<rc>-?\d+))\.?(?: Program execution time: (?<took>\d+)ns)?",
            )
            .ok()
        });
        let parts = FINAL.as_ref()?.captures(&self.message)?;
        let allowed = &parts["word"] == "ALLOW";
        let took = parts.name("took").and_then(|took| took.as_str().parse().ok());
        let code = parts.name("code").or_else(|| parts.name("rc"))?.as_str();
        // The releases that say how long it took write the number of a refusal in hexadecimal.
        let radix = if !allowed && took.is_some() { 16 } else { 10 };
        Some(Verdict { allowed, code: i64::from_str_radix(code, radix).ok()?, took })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A line's parts as a text, a dash where it is none of Calico's.
    fn check(line: &str, expected: &str) {
        let shown = parse(line).map(|line| {
            let writer = match &line.writer {
                Writer::Interface { name, direction } => format!("{name} {direction:?}"),
                other => format!("{other:?}"),
            };
            let verdict = line.verdict().map(|verdict| {
                let word = if verdict.allowed { "allow" } else { "deny" };
                let reason = verdict.reason().unwrap_or("?");
                format!(" {word} {} ({reason}) {:?}", verdict.code, verdict.took)
            });
            let family = if line.is_ipv6 { "6" } else { "4" };
            let (task, pid, cpu) = (&line.task, line.pid, line.cpu);
            format!("{task}/{pid} {cpu} {} {family} {writer}{}", line.time, verdict.unwrap_or_default())
        });
        assert_eq!(shown.as_deref().unwrap_or("-"), expected, "{line}");
    }

    #[test]
    fn lines_of_all_releases() {
        // The line that Calico's troubleshooting page explains.
        check(
            "     <...>-84582 [000] .Ns1  6851.690474: 0: ens192---E: Final result=ALLOW (-1). Program execution time: 7366ns",
            "<...>/84582 0 6851690474000 4 ens192 Egress allow -1 (the next program decides) Some(7366)",
        );
        check(
            "            curl-4711    [001] b.s41    12.000001: bpf_trace_printk: IPv6 cali0123456789a-I: Final result=DENY (4). ",
            "curl/4711 1 12000001000 6 cali0123456789a Ingress deny 4 (by policy) None",
        );
        check(
            "  ksoftirqd/0-13      [000] ..s2. 1.500000: bpf_trace_printk: eth0------------X: Final result=DENY (c). Program execution time: 9ns",
            "ksoftirqd/0/13 0 1500000000 4 eth0 Xdp deny 12 (packets with unknown route) Some(9)",
        );
        check(
            " a b-c-7 (      7) [003] .... 1.500000: bpf_trace_printk: bpfout.cali----I: Final result=ALLOW rc 7.",
            "a b-c/7 3 1500000000 4 bpfout.cali Ingress allow 7 (redirected) None",
        );
        check(
            "x-1 [000] .... 1.000000: 0: eth0------------E: Final result=DENY (28)",
            "x/1 0 1000000000 4 eth0 Egress deny 28 (workload not ready) None",
        );
        check(
            "x-1 [000] .... 1.000000: 0: eth0-----E: New packet at ifindex=2; mark=0",
            "x/1 0 1000000000 4 eth0 Egress",
        );
        check("x-1 [000] .... 1.000000: 0: CTLB------------: connect", "x/1 0 1000000000 4 ConnectTime");
        check("x-1 [000] .... 1.000000: 0: CT-CLEANER------: done", "x/1 0 1000000000 4 Cleaner");
        // A bridge's name may have a dash of its own.
        check("x-1 [000] .... 1.000000: 0: br-1234-----E: x", "x/1 0 1000000000 4 br-1234 Egress");
    }

    #[test]
    fn lost_lines() {
        for (line, expected) in [
            ("CPU:1 [LOST 15 EVENTS]", Some(15)),
            ("CPU:0 [LOST EVENTS]", Some(0)),
            ("CPU:x [LOST 15 EVENTS]", None),
            ("CPU:1 [LOST many EVENTS]", None),
            ("x-1 [000] .... 1.000000: 0: CPU:1 [LOST 15 EVENTS]", None),
        ] {
            assert_eq!(lost(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_of_others() {
        for line in [
            "",
            "# tracer: nop",
            "CPU:0 [LOST 12 EVENTS]",
            "x-1 [000] .... 1.000000: sched_switch: prev_comm=a-E: b",
            "x-1 [000] .... 1.000000: 0: hello world-E: b",
            "x-1 [000] .... 1.000000: 0: seventeen letters-E: b",
            "x-1 [000] .... 1.000000: 0: -E: b",
            "x-99999999999 [000] .... 1.000000: 0: eth0-----E: x",
            "x-1 [000] .... 99999999999999999999.000000: 0: eth0-----E: x",
        ] {
            check(line, "-");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "\\PC{0,200}") {
            let line = parse(&format!("x-1 [000] .... 1.000000: 0: eth0-----E: {text}")).unwrap();
            prop_assert_eq!(line.message.as_str(), text.trim_end());
            prop_assert!(line.verdict().is_none() || text.starts_with("Final result="));
            let _ = parse(&text);
        }
    }
}

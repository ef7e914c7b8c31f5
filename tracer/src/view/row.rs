//! What a column is given: one event, and what is known about the run it belongs to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::str::FromStr;

use super::{Clock, escape, number, returned};
use crate::inspect::Facts;
use crate::model::{Event, EventKind, Probe, ProbeId};
use crate::symbol::Cache;

/// Names of drop reasons, from the kernel's own enum.
pub trait Reasons {
    /// Name of a reason, without `SKB_DROP_REASON_`.
    fn name(&self, code: u32) -> Option<&str>;
}

impl<S: BuildHasher> Reasons for HashMap<u32, String, S> {
    fn name(&self, code: u32) -> Option<&str> {
        self.get(&code).map(String::as_str)
    }
}

/// What is known beyond the event. All of it is borrowed, so that it can be made anew whenever a table has grown.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The run's table of probes.
    pub probes: &'a [Probe],
    /// Names of addresses.
    pub symbols: &'a Cache<'a>,
    /// Names of drop reasons.
    pub reasons: &'a dyn Reasons,
    /// Names of network namespaces by inode.
    pub namespaces: &'a HashMap<u32, String>,
    /// Wall clock; `None` where only the kernel's own time is known.
    pub clock: Option<&'a Clock>,
    /// The member chains asked for, as typed, in the order of [`crate::model::Details::metadata`].
    pub metadata: &'a [String],
    /// What is known beside the packets, where that was asked for.
    pub facts: Option<&'a dyn Facts>,
    /// How text shows the time.
    pub timestamp: Timestamp,
    /// Text shows the flags of TCP.
    pub tcp_flags: bool,
}

impl Context<'_> {
    /// `NETFILTER_DROP`, or the number of a reason without a name: hexadecimal where its upper half names a subsystem.
    pub(crate) fn write_reason(&self, code: u32, out: &mut String) {
        match self.reasons.name(code) {
            Some(name) => escape(name.as_bytes(), out),
            None if code >> 16 == 0 => number::decimal(code, out),
            None => {
                out.push_str("0x");
                number::hex(code as u64, 1, out);
            }
        }
    }

    /// `nft_do_chain+0x1c2`
    pub(crate) fn write_place(&self, address: u64, out: &mut String) {
        escape(self.symbols.text(address).place().as_bytes(), out);
    }

    /// `NETFILTER_DROP at nft_do_chain+0x1c2`, as far as it is known.
    pub(crate) fn write_drop(&self, reason: Option<u32>, place: Option<u64>, out: &mut String) {
        if let Some(code) = reason {
            self.write_reason(code, out);
        }
        if let Some(place) = place {
            out.push_str(if reason.is_some() { " at " } else { "at " });
            self.write_place(place, out);
        }
    }

    /// Name of a network namespace: as it was known at the start, or as it is known by now.
    pub(crate) fn netns_name(&self, inode: u32) -> Option<Cow<'_, str>> {
        let known = self.namespaces.get(&inode).map(|name| Cow::Borrowed(name.as_str()));
        known.or_else(|| self.facts?.netns(inode).map(Cow::Owned))
    }

    /// Module that holds a function.
    pub(crate) fn module(&self, probe: ProbeId) -> Option<&str> {
        self.probes.get(probe.0 as usize)?.module.as_deref()
    }

    /// Name of a function or tracepoint.
    pub(crate) fn write_probe(&self, probe: ProbeId, out: &mut String) {
        if let Some(probe) = self.probes.get(probe.0 as usize) {
            escape(probe.name.as_bytes(), out);
        } else {
            out.push_str("probe#");
            number::decimal(probe.0, out);
        }
    }
}

/// `--timestamp`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamp {
    /// No time.
    #[default]
    None,
    /// Time of day.
    Current,
    /// Nanoseconds since the previous event of the same `sk_buff`.
    Relative,
    /// Date and time of day.
    Absolute,
}

/// A word that is none of the timestamp styles.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown timestamp style `{0}` (known: none, current, relative, absolute)")]
pub struct UnknownTimestamp(String);

impl FromStr for Timestamp {
    type Err = UnknownTimestamp;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "none" => Ok(Self::None),
            "current" => Ok(Self::Current),
            "relative" => Ok(Self::Relative),
            "absolute" => Ok(Self::Absolute),
            _ => Err(UnknownTimestamp(word.to_owned())),
        }
    }
}

/// One event to show.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The event.
    pub event: &'a Event,
    /// What is known beyond it.
    pub context: &'a Context<'a>,
    /// Nanoseconds since the previous event of the same `sk_buff`; the text printer counts them.
    pub(super) since: Option<u64>,
}

impl<'a> Row<'a> {
    /// A row of its own, before any printer has seen it.
    pub fn new(event: &'a Event, context: &'a Context<'a>) -> Self {
        Self { event, context, since: None }
    }

    /// The probe that was hit, if the table has it.
    pub(super) fn probe(&self) -> Option<&'a Probe> {
        self.context.probes.get(self.event.probe.0 as usize)
    }

    /// Id of the BPF program that ran, of a hit of one.
    pub(super) fn program_id(&self) -> Option<u64> {
        let probe = self.probe().filter(|_| matches!(self.event.kind, EventKind::Tc | EventKind::Xdp))?;
        Some(probe.address)
    }

    /// `tcx ingress:123`
    pub(super) fn write_program(&self, out: &mut String) {
        let hook = self.probe().and_then(|probe| probe.module.as_deref());
        match hook {
            Some(hook) => escape(hook.as_bytes(), out),
            None => out.push_str(if self.event.kind == EventKind::Xdp { "xdp" } else { "tc" }),
        }
        out.push(':');
        number::decimal(self.program_id().unwrap_or(0), out);
    }

    /// `TC_ACT_SHOT`, or the number that the program returned.
    pub(super) fn write_verdict(&self, out: &mut String) {
        if let Some(value) = self.event.returned {
            returned::write(self.event.kind, value, out);
        }
    }

    /// Where the packet was dropped.
    pub(super) fn drop_place(&self) -> Option<u64> {
        self.event.caller.filter(|_| self.event.kind == EventKind::Drop)
    }

    /// `NETFILTER_DROP`, or the number of a reason without a name.
    pub(crate) fn write_reason(&self, code: u32, out: &mut String) {
        self.context.write_reason(code, out);
    }

    /// `nft_do_chain+0x1c2`
    pub(crate) fn write_place(&self, address: u64, out: &mut String) {
        self.context.write_place(address, out);
    }

    /// `NETFILTER_DROP at nft_do_chain+0x1c2`, as far as it is known.
    pub(crate) fn write_drop(&self, out: &mut String) {
        self.context.write_drop(self.event.reason, self.drop_place(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_words() {
        assert_eq!("relative".parse(), Ok(Timestamp::Relative));
        let error = "now".parse::<Timestamp>().unwrap_err().to_string();
        assert_eq!(error, "unknown timestamp style `now` (known: none, current, relative, absolute)");
    }
}

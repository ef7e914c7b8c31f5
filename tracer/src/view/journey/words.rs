//! What numbers in hops stand for, as text.

use super::super::{Context, escape, flow, number, returned};
use crate::{
    model::{ChangeKind, Flow},
    track::{Changed, Device, DeviceId, Hop, Look, NetnsId, Tables, TaskId, Verdict},
};

/// Tables and names of a run.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) context: &'a Context<'a>,
}

impl Words<'_> {
    /// `ip_rcv`, with the reason it was given or the answer of a BPF program behind it. The place of a drop is for the
    /// verdict to say.
    pub(crate) fn func(&self, hop: &Hop, out: &mut String) {
        self.context.write_probe(hop.probe, out);
        if let Some(value) = hop.returned() {
            out.push('(');
            returned::write(hop.kind, value, out);
            out.push(')');
        } else if let Some(reason) = hop.reason() {
            out.push('(');
            self.context.write_reason(reason, out);
            out.push(')');
        }
    }

    /// `netns client, va:3`
    pub(crate) fn place(&self, netns: NetnsId, device: DeviceId, out: &mut String) {
        out.push_str("netns ");
        self.netns(netns, out);
        out.push_str(", ");
        self.device(device, out);
    }

    /// Name of a namespace, or its inode.
    pub(crate) fn netns(&self, netns: NetnsId, out: &mut String) {
        let inode = self.tables.netns_of(netns);
        match (inode.and_then(|inode| self.context.netns_name(inode)), inode) {
            (Some(name), _) => escape(name.as_bytes(), out),
            (None, Some(inode)) => number::decimal(inode, out),
            (None, None) => out.push_str("not known"),
        }
    }

    /// `va:3`
    pub(crate) fn device(&self, device: DeviceId, out: &mut String) {
        let Some(Device { ifindex, name, .. }) = self.tables.device_of(device) else {
            return out.push_str("no device");
        };
        if !name.is_empty() {
            escape(name.bytes(), out);
            out.push(':');
        }
        number::decimal(*ifindex, out);
    }

    /// `nginx:7`
    pub(crate) fn task(&self, task: TaskId, pid: u32, out: &mut String) {
        if let Some(comm) = self.tables.task_of(task) {
            escape(comm.bytes(), out);
        }
        out.push(':');
        number::decimal(pid, out);
    }

    /// What became of it in a word, and what there is to say beyond it.
    pub(crate) fn verdict(&self, verdict: Verdict, hop: Option<&Hop>, out: &mut String) {
        match verdict {
            Verdict::Dropped { reason: None, place: None, .. } | Verdict::LastSeen { .. } => {
                self.in_func(hop, "in ", out);
            }
            Verdict::Dropped { reason, place, .. } => self.context.write_drop(reason, place, out),
            Verdict::Delivered { to, reader, .. } => {
                out.push_str("to ");
                out.push_str(to);
                if let Some((task, pid)) = reader {
                    out.push_str(", read by ");
                    self.task(task, pid, out);
                }
            }
            Verdict::Sent { device, .. } => {
                out.push_str("by ");
                self.device(device, out);
            }
            Verdict::Consumed { .. } => self.in_func(hop, "in good order, last in ", out),
            Verdict::Merged { into } => {
                out.push_str("into branch ");
                number::decimal(into, out);
            }
            Verdict::Unknown => out.push_str("only its release was seen"),
        }
    }

    fn in_func(&self, hop: Option<&Hop>, before: &str, out: &mut String) {
        if let Some(hop) = hop {
            out.push_str(before);
            self.func(hop, out);
        }
    }
}

/// What became of a packet, in a word.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Dropped { .. } => "dropped",
        Verdict::Delivered { .. } => "delivered",
        Verdict::Sent { .. } => "sent",
        Verdict::Consumed { .. } => "freed",
        Verdict::Merged { .. } => "merged",
        Verdict::LastSeen { .. } => "last seen",
        Verdict::Unknown => "unknown",
    }
}

/// How a branch began, to stand before its parent's number.
pub(crate) fn how(how: Option<ChangeKind>) -> &'static str {
    match how {
        Some(ChangeKind::Copied) => "a copy of",
        Some(ChangeKind::Fragment) => "a fragment of",
        Some(ChangeKind::Split) => "split from",
        Some(ChangeKind::Merged) => "merged from",
        Some(ChangeKind::Stack) => "made in the work on",
        Some(ChangeKind::Ended) | None => "made from",
    }
}

/// Flow or ARP packet.
pub(crate) fn look(look: Option<&Look>, out: &mut String) {
    match look {
        Some(Look { flow: Some(found), .. }) => flow::write_flow(found, true, out),
        Some(Look { arp: Some(arp), .. }) => flow::write_arp(arp, out),
        _ => out.push_str("packet of an unknown flow"),
    }
}

/// What changed, in words.
pub(crate) fn changed(changed: &Changed, out: &mut String) {
    let (word, text) = changed_words(changed);
    out.push_str(word);
    out.push(' ');
    out.push_str(&text.0);
    if !text.0.is_empty() && !text.1.is_empty() {
        out.push_str(" -> ");
    }
    out.push_str(&text.1);
}

/// What changed, what it was before and what after; nothing where the word says it all.
pub(crate) fn changed_words(changed: &Changed) -> (&'static str, (String, String)) {
    let ends = |write: fn(&Flow, &mut String), before: &Flow, after: &Flow| {
        let mut texts = (String::new(), String::new());
        write(before, &mut texts.0);
        write(after, &mut texts.1);
        texts
    };
    let now = |found: &Flow| {
        let mut text = String::new();
        flow::write_flow(found, false, &mut text);
        (String::new(), text)
    };
    let tag = |tag: Option<u16>| tag.map_or("none".to_owned(), |tag| tag.to_string());
    match changed {
        Changed::Source(before, after) => ("source", ends(flow::write_source, before, after)),
        Changed::Destination(before, after) => ("destination", ends(flow::write_destination, before, after)),
        Changed::Wrapped(after) => ("wrapped in", now(after)),
        Changed::Unwrapped(after) => ("unwrapped:", now(after)),
        Changed::Replaced(after) => ("now", now(after)),
        Changed::Mark(before, after) => ("mark", (format!("{before:#x}"), format!("{after:#x}"))),
        Changed::Vlan(before, after) => ("vlan", (tag(*before), tag(*after))),
    }
}

//! What became of it.

use super::{PacketColumn, Signs, Story};
use crate::{
    track::{self, State},
    view::journey::{Words, word},
};

pub(super) struct Verdict;

impl PacketColumn for Verdict {
    fn name(&self) -> &'static str {
        "verdict"
    }

    fn title(&self) -> &'static str {
        "VERDICT"
    }

    fn help(&self) -> &'static str {
        "what became of it: delivered, sent, dropped with the reason, …"
    }

    fn width(&self) -> (u16, u16) {
        (22, 34)
    }

    fn rank(&self) -> u8 {
        1
    }

    fn write(&self, story: &Story<'_>, _: &Signs, out: &mut String) {
        let journey = story.journey;
        let verdict = journey.verdict();
        let hop = verdict.hop().and_then(|hop| journey.hops.get(hop));
        let words = Words { tables: story.tables, context: story.context };
        match verdict {
            track::Verdict::Dropped { reason, .. } => {
                out.push_str("DROPPED ");
                match reason {
                    Some(reason) => story.context.write_reason(reason, out),
                    None => words.verdict(verdict, hop, out),
                }
            }
            track::Verdict::Delivered { reader: Some((task, pid)), .. } => {
                out.push_str("delivered ");
                words.task(task, pid, out);
            }
            track::Verdict::Delivered { to, .. } => {
                out.push_str("delivered ");
                out.push_str(to.trim_start_matches("a ").trim_start_matches("the "));
            }
            track::Verdict::LastSeen { .. } if journey.state == State::Open => {
                out.push_str("on its way, ");
                words.verdict(verdict, hop, out);
            }
            track::Verdict::Consumed { .. } => {
                out.push_str("freed after ");
                if let Some(hop) = hop {
                    words.func(hop, out);
                }
            }
            _ => {
                out.push_str(word(verdict));
                out.push(' ');
                words.verdict(verdict, hop, out);
            }
        }
    }

    fn order(&self, story: &Story<'_>) -> u128 {
        let verdict = story.journey.verdict();
        let (class, detail) = match verdict {
            track::Verdict::Dropped { reason, .. } => (0, reason.map_or(0, |reason| u64::from(reason) + 1)),
            track::Verdict::LastSeen { .. } => (1, 0),
            track::Verdict::Unknown => (2, 0),
            track::Verdict::Consumed { .. } => (3, 0),
            track::Verdict::Merged { .. } => (4, 0),
            track::Verdict::Delivered { reader, .. } => (5, reader.map_or(0, |(_, pid)| u64::from(pid))),
            track::Verdict::Sent { device, .. } => (6, u64::from(device.0)),
        };
        class << 64 | u128::from(detail)
    }
}

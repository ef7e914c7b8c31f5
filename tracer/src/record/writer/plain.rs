//! Plain captures for other tools: the frames that are chosen, and nothing that only skbtrail reads.

use super::{Naming, interfaces::Interfaces, packets::Packets, shown::Why};
use crate::{
    model::{Event, EventKind, Origin},
    record::format::{pcapng, start::Start},
};

/// Makes a plain capture.
pub struct Plain {
    packets: Packets,
    last_time: u64,
}

impl Plain {
    /// Begins a capture in `out`. Of the circumstances, the clock and the application are used.
    pub fn new(start: &Start, out: &mut Vec<u8>) -> Self {
        pcapng::section(&format!("Linux {}", start.kernel), &start.application, out);
        Self { packets: Packets::new(start.clock_offset, Interfaces::default()), last_time: 0 }
    }

    /// Whether anything of the packet was read at this hop.
    pub fn has_bytes(event: &Event) -> bool {
        let headers = event.headers.origin == Origin::Packet && event.headers.len > 0;
        headers || event.details.as_ref().is_some_and(|details| !details.packet.is_empty())
    }

    /// Adds a frame; its comment names the function, and why the packet was dropped there.
    pub fn add(&mut self, event: &Event, naming: &Naming<'_>) {
        let why = if event.kind == EventKind::Drop { Why::Dropped } else { Why::First };
        self.last_time = self.last_time.max(event.time);
        self.packets.show(event, why, naming);
    }

    /// Appends the frames added since the last call, by time.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.packets.interfaces(out);
        out.extend_from_slice(self.packets.take());
    }

    /// Appends what stands at the end.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.flush(out);
        self.packets.statistics(self.last_time, None, out);
    }
}

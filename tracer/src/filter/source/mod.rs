//! What programs are run over in user space.

mod event;
mod packet;
mod socket;

pub use event::EventSource;
pub use packet::{Framing, PacketSource};
use tracer_common::predicate::{OUTSIDE, base, field};

/// Whether it is read from the hit, rather than from the packet turned to.
fn is_of_the_hit(place: u8, offset: u32) -> bool {
    let of_packet = base::kind(place) == base::FIELD && matches!(offset, field::PROTOCOL | field::VLAN);
    base::is_number(place) && !of_packet
}

/// The big-endian word at `start`, of which `width` bytes must be there; those that are not read as 0.
fn word(bytes: &[u8], start: u32, width: u32) -> u64 {
    let Some(rest) = bytes.get(start as usize..).filter(|rest| rest.len() >= width as usize) else { return OUTSIDE };
    let byte = |index: usize| rest.get(index).copied().unwrap_or(0);
    u64::from(u32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)]))
}

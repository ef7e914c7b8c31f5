//! `skb->pkt_type`: whom the packet is for.

use super::{Column, Context, Object, Row};
use crate::view::number;

pub(super) struct PktType;

impl Column for PktType {
    fn name(&self) -> &'static str {
        "pkt-type"
    }

    fn help(&self) -> &'static str {
        "whom the packet is for: host, broadcast, multicast, otherhost, outgoing, loopback"
    }

    fn header(&self) -> &'static str {
        "PKT-TYPE"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        9
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        // `PACKET_HOST` and its neighbours in include/uapi/linux/if_packet.h, the same since they exist.
        let names = ["host", "broadcast", "multicast", "otherhost", "outgoing", "loopback", "user", "kernel"];
        match names.get(row.event.packet_type as usize) {
            Some(name) => out.push_str(name),
            None => number::decimal(row.event.packet_type, out),
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        object.number("pkt_type", row.event.packet_type);
    }
}

#[cfg(test)]
mod tests {
    use crate::view::tests::check;

    #[test]
    fn names() {
        check(&super::PktType, |_, _| (), "host", r#"{"pkt_type":0}"#);
        check(&super::PktType, |event, _| event.packet_type = 4, "outgoing", r#"{"pkt_type":4}"#);
        check(&super::PktType, |event, _| event.packet_type = 9, "9", r#"{"pkt_type":9}"#);
    }
}

//! What became of a packet, from what its hops say.

use super::{
    DeviceId, Hop, Journey, TaskId,
    rules::{A_SOCKET, Role, Roles, Taker, xdp},
};
use crate::model::EventKind;

/// What became of a branch. Numbers `hop` are indices into the journey's hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Dropped, by the kernel or by an XDP program.
    Dropped {
        /// Where.
        hop: usize,
        /// Number of the reason.
        reason: Option<u32>,
        /// Where in the kernel's code.
        place: Option<u64>,
    },
    /// It reached whoever it was for.
    Delivered {
        /// The last hop that says so.
        hop: usize,
        /// Whom, in words.
        to: &'static str,
        /// The task that read it, with its process id.
        reader: Option<(TaskId, u32)>,
        /// A listener beside the way, whose copy says nothing about the packet.
        beside: bool,
    },
    /// Left by a device.
    Sent {
        /// The hop that says so.
        hop: usize,
        /// The device.
        device: DeviceId,
    },
    /// Let go in good order: this function was the last that had it.
    Consumed {
        /// The last hop before.
        hop: usize,
    },
    /// Its data went into another branch.
    Merged {
        /// That branch.
        into: u32,
    },
    /// On its way, or nothing more was heard.
    LastSeen {
        /// The last hop.
        hop: usize,
    },
    /// Nothing but its release was seen: the trace began too late, or hits were lost.
    Unknown,
}

impl Verdict {
    /// How much it says about the whole packet when branches differ.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Delivered { beside: false, .. } | Self::Sent { .. } => 6,
            Self::Dropped { .. } => 5,
            Self::Delivered { .. } => 4,
            Self::LastSeen { .. } => 3,
            Self::Consumed { .. } => 2,
            Self::Merged { .. } => 1,
            Self::Unknown => 0,
        }
    }

    /// The hop it rests on.
    pub fn hop(&self) -> Option<usize> {
        match self {
            Self::Dropped { hop, .. }
            | Self::Delivered { hop, .. }
            | Self::Sent { hop, .. }
            | Self::Consumed { hop }
            | Self::LastSeen { hop } => Some(*hop),
            Self::Merged { .. } | Self::Unknown => None,
        }
    }
}

/// Fills in the verdict of every branch.
pub fn judge(journey: &mut Journey, roles: &Roles) {
    let Journey { hops, strands, .. } = journey;
    if let [strand] = strands.as_mut_slice() {
        let mut seen = Seen::default();
        hops.iter().enumerate().for_each(|(index, hop)| seen.add(index, hop, roles));
        strand.verdict = seen.verdict(hops, strand.ended.is_some(), strand.merged_into);
        return;
    }
    let mut seen = vec![Seen::default(); strands.len()];
    for (index, hop) in hops.iter().enumerate() {
        if let Ok(place) = strands.binary_search_by_key(&hop.branch, |strand| strand.number) {
            seen[place].add(index, hop, roles);
        }
    }
    for (strand, seen) in strands.iter_mut().zip(seen) {
        strand.verdict = seen.verdict(hops, strand.ended.is_some(), strand.merged_into);
    }
}

/// The last hop of each kind that counts.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    dropped: Option<usize>,
    delivered: Option<(usize, Taker)>,
    reader: Option<usize>,
    sent: Option<usize>,
    received: Option<usize>,
    released: bool,
    consumed: bool,
    /// Apart from those that give its memory back.
    last: Option<usize>,
    /// A function was seen, so what matters would have been seen too.
    functions: bool,
}

impl Seen {
    fn add(&mut self, index: usize, hop: &Hop, roles: &Roles) {
        let role = roles.get(hop.probe);
        self.functions |= hop.kind == EventKind::Call;
        match role {
            Role::Receive => self.received = Some(index),
            Role::Send => self.sent = Some(index),
            Role::Deliver(taker) => self.deliver(index, taker),
            Role::Consume => self.consumed = true,
            Role::Release | Role::Last => self.released = true,
            Role::Plain | Role::Freeing => {}
        }
        if !role.is_end() && role != Role::Consume {
            self.last = Some(index);
        }
        match (hop.kind, hop.returned()) {
            (EventKind::Drop, _) | (EventKind::Xdp, Some(xdp::ABORTED | xdp::DROP)) => self.dropped = Some(index),
            (EventKind::Xdp, Some(xdp::TX | xdp::REDIRECT)) => self.sent = Some(index),
            _ => {}
        }
    }

    fn deliver(&mut self, index: usize, taker: Taker) {
        if taker.reads {
            self.reader = Some(index);
        }
        let vaguer = taker.beside || taker.who == A_SOCKET;
        if !(vaguer && self.delivered.is_some_and(|(_, known)| !known.beside)) {
            self.delivered = Some((index, taker));
        }
    }

    fn verdict(&self, hops: &[Hop], ended: bool, merged_into: Option<u32>) -> Verdict {
        let ended = ended || self.released;
        if let Some((hop, drop)) = self.dropped.and_then(|index| Some((index, hops.get(index)?))) {
            return Verdict::Dropped { hop, reason: drop.reason(), place: drop.drop_place() };
        }
        if let Some(into) = merged_into {
            return Verdict::Merged { into };
        }
        let read = self.reader.max(self.delivered.map(|(index, _)| index));
        if let Some((hop, taker)) = self.delivered
            && read > self.received.max(self.sent)
        {
            let reader = self.reader.and_then(|index| hops.get(index)).map(|hop| (hop.task, hop.pid));
            let hop = read.unwrap_or(hop);
            return Verdict::Delivered { hop, to: taker.who, reader, beside: taker.beside };
        }
        let let_go = ended || self.consumed;
        match (self.sent, self.received, self.last) {
            (Some(hop), received, _) if Some(hop) > received && (let_go || left(hops, hop)) => {
                Verdict::Sent { hop, device: hops.get(hop).map_or(DeviceId::default(), |hop| hop.device) }
            }
            // Tracepoints tell no more than that somebody has taken it.
            (_, Some(hop), _) if let_go && !self.functions => {
                Verdict::Delivered { hop, to: SOMEBODY, reader: None, beside: false }
            }
            (_, _, Some(hop)) if let_go => Verdict::Consumed { hop },
            (_, _, Some(hop)) => Verdict::LastSeen { hop },
            (_, _, None) => Verdict::Unknown,
        }
    }
}

/// Where only tracepoints were seen, a packet that came in and was let go in good order.
const SOMEBODY: &str = "a socket or protocol (tracepoints tell no more)";

fn left(hops: &[Hop], hop: usize) -> bool {
    hops.get(hop).is_some_and(|hop| hop.kind == EventKind::Xdp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::testing::{Script, journeys};

    /// The verdict of a packet that passes these functions in this order; `drop` is the kernel's drop.
    fn verdict(functions: &str) -> String {
        let mut script = Script::default();
        for (index, name) in functions.split_whitespace().enumerate() {
            script.hit(10 * index as u64, 1, 1, name);
        }
        script.end(1000, 1, 1);
        describe(&script)
    }

    fn describe(script: &Script) -> String {
        let journeys = journeys(script);
        assert_eq!(journeys.len(), 1);
        match journeys[0].verdict() {
            Verdict::Dropped { reason, .. } => format!("dropped {reason:?}"),
            Verdict::Delivered { to, reader, .. } => {
                format!("delivered to {to}{}", reader.map_or(String::new(), |(_, pid)| format!(" read by {pid}")))
            }
            Verdict::Sent { hop, .. } => format!("sent at {hop}"),
            Verdict::Consumed { hop } => format!("consumed after {hop}"),
            Verdict::Merged { into } => format!("merged into {into}"),
            Verdict::LastSeen { hop } => format!("last seen at {hop}"),
            Verdict::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn ways_to_end() {
        let cases = [
            ("ip_rcv nf_hook_slow drop kfree_skbmem", "dropped Some(6)"),
            ("ip_rcv tcp_v4_rcv tcp_v4_do_rcv tcp_rcv_established kfree_skbmem", "delivered to a TCP socket"),
            ("udp_queue_rcv_one_skb sock_queue_rcv_skb skb_copy_datagram_iter", "delivered to a UDP socket read by 7"),
            ("udp_queue_rcv_one_skb drop", "dropped Some(6)"),
            ("__dev_queue_xmit dev_hard_start_xmit consume_skb kfree_skbmem", "sent at 1"),
            ("dev_hard_start_xmit netif_rx ip_rcv tcp_v4_do_rcv", "delivered to a TCP socket"),
            ("netif_rx tcp_v4_do_rcv ip_forward dev_hard_start_xmit", "sent at 3"),
            ("dev_hard_start_xmit netif_rx ip_rcv consume_skb kfree_skbmem", "consumed after 2"),
            ("packet_rcv ip_rcv icmp_echo.isra.0 kfree_skbmem", "delivered to the kernel, which answers the echo"),
            ("ip_rcv packet_rcv", "delivered to a packet socket"),
            ("kfree_skbmem", "unknown"),
            ("net:net_dev_queue skb:consume_skb", "sent at 0"),
            ("net:netif_receive_skb skb:consume_skb", "delivered to a socket or protocol (tracepoints tell no more)"),
            (
                "net:net_dev_queue net:netif_receive_skb skb:consume_skb",
                "delivered to a socket or protocol (tracepoints tell no more)",
            ),
        ];
        for (functions, expected) in cases {
            assert_eq!(verdict(functions), expected, "{functions}");
        }
    }

    #[test]
    fn a_packet_on_its_way() {
        let mut script = Script::default();
        script.hit(1, 1, 1, "ip_rcv");
        script.hit(2, 1, 1, "ip_forward");
        assert_eq!(describe(&script), "last seen at 1");
    }

    #[test]
    fn the_branch_that_got_furthest_counts() {
        // The copy for a packet socket says nothing about the packet that was dropped.
        let mut script = Script::default();
        script.hit(1, 1, 1, "ip_rcv");
        script.branch(2, 1, 2, 1);
        script.hit(3, 1, 2, "packet_rcv");
        script.hit(4, 1, 1, "drop");
        script.end(5, 1, 1);
        script.end(5, 1, 2);
        assert_eq!(describe(&script), "dropped Some(6)");
        // The original stays in the socket's queue while its clone is sent.
        let mut script = Script::default();
        script.hit(1, 1, 1, "__tcp_transmit_skb");
        script.branch(2, 1, 2, 1);
        script.hit(3, 1, 2, "dev_hard_start_xmit");
        script.end(4, 1, 2);
        assert_eq!(describe(&script), "sent at 1");
    }
}

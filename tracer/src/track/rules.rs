//! What the kernel's functions say about a packet's way: the one table that verdicts are derived from.
//!
//! A name with a trailing `*` stands for any ending, which also covers what compilers append (`.isra.0`). Where several
//! rules fit, the first one counts. Names are those of Linux 5.17 to 7.2; one that a kernel lacks does no harm.

use crate::model::{Probe, ProbeId};

/// What a hit of a function says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// The packet comes in, from a device or from another namespace.
    Receive,
    /// The packet is handed to a device.
    Send,
    /// It reaches whoever it is for.
    Deliver(Taker),
    /// A reference is let go in good order, perhaps the last one.
    Consume,
    /// Proof that its memory is being given back.
    Release,
    /// The very last that is heard of it.
    Last,
    /// A part of giving back, where it comes after a [`Role::Release`].
    Freeing,
}

/// Who takes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    /// In words.
    pub who: &'static str,
    /// The current task at this function is the one that reads.
    pub reads: bool,
    /// A listener beside the way, whose copy says nothing about the packet.
    pub beside: bool,
}

const fn to(who: &'static str) -> Role {
    Role::Deliver(Taker { who, reads: false, beside: false })
}

const fn read_from(who: &'static str) -> Role {
    Role::Deliver(Taker { who, reads: true, beside: false })
}

const fn beside(who: &'static str) -> Role {
    Role::Deliver(Taker { who, reads: false, beside: true })
}

/// A taker of which no more is known; another function may have said it better.
pub(super) const A_SOCKET: &str = "a socket";

/// An ICMP error, which is told to the socket whose packet it is about.
const ICMP_ERROR: &str = "the kernel, which tells the sender's socket";

/// Functions and tracepoints that mean something.
pub const RULES: &[(&str, Role)] = &[
    ("tcp_v4_do_rcv*", to("a TCP socket")),
    ("tcp_v6_do_rcv*", to("a TCP socket")),
    ("tcp_rcv_established*", to("a TCP socket")),
    ("tcp_rcv_state_process*", to("a TCP socket")),
    ("tcp_data_queue*", to("a TCP socket")),
    ("tcp_add_backlog*", to("a TCP socket")),
    ("udp_queue_rcv_one_skb*", to("a UDP socket")),
    ("udpv6_queue_rcv_one_skb*", to("a UDP socket")),
    ("__udp_enqueue_schedule_skb*", to("a UDP socket")),
    ("skb_consume_udp*", read_from("a UDP socket")),
    ("raw_rcv*", to("a raw socket")),
    ("rawv6_rcv*", to("a raw socket")),
    ("ping_rcv*", to("a ping socket")),
    ("ping_queue_rcv_skb*", to("a ping socket")),
    ("packet_rcv*", beside("a packet socket")),
    ("tpacket_rcv*", beside("a packet socket")),
    ("netlink_unicast*", to("a netlink socket")),
    ("netlink_broadcast*", to("a netlink socket")),
    ("sctp_rcv*", to("SCTP")),
    ("icmp_echo*", to("the kernel, which answers the echo")),
    ("icmpv6_echo_reply*", to("the kernel, which answers the echo")),
    ("icmp_unreach*", to(ICMP_ERROR)),
    ("icmpv6_notify*", to(ICMP_ERROR)),
    ("__udp4_lib_err*", to(ICMP_ERROR)),
    ("__udp6_lib_err*", to(ICMP_ERROR)),
    ("tcp_v4_err*", to(ICMP_ERROR)),
    ("tcp_v6_err*", to(ICMP_ERROR)),
    ("arp_process*", to("the kernel's ARP")),
    ("ndisc_rcv*", to("the kernel's neighbour discovery")),
    ("igmp_rcv*", to("the kernel's IGMP")),
    ("sock_queue_rcv_skb*", to(A_SOCKET)),
    ("__sock_queue_rcv_skb*", to(A_SOCKET)),
    ("skb_copy_datagram_*", read_from(A_SOCKET)),
    ("__skb_datagram_iter*", read_from(A_SOCKET)),
    ("skb:skb_copy_datagram_iovec", read_from(A_SOCKET)),
    ("net:netif_receive_skb*", Role::Receive),
    ("net:netif_rx*", Role::Receive),
    ("net:napi_gro_*", Role::Receive),
    ("__netif_receive_skb*", Role::Receive),
    ("netif_receive_skb*", Role::Receive),
    ("__netif_rx*", Role::Receive),
    ("netif_rx*", Role::Receive),
    ("napi_gro_receive*", Role::Receive),
    ("enqueue_to_backlog*", Role::Receive),
    // Where only a few functions are selected, these may be all that tells.
    ("ip_rcv*", Role::Receive),
    ("ipv6_rcv*", Role::Receive),
    ("arp_rcv*", Role::Receive),
    ("net:net_dev_queue", Role::Send),
    ("net:net_dev_start_xmit", Role::Send),
    ("net:net_dev_xmit", Role::Send),
    ("__dev_queue_xmit*", Role::Send),
    ("__dev_direct_xmit*", Role::Send),
    ("dev_hard_start_xmit*", Role::Send),
    ("consume_skb", Role::Consume),
    ("napi_consume_skb", Role::Consume),
    ("dev_kfree_skb*", Role::Consume),
    // `consume_skb` only gives up a reference; the tracepoint fires when it was the last one.
    ("skb:consume_skb", Role::Release),
    ("skb:kfree_skb", Role::Release),
    ("__consume_stateless_skb", Role::Release),
    ("__kfree_skb", Role::Release),
    ("skb_release_all*", Role::Release),
    ("skb_release_head_state", Role::Release),
    ("napi_skb_free_stolen_head", Role::Release),
    ("kfree_skb_partial", Role::Release),
    ("kfree_skbmem", Role::Last),
    // Also called while the packet lives on with new memory (pskb_expand_head), or is taken from its socket.
    ("skb_release_data*", Role::Freeing),
    ("skb_free_head*", Role::Freeing),
    ("sock_wfree", Role::Freeing),
    ("__sock_wfree", Role::Freeing),
    ("tcp_wfree", Role::Freeing),
    ("sock_rfree", Role::Freeing),
    ("sock_efree", Role::Freeing),
    ("sock_edemux", Role::Freeing),
    ("napi_skb_cache_put", Role::Freeing),
    ("skb_attempt_defer_free", Role::Freeing),
    ("kfree_skb_reason", Role::Freeing),
    ("sk_skb_reason_drop", Role::Freeing),
    ("__sk_skb_reason_drop", Role::Freeing),
    ("kfree_skb", Role::Freeing),
];

/// What a BPF program at XDP may return (`enum xdp_action` of Linux).
pub mod xdp {
    /// The program failed; the packet is dropped.
    pub const ABORTED: u32 = 0;
    /// Dropped.
    pub const DROP: u32 = 1;
    /// Sent back by the same device.
    pub const TX: u32 = 3;
    /// Sent elsewhere.
    pub const REDIRECT: u32 = 4;
}

impl Role {
    /// Of a function by its name.
    pub fn of(name: &str) -> Self {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        };
        RULES.iter().find(|(pattern, _)| fits(pattern)).map_or(Self::Plain, |(_, role)| *role)
    }

    /// After a release, still the same packet.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Self::Release | Self::Last | Self::Freeing)
    }
}

/// Roles of a run's probes; the table of probes may grow while it runs.
#[derive(Clone, Debug, Default)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Of all probes in the table.
    pub fn new(probes: &[Probe]) -> Self {
        let mut roles = Self::default();
        roles.learn(probes);
        roles
    }

    /// Looks at probes that have joined the table.
    pub fn learn(&mut self, probes: &[Probe]) {
        if let Some(new) = probes.get(self.0.len()..) {
            self.0.extend(new.iter().map(|probe| Role::of(&probe.name)));
        }
    }

    /// What a hit of this probe says.
    pub fn get(&self, probe: ProbeId) -> Role {
        self.0.get(probe.0 as usize).copied().unwrap_or(Role::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns() {
        assert_eq!(Role::of("tcp_rcv_established"), to("a TCP socket"));
        assert_eq!(Role::of("udp_queue_rcv_one_skb.isra.0"), to("a UDP socket"));
        assert_eq!(Role::of("consume_skb"), Role::Consume);
        assert_eq!(Role::of("skb:consume_skb"), Role::Release);
        assert_eq!(Role::of("consume_skb_not"), Role::Plain);
        assert_eq!(Role::of("ip_rcv"), Role::Receive);
        assert_eq!(Role::of("ip_forward"), Role::Plain);
    }

    #[test]
    fn no_rule_is_hidden_by_an_earlier_one() {
        for (index, (pattern, _)) in RULES.iter().enumerate() {
            let name = pattern.trim_end_matches('*');
            let first = RULES.iter().position(|(earlier, _)| match earlier.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == *earlier,
            });
            assert_eq!(first, Some(index), "{pattern}");
        }
    }
}

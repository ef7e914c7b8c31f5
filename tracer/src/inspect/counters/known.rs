//! Which counters are of interest, and what it means that they move.

/// A counter's name, and what it counts.
pub type Known = (&'static str, &'static str);

/// What a counter counts; empty for one that nobody has explained.
pub fn meaning(name: &str) -> &'static str {
    let lists = [SOFTNET, DEVICE, QDISC, PROTOCOL, CONNTRACK];
    lists.into_iter().flatten().find(|(known, _)| *known == name).map_or(UNKNOWN, |(_, meaning)| meaning)
}

const UNKNOWN: &str = "";

/// Columns of `/proc/net/softnet_stat`.
pub(super) const SOFTNET: &[Known] = &[
    ("dropped", "the CPU's input queue was full (net.core.netdev_max_backlog)"),
    ("time_squeeze", "the CPU had more packets than time (net.core.netdev_budget); nothing is lost yet"),
    ("flow_limit", "one flow took too much of the CPU's input queue"),
];

/// Members of `struct rtnl_link_stats64`, with their place.
pub(super) const DEVICE_PLACES: &[usize] = &[4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 23, 24];
/// The same, by name, as in `/sys/class/net/DEV/statistics`.
pub(super) const DEVICE: &[Known] = &[
    ("rx_errors", "packets that came in broken, all kinds"),
    ("tx_errors", "packets that could not be sent, all kinds"),
    ("rx_dropped", "came in whole and were dropped: no memory, no taker, a full queue, an XDP program"),
    ("tx_dropped", "dropped on the way out: no memory, device or queue stopped, a peer that is down"),
    ("collisions", "collisions on the wire"),
    ("rx_length_errors", "a length that cannot be"),
    ("rx_over_errors", "the device's buffers overflowed"),
    ("rx_crc_errors", "checksum wrong on the wire: cable, port or transceiver"),
    ("rx_frame_errors", "misaligned on the wire: cable, port or transceiver"),
    ("rx_fifo_errors", "the device's queue overflowed"),
    ("rx_missed_errors", "the ring to the kernel was full (ethtool -G DEV rx N; more queues)"),
    ("tx_aborted_errors", "sending was given up"),
    ("tx_carrier_errors", "the link was lost while sending"),
    ("tx_fifo_errors", "the device's queue ran dry while sending"),
    ("tx_window_errors", "a late collision"),
    ("rx_nohandler", "came in at a device that takes none (a bond's or team's idle port)"),
    ("rx_otherhost_dropped", "for another machine's MAC address; usual where a switch floods"),
];

/// `struct gnet_stats_queue`
pub(super) const QDISC: &[Known] =
    &[("drops", "dropped by the queueing discipline or, with clsact and ingress, by a filter at it")];

/// `/proc/net/stat/nf_conntrack`
pub(super) const CONNTRACK: &[Known] = &[
    ("invalid", "no state fits the packet; often a rule drops these"),
    ("insert_failed", "two packets of a flow met: the second was dropped (often DNS over UDP)"),
    ("drop", "the table is full, or memory is short (net.netfilter.nf_conntrack_max)"),
    ("early_drop", "the table is full: an old entry was given up for a new one"),
    ("icmp_error", "an ICMP error that fits no flow"),
];

/// Counters of protocols, as `nstat` calls them.
pub(super) const PROTOCOL: &[Known] = &[
    ("IpInHdrErrors", "IPv4 headers that cannot be used, the TTL at its end among them"),
    ("IpInAddrErrors", "IPv4 destinations that are not allowed here"),
    ("IpInUnknownProtos", "IPv4 protocols that nobody takes"),
    ("IpInDiscards", "IPv4 packets dropped on the way in: memory, BPF, policies"),
    ("IpOutDiscards", "IPv4 packets dropped on the way out: memory, queues"),
    ("IpOutNoRoutes", "no route for an IPv4 packet that goes out"),
    ("IpReasmTimeout", "IPv4 fragments were missing until the time was up"),
    ("IpReasmFails", "IPv4 packets that could not be put together"),
    ("IpFragFails", "IPv4 packets that were too large and may not be cut"),
    ("IpExtInNoRoutes", "no route for an IPv4 packet that came in"),
    ("IpExtInTruncatedPkts", "IPv4 packets shorter than their header says"),
    ("IpExtInCsumErrors", "IPv4 header checksums that are wrong"),
    ("IcmpInErrors", "ICMP messages that cannot be used"),
    ("IcmpInCsumErrors", "ICMP checksums that are wrong"),
    ("IcmpOutErrors", "ICMP messages that could not be sent"),
    ("IcmpOutRateLimitGlobal", "ICMP answers not sent: the limit for all (net.ipv4.icmp_msgs_per_sec)"),
    ("IcmpOutRateLimitHost", "ICMP answers not sent: the limit for one host (net.ipv4.icmp_ratelimit)"),
    ("TcpInErrs", "TCP segments that cannot be used"),
    ("TcpInCsumErrors", "TCP checksums that are wrong"),
    ("TcpAttemptFails", "TCP connections that were not established"),
    ("TcpRetransSegs", "TCP segments sent again: something on the way loses them"),
    ("TcpOutRsts", "TCP resets sent: no listener, or a connection aborted"),
    ("UdpNoPorts", "UDP to a port where nobody listens"),
    ("UdpInErrors", "UDP packets that did not reach their socket, all kinds"),
    ("UdpRcvbufErrors", "a UDP socket's receive buffer is full: its program reads too slowly"),
    ("UdpSndbufErrors", "a UDP socket's send buffer is full"),
    ("UdpInCsumErrors", "UDP checksums that are wrong"),
    ("UdpMemErrors", "the memory for UDP is used up (net.ipv4.udp_mem)"),
    ("UdpLiteInErrors", "UDP-Lite packets that did not reach their socket"),
    ("TcpExtListenOverflows", "an accept queue is full: a program accepts too slowly"),
    ("TcpExtListenDrops", "a SYN or ACK for a listener was dropped, all kinds"),
    ("TcpExtTCPReqQFullDrop", "the queue of half-open connections is full (SYN flood?)"),
    ("TcpExtTCPReqQFullDoCookies", "the queue of half-open connections is full: cookies are sent"),
    ("TcpExtTCPBacklogDrop", "a TCP socket's backlog is full"),
    ("TcpExtTCPRcvQDrop", "a TCP socket's receive buffer is full"),
    ("TcpExtPruneCalled", "a TCP receive buffer is full: data is squeezed, nothing is lost yet"),
    ("TcpExtRcvPruned", "TCP data dropped to keep to the receive buffer"),
    ("TcpExtOfoPruned", "TCP data out of order dropped to keep to the receive buffer"),
    ("TcpExtTCPOFODrop", "TCP data out of order found no memory"),
    ("TcpExtTCPZeroWindowDrop", "TCP data came although the window was 0"),
    ("TcpExtTCPMemoryPressures", "the memory for TCP ran short (net.ipv4.tcp_mem)"),
    ("TcpExtTCPMinTTLDrop", "TCP from farther away than the socket allows"),
    ("TcpExtTCPDeferAcceptDrop", "an ACK without data while the listener waits for data"),
    ("TcpExtPFMemallocDrop", "memory so short that only what frees memory gets through"),
    ("TcpExtIPReversePathFilter", "reverse path filtering: the answer would leave by another device"),
    ("TcpExtTCPMD5NotFound", "a TCP-MD5 signature is expected and missing"),
    ("TcpExtTCPMD5Unexpected", "a TCP-MD5 signature came where none is set up"),
    ("TcpExtTCPMD5Failure", "a TCP-MD5 signature is wrong"),
    ("TcpExtTCPAOBad", "a TCP-AO signature is wrong"),
    ("TcpExtTCPAORequired", "TCP-AO is expected and missing"),
    ("TcpExtTCPAOKeyNotFound", "a TCP-AO key that is not known here"),
    ("TcpExtPAWSActive", "an answer to a SYN with a TCP timestamp that is too old"),
    ("TcpExtPAWSEstab", "a TCP timestamp that is too old"),
    ("TcpExtTCPACKSkippedSynRecv", "an answer to a doubtful segment held back (SYN_RECV)"),
    ("TcpExtOutOfWindowIcmps", "ICMP errors for TCP with a sequence number that cannot be"),
    ("TcpExtLockDroppedIcmps", "ICMP errors for TCP while the socket was busy"),
    ("TcpExtEmbryonicRsts", "half-open connections that were reset"),
    ("TcpExtSyncookiesFailed", "SYN cookies that are wrong"),
    ("TcpExtTCPTimeouts", "TCP timers that ran out: something on the way loses packets"),
    ("TcpExtTCPRetransFail", "TCP segments that could not be sent again: no route, or a full queue"),
    ("TcpExtTCPTimeWaitOverflow", "too many connections in TIME_WAIT (net.ipv4.tcp_max_tw_buckets)"),
    ("TcpExtTCPFastOpenListenOverflow", "the queue of TCP Fast Open is full"),
    ("TcpExtTCPLostRetransmit", "TCP segments lost again after being sent again"),
    ("TcpExtTCPAbortOnMemory", "TCP connections given up for want of memory"),
    ("TcpExtTCPAbortOnTimeout", "TCP connections given up after too many attempts"),
    ("TcpExtTCPWqueueTooBig", "TCP segments not cut: the socket's send buffer is full"),
    ("MPTcpExtMPTCPRetrans", "MPTCP data sent again"),
    ("Ip6InHdrErrors", "IPv6 headers that cannot be used, the hop limit at its end among them"),
    ("Ip6InTooBigErrors", "IPv6 packets larger than the next device takes"),
    ("Ip6InNoRoutes", "no route for an IPv6 packet that came in"),
    ("Ip6InAddrErrors", "IPv6 destinations that are not allowed here"),
    ("Ip6InUnknownProtos", "IPv6 protocols that nobody takes"),
    ("Ip6InTruncatedPkts", "IPv6 packets shorter than their header says"),
    ("Ip6InDiscards", "IPv6 packets dropped on the way in: memory, BPF, policies"),
    ("Ip6OutDiscards", "IPv6 packets dropped on the way out: memory, queues"),
    ("Ip6OutNoRoutes", "no route for an IPv6 packet that goes out"),
    ("Ip6ReasmTimeout", "IPv6 fragments were missing until the time was up"),
    ("Ip6ReasmFails", "IPv6 packets that could not be put together"),
    ("Ip6FragFails", "IPv6 packets that were too large"),
    ("Icmp6InErrors", "ICMPv6 messages that cannot be used"),
    ("Icmp6OutErrors", "ICMPv6 messages that could not be sent"),
    ("Icmp6InCsumErrors", "ICMPv6 checksums that are wrong"),
    ("Icmp6OutRateLimitHost", "ICMPv6 answers not sent: the limit for one host"),
    ("Udp6NoPorts", "UDP over IPv6 to a port where nobody listens"),
    ("Udp6InErrors", "UDP packets over IPv6 that did not reach their socket, all kinds"),
    ("Udp6RcvbufErrors", "a UDP socket's receive buffer is full: its program reads too slowly (IPv6)"),
    ("Udp6SndbufErrors", "a UDP socket's send buffer is full (IPv6)"),
    ("Udp6InCsumErrors", "UDP checksums that are wrong (IPv6)"),
    ("Udp6MemErrors", "the memory for UDP is used up (IPv6)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_one_meaning() {
        assert_eq!(DEVICE.len(), DEVICE_PLACES.len());
        let mut names = std::collections::HashSet::new();
        for (name, meaning) in [SOFTNET, DEVICE, QDISC, PROTOCOL, CONNTRACK].into_iter().flatten() {
            assert!(names.insert(name), "{name} stands there twice");
            assert!(!meaning.is_empty() && meaning.len() < 90, "{name}: {meaning}");
        }
        assert_eq!(meaning("UdpNoPorts"), "UDP to a port where nobody listens");
        assert_eq!(meaning("XfrmInNoStates"), "");
    }
}

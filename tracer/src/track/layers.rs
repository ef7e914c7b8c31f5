//! Which layer of the network stack a function belongs to: the one table by which hops are folded.
//!
//! A name that ends in `*` stands for any ending, one that begins with it for any beginning; the first that fits counts. Functions that
//! all layers call (`skb_push`, checksums) are in none: they belong to whatever called them.

use crate::model::EventKind;

/// A layer of the network stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// BPF programs at XDP.
    Xdp,
    /// Drivers, real ones and virtual ones.
    Driver,
    /// Generic receive offload.
    Gro,
    /// From and to devices, whatever the protocol.
    Device,
    /// Queueing disciplines, classifiers, actions; BPF programs there.
    Tc,
    /// Bridges.
    Bridge,
    /// Tunnels, and transformations by IPsec.
    Tunnel,
    /// Netfilter with connection tracking and NAT.
    Netfilter,
    /// ARP and neighbour discovery.
    Neighbour,
    /// IP of both versions, routing, ICMP.
    Ip,
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// Other protocols above IP.
    Transport,
    /// Sockets.
    Socket,
    /// Security modules.
    Security,
    /// Where it is dropped or its memory is given back.
    End,
    /// None of these.
    Other,
}

impl Layer {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xdp => "XDP",
            Self::Driver => "driver",
            Self::Gro => "GRO",
            Self::Device => "device",
            Self::Tc => "tc",
            Self::Bridge => "bridge",
            Self::Tunnel => "tunnel",
            Self::Netfilter => "netfilter",
            Self::Neighbour => "neighbour",
            Self::Ip => "IP",
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Transport => "transport",
            Self::Socket => "socket",
            Self::Security => "security",
            Self::End => "freed",
            Self::Other => "other",
        }
    }

    /// Of a hit, by the function's name and module; `None` where the caller's is meant.
    pub fn of(kind: EventKind, name: &str, module: Option<&str>) -> Option<Self> {
        match kind {
            EventKind::Xdp => return Some(Self::Xdp),
            EventKind::Tc => return Some(Self::Tc),
            EventKind::Drop => return Some(Self::End),
            EventKind::Call | EventKind::Tracepoint => {}
        }
        if let Some((_, found)) = FUNCTIONS.iter().find(|(pattern, _)| fits(pattern, name)) {
            return *found;
        }
        let by_module = module.and_then(|module| MODULES.iter().find(|(pattern, _)| fits(pattern, module)));
        Some(by_module.map_or(Self::Other, |(_, layer)| *layer))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(ending), None) => name.ends_with(ending),
        (None, Some(beginning)) => name.starts_with(beginning),
        (None, None) => name == pattern,
    }
}

const fn layer(pattern: &'static str, layer: Layer) -> (&'static str, Option<Layer>) {
    (pattern, Some(layer))
}

const fn callers(pattern: &'static str) -> (&'static str, Option<Layer>) {
    (pattern, None)
}

/// Functions and tracepoints.
const FUNCTIONS: &[(&str, Option<Layer>)] = &[
    callers("kfree_skb_reason"),
    callers("sk_skb_reason_drop"),
    callers("__sk_skb_reason_drop"),
    callers("sock_wfree"),
    callers("__sock_wfree"),
    callers("sock_efree"),
    callers("tcp_wfree"),
    layer("skb:kfree_skb", Layer::End),
    layer("skb:consume_skb", Layer::End),
    layer("kfree_skb*", Layer::End),
    layer("__kfree_skb*", Layer::End),
    layer("consume_skb", Layer::End),
    layer("napi_consume_skb", Layer::End),
    layer("__consume_stateless_skb", Layer::End),
    layer("skb_release_*", Layer::End),
    layer("skb_free_head*", Layer::End),
    layer("sock_rfree", Layer::End),
    layer("napi_skb_*", Layer::End),
    layer("dev_kfree_skb*", Layer::End),
    layer("napi_gro*", Layer::Gro),
    layer("dev_gro_receive*", Layer::Gro),
    layer("*gro_receive*", Layer::Gro),
    layer("*gro_complete*", Layer::Gro),
    layer("gro_*", Layer::Gro),
    layer("net:napi_gro*", Layer::Gro),
    layer("skb_gro_*", Layer::Gro),
    layer("tcf_*", Layer::Tc),
    layer("tcx_*", Layer::Tc),
    layer("sch_handle_*", Layer::Tc),
    layer("cls_*", Layer::Tc),
    layer("qdisc_*", Layer::Tc),
    layer("__qdisc*", Layer::Tc),
    layer("sch_direct_xmit", Layer::Tc),
    layer("dev_qdisc*", Layer::Tc),
    layer("fq_*", Layer::Tc),
    layer("pfifo_*", Layer::Tc),
    layer("htb_*", Layer::Tc),
    layer("tbf_*", Layer::Tc),
    layer("netem_*", Layer::Tc),
    layer("ingress_*", Layer::Tc),
    layer("bpf_prog_run_generic_xdp", Layer::Xdp),
    layer("do_xdp_generic", Layer::Xdp),
    layer("netif_receive_generic_xdp", Layer::Xdp),
    layer("veth_convert_skb_to_xdp_buff", Layer::Xdp),
    layer("veth_xdp_*", Layer::Xdp),
    layer("nf_*", Layer::Netfilter),
    layer("__nf_*", Layer::Netfilter),
    layer("nft_*", Layer::Netfilter),
    layer("ipt_*", Layer::Netfilter),
    layer("ip6t_*", Layer::Netfilter),
    layer("xt_*", Layer::Netfilter),
    layer("*_mt", Layer::Netfilter),
    layer("*conntrack*", Layer::Netfilter),
    layer("tcp_options", Layer::Netfilter),
    layer("tcp_new", Layer::Netfilter),
    layer("icmp_pkt_to_tuple", Layer::Netfilter),
    layer("*l4proto*", Layer::Netfilter),
    layer("bpf_lsm_*", Layer::Security),
    layer("security_*", Layer::Security),
    layer("selinux_*", Layer::Security),
    layer("smack_*", Layer::Security),
    layer("apparmor_*", Layer::Security),
    layer("neigh_*", Layer::Neighbour),
    layer("__neigh_*", Layer::Neighbour),
    layer("arp_*", Layer::Neighbour),
    layer("ndisc_*", Layer::Neighbour),
    layer("br_*", Layer::Bridge),
    layer("__br_*", Layer::Bridge),
    layer("vxlan_*", Layer::Tunnel),
    layer("geneve_*", Layer::Tunnel),
    layer("gre_*", Layer::Tunnel),
    layer("ip_tunnel_*", Layer::Tunnel),
    layer("iptunnel_*", Layer::Tunnel),
    layer("__iptunnel_*", Layer::Tunnel),
    layer("udp_tunnel*", Layer::Tunnel),
    layer("ipip_*", Layer::Tunnel),
    layer("ip6_tnl_*", Layer::Tunnel),
    layer("wg_*", Layer::Tunnel),
    layer("esp_*", Layer::Tunnel),
    layer("xfrm_*", Layer::Tunnel),
    callers("*xfrm*"),
    layer("veth_xmit", Layer::Driver),
    layer("loopback_xmit", Layer::Driver),
    layer("*_start_xmit", Layer::Driver),
    layer("dev_*", Layer::Device),
    layer("__dev_*", Layer::Device),
    layer("net:net_dev_*", Layer::Device),
    layer("net:netif_*", Layer::Device),
    layer("netif_*", Layer::Device),
    layer("__netif_*", Layer::Device),
    layer("netdev_*", Layer::Device),
    layer("validate_xmit_*", Layer::Device),
    layer("enqueue_to_backlog", Layer::Device),
    layer("process_backlog", Layer::Device),
    layer("passthru_features_check", Layer::Device),
    layer("eth_type_trans", Layer::Device),
    layer("eth_header*", Layer::Device),
    layer("skb_network_protocol", Layer::Device),
    layer("skb_mac_gso_segment", Layer::Device),
    layer("skb_scrub_packet", Layer::Device),
    layer("packet_rcv*", Layer::Socket),
    layer("tpacket_rcv*", Layer::Socket),
    layer("udp*", Layer::Udp),
    layer("__udp*", Layer::Udp),
    layer("skb_consume_udp", Layer::Udp),
    layer("tcp*", Layer::Tcp),
    layer("__tcp*", Layer::Tcp),
    layer("inet_lhash2_lookup", Layer::Socket),
    layer("__inet_lookup*", Layer::Socket),
    layer("raw_*", Layer::Socket),
    layer("rawv6_*", Layer::Socket),
    layer("ping_*", Layer::Socket),
    layer("sock_*", Layer::Socket),
    layer("__sock_*", Layer::Socket),
    layer("sk_filter*", Layer::Socket),
    layer("__sk_filter*", Layer::Socket),
    layer("skb_copy_datagram*", Layer::Socket),
    layer("__skb_datagram*", Layer::Socket),
    layer("skb_free_datagram*", Layer::Socket),
    layer("skb:skb_copy_datagram*", Layer::Socket),
    layer("unix_*", Layer::Socket),
    layer("netlink_*", Layer::Socket),
    layer("sctp_*", Layer::Transport),
    layer("ip*", Layer::Ip),
    layer("__ip*", Layer::Ip),
    layer("icmp*", Layer::Ip),
    layer("__icmp*", Layer::Ip),
    layer("igmp*", Layer::Ip),
    layer("fib_*", Layer::Ip),
    layer("fib4_*", Layer::Ip),
    layer("fib6_*", Layer::Ip),
    layer("inet_*", Layer::Ip),
    layer("inet6_*", Layer::Ip),
    layer("rt6_*", Layer::Ip),
    layer("rt_*", Layer::Ip),
    callers("skb_*"),
    callers("__skb_*"),
    callers("pskb_*"),
    callers("__pskb_*"),
    callers("__copy_skb*"),
];

/// Modules, where the function is in no table.
const MODULES: &[(&str, Layer)] = &[
    ("nf_*", Layer::Netfilter),
    ("nft_*", Layer::Netfilter),
    ("xt_*", Layer::Netfilter),
    ("iptable_*", Layer::Netfilter),
    ("ip_tables", Layer::Netfilter),
    ("bridge", Layer::Bridge),
    ("br_netfilter", Layer::Bridge),
    ("sch_*", Layer::Tc),
    ("cls_*", Layer::Tc),
    ("act_*", Layer::Tc),
    ("vxlan", Layer::Tunnel),
    ("geneve", Layer::Tunnel),
    ("wireguard", Layer::Tunnel),
    ("openvswitch", Layer::Bridge),
    ("sctp", Layer::Transport),
    ("af_packet", Layer::Socket),
    ("unix", Layer::Socket),
    // Whatever else has functions with a packet in a module drives a device.
    ("*", Layer::Driver),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_layers() {
        let call = |name, module| Layer::of(EventKind::Call, name, module);
        for (name, module, expected) in [
            ("ip_rcv", None, Some(Layer::Ip)),
            ("nf_hook_slow", None, Some(Layer::Netfilter)),
            ("nft_do_chain_ipv4", Some("nf_tables"), Some(Layer::Netfilter)),
            ("ipv4_conntrack_in", Some("nf_conntrack"), Some(Layer::Netfilter)),
            ("tcp_v4_rcv", None, Some(Layer::Tcp)),
            ("udp_gro_receive", None, Some(Layer::Gro)),
            ("__netif_receive_skb", None, Some(Layer::Device)),
            ("veth_xmit", Some("veth"), Some(Layer::Driver)),
            ("start_xmit", Some("virtio_net"), Some(Layer::Driver)),
            ("mlx5e_xmit", Some("mlx5_core"), Some(Layer::Driver)),
            ("skb_push", None, None),
            ("validate_xmit_xfrm", None, None),
            ("kfree_skbmem", None, Some(Layer::End)),
            ("unheard_of", None, Some(Layer::Other)),
        ] {
            assert_eq!(call(name, module), expected, "{name}");
        }
        assert_eq!(Layer::of(EventKind::Tc, "cil_from_netdev", None), Some(Layer::Tc));
        assert_eq!(Layer::of(EventKind::Drop, "skb:kfree_skb", None), Some(Layer::End));
    }

    #[test]
    fn no_rule_is_hidden_by_an_earlier_one() {
        for (place, (pattern, _)) in FUNCTIONS.iter().enumerate() {
            let name = pattern.trim_matches('*');
            let first = FUNCTIONS.iter().position(|(earlier, _)| fits(earlier, name));
            assert_eq!(first, Some(place), "{pattern}");
        }
    }
}

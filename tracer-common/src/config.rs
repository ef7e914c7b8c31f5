//! What user space sets before the programs are loaded (`.rodata`), and the counters that both sides share.

/// Marker for a member that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// Byte offsets of kernel struct members, read from BTF. `.rodata` on the kernel side, so that the verifier folds them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Offsets {
    /// `sk_buff.dev`
    pub skb_dev: u32,
    /// `sk_buff.sk`
    pub skb_sk: u32,
    /// `sk_buff._skb_refdst`
    pub skb_dst: u32,
    /// `sk_buff.len`
    pub skb_len: u32,
    /// `sk_buff.mark`
    pub skb_mark: u32,
    /// `sk_buff.protocol`
    pub skb_protocol: u32,
    /// `sk_buff.head`
    pub skb_head: u32,
    /// `sk_buff.data`
    pub skb_data: u32,
    /// `sk_buff.tail`, an offset from `head` on 64-bit kernels
    pub skb_tail: u32,
    /// `sk_buff.mac_header`
    pub skb_mac_header: u32,
    /// `sk_buff.network_header`
    pub skb_network_header: u32,
    /// `sk_buff.transport_header`
    pub skb_transport_header: u32,
    /// 1 where `protocol`, `transport_header`, `network_header` and `mac_header` lie one behind the other, so that one load has
    /// them all.
    pub headers_together: u32,
    /// `sk_buff.vlan_tci`
    pub skb_vlan_tci: u32,
    /// `sk_buff.vlan_proto`
    pub skb_vlan_proto: u32,
    /// Byte that holds the bit `sk_buff.vlan_present`: before 6.2 it says whether the two above count. [`ABSENT`] since,
    /// where a packet without a tag has zeros there.
    pub skb_vlan_present: u32,
    /// That bit in its byte, as a mask.
    pub skb_vlan_present_mask: u32,
    /// Byte that holds the bit-field `sk_buff.pkt_type` in its lowest three bits
    pub skb_pkt_type: u32,
    /// `net_device.nd_net`
    pub dev_net: u32,
    /// `net_device.ifindex`
    pub dev_ifindex: u32,
    /// `net_device.mtu`
    pub dev_mtu: u32,
    /// `net_device.name`
    pub dev_name: u32,
    /// `net.ns.inum`
    pub net_inum: u32,
    /// `sock_common.skc_net`
    pub sock_net: u32,
    /// `sock_common.skc_family`
    pub sock_family: u32,
    /// `sock_common.skc_state`
    pub sock_state: u32,
    /// `sock_common.skc_rcv_saddr`
    pub sock_source: u32,
    /// `sock_common.skc_daddr`
    pub sock_destination: u32,
    /// `sock_common.skc_v6_rcv_saddr`
    pub sock_source6: u32,
    /// `sock_common.skc_v6_daddr`
    pub sock_destination6: u32,
    /// `sock_common.skc_num`
    pub sock_source_port: u32,
    /// `sock_common.skc_dport`
    pub sock_destination_port: u32,
    /// `sock.sk_protocol`
    pub sock_protocol: u32,
    /// `task_struct.stack`
    pub task_stack: u32,
    /// `net_device.type`
    pub dev_type: u32,
    /// `net_device.xdp_state`, of which the first entry is the generic mode's
    pub dev_xdp_state: u32,
    /// `xdp_buff.data`
    pub xdp_data: u32,
    /// `xdp_buff.data_end`
    pub xdp_data_end: u32,
    /// `xdp_buff.data_hard_start`
    pub xdp_data_hard_start: u32,
    /// `xdp_buff.rxq`
    pub xdp_rxq: u32,
    /// `xdp_rxq_info.dev`
    pub rxq_dev: u32,
    /// Byte that holds the bit `sk_buff.tc_at_ingress`.
    pub skb_at_ingress: u32,
    /// That bit in its byte, as a mask.
    pub skb_at_ingress_mask: u32,
    /// `sk_buff.end`, an offset from `head` on 64-bit kernels: there `struct skb_shared_info` begins
    pub skb_end: u32,
    /// `skb_shared_info.nr_frags`
    pub fragment_count: u32,
    /// The page of `skb_shared_info.frags[0]`; each of them has [`FRAGMENT_BYTES`]
    pub fragment_page: u32,
    /// The length of `skb_shared_info.frags[0]`
    pub fragment_length: u32,
    /// Where `skb_shared_info.frags[0]` begins in its page
    pub fragment_offset: u32,
    /// `xdp_buff.flags`, of which the lowest bit says that there are pieces behind the linear part (`XDP_FLAGS_HAS_FRAGS`);
    /// [`ABSENT`] where there never are
    pub xdp_flags: u32,
    /// `xdp_buff.frame_sz`: bytes from `data_hard_start` on that belong to the linear part, its `skb_shared_info` included
    pub xdp_frame_bytes: u32,
    /// `skb_shared_info.xdp_frags_size`, counted back from the end of the frame
    pub xdp_pieces_from_end: u32,
    /// `flowi4.uli.ports.dport`
    pub flow4_destination: u32,
    /// `flowi6.uli.ports.dport`
    pub flow6_destination: u32,
    /// `napi_struct.skb`
    pub napi_skb: u32,
}

/// Bytes of a `skb_frag_t`.
pub const FRAGMENT_BYTES: u32 = 16;
/// Bytes of a `struct page`.
pub const PAGE_STRUCT_BYTES: u64 = 64;
/// Bytes of a page.
pub const PAGE_BYTES: u64 = 4096;

/// What a run wants, fixed before load.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Settings {
    /// Where the kernel sees all memory (`page_offset_base`); 0 where that is not known.
    pub memory: u64,
    /// Where it has a `struct page` for each page of that (`vmemmap_base`).
    pub pages: u64,
    /// BTF id of a struct of plain bytes for `bpf_rdonly_cast`, or 0 where that kfunc is missing: then
    /// `bpf_probe_read_kernel` reads.
    pub window: u32,
    /// Thread group id of the tracer, whose own netlink and unix-socket buffers are not shown.
    pub own_pid: u32,
    /// 1: read the return address at entry.
    pub want_caller: u32,
    /// 1: send an [`crate::event::Extra`] with each event.
    pub want_extra: u32,
    /// 1: with the kernel stack in it.
    pub want_stack: u32,
    /// Packet bytes in it, at most [`crate::event::PACKET_BYTES`].
    pub packet_bytes: u32,
    /// Member chains in it, at most [`crate::event::METADATA_VALUES`].
    pub metadata: u32,
    /// 1: follow packets that matched.
    pub follow: u32,
    /// Follow one in so many of the packets that match; 0 and 1: all.
    pub sample: u32,
    /// Packets after which no other is taken up; 0: no limit.
    pub most_packets: u32,
    /// 1: note which stack works on which packet, for functions without an `sk_buff`.
    pub stacks: u32,
    /// 1: follow packets that appear on a stack that works on a followed one.
    pub follow_stacks: u32,
    /// 1: a filter may turn to the packet inside ([`crate::predicate::op::LAYER`]). Without, the code for it is left out: the
    /// verifier takes longest for it.
    pub layers: u32,
    /// 1: programs at XDP hooks are traced, so a packet may have a journey before it has an `sk_buff`.
    pub xdp: u32,
}

/// Most pointers that a member chain follows.
pub const CHAIN_HOPS: usize = 8;

/// A member chain (`skb->dev->ifindex`): follow `hops - 1` pointers, then read `size` bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Chain {
    /// Byte offset at each hop.
    pub offsets: [u32; CHAIN_HOPS],
    /// Offsets in use, at least 1.
    pub hops: u32,
    /// Bytes of the value: 1, 2, 4 or 8.
    pub size: u32,
}

/// Per-CPU counters; the value is the index in the map.
pub mod counter {
    /// Hits that matched: each is shown or counted as lost.
    pub const SEEN: u32 = 0;
    /// Matched, but the ring was full.
    pub const RING_FULL: u32 = 1;
    /// Hits that the filter could not judge.
    pub const UNDECIDABLE: u32 = 2;
    /// Matched, but the tracer's own.
    pub const OWN: u32 = 3;
    /// Journeys begun: packets that matched while they were not followed.
    pub const JOURNEYS: u32 = 4;
    /// Packets that should be followed, but the map of followed packets was full.
    pub const NOT_FOLLOWED: u32 = 5;
    /// Packets that match and are left out by sampling.
    pub const SAMPLED_OUT: u32 = 6;
    /// Packets that match and came after the limit.
    pub const BEYOND_LIMIT: u32 = 7;
    /// [`crate::journey::Change`]s that the ring had no room for.
    pub const CHANGES_LOST: u32 = 8;
    /// [`crate::journey::Change`]s sent or lost.
    pub const CHANGES: u32 = 9;
    /// Notes kept in maps where the least recently used give way: what stacks work on, and packets at XDP.
    pub const NOTES_KEPT: u32 = 10;
    /// Those of them that were taken back.
    pub const NOTES_TAKEN_BACK: u32 = 11;
    /// Number of counters.
    pub const COUNT: u32 = 12;
}

//! What the kernel side sends for each hit: one fixed [`Event`], followed by an [`Extra`] when the run asks for more.

/// What kind of hit this is ([`Event::kind`]).
pub mod kind {
    /// A probed function was entered.
    pub const CALL: u8 = 0;
    /// A tracepoint with an `sk_buff` fired; [`super::Event::func`] is the index of the tracepoint.
    pub const TRACEPOINT: u8 = 1;
    /// `skb:kfree_skb`: the packet was dropped; `caller` is the place, `argument` the reason.
    pub const DROP: u8 = 2;
    /// A BPF program at a hook of tc ran; `func` is its id, `argument` what it returned.
    pub const TC: u8 = 3;
    /// A BPF program at a hook of XDP ran; `func` is its id, `argument` what it returned, `skb` the address of the first byte
    /// before the packet (`xdp_buff.data_hard_start`).
    pub const XDP: u8 = 4;
}

/// Where a BPF program runs ([`Event::hook`]), as far as its packet tells.
pub mod hook {
    /// Not known, or no program.
    pub const NONE: u8 = 0;
    /// tc, on receive.
    pub const INGRESS: u8 = 1;
    /// tc, on transmit.
    pub const EGRESS: u8 = 2;
    /// XDP, called by the driver.
    pub const DRIVER: u8 = 3;
    /// XDP, called for packets that have an `sk_buff` already.
    pub const GENERIC: u8 = 4;
}

/// Bits of [`Event::flags`].
pub mod flags {
    /// `headers` starts with the network header.
    pub const NETWORK: u8 = 1;
    /// `headers` holds a [`super::SocketTuple`], since the headers are not written yet.
    pub const SOCKET: u8 = 2;
    /// `skb->dev` was a real device: namespace, interface and MTU are its own.
    pub const DEVICE: u8 = 4;
    /// `vlan_tci` is set (`skb_vlan_tag_present`).
    pub const VLAN: u8 = 8;
    /// `argument` was read.
    pub const ARGUMENT: u8 = 16;
    /// An [`super::Extra`] follows.
    pub const EXTRA: u8 = 32;
    /// The filter matched here: the first hit of a journey. The others are shown because the packet is followed.
    pub const FIRST: u8 = 64;
    /// The function takes no `sk_buff`: the packet is the one that the same stack works on.
    pub const BY_STACK: u8 = 128;
}

/// Bytes of headers sent with each hit: IPv4 with all options and TCP, or IPv6 and TCP with options.
pub const HEADER_BYTES: usize = 80;
/// Most frames of a kernel stack.
pub const STACK_FRAMES: usize = 64;
/// Most member chains of one run (`--output-skb-metadata`).
pub const METADATA_VALUES: usize = 32;
/// Most packet bytes of one hit (`--output-packet`).
pub const PACKET_BYTES: usize = 256;

/// One hit of a probe. Numbers are in host order unless said; a field that could not be read is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Event {
    /// `bpf_ktime_get_ns`: nanoseconds since boot, without suspend.
    pub time: u64,
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Address of the function, or the tracepoint's index.
    pub func: u64,
    /// Return address at entry (when asked for), or the place of a drop.
    pub caller: u64,
    /// Journey of the packet ([`crate::journey`]); 0 where packets are not followed.
    pub journey: u64,
    /// Thread group id of the current task: of the packet's owner only where the hit is in that task's own context.
    pub pid: u32,
    /// `ns.inum` of the network namespace.
    pub netns: u32,
    /// `skb->dev->ifindex`.
    pub ifindex: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len`, bytes.
    pub len: u32,
    /// `skb->dev->mtu`, bytes.
    pub mtu: u32,
    /// The argument after the `sk_buff`: the drop reason, in functions that take one there.
    pub argument: u32,
    /// The `sk_buff` among those of its journey; 0 where packets are not followed.
    pub branch: u32,
    /// The branch it was made from; 0 for a journey's first.
    pub parent: u32,
    /// Filter by which it was judged ([`crate::predicate::Program::generation`]).
    pub generation: u32,
    /// CPU of the hit.
    pub cpu: u16,
    /// `skb->protocol`, host order.
    pub protocol: u16,
    /// `skb->vlan_tci`.
    pub vlan_tci: u16,
    /// `skb->vlan_proto`, host order.
    pub vlan_proto: u16,
    /// Bytes of `headers` that are the packet's.
    pub header_len: u16,
    /// What kind of hit: one of [`kind`].
    pub kind: u8,
    /// Bits of [`flags`].
    pub flags: u8,
    /// `skb->pkt_type` (`PACKET_HOST`, …).
    pub packet_type: u8,
    /// Where a BPF program ran: one of [`hook`].
    pub hook: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// `current->comm`.
    pub comm: [u8; 16],
    /// `skb->dev->name`.
    pub ifname: [u8; 16],
    /// The packet from its network header on, or a [`SocketTuple`].
    pub headers: [u8; HEADER_BYTES],
}

/// Flow of the packet's socket, for hits before the headers are written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SocketTuple {
    /// Local address: IPv4 in the first four bytes.
    pub source: [u8; 16],
    /// Remote address.
    pub destination: [u8; 16],
    /// Local port (`skc_num`), host order.
    pub source_port: u16,
    /// Remote port (`skc_dport`), host order.
    pub destination_port: u16,
    /// `skc_family`: `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// `sk_protocol`: `IPPROTO_TCP`, ….
    pub protocol: u16,
}

/// What a run asks for beyond the [`Event`]; follows it in the same record.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Extra {
    /// Bytes of `stack` in use, or a negative error number.
    pub stack_bytes: i32,
    /// Bytes of `packet` in use.
    pub packet_len: u32,
    /// Bit n: value n of `metadata` could be read.
    pub metadata_valid: u64,
    /// Return addresses, innermost first.
    pub stack: [u64; STACK_FRAMES],
    /// Values of the member chains, zero-extended.
    pub metadata: [u64; METADATA_VALUES],
    /// The packet from its outermost header on, as far as it lies in the linear part.
    pub packet: [u8; PACKET_BYTES],
}

const _: () = assert!(size_of::<Event>() == 208);
const _: () = assert!(size_of::<SocketTuple>() <= HEADER_BYTES);
const _: () = assert!(size_of::<Extra>().is_multiple_of(8));

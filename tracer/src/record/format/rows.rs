//! Rows of a frame of hops, and the dictionaries beside them that they refer to.
//!
//! A frame stands for itself: what most hops of it share (task, device, packet, headers, addresses) is in it once, and a row
//! has the place in that dictionary. So any frame can be read without those before it, and a damaged one costs no other.

use bytemuck::{Pod, Zeroable};
use tracer_common::event::HEADER_BYTES;

/// A place in a dictionary that stands for none.
pub const NONE: u16 = u16::MAX;

/// The parts of the content, in their order; the content begins with the length of each in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// [`Row`]s.
    Rows,
    /// [`Task`]s.
    Tasks,
    /// [`Device`]s.
    Devices,
    /// [`Packet`]s.
    Packets,
    /// [`HeaderBytes`].
    Headers,
    /// Addresses, 8 bytes each.
    Addresses,
    /// Byte strings: stacks (8 bytes a frame) and packet bytes, each after its length (4 bytes).
    Blobs,
    /// [`Detail`]s, each followed by its [`Metadata`].
    Details,
}

/// Parts of the content.
pub const PARTS: usize = 8;

/// A hop or a change. What differs from hop to hop of a packet's way stands at the end, side by side: the rest mostly is as it
/// was for the packet before, which compresses well.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Row {
    /// Number of the probe; of a change 0.
    pub probe: u32,
    /// `skb->mark`.
    pub mark: u32,
    /// `skb->len`.
    pub len: u32,
    /// Drop reason, or what a BPF program returned.
    pub value: u32,
    /// `skb->vlan_tci`.
    pub vlan_tci: u16,
    /// `skb->vlan_proto`.
    pub vlan_proto: u16,
    /// CPU.
    pub cpu: u16,
    /// `skb->protocol`.
    pub protocol: u16,
    /// Place of its [`Task`].
    pub task: u16,
    /// Place of its [`Device`].
    pub device: u16,
    /// Place of the caller's address, or of the other `sk_buff`'s of a change; or [`NONE`].
    pub address: u16,
    /// Place of its [`Detail`], or [`NONE`].
    pub detail: u16,
    /// One of [`kind`].
    pub kind: u8,
    /// `skb->pkt_type`.
    pub packet_type: u8,
    /// Bits of [`flags`].
    pub flags: u16,
    /// Place of its [`HeaderBytes`].
    pub headers: u16,
    /// Place of its [`Packet`].
    pub packet: u16,
    /// Nanoseconds of the kernel's monotonic clock.
    pub time: u64,
}

/// What a row is ([`Row::kind`]): hits below 128, changes from there on.
pub mod kind {
    /// A function was entered.
    pub const CALL: u8 = 0;
    /// A tracepoint fired.
    pub const TRACEPOINT: u8 = 1;
    /// The packet was dropped.
    pub const DROP: u8 = 2;
    /// A BPF program at a hook of tc ran.
    pub const TC: u8 = 3;
    /// A BPF program at a hook of XDP ran.
    pub const XDP: u8 = 4;
    /// A branch began as a copy.
    pub const COPIED: u8 = 128;
    /// A branch began as a fragment.
    pub const FRAGMENT: u8 = 129;
    /// A branch began as data cut off.
    pub const SPLIT: u8 = 130;
    /// A branch took its parent in.
    pub const MERGED: u8 = 131;
    /// A branch appeared on the stack of its parent.
    pub const STACK: u8 = 132;
    /// A branch ended.
    pub const ENDED: u8 = 133;
}

/// Bits of [`Row::flags`].
pub mod flags {
    /// `value` counts.
    pub const VALUE: u16 = 1;
    /// `vlan_tci` and `vlan_proto` count.
    pub const VLAN: u16 = 2;
    /// The filter matched here.
    pub const FIRST: u16 = 4;
    /// The function takes no `sk_buff`.
    pub const BY_STACK: u16 = 8;
}

/// A task.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct Task {
    /// Thread group id.
    pub pid: u32,
    /// `comm`.
    pub comm: [u8; 16],
}

/// A device in its namespace.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct Device {
    /// Inode of the namespace.
    pub netns: u32,
    /// Index.
    pub ifindex: u32,
    /// MTU.
    pub mtu: u32,
    /// Bit 0: `netns` is known; bit 1: `ifindex` is; bit 2: `mtu` is.
    pub known: u32,
    /// Name.
    pub ifname: [u8; 16],
}

/// An `sk_buff` and its place in its journey.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct Packet {
    /// Address of the `sk_buff`.
    pub skb: u64,
    /// Its journey.
    pub journey: u64,
    /// Its branch.
    pub branch: u32,
    /// The branch it was made from.
    pub parent: u32,
    /// Filter by which it was judged.
    pub generation: u32,
    /// Bit 0: it has a journey; bit 1: it has a parent.
    pub known: u32,
}

/// First bytes of a packet, or the socket's tuple.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct HeaderBytes {
    /// 0 the packet, 1 the socket, 2 unknown.
    pub origin: u16,
    /// Bytes in use.
    pub len: u16,
    /// `skb->protocol`.
    pub protocol: u16,
    /// Zero.
    pub reserved: u16,
    /// The bytes.
    pub bytes: [u8; HEADER_BYTES],
}

/// What only some runs ask for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Detail {
    /// Offset of the stack among the blobs, or the error number that reading it gave.
    pub stack: u32,
    /// Offset of the packet's bytes among the blobs.
    pub packet: u32,
    /// 0 no stack was asked for, 1 a stack, 2 an error.
    pub stack_state: u16,
    /// [`Metadata`] that follow.
    pub metadata: u16,
}

/// A value of a member chain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Metadata {
    /// Its bits.
    pub bits: u64,
    /// 0 it could not be read, 1 unsigned, 2 signed, 3 truth, 4 address.
    pub state: u64,
}

const _: () = assert!(size_of::<Row>() == 48);
const _: () = assert!(size_of::<Task>() == 20);
const _: () = assert!(size_of::<Device>() == 32);
const _: () = assert!(size_of::<Packet>() == 32);
const _: () = assert!(size_of::<HeaderBytes>() == 88);
const _: () = assert!(size_of::<Detail>() == 12);
const _: () = assert!(size_of::<Metadata>() == 16);

//! Predicate programs: what a filter compiles to, and the one evaluator that runs them.
//!
//! A program is a table of uniform [`Node`]s, held in a BPF map. Each node loads 32 bits from somewhere (a field of the
//! hit, or bytes of a header), masks them, compares them with a range and names the next node for either outcome.
//! Targets always lie ahead of the node that names them, so a program ends after at most [`MAX_STEPS`] nodes.
//! How the bytes are found is the business of a [`Source`]: the kernel side reads an `sk_buff`, a replay reads a recording.

use crate::{
    config::{CHAIN_HOPS, Chain},
    looks::{self, Looks},
};

/// Most nodes that a program may hold.
pub const MAX_NODES: usize = 512;
/// Most nodes that may lie on one way through a program; the kernel's verifier walks the loop this many times.
pub const MAX_STEPS: usize = 192;
/// Programs that the map of filters holds: the one in force, and those before it, so that one which a hit is still judged
/// by is not overwritten.
pub const PROGRAMS: usize = 128;
/// Most member chains of a program ([`base::CHAIN`]).
pub const MAX_CHAINS: usize = 8;
/// Places in a program's table of probes ([`field::FUNCTIONS`]), a power of two. The last one stays 0.
pub const MAX_PROBES: usize = 4096;
/// Number that stands for a probe which has none.
pub const NO_PROBE: u32 = MAX_PROBES as u32 - 1;
/// Registers for arithmetic (`ip[2:2] - 4 * (ip[0] & 15) > 100`).
pub const REGISTERS: usize = 8;

/// Target of a branch: the packet matches.
pub const ACCEPT: u16 = 0xffff;
/// Target of a branch: the packet does not match.
pub const REJECT: u16 = 0xfffe;

/// What a [`Source`] answers when the place is known but the packet ends before it (libpcap: the whole filter rejects).
pub const OUTSIDE: u64 = 1 << 32;
/// What a [`Source`] answers when this hit cannot tell, for instance before the header is written.
pub const UNKNOWN: u64 = 2 << 32;

/// What a node does ([`Node::op`]).
pub mod op {
    /// Load, mask, compare with `low..=high`, branch.
    pub const TEST: u8 = 0;
    /// Load `width` bytes (right-aligned) into register `dst`; continue at `on_true`.
    pub const LOAD: u8 = 1;
    /// As `LOAD`, with register `src` added to the offset.
    pub const LOAD_INDEXED: u8 = 2;
    /// `dst = low`.
    pub const SET: u8 = 3;
    /// `dst = dst <op> src` with the operator of [`super::alu`] in `low`.
    pub const ALU: u8 = 4;
    /// Mask register `dst`, compare with `low..=high`, branch.
    pub const TEST_REGISTER: u8 = 5;
    /// Compare register `dst` with register `src`: branch true where `dst > src`.
    pub const GREATER: u8 = 6;
    /// Turn to another packet: with `offset` 1 to the one inside of the present one (VXLAN, Geneve, GRE, IPIP, VLAN tags),
    /// with 0 back to the outermost. What follows reads that one. Branch true where there is one, and which those are,
    /// [`crate::tunnel`] says. The headers, [`super::field::PROTOCOL`] and [`super::field::VLAN`] are those of the packet
    /// turned to; all other fields and the member chains stay those of the hit.
    pub const LAYER: u8 = 7;
}

/// Operators of [`op::ALU`]; all wrap at 32 bits as in libpcap.
pub mod alu {
    /// Addition.
    pub const ADD: u32 = 0;
    /// Subtraction.
    pub const SUB: u32 = 1;
    /// Multiplication.
    pub const MUL: u32 = 2;
    /// Division; by zero rejects the packet, as in classic BPF.
    pub const DIV: u32 = 3;
    /// Remainder; by zero rejects the packet.
    pub const MOD: u32 = 4;
    /// Bitwise and.
    pub const AND: u32 = 5;
    /// Bitwise or.
    pub const OR: u32 = 6;
    /// Bitwise exclusive or.
    pub const XOR: u32 = 7;
    /// Shift left; 32 and more give 0.
    pub const SHL: u32 = 8;
    /// Shift right; 32 and more give 0.
    pub const SHR: u32 = 9;
}

/// Where a node reads ([`Node::base`]): one of the constants here in the lower four bits, and in the upper four the number
/// of VLAN tags passed. That number is 0 but for what follows `vlan` in an expression.
///
/// Behind n tags, the network header is the one that follows them, and the EtherType is the one that names it. A tag that
/// the kernel keeps outside of the packet's bytes (`skb->vlan_tci`) is the first of them. So behind n tags, of which i lie
/// in the bytes (n, or n - 1 where the kernel keeps one), an Ethernet frame has its EtherType at `12 + 4 * i` and its
/// network header at `14 + 4 * i`; where i is 0, these are the same as without tags.
pub mod base {
    /// A field of the hit; `offset` is one of [`super::field`]. The value is a host-order number.
    pub const FIELD: u8 = 0;
    /// The link-layer (Ethernet) header; big endian, as all packet bytes.
    pub const LINK: u8 = 1;
    /// The network header (IPv4, IPv6, ARP, …).
    pub const NETWORK: u8 = 2;
    /// What follows the network header: `4 * (ip[0] & 15)` bytes on for IPv4, 40 for IPv6 (extension headers are not
    /// skipped, as in libpcap).
    pub const TRANSPORT: u8 = 3;
    /// Half of a member chain's value: `offset` is twice the index in [`super::Program::chains`], plus 1 for the upper 32
    /// bits. A host-order number, zero-extended.
    pub const CHAIN: u8 = 4;

    /// `kind` behind `tags` VLAN tags, at most 15.
    pub const fn after_tags(kind: u8, tags: u8) -> u8 {
        kind | tags << 4
    }

    /// One of the constants above.
    pub const fn kind(base: u8) -> u8 {
        base & 0x0f
    }

    /// What is read there is a number in host order, rather than bytes of a packet.
    pub const fn is_number(base: u8) -> bool {
        kind(base) == FIELD || kind(base) == CHAIN
    }

    /// VLAN tags passed.
    pub const fn tags(base: u8) -> u8 {
        base >> 4
    }
}

/// Fields that a node with [`base::FIELD`] can read.
pub mod field {
    /// Inode number of the network namespace (`skb->dev`'s, else `skb->sk`'s); 0 where neither tells.
    pub const NETNS: u32 = 0;
    /// `skb->dev->ifindex`; 0 without a device.
    pub const IFINDEX: u32 = 1;
    /// `skb->mark`.
    pub const MARK: u32 = 2;
    /// Thread group id of the current task.
    pub const PID: u32 = 3;
    /// Length of the packet in bytes: on the wire for a capture, `skb->len` in the kernel.
    pub const LENGTH: u32 = 4;
    /// EtherType of the network header, host order: 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP. Up to 1500 it is a length (or
    /// the kernel's ETH_P_802_2), and the network header is an 802.2 one. 0x10000 for a packet without a link-layer header
    /// that is neither IPv4 nor IPv6.
    pub const PROTOCOL: u32 = 5;
    /// The VLAN tag behind those passed ([`super::base`]): TPID in the upper, TCI in the lower 16 bits, or 0 where there is
    /// none. A TPID is 0x8100, 0x88a8 or 0x9100. Whether there is a tag, the TPID tells; the TCI need not lie inside the
    /// packet where the width is 2.
    pub const VLAN: u32 = 6;
    /// What kind of hit: one of [`crate::event::kind`].
    pub const KIND: u32 = 7;
    /// Number of the drop reason; only of a hit of the kind [`crate::event::kind::DROP`].
    pub const REASON: u32 = 8;
    /// Bit n: the hit's function or tracepoint is in set n of the program ([`super::Program::functions`]).
    pub const FUNCTIONS: u32 = 9;
    /// `skb->dev->name`: four fields of four bytes each, big endian; 0 without a device, and behind the name's end.
    pub const IFNAME: u32 = 10;
    /// `current->comm`: likewise.
    pub const COMM: u32 = 14;
    /// Number of fields.
    pub const COUNT: u32 = 18;
}

/// One step of a program. 24 bytes, no padding.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Node {
    /// What to do: one of [`op`].
    pub op: u8,
    /// Where to read: one of [`base`].
    pub base: u8,
    /// Bytes that must lie inside the packet: 1, 2 or 4. A `TEST` compares the loaded word left-aligned, so `mask`,
    /// `low` and `high` of a 2-byte value stand in the upper 16 bits. Fields and chains are always plain 32-bit numbers.
    pub width: u8,
    /// Register operands: `dst | src << 4`.
    pub registers: u8,
    /// Bytes from the base, a [`field`] number, half of a chain ([`base::CHAIN`]), or how deep ([`op::LAYER`]).
    pub offset: u32,
    /// Bits that count.
    pub mask: u32,
    /// Smallest value that holds, or an operand.
    pub low: u32,
    /// Largest value that holds.
    pub high: u32,
    /// Next node when the value is in range.
    pub on_true: u16,
    /// Next node when it is not.
    pub on_false: u16,
}

/// A compiled filter as it lies in its map.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Program {
    /// First node, or [`ACCEPT`] / [`REJECT`] for a program without nodes.
    pub entry: u32,
    /// Nodes in use.
    pub count: u32,
    /// Number of this filter in its run: hits say by which one they were judged.
    pub generation: u32,
    /// Member chains in use.
    pub chain_count: u32,
    /// 1 where a node reads [`field::FUNCTIONS`]: only then the kernel side finds out which function was hit.
    pub wants_function: u32,
    /// Zero.
    pub reserved: u32,
    /// Always 0. The kernel's verifier does not know that, and checks less for it.
    pub zero: u64,
    /// Member chains that nodes read.
    pub chains: [Chain; MAX_CHAINS],
    /// For each probe, by its number, the sets of functions that it is in, a bit each.
    pub functions: [u8; MAX_PROBES],
    /// What decides most hits without the nodes, by [`looks::family`].
    pub looks: [Looks; looks::family::COUNT],
    /// The nodes; those from `count` on are zero.
    pub nodes: [Node; MAX_NODES],
}

/// Finds the bytes and fields that a program asks for.
pub trait Source {
    /// The big-endian word at `offset` from `base` ([`base`]), of which `width` bytes must lie inside the packet (bytes
    /// past the packet's end read as anything); a field as a number. [`OUTSIDE`] or [`UNKNOWN`] where that cannot be had.
    /// Nothing before a base can be had: the offset of a negative number lies far behind the packet's end.
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64;

    /// Turns to the packet inside of the present one (`depth` 1), or back to the outermost (0). 1 where there is one, 0 where
    /// there is none (then the present one stays), or [`OUTSIDE`] or [`UNKNOWN`].
    fn layer(&mut self, depth: u32) -> u64;
}

/// What a program says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It matches.
    Match,
    /// It does not.
    Reject,
    /// This hit cannot tell.
    Undecidable,
}

impl Program {
    /// A program that says `target` ([`ACCEPT`] or [`REJECT`]) to everything.
    pub const fn constant(target: u16) -> Self {
        let node = Node {
            op: 0,
            base: 0,
            width: 0,
            registers: 0,
            offset: 0,
            mask: 0,
            low: 0,
            high: 0,
            on_true: 0,
            on_false: 0,
        };
        let chain = Chain { offsets: [0; CHAIN_HOPS], hops: 0, size: 0 };
        Self {
            entry: target as u32,
            count: 0,
            generation: 0,
            chain_count: 0,
            wants_function: 0,
            reserved: 0,
            zero: 0,
            chains: [chain; MAX_CHAINS],
            functions: [0; MAX_PROBES],
            looks: [Looks::constant(if target == ACCEPT { looks::target::ACCEPT } else { looks::target::REJECT });
                looks::family::COUNT],
            nodes: [node; MAX_NODES],
        }
    }

    /// Whether a node turns to the packet inside.
    pub fn turns_inside(&self) -> bool {
        self.nodes.iter().take(self.count as usize).any(|node| node.op == op::LAYER)
    }

    /// Whether a node reads [`field::FUNCTIONS`].
    pub fn reads_functions(&self) -> bool {
        let mut nodes = self.nodes.iter().take(self.count as usize);
        nodes.any(|node| node.op <= op::LOAD_INDEXED && node.base == base::FIELD && node.offset == field::FUNCTIONS)
    }

    /// Judges what `source` shows.
    pub fn evaluate<S: Source>(&self, source: &mut S) -> Verdict {
        let mut registers = [0u32; REGISTERS];
        let mut next = self.entry;
        for _ in 0..MAX_STEPS {
            let Some(node) = self.nodes.get(next as usize) else { break };
            match node.step(source, &mut registers) {
                Ok(target) => next = target,
                Err(verdict) => return verdict,
            }
        }
        Verdict::of(next)
    }
}

impl Verdict {
    /// What it means that a program ended at `target`.
    #[inline(always)]
    pub fn of(target: u32) -> Self {
        if target == u32::from(ACCEPT) { Self::Match } else { Self::Reject }
    }
}

impl Node {
    /// Does what the node says; the next target, or a verdict that needs no more nodes.
    ///
    /// The kernel side drives this itself, in a loop that its verifier can check once instead of [`MAX_STEPS`] times.
    #[inline(always)]
    pub fn step<S: Source>(&self, source: &mut S, registers: &mut [u32; REGISTERS]) -> Result<u32, Verdict> {
        if self.op == op::LAYER {
            let found = source.layer(self.offset);
            let target = if found == 0 { self.on_false } else { self.on_true };
            return if found >= OUTSIDE { Err(unavailable(found)) } else { Ok(u32::from(target)) };
        }
        if self.op > op::LOAD_INDEXED {
            return self.calculation(registers);
        }
        // One place that loads, whatever is done with the value: in the kernel this is by far the largest part of the code.
        let index = if self.op == op::LOAD_INDEXED { registers[self.src()] } else { 0 };
        let value = source.load(self.base, self.offset.saturating_add(index), u32::from(self.width));
        if value >= OUTSIDE {
            return Err(unavailable(value));
        }
        if self.op == op::TEST {
            return Ok(self.branch(value as u32));
        }
        let excess = if base::is_number(self.base) { 0 } else { 32 - 8 * (u32::from(self.width) & 7) };
        registers[self.dst()] = (value as u32) >> (excess & 31);
        Ok(u32::from(self.on_true))
    }

    /// The steps that read nothing.
    #[inline(always)]
    fn calculation(&self, registers: &mut [u32; REGISTERS]) -> Result<u32, Verdict> {
        let (dst, src) = (self.dst(), self.src());
        match self.op {
            op::SET => registers[dst] = self.low,
            op::ALU => registers[dst] = calculate(self.low, registers[dst], registers[src]).ok_or(Verdict::Reject)?,
            op::GREATER if registers[dst] > registers[src] => {}
            op::GREATER => return Ok(u32::from(self.on_false)),
            _ => return Ok(self.branch(registers[dst])),
        }
        Ok(u32::from(self.on_true))
    }

    #[inline(always)]
    fn dst(&self) -> usize {
        usize::from(self.registers) % REGISTERS
    }

    #[inline(always)]
    fn src(&self) -> usize {
        usize::from(self.registers >> 4) % REGISTERS
    }

    /// The next target, by a value that was loaded.
    #[inline(always)]
    pub fn branch(&self, value: u32) -> u32 {
        let inside = (value & self.mask).wrapping_sub(self.low) <= self.high.wrapping_sub(self.low);
        u32::from(if inside { self.on_true } else { self.on_false })
    }
}

#[inline(always)]
fn unavailable(value: u64) -> Verdict {
    if value == OUTSIDE { Verdict::Reject } else { Verdict::Undecidable }
}

/// `a <operator> b` with one of [`alu`]; none for a division by zero.
#[inline(always)]
pub fn calculate(operator: u32, a: u32, b: u32) -> Option<u32> {
    Some(match operator {
        alu::ADD => a.wrapping_add(b),
        alu::SUB => a.wrapping_sub(b),
        alu::MUL => a.wrapping_mul(b),
        alu::DIV => a.checked_div(b)?,
        alu::MOD => a.checked_rem(b)?,
        alu::AND => a & b,
        alu::OR => a | b,
        alu::XOR => a ^ b,
        alu::SHL => a.checked_shl(b).unwrap_or(0),
        _ => a.checked_shr(b).unwrap_or(0),
    })
}

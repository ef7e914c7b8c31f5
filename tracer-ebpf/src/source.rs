//! What a filter may ask of a hit, and where the answer is found.

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, generated::bpf_get_current_comm};
use tracer_common::{
    event::kind,
    looks::late,
    predicate::{MAX_CHAINS, MAX_PROBES, Program, Source, UNKNOWN, base, field},
    tunnel::{self, Bytes, Headers, NO_LINK},
};

use crate::{
    chain,
    hit::Hit,
    packet::{ETHERNET_HEADER, NOWHERE, Packet, network_length},
    read::{device, kept_tag_protocol, member, packet_namespace, peek, setting},
    unwritten,
};

/// Place of the EtherType in an Ethernet header.
const ETHERTYPE: u64 = 12;
/// Bytes of a VLAN tag.
const TAG: u64 = 4;
/// EtherTypes of VLAN tags: 802.1Q, 802.1ad, and the one used before it.
const TAG_PROTOCOLS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// A hit while a filter judges it.
pub struct Judged<'a> {
    /// Its packet.
    pub packet: Packet,
    /// The filter.
    pub program: &'a Program,
    /// What is known beside the packet.
    pub hit: &'a Hit,
    /// Where the headers of the packet inside lie that the filter has turned to, from the head on.
    pub inside: Headers,
    /// How many packets deep that is; 0: the outermost is what counts.
    pub depth: u32,
}

impl Source for Judged<'_> {
    /// Laundered, so that the verifier does not follow each way to an answer on its own.
    #[inline(always)]
    fn load(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        self.fetch(base, offset, width) ^ self.packet.zero
    }

    #[inline(always)]
    fn layer(&mut self, depth: u32) -> u64 {
        if depth == 0 {
            self.depth = self.packet.zero as u32;
            return 1;
        }
        if setting!(layers) == 0 {
            return UNKNOWN;
        }
        self.turn_inside() ^ self.packet.zero
    }
}

impl Bytes for Packet {
    /// Offsets count from the head on. Only the linear part is looked into: the stack of old kernels has no room for more.
    #[inline(always)]
    fn word(&mut self, offset: u32, width: u32) -> u64 {
        self.linear_word(self.head + u64::from(offset), u64::from(width))
    }
}

impl Judged<'_> {
    /// Has the verifier know nothing of what was found out.
    #[inline(always)]
    pub fn launder(&mut self) {
        let zero = self.packet.zero as u32;
        self.packet.launder();
        self.depth ^= zero;
        self.inside.link ^= zero;
        self.inside.network ^= zero;
        self.inside.protocol ^= zero;
    }

    /// Turns to the packet inside of the present one.
    #[inline(never)]
    fn turn_inside(&mut self) -> u64 {
        let outer = if self.depth == 0 {
            if self.packet.network == NOWHERE || self.packet.transport == NOWHERE || self.packet.protocol == UNKNOWN {
                return UNKNOWN;
            }
            let (head, link) = (self.packet.head, self.packet.link());
            Headers {
                link: if link == NOWHERE { NO_LINK } else { (link - head) as u32 },
                network: (self.packet.network - head) as u32,
                protocol: self.packet.protocol as u32,
            }
        } else {
            self.inside
        };
        match tunnel::inside(&mut self.packet, outer) {
            Ok(inside) => {
                self.inside = inside;
                self.depth += 1;
                1
            }
            Err(none) => none,
        }
    }

    #[inline(never)]
    fn fetch(&mut self, base: u8, offset: u32, width: u32) -> u64 {
        if base::kind(base) == base::CHAIN {
            return self.chain(offset);
        }
        let of_hit = base == base::FIELD && offset != field::PROTOCOL && offset != field::VLAN;
        if of_hit {
            return self.field(offset);
        }
        if setting!(layers) != 0 && self.depth != 0 {
            return self.inside.load(&mut self.packet, base, offset, width);
        }
        let common =
            base == base::NETWORK || base == base::TRANSPORT || (base == base::FIELD && offset == field::PROTOCOL);
        if !common {
            return self.rare(base, offset, width);
        }
        let packet = &self.packet;
        if packet.network == NOWHERE {
            return unwritten::ask(packet, base, offset, u64::from(width));
        }
        if base == base::FIELD {
            return packet.protocol;
        }
        if base == base::TRANSPORT && packet.transport == NOWHERE {
            return unwritten::coming(packet, offset, u64::from(width));
        }
        let header = if base == base::NETWORK { packet.network } else { packet.transport };
        let word = packet.word((header ^ packet.zero) + u64::from(offset), u64::from(width));
        if base == base::NETWORK && late::touches(late::ALL, offset, width) {
            return unwritten::complete(packet, offset, width, word);
        }
        word
    }

    /// A field that needs no header.
    #[inline(always)]
    fn field(&self, which: u32) -> u64 {
        let skb = self.packet.skb;
        let value: u32 = match which {
            field::MARK => member!(skb, skb_mark),
            field::LENGTH => member!(skb, skb_len),
            field::PID => (bpf_get_current_pid_tgid() >> 32) as u32,
            field::NETNS => packet_namespace(skb, device(skb)),
            field::IFINDEX => match device(skb).address {
                0 => 0,
                address => member!(address, dev_ifindex),
            },
            field::KIND => self.hit.kind.into(),
            field::REASON if self.hit.kind == kind::DROP => self.hit.argument,
            field::FUNCTIONS => self.functions(),
            _ => return self.name(which),
        };
        u64::from(value)
    }

    /// The sets of functions that the hit's one is in.
    #[inline(always)]
    fn functions(&self) -> u32 {
        u32::from(self.program.functions[self.hit.probe as usize % MAX_PROBES])
    }

    /// Four bytes of a name.
    #[inline(never)]
    fn name(&self, which: u32) -> u64 {
        if (field::IFNAME..field::IFNAME + 4).contains(&which) {
            let device = device(self.packet.skb).address;
            if device == 0 {
                return 0;
            }
            let offset = u64::from(which - field::IFNAME) * 4;
            let word: u32 = member!(device + offset, dev_name);
            return u64::from(u32::from_be(word));
        }
        let mut words = [0u32; 4];
        // SAFETY: there is room for what is asked.
        unsafe { bpf_get_current_comm((&raw mut words).cast(), size_of_val(&words) as u32) };
        let word = match which.wrapping_sub(field::COMM) {
            0 => words[0],
            1 => words[1],
            2 => words[2],
            3 => words[3],
            _ => return UNKNOWN,
        };
        u64::from(u32::from_be(word))
    }

    /// What few expressions ask for: the link-layer header, VLAN tags, and what follows them. A function of its own, so that
    /// the rest stays small for the verifier.
    #[inline(never)]
    fn rare(&self, base: u8, offset: u32, width: u32) -> u64 {
        let packet = &self.packet;
        let (kind, tags) = (base::kind(base), u64::from(base::tags(base)));
        // The tag that the kernel keeps outside of the bytes is the first one.
        let kept = kept_tag_protocol(packet.skb);
        if kind == base::FIELD && offset == field::VLAN && tags == 0 && kept != 0 {
            let tag: u16 = member!(packet.skb, skb_vlan_tci);
            return u64::from(kept) << 16 | u64::from(tag);
        }
        let inline = if kept == 0 { tags } else { tags.saturating_sub(1) } ^ packet.zero;
        let link = packet.link();
        if link == NOWHERE {
            return UNKNOWN;
        }
        if kind == base::LINK {
            return packet.linear_word(link + u64::from(offset), u64::from(width));
        }
        let ethertype = link + ETHERTYPE + TAG * inline;
        if kind == base::FIELD {
            let word = u32::from_be(peek(ethertype));
            let is_tag = TAG_PROTOCOLS.contains(&((word >> 16) as u16));
            return match offset {
                field::VLAN if is_tag => u64::from(word),
                field::VLAN => 0,
                _ if inline == 0 => packet.protocol,
                _ => u64::from(word >> 16),
            };
        }
        let network =
            if inline == 0 { packet.network } else { ethertype + (ETHERNET_HEADER - ETHERTYPE) } ^ packet.zero;
        if network == NOWHERE {
            return UNKNOWN;
        }
        let length = if kind == base::NETWORK { 0 } else { network_length(peek(network)) } ^ packet.zero;
        packet.linear_word(network + length + u64::from(offset), u64::from(width))
    }

    /// Half of a member chain's value.
    #[inline(always)]
    fn chain(&self, which: u32) -> u64 {
        let chain = &self.program.chains[which as usize / 2 % MAX_CHAINS];
        match chain::follow(chain, self.packet.skb) {
            Some(value) if which & 1 == 0 => value & u64::from(u32::MAX),
            Some(value) => value >> 32,
            None => UNKNOWN,
        }
    }
}

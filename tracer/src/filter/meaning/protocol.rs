//! Protocols by their words, numbers and names.

use super::Meaning;
use super::ethertype;
use crate::filter::error::Problem;
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::Condition;
use crate::filter::syntax::{Operand, Protocol, words};

/// Next header of an IPv6 fragment header.
const FRAGMENT: u32 = 44;

/// Which versions of IP carry a protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    Four,
    Six,
    Both,
}

/// How a protocol is recognized.
pub(super) enum Kind {
    /// By an EtherType or an 802.2 access point.
    Ethertype(u32),
    /// By its number in an IP header.
    Ip(u32, Versions),
    /// By the first byte of an OSI header.
    Osi(u32),
    /// By the type of an IS-IS packet.
    IsIs(&'static [u32]),
    /// It is the link layer, always there.
    Link,
}

/// How `protocol` is recognized.
pub(super) fn kind(protocol: Protocol) -> Kind {
    use Versions::{Both, Four, Six};
    match protocol {
        Protocol::Link => Kind::Link,
        Protocol::Ip => Kind::Ethertype(ethertype::IP),
        Protocol::Ip6 => Kind::Ethertype(ethertype::IP6),
        Protocol::Arp => Kind::Ethertype(ethertype::ARP),
        Protocol::Rarp => Kind::Ethertype(ethertype::RARP),
        Protocol::Atalk => Kind::Ethertype(ethertype::ATALK),
        Protocol::Aarp => Kind::Ethertype(ethertype::AARP),
        Protocol::Decnet => Kind::Ethertype(ethertype::DECNET),
        Protocol::Lat => Kind::Ethertype(0x6004),
        Protocol::Sca => Kind::Ethertype(0x6007),
        Protocol::Mopdl => Kind::Ethertype(0x6001),
        Protocol::Moprc => Kind::Ethertype(0x6002),
        Protocol::Stp => Kind::Ethertype(ethertype::SAP_STP),
        Protocol::Ipx => Kind::Ethertype(ethertype::SAP_IPX),
        Protocol::Netbeui => Kind::Ethertype(ethertype::SAP_NETBEUI),
        Protocol::Iso => Kind::Ethertype(ethertype::SAP_ISO),
        Protocol::Icmp => Kind::Ip(1, Four),
        Protocol::Igmp => Kind::Ip(2, Four),
        Protocol::Tcp => Kind::Ip(6, Both),
        Protocol::Igrp => Kind::Ip(9, Four),
        Protocol::Udp => Kind::Ip(17, Both),
        Protocol::Gre => Kind::Ip(47, Both),
        Protocol::Esp => Kind::Ip(50, Both),
        Protocol::Ah => Kind::Ip(51, Both),
        Protocol::Icmp6 => Kind::Ip(58, Six),
        Protocol::Pim => Kind::Ip(103, Both),
        Protocol::Vrrp | Protocol::Carp => Kind::Ip(112, Four),
        Protocol::Sctp => Kind::Ip(132, Both),
        Protocol::Clnp => Kind::Osi(0x81),
        Protocol::Esis => Kind::Osi(0x82),
        Protocol::Isis => Kind::Osi(0x83),
        Protocol::IsisL1 => Kind::IsIs(&[15, 17, 18, 24, 26]),
        Protocol::IsisL2 => Kind::IsIs(&[16, 17, 20, 25, 27]),
        Protocol::IsisIih => Kind::IsIs(&[15, 16, 17]),
        Protocol::IsisLsp => Kind::IsIs(&[18, 20]),
        Protocol::IsisSnp => Kind::IsIs(&[24, 25, 26, 27]),
        Protocol::IsisCsnp => Kind::IsIs(&[24, 25]),
        Protocol::IsisPsnp => Kind::IsIs(&[26, 27]),
    }
}

impl Meaning<'_> {
    /// A protocol's word alone.
    pub(super) fn protocol(&self, protocol: Protocol) -> Result<Condition, Problem> {
        match kind(protocol) {
            Kind::Ethertype(ethertype) => self.layers.ethertype(ethertype),
            Kind::Ip(number, versions) => self.ip_protocol(number, versions),
            Kind::Osi(number) => self.osi_protocol(number),
            Kind::IsIs(types) => self.isis_type(types),
            Kind::Link => Err(Problem::Senseless("the link layer alone is no condition".to_owned())),
        }
    }

    /// The packet is an IP packet that says it carries this protocol. Of IPv6 extension headers only a fragment header in
    /// front is looked behind.
    pub(super) fn ip_protocol(&self, number: u32, versions: Versions) -> Result<Condition, Problem> {
        let mut ways = Vec::new();
        if versions != Versions::Six {
            let carried = Condition::equals(self.layers.network(9, 1), number);
            ways.push(self.layers.ethertype(ethertype::IP)?.and(carried));
        }
        if versions != Versions::Four {
            let next = self.layers.network(6, 1);
            let fragment = Condition::equals(next, FRAGMENT).and(Condition::equals(self.layers.network(40, 1), number));
            ways.push(self.layers.ethertype(ethertype::IP6)?.and(Condition::equals(next, number).or(fragment)));
        }
        Ok(Condition::Any(ways))
    }

    fn osi_protocol(&self, number: u32) -> Result<Condition, Problem> {
        let osi = self.layers.ethertype(ethertype::SAP_ISO)?;
        Ok(osi.and(Condition::equals(self.layers.osi(0), number)))
    }

    fn isis_type(&self, types: &[u32]) -> Result<Condition, Problem> {
        let types = Set::of(types.iter().map(|&kind| (kind, kind)).collect());
        Ok(self.osi_protocol(0x83)?.and(Condition::within(self.layers.osi(4), types)))
    }

    /// `ip proto 6`
    pub(super) fn protocol_number(&self, of: Option<Protocol>, operand: Operand<'_>) -> Result<Condition, Problem> {
        match of {
            None => self.ip_protocol(self.ip_number(operand)?, Versions::Both),
            Some(Protocol::Ip) => self.ip_protocol(self.ip_number(operand)?, Versions::Four),
            Some(Protocol::Ip6) => self.ip_protocol(self.ip_number(operand)?, Versions::Six),
            Some(Protocol::Link) => self.layers.ethertype(number(operand, 0xffff, ether_number, "Ethernet protocol")?),
            Some(Protocol::Iso) => self.osi_protocol(number(operand, 0xff, osi_number, "OSI protocol")?),
            Some(Protocol::Isis) => self.isis_type(&[number(operand, 0xff, |_| None, "IS-IS packet type")?]),
            Some(_) => {
                Err(Problem::Senseless("only `ip`, `ip6`, `ether`, `iso` and `isis` carry protocols".to_owned()))
            }
        }
    }

    pub(super) fn ip_number(&self, operand: Operand<'_>) -> Result<u32, Problem> {
        number(operand, 0xff, |name| self.names.protocol(name), "IP protocol")
    }
}

/// A number in range, or a name that `find` knows.
fn number(
    operand: Operand<'_>,
    largest: u32,
    find: impl Fn(&str) -> Option<u32>,
    what: &'static str,
) -> Result<u32, Problem> {
    match operand {
        Operand::Number(number) if number <= largest => Ok(number),
        Operand::Number(_) => Err(Problem::Number(format!("numbers of an {what} go up to {largest}"))),
        Operand::Name(name) => find(name).ok_or_else(|| Problem::UnknownName { what, name: name.to_owned() }),
        Operand::Inet4 { .. } | Operand::Inet6 { .. } | Operand::Mac(_) => {
            Err(Problem::Senseless(format!("an address is not the number of an {what}")))
        }
    }
}

fn ether_number(name: &str) -> Option<u32> {
    if name == "loopback" {
        return Some(0x9000);
    }
    match kind(words::find(words::PROTOCOLS, name)?) {
        Kind::Ethertype(ethertype) => Some(ethertype),
        Kind::Ip(..) | Kind::Osi(_) | Kind::IsIs(_) | Kind::Link => None,
    }
}

fn osi_number(name: &str) -> Option<u32> {
    match kind(words::find(words::PROTOCOLS, name)?) {
        Kind::Osi(number) => Some(number),
        Kind::Ethertype(_) | Kind::Ip(..) | Kind::IsIs(_) | Kind::Link => None,
    }
}

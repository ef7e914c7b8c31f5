//! Hosts and networks.

use std::net::Ipv6Addr;

use super::ethertype;
use super::{Meaning, directed};
use crate::filter::error::{Problem, abridged};
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::{Condition, Place};
use crate::filter::syntax::{Direction, Operand, Protocol, Qualifiers, What};

impl Meaning<'_> {
    pub(super) fn address(&self, qualifiers: Qualifiers, operand: Operand<'_>) -> Result<Condition, Problem> {
        let Qualifiers { protocol, direction, what } = qualifiers;
        match operand {
            Operand::Mac(address) => self.link_host(protocol, direction, what, address),
            _ if protocol == Some(Protocol::Link) => Err(not_a_link_address(operand)),
            Operand::Number(number) => {
                let (address, mask) = if what == What::Net { whole_bytes(number) } else { (number, u32::MAX) };
                self.inet4(protocol, direction, address, mask)
            }
            Operand::Inet4 { explicit: true, .. } | Operand::Inet6 { explicit: true, .. } if what != What::Net => {
                Err(Problem::Senseless("a mask goes with `net` only".to_owned()))
            }
            Operand::Inet4 { address, mask, .. } => self.inet4(protocol, direction, address, mask),
            Operand::Inet6 { address, length, .. } => self.inet6(protocol, direction, address, length),
            Operand::Name(name) => Err(Problem::HostName(name.to_owned())),
        }
    }

    fn link_host(
        &self,
        protocol: Option<Protocol>,
        direction: Option<Direction>,
        what: What,
        address: [u8; 6],
    ) -> Result<Condition, Problem> {
        if protocol != Some(Protocol::Link) || what == What::Net {
            return Err(Problem::Senseless(
                "a link-layer address goes with `ether host`, `ether src` or `ether dst`".to_owned(),
            ));
        }
        self.layers.require_link("ether host")?;
        let one = |direction| self.link_address(address, direction);
        Ok(directed(direction, one(Direction::Source), one(Direction::Destination)))
    }

    /// The frame comes from or goes to this address. The longer part of it is compared first.
    pub(super) fn link_address(&self, address: [u8; 6], direction: Direction) -> Condition {
        let [high_0, high_1, low @ ..] = address;
        let offset = if direction == Direction::Source { 6 } else { 0 };
        let high = Condition::equals(self.layers.link(offset, 2), u16::from_be_bytes([high_0, high_1]).into());
        Condition::equals(self.layers.link(offset + 2, 4), u32::from_be_bytes(low)).and(high)
    }

    /// Without a protocol, senders and targets of ARP count as sources and destinations.
    fn inet4(
        &self,
        protocol: Option<Protocol>,
        direction: Option<Direction>,
        address: u32,
        mask: u32,
    ) -> Result<Condition, Problem> {
        let inside = |offset| part(self.layers.network(offset, 4), address, mask);
        let carried = |ethertype, source, destination| {
            let addresses = directed(direction, inside(source), inside(destination));
            self.layers.ethertype(ethertype).map(|carrier| carrier.and(addresses))
        };
        match protocol {
            Some(Protocol::Ip) => carried(ethertype::IP, 12, 16),
            Some(Protocol::Arp) => carried(ethertype::ARP, 14, 24),
            Some(Protocol::Rarp) => carried(ethertype::RARP, 14, 24),
            Some(Protocol::Decnet) => Err(Problem::Unsupported {
                word: "decnet host".to_owned(),
                reason: "DECnet addresses are not read; `decnet` alone matches all of its packets",
            }),
            Some(_) => {
                Err(Problem::Senseless("IPv4 addresses go with `ip`, `arp` and `rarp`, or no protocol".to_owned()))
            }
            None => {
                let mut ways = vec![carried(ethertype::IP, 12, 16)?];
                if self.layers.names_protocols() {
                    ways.push(carried(ethertype::ARP, 14, 24)?);
                    ways.push(carried(ethertype::RARP, 14, 24)?);
                }
                Ok(Condition::Any(ways))
            }
        }
    }

    fn inet6(
        &self,
        protocol: Option<Protocol>,
        direction: Option<Direction>,
        address: Ipv6Addr,
        length: u32,
    ) -> Result<Condition, Problem> {
        if !matches!(protocol, None | Some(Protocol::Ip6)) {
            return Err(Problem::Senseless("IPv6 addresses go with `ip6` or no protocol".to_owned()));
        }
        let mask = !u128::MAX.checked_shr(length).unwrap_or(0);
        let inside = |start: u32| {
            let words = (0..4).map(|word| {
                let bits = |whole: u128| (whole >> (96 - 32 * word)) as u32;
                part(self.layers.network(start + 4 * word, 4), bits(address.to_bits()), bits(mask))
            });
            Condition::All(words.collect())
        };
        Ok(self.layers.ethertype(ethertype::IP6)?.and(directed(direction, inside(8), inside(24))))
    }
}

/// Four bytes of an address. Nothing is read where none of them counts.
fn part(place: Place, address: u32, mask: u32) -> Condition {
    if mask == 0 { Condition::Constant(true) } else { Condition::masked(place, mask, Set::one(address)) }
}

/// `net 10` is 10.0.0.0/8: the number's leading zero bytes are dropped.
fn whole_bytes(number: u32) -> (u32, u32) {
    let missing = if number == 0 { 0 } else { number.leading_zeros() / 8 * 8 };
    (number << missing, u32::MAX << missing)
}

fn not_a_link_address(operand: Operand<'_>) -> Problem {
    match operand {
        Operand::Name(name) => {
            Problem::Address(format!("`{}` is not a link-layer address, and names are not looked up", abridged(name)))
        }
        _ => Problem::Address("not a link-layer address such as 02:00:00:00:00:01".to_owned()),
    }
}

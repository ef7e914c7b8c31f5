//! Ports of TCP, UDP and SCTP.

use super::ethertype;
use super::registers;
use super::{Meaning, directed};
use crate::filter::error::{Problem, abridged};
use crate::filter::graph::set::Set;
use crate::filter::graph::subject::Condition;
use crate::filter::names::{SCTP, TCP, UDP};
use crate::filter::syntax::{Operand, Protocol, Qualifiers, What};

impl Meaning<'_> {
    /// Only the first fragment of an IPv4 packet has ports, and IPv6 packets have them where TCP, UDP or SCTP follows
    /// directly.
    pub(super) fn port(&self, qualifiers: Qualifiers, operand: Operand<'_>) -> Result<Condition, Problem> {
        let (ports, named) = self.ports(qualifiers.what, operand)?;
        let protocols = protocols(qualifiers.protocol, named, operand)?;
        let behind_six = |offset| {
            let place = self.layers.transport(offset, 2).unwrap_or_else(|| self.layers.network(40 + offset, 2));
            Condition::within(place, ports.clone())
        };
        let behind_four = |offset| match self.layers.transport(offset, 2) {
            Some(place) => Ok(Condition::within(place, ports.clone())),
            None => registers::behind_ip_header(&self.layers, offset, 2, ports.clone()),
        };
        let six = Condition::All(vec![
            self.layers.ethertype(ethertype::IP6)?,
            Condition::within(self.layers.network(6, 1), protocols.clone()),
            directed(qualifiers.direction, behind_six(0), behind_six(2)),
        ]);
        let four = Condition::All(vec![
            self.layers.ethertype(ethertype::IP)?,
            Condition::within(self.layers.network(9, 1), protocols),
            self.first_fragment(),
            directed(qualifiers.direction, behind_four(0)?, behind_four(2)?),
        ]);
        Ok(four.or(six))
    }

    /// Not a later fragment of an IPv4 packet.
    pub(super) fn first_fragment(&self) -> Condition {
        Condition::masked(self.layers.network(6, 2), 0x1fff, Set::one(0))
    }

    fn ports(&self, what: What, operand: Operand<'_>) -> Result<(Set, Option<u32>), Problem> {
        let name = match operand {
            Operand::Number(port) => return Ok((Set::one(port_number(port)?), None)),
            Operand::Name(name) => name,
            Operand::Inet4 { .. } | Operand::Inet6 { .. } | Operand::Mac(_) => {
                return Err(Problem::Senseless("an address is not a port".to_owned()));
            }
        };
        let range = name.split_once('-');
        let Some((low, high)) = range.filter(|_| what == What::PortRange) else {
            let numbers = range.is_some_and(|(low, high)| low.parse::<u16>().is_ok() && high.parse::<u16>().is_ok());
            let (port, protocol) = match self.service(name) {
                Err(_) if numbers => Err(Problem::Senseless(format!("several ports are a `portrange {name}`"))),
                found => found,
            }?;
            return Ok((Set::one(port), protocol));
        };
        let ((low, of_low), (high, of_high)) = (self.service(low)?, self.service(high)?);
        let protocol = of_low.filter(|_| of_low == of_high);
        Ok((Set::range(low.min(high), low.max(high)), protocol))
    }

    /// A port by number or by name.
    fn service(&self, name: &str) -> Result<(u32, Option<u32>), Problem> {
        if let Ok(port) = name.parse::<u32>() {
            return Ok((port_number(port)?, None));
        }
        let unknown = || Problem::UnknownName { what: "port", name: name.to_owned() };
        self.names.service(name).ok_or_else(unknown)
    }
}

fn port_number(port: u32) -> Result<u32, Problem> {
    if port <= 0xffff { Ok(port) } else { Err(Problem::Number("ports go up to 65535".to_owned())) }
}

/// The protocols that the qualifier leaves, and the service is known for.
fn protocols(qualifier: Option<Protocol>, named: Option<u32>, operand: Operand<'_>) -> Result<Set, Problem> {
    let wanted = match qualifier {
        None => named,
        Some(Protocol::Tcp) => Some(TCP),
        Some(Protocol::Udp) => Some(UDP),
        Some(Protocol::Sctp) => Some(SCTP),
        Some(_) => return Err(Problem::Senseless("ports go with `tcp`, `udp` and `sctp`, or no protocol".to_owned())),
    };
    if let (Operand::Name(name), Some(named)) = (operand, named.filter(|named| Some(*named) != wanted)) {
        let known = if named == TCP {
            "tcp"
        } else if named == UDP {
            "udp"
        } else {
            "sctp"
        };
        return Err(Problem::Senseless(format!("`{}` is a port of {known}", abridged(name))));
    }
    Ok(wanted.map_or_else(|| Set::of(vec![(TCP, TCP), (UDP, UDP), (SCTP, SCTP)]), Set::one))
}

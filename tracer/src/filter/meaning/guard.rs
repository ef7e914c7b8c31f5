//! Which protocol's bytes an expression may address, and what must hold before they are read.

use super::protocol::{Kind, Versions, kind};
use super::{Meaning, ethertype};
use crate::filter::error::Problem;
use crate::filter::graph::subject::Condition;
use crate::filter::syntax::{Protocol, Value, ValueId};

/// Where the index of a load counts from.
pub(super) enum Origin {
    Link,
    Network,
    /// Behind an IPv4 header.
    Ip,
    /// Behind an IPv6 header.
    Ip6,
}

impl Meaning<'_> {
    /// What must hold for the loads of a value to make sense. libpcap forgets the guards of operators' right sides, which
    /// is how `ip[2:2] - tcp[12]` came to be written without regard to fragments; so they are not asked for here.
    pub(super) fn guards(&self, value: ValueId, guards: &mut Vec<Condition>) -> Result<(), Problem> {
        match self.tree.values[value] {
            Value::Number(_) | Value::Length => Ok(()),
            Value::Negate(inner) => self.guards(inner, guards),
            Value::Binary { left, right, .. } => {
                self.guards(left, guards)?;
                self.guards(right, &mut Vec::new())
            }
            Value::Load { protocol, index, .. } => self.load_guards(protocol, index, guards),
        }
    }

    /// Those of the index stand where libpcap has them: behind the test for IPv4, before all others.
    fn load_guards(&self, protocol: Protocol, index: ValueId, guards: &mut Vec<Condition>) -> Result<(), Problem> {
        let kind = kind(protocol);
        if let Kind::Ip(_, Versions::Four | Versions::Both) = kind {
            guards.push(self.layers.ethertype(ethertype::IP)?);
        }
        self.guards(index, guards)?;
        match kind {
            Kind::Link => {}
            Kind::Ip(number, Versions::Six) => {
                guards.push(self.layers.ethertype(ethertype::IP6)?);
                guards.push(Condition::equals(self.layers.network(6, 1), number));
            }
            Kind::Ip(number, Versions::Four | Versions::Both) => {
                guards.push(Condition::equals(self.layers.network(9, 1), number));
                guards.push(self.first_fragment());
            }
            Kind::Ethertype(ethertype) => guards.push(self.layers.ethertype(ethertype)?),
            Kind::Osi(_) | Kind::IsIs(_) => return Err(not_indexable()),
        }
        Ok(())
    }
}

/// Where the bytes of a protocol count from.
pub(super) fn origin(protocol: Protocol) -> Result<Origin, Problem> {
    match kind(protocol) {
        Kind::Link => Ok(Origin::Link),
        Kind::Ip(_, Versions::Six) => Ok(Origin::Ip6),
        Kind::Ip(..) => Ok(Origin::Ip),
        Kind::Ethertype(ethertype::AARP | 0..=ethertype::LARGEST_LENGTH) | Kind::Osi(_) | Kind::IsIs(_) => {
            Err(not_indexable())
        }
        Kind::Ethertype(_) => Ok(Origin::Network),
    }
}

fn not_indexable() -> Problem {
    Problem::Senseless(
        "bytes of this protocol cannot be addressed, only those of `ether`, of what an EtherType names and \
        of what IP carries"
            .to_owned(),
    )
}

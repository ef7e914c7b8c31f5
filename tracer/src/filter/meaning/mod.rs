//! What the primitives of an expression test: packet formats, as libpcap sees them.
//!
//! Everything is said relative to where the text has arrived ([`layers::Layers`]): `vlan`, `mpls` and `pppoes` move the
//! headers of all that follows them in the text. That is how libpcap does it, whatever `or` and `not` say in between.

mod address;
mod arithmetic;
mod chain;
mod ethertype;
mod guard;
mod layers;
mod port;
mod protocol;
mod registers;

use layers::Layers;
use tracer_common::predicate::field;

use super::error::{Error, Problem};
use super::graph::set::Set;
use super::graph::subject::{Condition, Place};
use super::keys::Context;
use super::names::Names;
use super::syntax::{Direction, Node, Operand, Primitive, Protocol, Qualifiers, Tree, What};

/// The conditions of the tree's primitives, by node; nodes that are no primitives have one that means nothing.
pub(super) fn primitives(
    expression: &str,
    tree: &Tree<'_>,
    names: &Names,
    context: &mut Context<'_>,
) -> Result<Vec<Condition>, Error> {
    let mut meaning = Meaning { tree, names, layers: Layers::default() };
    // Inside of `inner` the text speaks of another packet, and behind it again of the one before.
    let mut outside = Vec::new();
    let conditions = tree.nodes.iter().map(|node| match node {
        Node::Primitive { primitive, place } => {
            meaning.primitive(primitive, context).map_err(|problem| Error::new(problem, expression, place.clone()))
        }
        Node::Enter => {
            outside.push(meaning.layers);
            meaning.layers = meaning.layers.inside();
            Ok(Condition::Constant(false))
        }
        Node::Inner { .. } => {
            meaning.layers = outside.pop().unwrap_or_default();
            Ok(Condition::Constant(false))
        }
        Node::And(..) | Node::Or(..) | Node::Not(_) => Ok(Condition::Constant(false)),
    });
    conditions.collect()
}

/// Walks the primitives in the order of the text.
struct Meaning<'a> {
    tree: &'a Tree<'a>,
    names: &'a Names,
    layers: Layers,
}

impl Meaning<'_> {
    fn primitive(&mut self, primitive: &Primitive<'_>, context: &mut Context<'_>) -> Result<Condition, Problem> {
        match primitive {
            Primitive::Protocol(protocol) => self.protocol(*protocol),
            Primitive::Qualified { qualifiers, operand } => self.qualified(*qualifiers, *operand),
            Primitive::Broadcast(protocol) => self.broadcast(*protocol),
            Primitive::Multicast(protocol) => self.multicast(*protocol),
            Primitive::Less(length) => Ok(Condition::within(length_field(), Set::range(0, *length))),
            Primitive::Greater(length) => Ok(Condition::within(length_field(), Set::range(*length, u32::MAX))),
            Primitive::Relation { left, relation, right } => self.relation(*left, *relation, *right),
            Primitive::Vlan(number) => self.layers.vlan(*number),
            Primitive::Mpls(label) => self.layers.mpls(*label),
            Primitive::PppoeDiscovery => self.layers.ethertype(ethertype::PPPOE_DISCOVERY),
            Primitive::PppoeSession(session) => self.layers.pppoe_session(*session),
            Primitive::Llc(kind) => self.layers.llc(*kind),
            Primitive::Key { key, asked } => (key.condition)(asked, context),
        }
    }

    fn qualified(&self, qualifiers: Qualifiers, operand: Operand<'_>) -> Result<Condition, Problem> {
        match qualifiers.what {
            What::Default | What::Host | What::Net => self.address(qualifiers, operand),
            What::Port | What::PortRange => self.port(qualifiers, operand),
            What::Protocol => self.protocol_number(qualifiers.protocol, operand),
            What::ProtocolChain => self.protocol_chain(qualifiers.protocol, operand),
        }
    }

    fn broadcast(&self, protocol: Option<Protocol>) -> Result<Condition, Problem> {
        match protocol {
            None | Some(Protocol::Link) => {
                self.layers.require_link("broadcast")?;
                Ok(self.link_address([0xff; 6], Direction::Destination))
            }
            // Without the mask of a network, only these two are known to be broadcast addresses.
            Some(Protocol::Ip) => {
                let destination = self.layers.network(16, 4);
                let addresses = Set::of(vec![(0, 0), (u32::MAX, u32::MAX)]);
                Ok(self.layers.ethertype(ethertype::IP)?.and(Condition::within(destination, addresses)))
            }
            Some(_) => Err(Problem::Senseless("only `ether` and `ip` have a broadcast address".to_owned())),
        }
    }

    fn multicast(&self, protocol: Option<Protocol>) -> Result<Condition, Problem> {
        match protocol {
            None | Some(Protocol::Link) => {
                self.layers.require_link("multicast")?;
                Ok(Condition::masked(self.layers.link(0, 1), 1, Set::one(1)))
            }
            Some(Protocol::Ip) => {
                let first = Condition::within(self.layers.network(16, 1), Set::range(224, 255));
                Ok(self.layers.ethertype(ethertype::IP)?.and(first))
            }
            Some(Protocol::Ip6) => {
                let first = Condition::equals(self.layers.network(24, 1), 255);
                Ok(self.layers.ethertype(ethertype::IP6)?.and(first))
            }
            Some(_) => Err(Problem::Senseless("only `ether`, `ip` and `ip6` have multicast addresses".to_owned())),
        }
    }
}

/// Length of the packet. Inside of `inner` too it is that of the whole one.
fn length_field() -> Place {
    Place::field(field::LENGTH)
}

/// The condition on the source, the destination, or both.
fn directed(direction: Option<Direction>, source: Condition, destination: Condition) -> Condition {
    match direction.unwrap_or(Direction::Either) {
        Direction::Source => source,
        Direction::Destination => destination,
        Direction::Either => source.or(destination),
        Direction::Both => source.and(destination),
    }
}

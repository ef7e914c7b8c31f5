//! Text to syntax tree, as pcap-filter(7) describes it. Knows which words go together, not what they test.
//!
//! The tree lies in arrays, children before parents, primitives in the order of the text: no depth of nesting can
//! overflow the stack later, and `vlan` can change the meaning of all that follows it.

mod address;
mod arithmetic;
mod key;
pub(crate) mod lexer;
pub(crate) mod parser;
mod primitive;
mod text;
pub(crate) mod words;

use std::net::Ipv6Addr;
use std::ops::Range;

use super::graph::set::Set;
use super::keys::{Asked, Key};
pub(crate) use words::{Direction, Protocol, What};

/// Most bytes of an expression.
pub(crate) const MAX_LENGTH: usize = 16_384;
/// Most parentheses, brackets and signs inside each other.
pub(crate) const MAX_DEPTH: usize = 100;
/// Most numbers, loads and operators of all arithmetic together.
pub(crate) const MAX_VALUES: usize = 1024;

/// Index into [`Tree::nodes`].
pub(crate) type NodeId = usize;
/// Index into [`Tree::values`].
pub(crate) type ValueId = usize;

/// A parsed expression.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// Conditions.
    pub(crate) nodes: Vec<Node<'a>>,
    /// The whole expression; none for an empty one.
    pub(crate) root: Option<NodeId>,
    /// Arithmetic.
    pub(crate) values: Vec<Value>,
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    Not(NodeId),
    /// The text behind it speaks of the packet inside of the present one, up to the `Inner` that closes it.
    Enter,
    /// A condition on a packet that lies so deep inside of the others.
    Inner {
        inner: NodeId,
        depth: u8,
    },
    Primitive {
        primitive: Primitive<'a>,
        place: Range<usize>,
    },
}

/// A condition without `and`, `or`, `not`.
#[derive(Debug)]
pub(crate) enum Primitive<'a> {
    /// `tcp`
    Protocol(Protocol),
    /// `src host 10.0.0.1`, also with the qualifiers left out
    Qualified { qualifiers: Qualifiers, operand: Operand<'a> },
    /// `ip broadcast`
    Broadcast(Option<Protocol>),
    /// `ip multicast`
    Multicast(Option<Protocol>),
    /// `less 100`
    Less(u32),
    /// `greater 100`
    Greater(u32),
    /// `ip[0] & 15 != 5`
    Relation { left: ValueId, relation: Relation, right: ValueId },
    /// `vlan 5`
    Vlan(Option<u32>),
    /// `mpls 5`
    Mpls(Option<u32>),
    /// `pppoed`
    PppoeDiscovery,
    /// `pppoes 5`
    PppoeSession(Option<u32>),
    /// `llc`, `llc ui`
    Llc(Option<&'a str>),
    /// `ifname eth0`, `skb->mark & 0xf == 3`
    Key { key: &'static Key, asked: Asked<'a> },
}

/// What stands before an address, port or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Qualifiers {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) direction: Option<Direction>,
    pub(crate) what: What,
}

/// What the qualifiers speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand<'a> {
    Number(u32),
    /// Address and mask; `10.1` is 10.1.0.0 with the mask 255.255.0.0. `explicit` where the mask was written.
    Inet4 {
        address: u32,
        mask: u32,
        explicit: bool,
    },
    /// Address and prefix length.
    Inet6 {
        address: Ipv6Addr,
        length: u32,
        explicit: bool,
    },
    Mac([u8; 6]),
    Name(&'a str),
}

/// Arithmetic on packet bytes, 32 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u32),
    /// `len`
    Length,
    /// `tcp[2:4]`
    Load {
        protocol: Protocol,
        index: ValueId,
        width: u8,
    },
    Negate(ValueId),
    Binary {
        operator: Operator,
        left: ValueId,
        right: ValueId,
    },
}

/// Operators between values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// Comparisons, all unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Relation {
    /// The numbers that stand in this relation to `number`.
    pub(crate) fn set(self, number: u32) -> Set {
        match self {
            Self::Equal => Set::one(number),
            Self::NotEqual => Set::one(number).complement(),
            Self::LessEqual => Set::range(0, number),
            Self::Greater => Set::range(0, number).complement(),
            Self::GreaterEqual => Set::range(number, u32::MAX),
            Self::Less => Set::range(number, u32::MAX).complement(),
        }
    }
}

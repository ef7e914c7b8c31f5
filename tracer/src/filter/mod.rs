//! Filter expressions, as of pcap-filter(7), to predicate programs.
//!
//! Text becomes a syntax tree (`syntax`), its primitives become conditions on packet bytes and fields (`meaning`), and
//! these become a program (`graph`) for the evaluator in `tracer-common`, which the kernel, recordings and tests
//! share. This layer runs nothing and looks up no host names; the names of ports and protocols come from /etc/services
//! and /etc/protocols.
//!
//! Semantics are libpcap's, and `tests/filter` compares packet by packet with Debian's tcpdump. On purpose it differs here:
//!
//! - Packets without a link-layer header: libpcap refuses `ether host`, `broadcast`, `vlan` and `mpls` for them, and reads
//!   the IP header where `ether[…]` is written. Here they have no tag and no label, and what asks for Ethernet addresses
//!   or bytes is undecidable.
//! - The same holds behind Linux' cooked headers. There, 802.2 frames are judged as in Ethernet, which libpcap does not
//!   manage with OSI headers, and behind the newer header with none.
//! - libpcap's optimizer leaves out tests whose bytes a packet may not have, and so changes the answer. Here either answer
//!   may be given, where tcpdump's answers with and without its option `-O` differ. Where it is plainly wrong, as in
//!   `not (not src net fd77::/126 or src net fd77::/126)`, the answer is that of `-O`.
//! - A negative offset (`ip[-2:2]`) is outside of the packet, as with `-O`.
//! - `protochain` goes on in the right place behind an authentication header, and after eight headers gives up.
//! - `gre` is a condition; `ah[…]`, `esp[…]`, `gre[…]` have bytes; keywords behind `proto` need no backslash.
//! - A protocol number that fits no header, and conditions that contradict each other, are errors.
//! - Arithmetic has 8 registers, not 16; `ip[0] / ip[0]` is no division by zero.
//! - Host, network and link-layer names are not looked up; `syntax::words` lists the words that are refused.

mod error;
mod explain;
mod graph;
mod mark;
mod meaning;
mod names;
mod source;
mod syntax;

pub use error::{Error, Problem};
pub use explain::explain;
pub use mark::parse_mark;
pub use source::{Framing, PacketSource};

use graph::Excess;
use graph::set::Set;
use graph::subject::{Condition, Place};
use names::Names;
use tracer_common::predicate::{MAX_NODES, MAX_STEPS, Program, REJECT, field};

/// What packets are wanted. All conditions must hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// As of pcap-filter(7); empty accepts every packet.
    pub expression: &'a str,
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
    /// Index of the interface.
    pub ifindex: Option<u32>,
    /// Value of `skb->mark`, and which of its bits count.
    pub mark: Option<(u32, u32)>,
    /// Process id, as user space speaks of it (thread group id).
    pub pid: Option<u32>,
}

/// A request as a program.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// For the filter map, or for [`Program::evaluate`].
    pub program: Box<Program>,
    /// The expression as given.
    pub text: String,
}

/// Compiles a request.
pub fn compile(request: &Request<'_>) -> Result<Compiled, Error> {
    compile_with(request, &Names::system())
}

fn compile_with(request: &Request<'_>, names: &Names) -> Result<Compiled, Error> {
    let expression = request.expression;
    let tree = syntax::parser::parse(expression)?;
    let primitives = meaning::primitives(expression, &tree, names)?;
    let compiled = graph::compile(&tree, &primitives, &fields(request));
    let program = compiled.map_err(|excess| {
        let text = match excess {
            Excess::Nodes(nodes) => format!("it takes {nodes} tests, at most {MAX_NODES} fit"),
            Excess::Steps(steps) => format!("{steps} tests lie on one way through it, at most {MAX_STEPS} may"),
        };
        Error::new(Problem::TooLarge(text), expression, 0..expression.len())
    })?;
    if program.entry == u32::from(REJECT) {
        return Err(Error::new(Problem::NeverMatches, expression, 0..expression.len()));
    }
    Ok(Compiled { program, text: expression.to_owned() })
}

/// The conditions beside the expression, cheapest first: a member of the skb, the task, one pointer away, two.
fn fields(request: &Request<'_>) -> Condition {
    let equals = |field, value: Option<u32>| value.map(|value| Condition::equals(Place::field(field, 0), value));
    let mark = request.mark.map(|(value, mask)| Condition::masked(Place::field(field::MARK, 0), mask, Set::one(value)));
    let others = [(field::PID, request.pid), (field::IFINDEX, request.ifindex), (field::NETNS, request.netns)];
    Condition::All(
        mark.into_iter().chain(others.into_iter().filter_map(|(field, value)| equals(field, value))).collect(),
    )
}

#[cfg(test)]
mod tests;

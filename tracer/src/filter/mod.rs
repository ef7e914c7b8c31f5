//! Filter expressions, as of pcap-filter(7), to predicate programs.
//!
//! Text becomes a syntax tree (`syntax`), its primitives become conditions on packet bytes and fields (`meaning`), and
//! these become a program (`graph`) for the evaluator in `tracer-common`, which the kernel, recordings and tests
//! share. This layer runs nothing and looks up no host names; the names of ports and protocols come from /etc/services
//! and /etc/protocols, those of namespaces, drop reasons and kernel structs from whoever compiles ([`Environment`]).
//!
//! The language has keys beside pcap-filter(7) (`keys`), and `inner(…)` for the packet inside of a tunnel's
//! ([`tracer_common::tunnel`] says which). In a chain of `and`, or of `or`, keys are asked first, whatever their place: they
//! cost less than the packet, and can be answered where the packet's headers are not written yet. Members of the sk_buff keep
//! their place, since a pointer on the way may be NULL.
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
//! - `portrange 1-2-3` is refused, which libpcap takes for `1-2`.
//! - A protocol number that fits no header, and conditions that contradict each other, are errors.
//! - Arithmetic has 8 registers, not 16; `ip[0] / ip[0]` is no division by zero.
//! - Host, network and link-layer names are not looked up; `syntax::words` lists the words that are refused.

mod compiled;
mod environment;
mod error;
mod explain;
mod graph;
mod keys;
mod mark;
mod meaning;
mod names;
mod pattern;
mod source;
mod syntax;

pub use compiled::{Compiled, TooManyProbes};
pub use environment::{Anywhere, Environment, Nowhere, Unanswered};
pub use error::{Error, Problem};
pub use explain::explain;
pub use mark::parse_mark;
pub use source::{EventSource, Framing, PacketSource};

use graph::set::Set;
use graph::subject::{Condition, Place};
use graph::{Excess, Piece};
use keys::{Bound, Context};
use names::Names;
use tracer_common::predicate::{MAX_NODES, MAX_STEPS, REJECT, field};

/// What packets are wanted. All conditions must hold.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As of pcap-filter(7), with keys and `inner(…)`; empty accepts every packet.
    pub expression: &'a str,
    /// More of the kind, which must hold as well.
    pub also: &'a [&'a str],
    /// The same for the packet inside, as if `inner(…)` stood around each; empty ones ask for nothing.
    pub inside: &'a [&'a str],
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
    /// Name of the interface, as the key `ifname` takes it.
    pub ifname: Option<&'a str>,
    /// Value of `skb->mark`, and which of its bits count.
    pub mark: Option<(u32, u32)>,
    /// Who knows the names in the expressions.
    pub environment: &'a dyn Environment,
}

impl Default for Request<'_> {
    fn default() -> Self {
        let none = &[];
        Self { expression: "", also: none, inside: none, netns: None, ifname: None, mark: None, environment: &Nowhere }
    }
}

/// Compiles a request.
pub fn compile(request: &Request<'_>) -> Result<Compiled, Error> {
    compile_with(request, &Names::system())
}

fn compile_with(request: &Request<'_>, names: &Names) -> Result<Compiled, Error> {
    let expression = request.expression;
    let mut bound = Bound::default();
    let mut context = Context { environment: request.environment, bound: &mut bound };
    let flags = flags(request)?;
    let mut pieces = Vec::new();
    for text in std::iter::once(&expression).chain(request.also) {
        pieces.push(piece(text, syntax::parser::parse(text)?, names, &mut context)?);
    }
    for text in request.inside {
        pieces.push(piece(text, syntax::parser::parse_inside(text)?, names, &mut context)?);
    }
    let mut program = graph::compile(&pieces, &flags).map_err(|excess| {
        let text = match excess {
            Excess::Nodes(nodes) => format!("it takes {nodes} tests, at most {MAX_NODES} fit"),
            Excess::Steps(steps) => format!("{steps} tests lie on one way through it, at most {MAX_STEPS} may"),
        };
        Error::new(Problem::TooLarge(text), expression, 0..expression.len())
    })?;
    if program.entry == u32::from(REJECT) && !bound.unresolved {
        return Err(Error::new(Problem::NeverMatches, expression, 0..expression.len()));
    }
    program.chain_count = bound.chains.len() as u32;
    for (place, (_, chain)) in program.chains.iter_mut().zip(&bound.chains) {
        *place = *chain;
    }
    Ok(Compiled { program, text: expression.to_owned(), bound })
}

/// The keys of the language beside pcap-filter(7): the word, what it asks, and expressions with it.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    let inner = "the packet inside matches: VXLAN, Geneve, GRE, IPIP, 6in4, or what is behind VLAN tags";
    let keys = keys::KEYS.iter().map(|key| (key.name, key.about, key.examples));
    keys.chain([("inner", inner, &["inner(tcp port 443)", "not inner(inner(ip))"][..])])
}

fn piece<'a>(
    text: &'a str,
    tree: syntax::Tree<'a>,
    names: &Names,
    context: &mut Context<'_>,
) -> Result<Piece<'a>, Error> {
    let primitives = meaning::primitives(text, &tree, names, context)?;
    Ok(Piece { tree, primitives })
}

/// The conditions beside the expressions, cheapest first: a member of the skb, one pointer away, two.
fn flags(request: &Request<'_>) -> Result<Condition, Error> {
    let mark = request.mark.map(|(value, mask)| Condition::masked(Place::field(field::MARK), mask, Set::one(value)));
    let ifname = request
        .ifname
        .map(|name| keys::interface_name(name).map_err(|problem| Error::new(problem, name, 0..name.len())));
    let netns = request.netns.map(|inode| Condition::equals(Place::field(field::NETNS), inode));
    Ok(Condition::All([mark, ifname.transpose()?, netns].into_iter().flatten().collect()))
}

#[cfg(test)]
mod tests;

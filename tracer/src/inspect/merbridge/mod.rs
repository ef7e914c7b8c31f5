//! Merbridge's redirections in words: who wanted to go where, and where it went instead.
//!
//! | what is seen | what happened |
//! |---|---|
//! | destination in 127.128.0.0/12 or 127.0.0.1 | an application's connection was led to its own pod's sidecar (127.128.0.x where Merbridge does not know the pod's address: each connection gets another, so that they differ) |
//! | the address wanted with another port | a sidecar's connection to a pod on this node was led to that pod's sidecar; with [`Origin::TC`], by tc, for a client elsewhere |
//! | the address and port wanted | nothing: a sidecar speaks to its own application |

mod lookup;
mod names;
pub mod status;

use std::{
    collections::{BTreeMap, HashSet},
    net::{IpAddr, Ipv4Addr},
};

pub use lookup::Lookup;
pub use names::{Names, Who};

use super::maps::decode::merbridge::is_made_up;
use crate::model::merbridge::{Origin, Pair};

/// All that is joined.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// `pair_original_dst`
    pub pairs: Vec<(Pair, Origin)>,
    /// `sock_pair_map`
    pub sockets: Vec<Pair>,
    /// `process_ip`: the pod of a sidecar's process.
    pub processes: BTreeMap<u32, IpAddr>,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// From an application to the sidecar of its own pod.
    ToOwnSidecar,
    /// From a sidecar to the sidecar of another pod on this node.
    ToOtherSidecar,
    /// From a client elsewhere to the sidecar of a pod on this node, by a program of tc.
    FromElsewhere,
    /// It goes where it wanted to.
    Direct,
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Its ends, as they are.
    pub pair: Pair,
    /// Where it wanted to go, and who.
    pub origin: Origin,
    /// What happened.
    pub how: How,
    /// Its data goes from socket to socket, past the network stack.
    pub spliced: bool,
}

impl Tables {
    /// Every connection, sorted by where it wanted to go.
    pub fn redirects(&self) -> Vec<Redirect> {
        let key = |pair: &Pair| (pair.source, pair.destination);
        let sockets: HashSet<_> = self.sockets.iter().map(key).collect();
        let mut all: Vec<Redirect> = self
            .pairs
            .iter()
            .map(|&(pair, origin)| Redirect {
                pair,
                origin,
                how: how(&pair, &origin),
                spliced: sockets.contains(&key(&pair)),
            })
            .collect();
        all.sort_unstable_by_key(|one| (one.origin.address, one.pair.destination, one.pair.source));
        all
    }
}

fn how(pair: &Pair, origin: &Origin) -> How {
    let to = pair.destination;
    if origin.flags & Origin::TC != 0 {
        How::FromElsewhere
    } else if is_made_up(to.ip()) || (to.ip() == Ipv4Addr::LOCALHOST && origin.address.ip() != to.ip()) {
        How::ToOwnSidecar
    } else if to == origin.address {
        How::Direct
    } else {
        How::ToOtherSidecar
    }
}

impl Redirect {
    /// Whether an address has a part in it.
    pub fn concerns(&self, address: IpAddr) -> bool {
        [self.pair.source, self.pair.destination, self.origin.address].iter().any(|end| end.ip() == address)
    }

    /// What happened, in a sentence.
    pub fn sentence(&self, names: &mut Names<'_>) -> String {
        let Self { pair, origin, .. } = self;
        let (to, wanted) = (pair.destination, origin.address);
        let service = names.service(wanted.ip(), origin.pid);
        let wanted_named = service.map_or_else(|| wanted.to_string(), |name| format!("{name} ({wanted})"));
        let pod = names.pod(wanted.ip());
        let pod_named =
            pod.map_or_else(|| format!("pod {}", wanted.ip()), |name| format!("pod {name} ({})", wanted.ip()));
        match self.how {
            How::ToOwnSidecar => {
                let who = names.process(origin.pid);
                format!("{to} is the own sidecar of {who}, standing for {wanted_named}")
            }
            How::ToOtherSidecar => {
                let who = names.process(origin.pid);
                format!(
                    "{to} is the sidecar of {pod_named} on this node, standing for its port {}; {who} speaks to it",
                    wanted.port()
                )
            }
            How::FromElsewhere => format!(
                "{to} is the sidecar of {pod_named} on this node, standing for its port {}; a client elsewhere speaks to it",
                wanted.port()
            ),
            How::Direct => {
                let who = names.process(origin.pid);
                format!("{to} is {wanted_named} itself; {who} speaks to it")
            }
        }
    }
}

#[cfg(test)]
mod tests;

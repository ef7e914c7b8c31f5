//! How a packet looked at a hop, and what changed between two of them.

use crate::model::{Arp, Flow, Headers, Origin, Transport};

/// What the headers said. A journey keeps each distinct one once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Addresses and ports.
    pub flow: Option<Flow>,
    /// The ARP packet, where it is one.
    pub arp: Option<Arp>,
    /// The flow is the socket's that sends it: the headers are not written yet.
    pub from_socket: bool,
    /// `skb->mark`.
    pub mark: u32,
    /// Tag beside the packet with its protocol.
    pub vlan: Option<(u16, u16)>,
}

/// What changed on the way. `skb->len` does not count: it differs with the layer at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Another source address or port: source NAT.
    Source(Flow, Flow),
    /// Another destination address or port: destination NAT.
    Destination(Flow, Flow),
    /// It was put into another packet: a tunnel begins.
    Wrapped(Flow),
    /// It was taken out of another packet: a tunnel ends.
    Unwrapped(Flow),
    /// Another packet in a way that none of the above describes: the `sk_buff` was given new contents.
    Replaced(Flow),
    /// `skb->mark`, before and after.
    Mark(u32, u32),
    /// VLAN id, before and after.
    Vlan(Option<u16>, Option<u16>),
}

impl Look {
    /// What [`Look::tells`] is where nothing is missing.
    pub(super) const ALL: u8 = 15;

    /// How much it tells of who sends what to whom. Headers in the making have addresses or ports of 0.
    pub(super) fn tells(&self) -> u8 {
        let Some(flow) = &self.flow else { return u8::from(self.arp.is_some()) };
        let addressed = !flow.source.is_unspecified() && !flow.destination.is_unspecified();
        let ported = match flow.transport {
            Transport::Ports { source: 0, destination: 0, .. } => false,
            // TCP, UDP, DCCP, SCTP and UDP-Lite have ports, if not yet.
            Transport::Opaque => !matches!(flow.protocol, 6 | 17 | 33 | 132 | 136),
            _ => true,
        };
        1 | u8::from(!self.from_socket) << 1 | u8::from(ported) << 2 | u8::from(addressed) << 3
    }
}

/// What the bytes of headers say; most hops of a packet share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// As in [`Look`].
    pub flow: Option<Flow>,
    /// As in [`Look`].
    pub arp: Option<Arp>,
    /// As in [`Look`].
    pub from_socket: bool,
}

/// How a packet looks at a hop, in parts: of a look that is known nothing is put together.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What the headers say.
    pub said: &'a Said,
    /// The same number is given for the same `said` alone; 0 for none.
    pub number: u64,
    /// `skb->mark`.
    pub mark: u32,
    /// Tag beside the packet with its protocol.
    pub vlan: Option<(u16, u16)>,
}

impl Sight<'_> {
    /// The whole.
    pub(super) fn look(&self) -> Look {
        let Said { flow, arp, from_socket } = *self.said;
        Look { flow, arp, from_socket, mark: self.mark, vlan: self.vlan }
    }

    /// Two sights of which this is the same are the same, unless the number is 0.
    pub(super) fn short(&self) -> Short {
        (self.number, self.mark, self.vlan)
    }
}

/// See [`Sight::short`].
pub(super) type Short = (u64, u32, Option<(u16, u16)>);

impl Said {
    /// What the headers say.
    pub fn of(headers: &Headers) -> Self {
        let flow = headers.flow();
        let arp = if flow.is_none() { headers.arp() } else { None };
        Self { flow, arp, from_socket: headers.origin == Origin::Socket }
    }
}

/// What is known of a branch so far, for the comparison with the next hop. Headers that could not be read are skipped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    flow: Option<(Flow, u32)>,
    other: Option<(u32, Option<u16>)>,
}

impl Known {
    /// Hands what changed to `sink`. `len` is the length at this hop.
    pub(super) fn step(&mut self, look: &Look, len: u32, sink: &mut impl FnMut(Changed)) {
        if let Some(flow) = look.flow.filter(|flow| !look.from_socket && !is_blank(flow)) {
            if let Some((before, len_before)) = self.flow {
                compare(before, flow, len.cmp(&len_before), sink);
            }
            self.flow = Some((flow, len));
        }
        let vlan = look.vlan.map(|(tag, _)| tag & 0xfff);
        if let Some((mark, vlan_before)) = self.other {
            if mark != look.mark {
                sink(Changed::Mark(mark, look.mark));
            }
            if vlan_before != vlan {
                sink(Changed::Vlan(vlan_before, vlan));
            }
        }
        self.other = Some((look.mark, vlan));
    }
}

fn compare(before: Flow, after: Flow, len: std::cmp::Ordering, sink: &mut impl FnMut(Changed)) {
    let (from, to) = (ends(&before), ends(&after));
    let readdressed = before.source != after.source && before.destination != after.destination;
    if before.protocol != after.protocol || readdressed {
        return sink(match len {
            std::cmp::Ordering::Greater => Changed::Wrapped(after),
            std::cmp::Ordering::Less => Changed::Unwrapped(after),
            std::cmp::Ordering::Equal => Changed::Replaced(after),
        });
    }
    // A later fragment, or a header cut short, does not tell its ports.
    let ports_known = from.is_some() && to.is_some();
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    if before.source != after.source || (ports_known && from.0 != to.0) {
        sink(Changed::Source(before, after));
    }
    if before.destination != after.destination || (ports_known && from.1 != to.1) {
        sink(Changed::Destination(before, after));
    }
}

/// Ports; `None` where they are not told, or not written yet.
fn ends(flow: &Flow) -> Option<(u16, u16)> {
    match flow.transport {
        // Not written yet.
        Transport::Ports { source: 0, destination: 0, .. } => None,
        Transport::Ports { source, destination, .. } => Some((source, destination)),
        _ => None,
    }
}

/// Where its addresses are to stand there is nothing yet.
fn is_blank(flow: &Flow) -> bool {
    flow.source.is_unspecified() && flow.destination.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(source: u8, destination: u8, port: u16, protocol: u8) -> Look {
        let transport = Transport::Ports { source: 1, destination: port, tcp_flags: None };
        let (source, destination) = ([10, 0, 0, source].into(), [10, 0, 0, destination].into());
        let flow = Some(Flow { source, destination, protocol, transport });
        Look { flow, arp: None, from_socket: false, mark: 0, vlan: None }
    }

    fn changes(steps: &[(Look, u32)]) -> String {
        let (mut known, mut found) = (Known::default(), Vec::new());
        for (look, len) in steps {
            known.step(look, *len, &mut |changed| {
                let text = format!("{changed:?}");
                found.push(text.split('(').next().unwrap_or_default().to_owned());
            });
        }
        found.join(" ")
    }

    #[test]
    fn what_changed() {
        let base = look(1, 2, 53, 17);
        let no_flow = Look { flow: None, ..base };
        let opaque = |mut look: Look| {
            look.flow = look.flow.map(|flow| Flow { transport: Transport::Opaque, ..flow });
            look
        };
        let no_ports = |mut look: Look| {
            let transport = Transport::Ports { source: 0, destination: 0, tcp_flags: None };
            look.flow = look.flow.map(|flow| Flow { transport, ..flow });
            look
        };
        let nowhere = |mut look: Look| {
            let none = [0, 0, 0, 0].into();
            look.flow = look.flow.map(|flow| Flow { source: none, destination: none, ..flow });
            look
        };
        let cases = [
            (vec![(base, 100), (base, 80), (no_flow, 80), (base, 100)], ""),
            (vec![(base, 100), (look(1, 3, 53, 17), 100)], "Destination"),
            (vec![(base, 100), (no_flow, 100), (look(1, 2, 54, 17), 100)], "Destination"),
            (vec![(base, 100), (look(9, 2, 53, 17), 100)], "Source"),
            (vec![(base, 100), (opaque(base), 100)], ""),
            // Headers that are being written.
            (vec![(no_ports(look(1, 2, 0, 17)), 100), (base, 100)], ""),
            (vec![(nowhere(base), 100), (base, 100)], ""),
            (vec![(base, 100), (look(8, 9, 53, 17), 150), (base, 100)], "Wrapped Unwrapped"),
            (vec![(base, 100), (look(1, 2, 53, 47), 100)], "Replaced"),
            (vec![(base, 100), (Look { mark: 4, vlan: Some((0x2005, 0)), ..base }, 100)], "Mark Vlan"),
            // What a socket says is no header yet.
            (vec![(Look { from_socket: true, ..look(1, 7, 53, 17) }, 1), (base, 100)], ""),
        ];
        for (steps, expected) in cases {
            assert_eq!(changes(&steps), expected, "{steps:?}");
        }
    }
}

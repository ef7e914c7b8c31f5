//! Interfaces and queueing disciplines of the namespace at hand.

use std::io;

use super::netlink::{Attributes, Netlink, attribute, text, u32_at};
use crate::model::Device;

const RTM_GETLINK: u16 = 18;
const RTM_GETQDISC: u16 = 38;
/// Bytes of `struct ifinfomsg` and `struct tcmsg`.
const LINK_HEAD: usize = 16;
pub(super) const TC_HEAD: usize = 20;
/// `IFLA_EXT_MASK` with `RTEXT_FILTER_SKIP_STATS`: long tables that nobody here reads.
const IFLA_EXT_MASK: u16 = 29;
const SKIP_STATS: u32 = 8;
const IFF_UP: u32 = 1;

/// An interface, as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) device: Device,
    pub(super) kind: String,
    pub(super) up: bool,
    /// `IFLA_LINK`: the other end, or the device below.
    pub(super) peer: Option<u32>,
    /// `IFLA_LINK_NETNSID`: the namespace of that, by this namespace's own count.
    pub(super) peer_netns: Option<i32>,
    /// Programs of XDP by mode.
    pub(super) xdp: Vec<(XdpMode, u32)>,
}

/// Where a program of XDP runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum XdpMode {
    Driver,
    Generic,
    Offload,
}

/// A queueing discipline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qdisc {
    pub(super) device: u32,
    pub(super) handle: u32,
    pub(super) kind: String,
    /// `gnet_stats_queue.drops`
    pub(super) drops: Option<u32>,
}

impl Qdisc {
    /// It has filters for what comes in, and as clsact for what goes out.
    pub(super) fn is_at_ends(&self) -> bool {
        matches!(self.kind.as_str(), "clsact" | "ingress")
    }
}

/// All interfaces.
pub(super) fn links(netlink: &mut Netlink) -> io::Result<Vec<Link>> {
    let mut body = vec![0; LINK_HEAD];
    attribute(IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes(), &mut body);
    netlink.dump(RTM_GETLINK, &body, |links: &mut Vec<Link>, message| links.extend(link(message)))
}

fn link(message: &[u8]) -> Option<Link> {
    const IFNAME: u16 = 3;
    const LINK: u16 = 5;
    const LINKINFO: u16 = 18;
    const NETNSID: u16 = 37;
    const XDP: u16 = 43;
    let attributes = Attributes::after(message, LINK_HEAD);
    let index = u32_at(message, 4)?;
    let device = Device { index, name: text(attributes.get(IFNAME)?).to_vec() };
    let kind = attributes.within(LINKINFO).get(1).map(text).unwrap_or_default();
    Some(Link {
        device,
        kind: String::from_utf8_lossy(kind).into_owned(),
        up: u32_at(message, 8)? & IFF_UP != 0,
        peer: attributes.u32(LINK).filter(|&peer| peer != 0),
        peer_netns: attributes.u32(NETNSID).map(u32::cast_signed),
        xdp: xdp(attributes.within(XDP)),
    })
}

/// Programs of `IFLA_XDP`: one for each mode where several are attached, or one with its mode.
fn xdp(attributes: Attributes<'_>) -> Vec<(XdpMode, u32)> {
    const ATTACHED: u16 = 2;
    const ID: u16 = 4;
    const MODES: [(u8, u16, XdpMode); 3] =
        [(1, 5, XdpMode::Driver), (2, 6, XdpMode::Generic), (3, 7, XdpMode::Offload)];
    let attached = attributes.get(ATTACHED).and_then(|value| value.first()).copied().unwrap_or_default();
    let of_mode = |&(number, own, mode): &(u8, u16, XdpMode)| {
        let program = attributes.u32(own).or_else(|| (attached == number).then(|| attributes.u32(ID)).flatten());
        Some((mode, program.filter(|&program| program != 0)?))
    };
    MODES.iter().filter_map(of_mode).collect()
}

/// All queueing disciplines.
pub(super) fn qdiscs(netlink: &mut Netlink) -> io::Result<Vec<Qdisc>> {
    netlink.dump(RTM_GETQDISC, &[0; TC_HEAD], |qdiscs: &mut Vec<Qdisc>, message| qdiscs.extend(qdisc(message)))
}

fn qdisc(message: &[u8]) -> Option<Qdisc> {
    const KIND: u16 = 1;
    const STATS2: u16 = 7;
    const QUEUE: u16 = 3;
    let attributes = Attributes::after(message, TC_HEAD);
    Some(Qdisc {
        device: u32_at(message, 4)?,
        handle: u32_at(message, 8)?,
        kind: String::from_utf8_lossy(text(attributes.get(KIND)?)).into_owned(),
        // struct gnet_stats_queue: qlen, backlog, drops, requeues, overlimits
        drops: attributes.within(STATS2).get(QUEUE).and_then(|queue| u32_at(queue, 8)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_taken_apart() {
        let mut message = vec![0; LINK_HEAD];
        message[4] = 7;
        message[8] = 1;
        let (mut info, mut of_xdp) = (Vec::new(), Vec::new());
        attribute(1, b"veth\0", &mut info);
        attribute(2, &[2], &mut of_xdp);
        attribute(4, &31_u32.to_ne_bytes(), &mut of_xdp);
        attribute(3, b"eth0\0", &mut message);
        attribute(5, &9_u32.to_ne_bytes(), &mut message);
        attribute(37, &3_i32.to_ne_bytes(), &mut message);
        attribute(18, &info, &mut message);
        attribute(43, &of_xdp, &mut message);
        let expected = Link {
            device: Device { index: 7, name: b"eth0".to_vec() },
            kind: "veth".to_owned(),
            up: true,
            peer: Some(9),
            peer_netns: Some(3),
            xdp: vec![(XdpMode::Generic, 31)],
        };
        assert_eq!(link(&message), Some(expected));
        for end in 0..message.len() {
            let _ = link(&message[..end]);
        }
    }

    #[test]
    fn programs_of_several_modes_are_told_apart() {
        let mut several = Vec::new();
        attribute(2, &[4], &mut several);
        attribute(5, &1_u32.to_ne_bytes(), &mut several);
        attribute(6, &2_u32.to_ne_bytes(), &mut several);
        assert_eq!(xdp(Attributes(&several)), [(XdpMode::Driver, 1), (XdpMode::Generic, 2)]);
        assert!(xdp(Attributes(&[])).is_empty());
    }

    #[test]
    fn drops_are_in_the_statistics() {
        let (mut message, mut stats) = (vec![0; TC_HEAD], Vec::new());
        let queue: Vec<u8> = [0_u32, 0, 5, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
        attribute(3, &queue, &mut stats);
        attribute(1, b"clsact\0", &mut message);
        attribute(7, &stats, &mut message);
        let found = qdisc(&message).unwrap();
        assert_eq!((found.drops, found.is_at_ends()), (Some(5), true));
    }
}

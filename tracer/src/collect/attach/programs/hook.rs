//! Where a BPF program ran: what its hit tells, and what the links say by which programs are attached.

use tracer_common::event::hook;

/// What a link attaches a program to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::collect) enum Attachment {
    /// tcx, of the device with this index.
    Tcx { ifindex: u32, egress: bool },
    /// A pair of netkit devices, at the end of one or the other.
    Netkit { peer: bool },
}

/// Where a hit was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// One of [`tracer_common::event::hook`].
    pub hook: u8,
    /// Index of the packet's device; 0 where it has none.
    pub ifindex: u32,
}

/// The hook's name. A link tells more than the hit; one without a link is at tc, by a filter or by tcx without one.
pub(super) fn name(place: Place, links: &[Attachment]) -> Option<&'static str> {
    match place.hook {
        hook::DRIVER => return Some("xdp driver"),
        hook::GENERIC => return Some("xdp generic"),
        _ => {}
    }
    let egress = place.hook == hook::EGRESS;
    let here = Attachment::Tcx { ifindex: place.ifindex, egress };
    if place.hook != hook::NONE && links.contains(&here) {
        return Some(if egress { "tcx egress" } else { "tcx ingress" });
    }
    let at = |peer| links.contains(&Attachment::Netkit { peer });
    match (at(false), at(true), place.hook) {
        (true, false, _) => Some("netkit primary"),
        (false, true, _) => Some("netkit peer"),
        (true, true, _) => Some("netkit"),
        (_, _, hook::INGRESS) => Some("tc ingress"),
        (_, _, hook::EGRESS) => Some("tc egress"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_tell_more_than_hits() {
        let tcx = Attachment::Tcx { ifindex: 3, egress: true };
        let (primary, peer) = (Attachment::Netkit { peer: false }, Attachment::Netkit { peer: true });
        let check = |hook, ifindex, links: &[Attachment], expected| {
            assert_eq!(name(Place { hook, ifindex }, links), expected, "{hook} {ifindex} {links:?}");
        };
        check(hook::EGRESS, 3, &[tcx], Some("tcx egress"));
        check(hook::EGRESS, 4, &[tcx], Some("tc egress"));
        check(hook::INGRESS, 3, &[tcx], Some("tc ingress"));
        check(hook::INGRESS, 3, &[], Some("tc ingress"));
        check(hook::NONE, 3, &[], None);
        check(hook::EGRESS, 3, &[primary, tcx], Some("tcx egress"));
        check(hook::INGRESS, 9, &[primary], Some("netkit primary"));
        check(hook::NONE, 9, &[peer], Some("netkit peer"));
        check(hook::EGRESS, 9, &[peer, primary], Some("netkit"));
        check(hook::DRIVER, 3, &[tcx], Some("xdp driver"));
        check(hook::GENERIC, 3, &[], Some("xdp generic"));
    }
}

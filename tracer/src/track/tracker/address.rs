//! Where one packet ends and the next begins among the hits at one address.

use crate::{
    model::EventKind,
    track::{
        Hop,
        rules::{Role, Roles},
    },
};

/// How many of the hops at one address are those of the first packet, if it is complete by `until`.
pub(super) fn first_packet(hops: &[Hop], roles: &Roles, until: u64) -> Option<usize> {
    let role = |hop: &Hop| roles.get(hop.probe);
    let mut last = (0..hops.len())
        .find(|&index| matches!(role(&hops[index]), Role::Release | Role::Last) || begins_anew(hops, index + 1))?;
    let released = !begins_anew(hops, last + 1);
    while released && role(hops.get(last)?) != Role::Last && hops.get(last + 1).is_some_and(|hop| role(hop).is_end()) {
        last += 1;
    }
    (hops.get(last)?.time <= until).then_some(last + 1)
}

/// A silence that a packet seldom falls into between its tracepoints, nanoseconds.
const SILENCE: u64 = 1_000_000;

/// Of packets of which only tracepoints are seen, the release of some is not: then a packet that comes, after a silence, to
/// where the one before began is another one. Functions miss no release.
pub(super) fn begins_anew(hops: &[Hop], index: usize) -> bool {
    let (Some(first), Some(hop)) = (hops.first(), hops.get(index)) else { return false };
    let before = hops.get(index.wrapping_sub(1)).unwrap_or(first);
    hop.kind == EventKind::Tracepoint
        && hop.probe == first.probe
        && hop.time - before.time >= SILENCE
        && hops[..index].iter().all(|hop| hop.kind != EventKind::Call)
}

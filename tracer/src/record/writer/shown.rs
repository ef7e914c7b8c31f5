//! Which hops get a packet block of their own: those whose bytes are new, and drops.

use std::collections::HashMap;

use super::hops::header_bytes;
use crate::{
    model::{Branch, Event, EventKind, Origin},
    record::format::rows::HeaderBytes,
};

/// Packets remembered at a time. Forgetting one costs no more than showing it once more.
const MOST: usize = 16_384;

/// Why a hop is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The packet was not shown before.
    First,
    /// Its headers are others than when it was shown last.
    Changed,
    /// It was dropped.
    Dropped,
}

/// What was shown last of each packet.
#[derive(Default)]
pub(super) struct Shown {
    headers: HashMap<Key, HeaderBytes>,
    /// The packet of the last hop that was not shown: its next one mostly is like it.
    last: Option<(Key, HeaderBytes)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    skb: u64,
    branch: Option<(u64, u32)>,
}

impl Shown {
    /// Whether to show this hop, and why. `has_bytes` tells that there is something to show.
    pub(super) fn judge(&mut self, event: &Event) -> Option<Why> {
        let key = key(event.skb, event.branch);
        if event.kind == EventKind::Drop {
            self.forget(key);
            return Some(Why::Dropped);
        }
        let headers = header_bytes(&event.headers);
        if self.last == Some((key, headers)) {
            return None;
        }
        let whole = event.details.as_ref().is_some_and(|details| !details.packet.is_empty());
        if (event.headers.origin != Origin::Packet || headers.len == 0) && !whole {
            return None;
        }
        let before = self.headers.get(&key).copied();
        let why = match before {
            None => Why::First,
            Some(before) if same(&before, &headers) => {
                self.last = Some((key, headers));
                return None;
            }
            Some(_) => Why::Changed,
        };
        if self.headers.len() >= MOST && before.is_none() {
            self.headers.clear();
        }
        self.headers.insert(key, headers);
        self.last = Some((key, headers));
        Some(why)
    }

    /// The packet is no more.
    pub(super) fn ended(&mut self, skb: u64, branch: Branch) {
        self.forget(key(skb, Some(branch)));
    }

    fn forget(&mut self, key: Key) {
        self.headers.remove(&key);
        self.last = None;
    }

    /// Shows each packet anew: what was written so far may not be there any more.
    pub(super) fn clear(&mut self) {
        self.headers.clear();
        self.last = None;
    }
}

fn key(skb: u64, branch: Option<Branch>) -> Key {
    Key { skb, branch: branch.map(|branch| (branch.journey.0, branch.number)) }
}

/// Equal as far as both were read.
fn same(a: &HeaderBytes, b: &HeaderBytes) -> bool {
    let common = usize::from(a.len.min(b.len)).min(a.bytes.len());
    a.bytes[..common] == b.bytes[..common]
}

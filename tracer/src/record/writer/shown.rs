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
    /// `None` of a packet that is over: giving its memory back shows nothing new.
    headers: HashMap<Key, Option<HeaderBytes>>,
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
            self.over(key, true);
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
            Some(None) => return None,
            Some(Some(before)) if same(&before, &headers) => {
                self.last = Some((key, headers));
                return None;
            }
            Some(Some(_)) => Why::Changed,
        };
        self.make_room();
        self.headers.insert(key, Some(headers));
        self.last = Some((key, headers));
        Some(why)
    }

    /// The packet is no more.
    pub(super) fn ended(&mut self, skb: u64, branch: Branch) {
        let key = key(skb, Some(branch));
        let shown = self.headers.contains_key(&key);
        self.over(key, shown);
    }

    /// Another packet may have the same address, but none has the same branch.
    fn over(&mut self, key: Key, shown: bool) {
        self.last = None;
        if key.branch.is_none() {
            self.headers.remove(&key);
        } else if shown {
            self.make_room();
            self.headers.insert(key, None);
        }
    }

    fn make_room(&mut self) {
        if self.headers.len() >= MOST {
            self.headers.clear();
        }
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

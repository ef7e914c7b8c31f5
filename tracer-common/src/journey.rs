//! Following packets: what the kernel side notes of each `sk_buff` that it follows, and tells of their changes.
//!
//! A journey is the story of one packet that matched. It begins with one `sk_buff`, its first branch; clones, copies,
//! segments and fragments of a branch are further branches of the same journey. A branch ends when its `sk_buff` is freed.
//! Journeys and branches are numbered from 1 on by the same counter; the first branch has the journey's number.

/// Most `sk_buff`s followed at a time.
pub const MOST_FOLLOWED: u32 = 65_536;

/// What is noted of a followed `sk_buff`, by its address.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Followed {
    /// Its journey; 0 for a packet that matches and is not to be shown (sampling).
    pub journey: u64,
    /// Kernel time when it was let go ([`state::RELEASED`]).
    pub released: u64,
    /// Its number in the journey.
    pub branch: u32,
    /// The branch it was made from; 0 for the first.
    pub parent: u32,
    /// Filter that it matched.
    pub generation: u32,
    /// One of [`state`].
    pub state: u32,
}

/// Where a followed `sk_buff` is in its life ([`Followed::state`]).
pub mod state {
    /// In use.
    pub const ALIVE: u32 = 0;
    /// Let go: the next function that is not part of freeing it sees another packet at the same address.
    pub const RELEASED: u32 = 1;
    /// In use, and its memory is given back as soon as it is let go: nothing else will tell of that.
    pub const LAST: u32 = 2;
}

/// What [`Change::kind`] says.
pub mod change {
    /// A branch was made from `other` by copying its header: a clone, a copy, a segment.
    pub const COPIED: u8 = 1;
    /// A branch was made from `other`: a fragment of an IP packet.
    pub const FRAGMENT: u8 = 2;
    /// A branch was made from `other`: the rest of its data, cut off.
    pub const SPLIT: u8 = 3;
    /// The packet at `other` was merged into `skb` (GRO, coalescing), which is of the same journey from now on.
    pub const MERGED: u8 = 4;
    /// A branch appeared on a stack that worked on `other`.
    pub const STACK: u8 = 5;
    /// The branch ended: its `sk_buff` was freed, or merged into another one; or it had none, and XDP dropped it or sent it
    /// elsewhere.
    pub const ENDED: u8 = 6;
}

/// A change in the life of a followed packet that is not a hit: sent in a record of its own, which its length tells apart.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Change {
    /// `bpf_ktime_get_ns`.
    pub time: u64,
    /// The journey.
    pub journey: u64,
    /// Address of the `sk_buff` that `branch` is.
    pub skb: u64,
    /// Address of the other one, or 0.
    pub other: u64,
    /// The branch that begins or ends, or goes on.
    pub branch: u32,
    /// The branch at `other`; 0 where it is not followed.
    pub parent: u32,
    /// CPU of the change.
    pub cpu: u16,
    /// One of [`change`].
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

const _: () = assert!(size_of::<Followed>() == 32);
const _: () = assert!(size_of::<Change>() == 48);

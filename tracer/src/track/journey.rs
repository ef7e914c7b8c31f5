//! The story of one packet: its hops in kernel-time order, its branches, and how it ended.

use super::{Changed, DeviceId, Hop, Look, NetnsId, Verdict, look::Known};
use crate::model::{ChangeKind, JourneyId, ProbeId};

/// What tells a packet from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The kernel side follows it and gave it this number.
    Followed(JourneyId),
    /// Only the address of its `sk_buff`: a tracker's own count, from 1 on, and the address. Copies are packets of their
    /// own, and two packets may look like one where their release was not seen.
    Address {
        /// Number of the packet; 0 while it is on its way.
        number: u64,
        /// Address of the `sk_buff`.
        skb: u64,
    },
}

/// How a journey came out of the tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is on its way, or was when the trace ended.
    Open,
    /// All its branches ended.
    Ended,
    /// Nothing was heard of it for a long time.
    Idle,
    /// Given up to make room.
    Evicted,
}

/// One `sk_buff` of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strand {
    /// Number of the branch.
    pub number: u32,
    /// The branch it was made from.
    pub parent: Option<u32>,
    /// When and how it began, where the kernel told.
    pub began: Option<(u64, ChangeKind)>,
    /// When it ended.
    pub ended: Option<u64>,
    /// The branch that took its data over.
    pub merged_into: Option<u32>,
    /// What became of it, as far as its hops tell.
    pub verdict: Verdict,
}

/// The story of one packet.
#[derive(Clone, Debug)]
pub struct Journey {
    /// What tells it from others.
    pub identity: Identity,
    /// Its hops in kernel-time order.
    pub hops: Vec<Hop>,
    /// How it looked; hops refer to these.
    pub looks: Vec<Look>,
    /// Its branches by number. There is at least one.
    pub strands: Vec<Strand>,
    /// How it came out of the tracker.
    pub state: State,
    /// Hops that were not kept, since the journey is too long.
    pub left_out: u64,
}

impl Journey {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, hops: Vec::new(), looks: Vec::new(), strands: Vec::new(), state: State::Open, left_out: 0 }
    }

    /// Empties it, for another packet.
    pub(super) fn clear(&mut self) {
        self.hops.clear();
        self.looks.clear();
        self.strands.clear();
        self.state = State::Open;
        self.left_out = 0;
    }

    /// Its number in the run.
    pub fn number(&self) -> u64 {
        match self.identity {
            Identity::Followed(JourneyId(number)) | Identity::Address { number, .. } => number,
        }
    }

    /// Kernel time of the first hop; 0 without any.
    pub fn start(&self) -> u64 {
        self.hops.first().map_or(0, |hop| hop.time)
    }

    /// Nanoseconds from the first to the last hop.
    pub fn took(&self) -> u64 {
        self.hops.last().map_or(0, |last| last.time - self.start())
    }

    /// Nanoseconds from the first hop to the one that its verdict rests on. What is given back later takes its time, which is not
    /// the packet's.
    pub fn decided_after(&self) -> u64 {
        match self.verdict() {
            Verdict::LastSeen { .. } => self.took(),
            verdict => {
                verdict.hop().and_then(|hop| self.hops.get(hop)).map_or(self.took(), |hop| hop.time - self.start())
            }
        }
    }

    /// Its beginning is missing: the hits before were lost, or an earlier part was let go as idle.
    pub fn is_headless(&self) -> bool {
        matches!(self.identity, Identity::Followed(_)) && self.hops.first().is_some_and(|hop| !hop.has(Hop::FIRST))
    }

    /// What became of it: of its branches, that which got furthest.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.strands.iter().map(|strand| strand.verdict);
        verdicts.max_by_key(|verdict| (verdict.rank(), verdict.hop())).unwrap_or(Verdict::Unknown)
    }

    /// Place of a branch among the strands.
    pub fn strand(&self, number: u32) -> Option<usize> {
        // One branch is what nearly all journeys have.
        match self.strands.first() {
            Some(first) if first.number == number => Some(0),
            _ => self.strands.binary_search_by_key(&number, |strand| strand.number).ok(),
        }
    }

    /// The headers at a hop, as far as they were kept.
    pub fn look(&self, hop: &Hop) -> Option<&Look> {
        self.looks.get(usize::from(hop.look))
    }

    /// The look that names the packet: the first whose flow is whole and in its own headers, or what comes nearest to it.
    pub fn title(&self) -> Option<&Look> {
        let mut best: Option<(u8, &Look)> = None;
        for look in self.hops.iter().filter_map(|hop| self.look(hop)) {
            let tells = look.tells();
            if tells > best.map_or(0, |(tells, _)| tells) {
                best = Some((tells, look));
            }
            if tells == Look::ALL {
                break;
            }
        }
        best.map(|(_, look)| look)
    }

    /// For each hop, nanoseconds since the hop before of the same branch, or since the branch began; `None` at its first
    /// where that is not known.
    pub fn gaps(&self) -> Vec<Option<u64>> {
        let mut last: Vec<Option<u64>> = self.strands.iter().map(|strand| strand.began.map(|(time, _)| time)).collect();
        let gap = |hop: &Hop| {
            let last = self.strand(hop.branch).and_then(|index| last.get_mut(index))?;
            last.replace(hop.time).map(|before| hop.time.saturating_sub(before))
        };
        self.hops.iter().map(gap).collect()
    }

    /// The hop before which the most time passed.
    pub fn slowest(&self) -> Option<usize> {
        let gaps = self.gaps();
        let slowest = (0..gaps.len()).max_by_key(|&index| (gaps[index], std::cmp::Reverse(index)))?;
        gaps[slowest].filter(|gap| *gap > 0).map(|_| slowest)
    }

    /// Nanoseconds from the first hit of one probe to the next hit of another.
    pub fn between(&self, from: ProbeId, to: ProbeId) -> Option<u64> {
        let first = self.hops.iter().position(|hop| hop.probe == from)?;
        let next = self.hops.get(first + 1..)?.iter().find(|hop| hop.probe == to)?;
        Some(next.time - self.hops[first].time)
    }

    /// What changed on the way: the hop at which it was seen, and what. Branches are compared with their own past.
    pub fn changes(&self) -> Vec<(usize, Changed)> {
        let mut found = Vec::new();
        if self.looks.len() < 2 {
            return found;
        }
        let mut known = vec![Known::default(); self.strands.len()];
        for (index, hop) in self.hops.iter().enumerate() {
            if let (Some(look), Some(strand)) = (self.look(hop), self.strand(hop.branch)) {
                known[strand].step(look, hop.len, &mut |changed| found.push((index, changed)));
            }
        }
        found
    }

    /// Namespaces and devices in the order in which they were entered, the same one never twice in a row.
    pub fn crossed(&self) -> Vec<(NetnsId, DeviceId)> {
        let mut places: Vec<_> = self.hops.iter().map(|hop| (hop.netns, hop.device)).collect();
        places.dedup();
        places
    }

    /// Puts a hop in its place in time; nearly always that is the end. False if it comes so late that making room for it,
    /// again and again, would take all the time there is.
    pub(super) fn insert(&mut self, hop: Hop) -> bool {
        const FARTHEST: usize = 4096;
        let younger = self.hops.iter().rev().take_while(|other| other.order() > hop.order());
        match younger.take(FARTHEST + 1).count() {
            0 => self.hops.push(hop),
            behind if behind <= FARTHEST => self.hops.insert(self.hops.len() - behind, hop),
            _ => return false,
        }
        true
    }

    /// The strand of a branch, made where it is new. Numbers grow, so a parent that does not is none.
    pub(super) fn strand_mut(&mut self, number: u32, parent: Option<u32>) -> &mut Strand {
        let index = match self.strands.last() {
            Some(last) if last.number < number => Err(self.strands.len()),
            _ => self.strands.binary_search_by_key(&number, |strand| strand.number),
        };
        let parent = parent.filter(|parent| *parent < number);
        match index {
            Ok(index) => {
                let strand = &mut self.strands[index];
                strand.parent = strand.parent.or(parent);
                strand
            }
            Err(index) => {
                let strand =
                    Strand { number, parent, began: None, ended: None, merged_into: None, verdict: Verdict::Unknown };
                self.strands.insert(index, strand);
                &mut self.strands[index]
            }
        }
    }

    /// Index of this look. One that was last seen long ago may be kept twice, so that finding it takes no time; there are
    /// never more of them than hops.
    pub(super) fn keep_look(&mut self, look: &Look) -> u16 {
        const RECENT: usize = 16;
        let older = self.looks.len().saturating_sub(RECENT);
        if let Some(index) = self.looks[older..].iter().rposition(|known| known == look) {
            return (older + index) as u16;
        }
        if self.looks.len() >= usize::from(Hop::NO_LOOK) {
            return Hop::NO_LOOK;
        }
        self.looks.push(*look);
        self.looks.len() as u16 - 1
    }

    /// It holds nothing that could be shown.
    pub(super) fn is_blank(&self) -> bool {
        self.hops.is_empty() && self.left_out == 0
    }

    /// Takes the first hops out, as journeys of so many hops each.
    pub(super) fn cut(&mut self, counts: &[usize]) -> Vec<Self> {
        let mut start = 0;
        let mut pieces = Vec::with_capacity(counts.len());
        for count in counts {
            let end = (start + count).min(self.hops.len());
            pieces.push(self.piece(start..end));
            start = end;
        }
        *self = self.piece(start..self.hops.len());
        pieces
    }

    /// A journey of some of the hops, with the looks that these refer to. Hops that were left out are anybody's; they go to
    /// the first piece.
    fn piece(&mut self, range: std::ops::Range<usize>) -> Self {
        let mut piece = Self { strands: self.strands.clone(), ..Self::new(self.identity) };
        piece.left_out = std::mem::take(&mut self.left_out);
        piece.hops.extend_from_slice(self.hops.get(range).unwrap_or_default());
        for index in 0..piece.hops.len() {
            let look = self.look(&piece.hops[index]).copied();
            piece.hops[index].look = look.map_or(Hop::NO_LOOK, |look| piece.keep_look(&look));
        }
        piece
    }
}

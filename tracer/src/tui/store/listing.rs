//! Which packets a list shows, and in which order: worked out step by step, a slice of time at each, so that no key has to wait.

use std::{collections::VecDeque, ops::Range, time::Instant};

use super::{DisplayFilter, Seq, Store};
use crate::view::packets::PacketColumn;

/// Packets handled before the clock is looked at.
const CHUNK: usize = 64;

/// What to sort by, and whether the largest comes first.
#[derive(Clone, Copy)]
pub struct Order {
    /// The column.
    pub column: &'static dyn PacketColumn,
    /// The largest first.
    pub descending: bool,
}

/// The list.
#[derive(Default)]
pub struct Listing {
    filter: Option<DisplayFilter>,
    order: Option<Order>,
    rows: Rows,
    /// Numbers below have been handled.
    done: Seq,
    /// Of these, packets that the filter let pass and that have no row yet, the newest first.
    passed: Vec<Seq>,
    /// Rows below have been let go.
    cut_at: Seq,
    generation: u64,
    /// Counts on with each other filter.
    version: u64,
}

enum Rows {
    /// All of these, as they came.
    All(Range<Seq>),
    /// Some, as they came.
    Some(VecDeque<Seq>),
    /// Sorted, with what they are sorted by.
    Sorted(Vec<(u128, Seq)>),
}

impl Default for Rows {
    fn default() -> Self {
        Self::All(0..0)
    }
}

impl Listing {
    /// The filter.
    pub fn filter(&self) -> Option<&DisplayFilter> {
        self.filter.as_ref()
    }

    /// Puts another filter in force.
    pub fn set_filter(&mut self, filter: Option<DisplayFilter>) {
        self.filter = filter;
        self.version += 1;
        self.begin();
    }

    /// Counts on whenever another filter is put in force.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What it is sorted by.
    pub fn order(&self) -> Option<Order> {
        self.order
    }

    /// Sorts by another column, or not at all.
    ///
    /// Which packets the filter lets pass is known by now, and need not be found out again.
    pub fn set_order(&mut self, order: Option<Order>) {
        let turned = self.order.zip(order).is_some_and(|(old, new)| old.column.name() == new.column.name());
        self.order = order;
        if turned {
            // Rows are kept ascending in any case.
            return;
        }
        let (done, passed) = (self.done, self.passed());
        self.begin();
        if self.filter.is_some() {
            (self.done, self.passed) = (done, passed);
        }
    }

    /// Packets that the filter has let pass, the newest first.
    fn passed(&mut self) -> Vec<Seq> {
        let mut passed = std::mem::take(&mut self.passed);
        match &self.rows {
            Rows::All(_) => {}
            Rows::Some(seqs) => passed.extend(seqs),
            Rows::Sorted(rows) => passed.extend(rows.iter().map(|(_, seq)| *seq)),
        }
        passed.sort_unstable_by_key(|seq| std::cmp::Reverse(*seq));
        passed
    }

    /// Rows that there are.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::All(range) => (range.end - range.start) as usize,
            Rows::Some(seqs) => seqs.len(),
            Rows::Sorted(rows) => rows.len(),
        }
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packet in a row.
    pub fn get(&self, row: usize) -> Option<Seq> {
        match &self.rows {
            Rows::All(range) => range.clone().nth(row),
            Rows::Some(seqs) => seqs.get(row).copied(),
            Rows::Sorted(rows) => self.sorted(row, rows.len()).and_then(|place| rows.get(place)).map(|(_, seq)| *seq),
        }
    }

    /// The row of a packet.
    pub fn row(&self, seq: Seq) -> Option<usize> {
        match &self.rows {
            Rows::All(range) => range.contains(&seq).then(|| (seq - range.start) as usize),
            Rows::Some(seqs) => seqs.binary_search(&seq).ok(),
            Rows::Sorted(rows) => {
                let place = rows.iter().position(|(_, other)| *other == seq)?;
                self.sorted(place, rows.len())
            }
        }
    }

    /// Takes packets that have come, up to `end`, and lets go of those that are gone. Ends at `deadline`, if there is one;
    /// false if there is more to do.
    pub fn update(
        &mut self,
        store: &Store,
        end: Seq,
        key: &dyn Fn(&Order, Seq) -> u128,
        deadline: Option<Instant>,
    ) -> bool {
        if self.generation != store.generation() {
            self.generation = store.generation();
            self.begin();
        }
        let first = store.seqs().start;
        let end = end.clamp(first, store.seqs().end);
        self.cut(first, end);
        self.done = self.done.clamp(first, end);
        let mut fresh = Vec::new();
        let mut timely = self.replace(first..end, key, deadline, &mut fresh);
        while self.done < end && timely {
            let until = (self.done + CHUNK as u64).min(end);
            self.chunk(store, until, key, &mut fresh);
            self.done = until;
            timely = deadline.is_none_or(|deadline| Instant::now() < deadline);
        }
        self.merge(fresh);
        self.done >= end && self.passed.is_empty()
    }

    /// Gives packets that have passed the filter their rows again; false where there was no time for all.
    fn replace(
        &mut self,
        window: Range<Seq>,
        key: &dyn Fn(&Order, Seq) -> u128,
        deadline: Option<Instant>,
        fresh: &mut Vec<(u128, Seq)>,
    ) -> bool {
        let mut handled = 0_usize;
        while let Some(seq) = self.passed.pop() {
            match (&mut self.rows, &self.order) {
                _ if !window.contains(&seq) => {}
                (Rows::Some(seqs), _) => seqs.push_back(seq),
                (_, Some(order)) => fresh.push((key(order, seq), seq)),
                _ => {}
            }
            handled += 1;
            if handled.is_multiple_of(CHUNK) && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
        }
        true
    }

    /// How many of the packets have been looked at.
    pub fn done(&self) -> Seq {
        self.done
    }

    fn chunk(&mut self, store: &Store, until: Seq, key: &dyn Fn(&Order, Seq) -> u128, fresh: &mut Vec<(u128, Seq)>) {
        for seq in self.done..until {
            let wanted = match (&mut self.filter, store.get(seq)) {
                (Some(filter), Some(packet)) => filter.matches(packet, store.tables(), store.probes()),
                (None, found) => found.is_some(),
                (Some(_), None) => false,
            };
            match (&mut self.rows, &self.order) {
                (Rows::All(range), _) => range.end = seq + 1,
                (Rows::Some(seqs), _) if wanted => seqs.push_back(seq),
                (Rows::Sorted(_), Some(order)) if wanted => fresh.push((key(order, seq), seq)),
                _ => {}
            }
        }
    }

    /// Lets go of rows outside of these.
    fn cut(&mut self, first: Seq, end: Seq) {
        if first <= self.cut_at && end >= self.done {
            return;
        }
        self.cut_at = first;
        match &mut self.rows {
            Rows::All(range) => *range = range.start.clamp(first, end)..range.end.clamp(first, end),
            Rows::Some(seqs) => {
                seqs.drain(..seqs.partition_point(|seq| *seq < first));
                seqs.truncate(seqs.partition_point(|seq| *seq < end));
            }
            Rows::Sorted(rows) => rows.retain(|(_, seq)| (first..end).contains(seq)),
        }
    }

    /// Sorted rows are kept ascending; those that are equal stand as they came.
    #[expect(
        clippy::stable_sort_primitive,
        reason = "the stable sort finds the two runs that are in order, the other does not"
    )]
    fn merge(&mut self, mut fresh: Vec<(u128, Seq)>) {
        let Rows::Sorted(rows) = &mut self.rows else { return };
        if fresh.is_empty() {
            return;
        }
        fresh.sort_unstable();
        if rows.last().is_none_or(|last| *last <= fresh[0]) {
            rows.append(&mut fresh);
            return;
        }
        // Runs that are in order already cost this sort no more than a merge.
        rows.append(&mut fresh);
        rows.sort();
    }

    fn sorted(&self, place: usize, len: usize) -> Option<usize> {
        match self.order {
            Some(Order { descending: true, .. }) => len.checked_sub(place + 1),
            _ => Some(place),
        }
    }

    fn begin(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.begin();
        }
        self.done = 0;
        self.passed.clear();
        self.cut_at = 0;
        self.rows = match (&self.filter, &self.order) {
            (_, Some(_)) => Rows::Sorted(Vec::new()),
            (Some(_), None) => Rows::Some(VecDeque::new()),
            (None, None) => Rows::default(),
        };
    }
}

impl Order {
    /// Rows turned round.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { descending: !self.descending, ..self }
    }
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Listing").field("done", &self.done).finish_non_exhaustive()
    }
}

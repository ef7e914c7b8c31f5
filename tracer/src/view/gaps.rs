//! Time since the previous event of the same `sk_buff`, in bounded memory.

use std::collections::HashMap;

/// Most packets remembered.
const MOST: usize = 1 << 16;

/// When each `sk_buff` was seen last.
#[derive(Default)]
pub(super) struct Gaps {
    last: HashMap<u64, u64>,
}

impl Gaps {
    /// Nanoseconds since this `sk_buff` was seen last; 0 the first time, and where CPUs are read slightly out of order.
    pub(super) fn since(&mut self, skb: u64, time: u64) -> u64 {
        if self.last.len() >= MOST {
            self.forget_half();
        }
        self.last.insert(skb, time).map_or(0, |last| time.saturating_sub(last))
    }

    /// The memory of this `sk_buff` goes back to the kernel: the next one at its address is another packet.
    pub(super) fn freed(&mut self, skb: u64) {
        self.last.remove(&skb);
    }

    fn forget_half(&mut self) {
        let mut times: Vec<u64> = self.last.values().copied().collect();
        let (_, &mut median, _) = times.select_nth_unstable(MOST / 2);
        self.last.retain(|_, time| *time > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_belong_to_one_packet() {
        let mut gaps = Gaps::default();
        let found: Vec<u64> =
            [(1, 10), (2, 11), (1, 15), (2, 10), (1, 16)].map(|(skb, time)| gaps.since(skb, time)).into();
        assert_eq!(found, [0, 0, 5, 0, 1]);
        gaps.freed(1);
        assert_eq!(gaps.since(1, 20), 0);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut gaps = Gaps::default();
        for skb in 0..3 * MOST as u64 {
            gaps.since(skb, skb);
        }
        assert!(gaps.last.len() <= MOST);
        let newest = 3 * MOST as u64 - 1;
        assert_eq!(gaps.since(newest, newest + 7), 7);
    }

    #[test]
    fn many_packets_at_one_moment() {
        let mut gaps = Gaps::default();
        for skb in 0..2 * MOST as u64 {
            gaps.since(skb, 1);
        }
        assert!(gaps.last.len() <= MOST);
    }
}

//! Which latencies moved, and when that is worth saying.

use std::collections::BTreeMap;

use super::{Side, Way};
use crate::track::Histogram;

/// Fewer packets on a side prove nothing.
const ENOUGH: u64 = 20;
/// Smaller differences are the probes' own noise, nanoseconds.
const NOTICEABLE: u64 = 1_000;
/// The larger one is at least this many times the smaller one.
const RATIO: f64 = 1.3;

/// A latency that differs: both sides have at least 20 packets, the medians differ by at least 1 µs, and the larger one is at
/// least 1.3 times the smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// From which stop to which; `None` for the whole way.
    pub between: Option<(String, String)>,
    /// Medians of A and B, nanoseconds.
    pub p50: [u64; 2],
    /// 99th percentiles of A and B, nanoseconds.
    pub p99: [u64; 2],
}

impl Moved {
    fn size(&self) -> u64 {
        self.p50[0].abs_diff(self.p50[1])
    }
}

/// Latencies that moved, the whole way first, then the largest difference.
pub(super) fn moved(a: &Side, b: &Side) -> Vec<Moved> {
    let (gaps_a, gaps_b) = (gaps(a), gaps(b));
    let pairs = gaps_a.iter().filter_map(|(pair, a)| Some((pair, a, gaps_b.get(pair)?)));
    let mut found: Vec<Moved> =
        pairs.filter_map(|((from, to), a, b)| compare(Some(((*from).to_owned(), (*to).to_owned())), a, b)).collect();
    found.sort_by_key(|moved| std::cmp::Reverse(moved.size()));
    let whole = compare(None, &total(a), &total(b));
    whole.into_iter().chain(found).collect()
}

fn gaps(side: &Side) -> BTreeMap<(&str, &str), Histogram> {
    let mut found: BTreeMap<_, Histogram> = BTreeMap::new();
    for Way { stops, .. } in &side.ways {
        for pair in stops.windows(2) {
            let [before, stop] = pair else { continue };
            found.entry((before.name.as_str(), stop.name.as_str())).or_default().merge(&stop.gap);
        }
    }
    found
}

fn total(side: &Side) -> Histogram {
    let mut sum = Histogram::default();
    side.ways.iter().for_each(|way| sum.merge(&way.total));
    sum
}

fn compare(between: Option<(String, String)>, a: &Histogram, b: &Histogram) -> Option<Moved> {
    if a.count() < ENOUGH || b.count() < ENOUGH {
        return None;
    }
    let both = |share| Some([a.quantile(share)?, b.quantile(share)?]);
    let moved = Moved { between, p50: both(0.5)?, p99: both(0.99)? };
    let (smaller, larger) = (moved.p50[0].min(moved.p50[1]), moved.p50[0].max(moved.p50[1]));
    (moved.size() >= NOTICEABLE && larger as f64 >= smaller as f64 * RATIO).then_some(moved)
}

//! Whom the addresses stand for that Merbridge makes up.
//!
//! The map has them as values of its entries, not as keys, so it is read whole: at most once a second, and only where such an
//! address is asked for.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use crate::inspect::{
    Error,
    dataplane::{Found, newest},
    maps::decode::merbridge::{
        is_made_up,
        redirects::{PAIRS, read_pair},
    },
};

/// Between two times that the map is read.
const PAUSE: Duration = Duration::from_secs(1);

/// The map that is asked, and what it said last.
#[derive(Debug)]
pub struct Lookup {
    pairs: Found,
    read: Option<Instant>,
    wanted: HashMap<IpAddr, BTreeSet<SocketAddr>>,
}

impl Lookup {
    /// Takes the map that is needed; `None` on a machine without Merbridge.
    pub fn find(bpffs: &Path) -> Result<Option<Self>, Error> {
        let pairs = newest(&PAIRS, bpffs, None)?;
        Ok(pairs.map(|pairs| Self { pairs, read: None, wanted: HashMap::new() }))
    }

    /// The map.
    pub fn maps(&self) -> impl Iterator<Item = &Found> {
        std::iter::once(&self.pairs)
    }

    /// Where those wanted to go, in order, whose connections were led to the sidecar under this address.
    pub fn stands_for(&mut self, address: IpAddr) -> Result<Vec<SocketAddr>, Error> {
        if !is_made_up(address) {
            return Ok(Vec::new());
        }
        if self.read.is_none_or(|read| read.elapsed() >= PAUSE) {
            self.wanted = self.read()?;
            self.read = Some(Instant::now());
        }
        Ok(self.wanted.get(&address).into_iter().flatten().copied().collect())
    }

    fn read(&self) -> Result<HashMap<IpAddr, BTreeSet<SocketAddr>>, Error> {
        let mut wanted: HashMap<_, BTreeSet<_>> = HashMap::new();
        for (pair, origin) in self.pairs.rows(read_pair)?.rows {
            if is_made_up(pair.destination.ip()) {
                wanted.entry(pair.destination.ip()).or_default().insert(origin.address);
            }
        }
        Ok(wanted)
    }
}

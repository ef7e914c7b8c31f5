//! How long packets take from one function to another.

use super::{Histogram, Journey};
use crate::model::{Probe, ProbeId};

/// Times from the first hit of one function to the next hit of another, of all packets.
#[derive(Clone, Debug)]
pub struct Between {
    /// Name of the first function.
    pub from: String,
    /// Name of the other.
    pub to: String,
    /// The times, nanoseconds.
    pub times: Histogram,
    /// Number of the packet that took longest.
    pub slowest: Option<u64>,
    /// Packets that passed the first function and not the other afterwards.
    pub only_from: u64,
    /// For each probe, whether it is the first function, and whether it is the other.
    ends: Vec<(bool, bool)>,
}

impl Between {
    /// No packets yet.
    pub fn new(from: &str, to: &str) -> Self {
        let (from, to) = (from.to_owned(), to.to_owned());
        Self { from, to, times: Histogram::default(), slowest: None, only_from: 0, ends: Vec::new() }
    }

    /// Which of the two there is no probe for.
    pub fn unknown<'a>(&'a self, probes: &[Probe]) -> Option<&'a str> {
        [&self.from, &self.to].into_iter().find(|name| !probes.iter().any(|probe| is(probe, name))).map(String::as_str)
    }

    /// Takes a packet. `probes` is the run's table, which may have grown.
    pub fn add(&mut self, journey: &Journey, probes: &[Probe]) {
        let Self { from, to, ends, .. } = self;
        let new = probes.get(ends.len()..).unwrap_or_default();
        ends.extend(new.iter().map(|probe| (is(probe, from), is(probe, to))));
        let known = |probe: ProbeId| ends.get(probe.0 as usize).copied().unwrap_or_default();
        let Some(first) = journey.hops.iter().position(|hop| known(hop.probe).0) else { return };
        let start = journey.hops[first].time;
        match journey.hops[first + 1..].iter().find(|hop| known(hop.probe).1) {
            Some(hop) => self.count(hop.time.saturating_sub(start), journey.number()),
            None => self.only_from += 1,
        }
    }

    fn count(&mut self, time: u64, packet: u64) {
        if self.times.range().is_none_or(|(_, most)| time > most) {
            self.slowest = Some(packet);
        }
        self.times.add(time);
    }
}

/// A probe of this name; a tracepoint also goes by its name without the group.
fn is(probe: &Probe, name: &str) -> bool {
    probe.name == name || probe.name.split_once(':').is_some_and(|(_, event)| event == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::testing::{Script, journeys};

    #[test]
    fn from_the_first_hit_to_the_next_one_of_the_other() {
        let mut script = Script::default();
        // The second one passes b before a, and a twice; the third one never reaches b.
        for (packet, hops) in
            [(1, "100 a 150 b 190 b"), (2, "200 b 210 a 220 a 300 b"), (3, "400 a 500 c"), (4, "600 b")]
        {
            let mut words = hops.split(' ');
            while let (Some(time), Some(name)) = (words.next(), words.next()) {
                script.hit(time.parse().unwrap(), packet, packet as u32, name);
            }
        }
        let mut between = Between::new("a", "b");
        assert_eq!(between.unknown(&script.probes), None);
        assert_eq!(Between::new("a", "d").unknown(&script.probes), Some("d"));
        for journey in journeys(&script) {
            between.add(&journey, &script.probes);
        }
        assert_eq!((between.times.range(), between.times.count()), (Some((50, 90)), 2));
        assert_eq!((between.only_from, between.slowest), (1, Some(2)));
    }

    #[test]
    fn tracepoints_go_by_either_name() {
        let probe = Probe { name: "net:netif_rx".to_owned(), module: None, address: 0, takes_reason: false };
        assert!(is(&probe, "netif_rx") && is(&probe, "net:netif_rx") && !is(&probe, "net"));
    }
}

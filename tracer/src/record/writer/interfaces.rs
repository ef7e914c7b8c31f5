//! The interfaces of a section: one for each namespace, device and link type that packets were shown at.

use std::collections::HashMap;

use crate::{
    model::{Event, Name},
    record::format::pcapng::{self, LinkType},
};

/// Interfaces that are told apart; packets at others share one for each link type.
const MOST: usize = 4096;

/// Namespace, index and name of a device, and the link type; `None` stands for all beyond [`MOST`].
type Key = (Option<(Option<u32>, Option<u32>, Name)>, LinkType);

/// The interfaces described so far.
#[derive(Default)]
pub(super) struct Interfaces {
    numbers: HashMap<Key, u32>,
    /// Packets at each.
    packets: Vec<u64>,
}

/// The interface of packets without a device whose namespace is not known either.
const UNKNOWN: Key = (Some((None, None, Name([0; 16]))), LinkType::RawIp);

impl Interfaces {
    /// With [`describe_unknown`] as the first of them.
    pub(super) fn behind_unknown() -> Self {
        Self { numbers: HashMap::from([(UNKNOWN, 0)]), packets: vec![0] }
    }

    /// The number of the interface that a packet is shown at; a new one is described in `out`.
    pub(super) fn number(
        &mut self,
        event: &Event,
        link: LinkType,
        namespaces: &HashMap<u32, String>,
        out: &mut Vec<u8>,
    ) -> u32 {
        let mut key = (Some((event.netns, event.ifindex, event.ifname)), link);
        if self.numbers.len() >= MOST && !self.numbers.contains_key(&key) {
            key.0 = None;
        }
        let number = *self.numbers.entry(key).or_insert_with(|| {
            describe(key, namespaces, out);
            self.packets.push(0);
            self.packets.len() as u32 - 1
        });
        if let Some(packets) = self.packets.get_mut(number as usize) {
            *packets += 1;
        }
        number
    }

    /// Packets at each, in the order of the numbers.
    pub(super) fn packets(&self) -> &[u64] {
        &self.packets
    }
}

/// Appends the description of the interface that stands before all frames: Wireshark's rewriters (4.0) refuse a file in which
/// a block that they do not know comes before the first interface.
pub(super) fn describe_unknown(out: &mut Vec<u8>) {
    describe(UNKNOWN, &HashMap::new(), out);
}

fn describe((device, link): Key, namespaces: &HashMap<u32, String>, out: &mut Vec<u8>) {
    let Some((netns, ifindex, ifname)) = device else {
        return pcapng::interface(link, "", "one of too many interfaces", out);
    };
    let mut parts = Vec::new();
    match netns.map(|inode| (inode, namespaces.get(&inode))) {
        None => parts.push("unknown netns".to_owned()),
        Some((inode, None)) => parts.push(format!("netns {inode}")),
        Some((inode, Some(name))) => parts.push(format!("netns {}:{inode}", plain(name))),
    }
    parts.push(ifindex.map_or("no device".to_owned(), |index| format!("ifindex {index}")));
    let name = plain(&String::from_utf8_lossy(ifname.bytes()));
    pcapng::interface(link, &name, &parts.join(" "), out);
}

/// Names are foreign, and other tools may print them as they are.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

//! Counters of devices and of their queueing disciplines, by netlink.

use std::{collections::HashMap, io};

use super::known::{DEVICE, DEVICE_PLACES, QDISC};
use crate::inspect::netlink::{Attributes, Netlink, text, u32_at};

const RTM_GETLINK: u16 = 18;
const RTM_GETQDISC: u16 = 38;
const IFLA_IFNAME: u16 = 3;
const IFLA_STATS64: u16 = 23;
const TCA_KIND: u16 = 1;
const TCA_STATS2: u16 = 7;
const TCA_STATS_QUEUE: u16 = 3;
/// `TCA_DUMP_INVISIBLE` without a value: those that the kernel put there by itself too.
const DUMP_INVISIBLE: [u8; 4] = [4, 0, 10, 0];
/// Sizes of `struct ifinfomsg` and `struct tcmsg`.
const IFINFOMSG: usize = 16;
const TCMSG: usize = 20;
/// Place of `drops` in `struct gnet_stats_queue`.
const QUEUE_DROPS: usize = 8;

/// A device's name, a counter's name and its value.
type Found = (String, &'static str, u64);

/// Names of devices by index, and their counters.
pub(super) fn devices(netlink: &mut Netlink) -> io::Result<(HashMap<u32, String>, Vec<Found>)> {
    let (mut names, mut found) = (HashMap::new(), Vec::new());
    let list =
        netlink.dump(RTM_GETLINK, &[0; IFINFOMSG], |list: &mut Vec<Vec<u8>>, link| list.push(link.to_owned()))?;
    for link in list {
        let Some(index) = u32_at(&link, 4) else { continue };
        let attributes = Attributes::after(&link, IFINFOMSG);
        let name = attributes.get(IFLA_IFNAME).map(string).unwrap_or_default();
        if let Some(statistics) = attributes.get(IFLA_STATS64) {
            // Older kernels have fewer.
            let counters = DEVICE.iter().zip(DEVICE_PLACES).filter_map(|((counter, _), place)| {
                let value = statistics.get(place * 8..)?.first_chunk()?;
                Some((name.clone(), *counter, u64::from_ne_bytes(*value)))
            });
            found.extend(counters);
        }
        names.insert(index, name);
    }
    Ok((names, found))
}

/// Drops of the queueing disciplines, with where they are: `eth0 fq_codel 8001:`.
pub(super) fn qdiscs(netlink: &mut Netlink, devices: &HashMap<u32, String>) -> io::Result<Vec<Found>> {
    let mut request = vec![0; TCMSG];
    request.extend(DUMP_INVISIBLE);
    netlink.dump(RTM_GETQDISC, &request, |found: &mut Vec<Found>, qdisc| found.extend(counter(qdisc, devices)))
}

fn counter(qdisc: &[u8], devices: &HashMap<u32, String>) -> Option<Found> {
    let (index, handle, parent) = (u32_at(qdisc, 4)?, u32_at(qdisc, 8)?, u32_at(qdisc, 12)?);
    let attributes = Attributes::after(qdisc, TCMSG);
    let kind = attributes.get(TCA_KIND).map(string)?;
    let queue = attributes.within(TCA_STATS2).get(TCA_STATS_QUEUE)?;
    let device = devices.get(&index).cloned().unwrap_or_else(|| index.to_string());
    // Those that the kernel put below a device's queues have no handle of their own.
    let place = match (handle >> 16, parent & 0xffff) {
        (0, queue) if parent != u32::MAX => format!("{device} {kind} at :{queue:x}"),
        (0, _) => format!("{device} {kind}"),
        (major, _) => format!("{device} {kind} {major:x}:"),
    };
    Some((place, QDISC[0].0, u64::from(u32_at(queue, QUEUE_DROPS)?)))
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(text(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_device_counts() {
        let mut netlink = Netlink::route().unwrap();
        let (names, found) = devices(&mut netlink).unwrap();
        assert!(names.values().any(|name| name == "lo"), "{names:?}");
        let of_lo = found.iter().filter(|(device, ..)| device == "lo");
        assert!(of_lo.clone().count() >= 16, "{found:?}");
        assert!(of_lo.clone().any(|(_, name, _)| *name == "rx_dropped"));
        qdiscs(&mut netlink, &names).unwrap();
    }

    #[test]
    fn a_qdisc_is_named_by_device_kind_and_handle() {
        let queue = [24, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let message = |handle: u32, parent: u32| {
            let mut message = vec![0; 4];
            for value in [2, handle, parent, 0] {
                message.extend(value.to_ne_bytes());
            }
            message.extend([7, 0, 1, 0, b'f', b'q', 0, 0, 28, 0, 7, 0]);
            message.extend(queue);
            message
        };
        let devices = HashMap::from([(2, "eth0".to_owned())]);
        let check = |handle, parent, expected: &str| {
            assert_eq!(counter(&message(handle, parent), &devices), Some((expected.to_owned(), "drops", 5)));
        };
        check(0x8001_0000, u32::MAX, "eth0 fq 8001:");
        check(0, u32::MAX, "eth0 fq");
        check(0, 0x0000_0003, "eth0 fq at :3");
        check(0xffff_0000, 0xffff_fff1, "eth0 fq ffff:");
        for length in 0..message(1, 1).len() {
            assert_eq!(counter(&message(1, 1)[..length], &devices), None);
        }
    }
}

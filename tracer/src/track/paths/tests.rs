//! Packets that take the same path, and such that do not; and what is counted of them.

use super::*;
use crate::{
    model::{Branch, EventKind, JourneyId, Probe, ProbeId},
    track::{
        DeviceId, Hop, Limits, NetnsId, TaskId, Tracker,
        testing::{PLACE, POD, Script, journeys},
    },
};

fn paths(script: &Script, limits: PathLimits) -> Paths {
    let mut paths = Paths::new(limits);
    for journey in &journeys(script) {
        paths.add(journey);
    }
    paths
}

/// How many packets took each path.
fn counts(script: &Script, limits: PathLimits) -> Vec<u64> {
    paths(script, limits).by_packets().iter().map(|path| path.packets).collect()
}

fn passes(script: &mut Script, number: u32, functions: &[&str]) {
    let journey = u64::from(number);
    for (index, name) in functions.iter().enumerate() {
        script.hit(journey * 1000 + index as u64 * 10, journey, number, name);
    }
    script.end(journey * 1000 + 900, journey, number);
}

#[test]
fn the_same_functions_and_end_are_one_path() {
    let mut script = Script::default();
    passes(&mut script, 1, &["a", "b", "drop"]);
    passes(&mut script, 2, &["a", "b", "drop"]);
    passes(&mut script, 3, &["a", "drop", "b"]);
    passes(&mut script, 4, &["a", "b"]);
    assert_eq!(counts(&script, PathLimits::default()), [2, 1, 1]);
    // Another place or another reason is another path.
    passes(&mut script, 5, &["a", "b", "drop"]);
    script.records.pop();
    script.hit(5999, 5, 5, "drop").caller = Some(PLACE + 1);
    passes(&mut script, 6, &["a", "b"]);
    script.hit(6999, 6, 6, "drop").reason = Some(7);
    assert_eq!(counts(&script, PathLimits::default()), [2, 1, 1, 1, 1]);
}

#[test]
fn changes_of_place_count_and_names_only_if_asked() {
    let mut script = Script::default();
    for packet in 1..=3 {
        passes(&mut script, packet, &["a", "b"]);
    }
    // The second packet goes through another device all the way, the third changes into another namespace.
    for record in &mut script.records {
        if let crate::model::Record::Hit(event) = record {
            match (event.time / 1000, event.time % 1000) {
                (2, _) => event.ifindex = Some(9),
                (3, 10) => event.netns = Some(POD),
                _ => {}
            }
        }
    }
    let found = paths(&script, PathLimits::default());
    let found = found.by_packets();
    assert_eq!((found[0].packets, found[1].packets), (2, 1));
    assert!(found[0].places[0].mixed && !found[1].places[1].mixed);
    assert_eq!(counts(&script, PathLimits { by_device: true, ..PathLimits::default() }), [1, 1, 1]);
}

#[test]
fn branches_count_where_they_begin_and_not_how_cpus_interleave() {
    let clone = |number: u32, after: u64, late: bool| {
        let mut script = Script::default();
        let journey = u64::from(number);
        let base = journey * 1000;
        script.hit(base, journey, number, "a");
        script.hit(base + 10, journey, number, "b");
        script.branch(base + after, journey, number + 1, number);
        script.hit(base + if late { 50 } else { 20 }, journey, number + 1, "packet_rcv").cpu = 1;
        script.hit(base + 30, journey, number, "c");
        script
    };
    let mut script = clone(10, 11, false);
    for other in [clone(20, 11, true), clone(30, 5, false)] {
        script.records.extend(other.records);
    }
    let found = paths(&script, PathLimits::default());
    let found = found.by_packets();
    assert_eq!((found.len(), found[0].packets), (2, 2));
    let begins = Step::Branch { number: 1, parent: Some(0), after: 2, how: Some(crate::model::ChangeKind::Copied) };
    assert_eq!(found[0].steps[3], begins);
    // The copy's first hop counts from its beginning.
    assert_eq!(found[0].gaps[4].range(), Some((9, 39)));
    assert_eq!(found[0].gaps[2].range(), Some((20, 20)));
    assert_eq!(found[0].total.range(), Some((30, 50)));
}

#[test]
fn what_has_no_room_and_what_was_not_seen_whole_is_counted() {
    let mut script = Script::default();
    for packet in 1..=4 {
        passes(&mut script, packet, &["a", ["b", "c", "d", "b"][packet as usize - 1]]);
    }
    script.hit(9000, 9, 9, "a").first = false;
    let found = paths(&script, PathLimits { paths: 2, ..PathLimits::default() });
    assert_eq!((found.packets(), found.others(), found.partial(), found.hops()), (5, 1, 1, 9));
    assert_eq!(counts(&script, PathLimits { steps: 3, ..PathLimits::default() }), [2]);
}

const FUNCTIONS: u32 = 60;

/// Packets of sixty hops on two ways, eight at a time, as CPUs interleave them.
fn rows(packets: u64) -> Vec<(Branch, Hop)> {
    let hop = |packet: u64, index: u32| Hop {
        time: packet / 8 * 100_000 + packet % 8 + u64::from(index) * (1000 + packet % 7),
        place: 0,
        probe: ProbeId(if index > 40 && packet.is_multiple_of(10) { index + FUNCTIONS } else { index }),
        branch: packet as u32 + 1,
        value: 0,
        pid: 0,
        len: 84,
        netns: NetnsId(1),
        device: DeviceId((index / 20) as u16),
        task: TaskId(0),
        cpu: (packet % 2) as u16,
        look: Hop::NO_LOOK,
        kind: EventKind::Call,
        flags: if index == 0 { Hop::FIRST } else { 0 },
    };
    let branch = |packet: u64| Branch { journey: JourneyId(packet + 1), number: packet as u32 + 1, parent: None };
    let group = |first: u64| {
        (0..FUNCTIONS).flat_map(move |index| (first..first + 8).map(move |packet| (branch(packet), hop(packet, index))))
    };
    (0..packets / 8).flat_map(|index| group(index * 8)).collect()
}

fn count(rows: &[(Branch, Hop)]) -> Paths {
    let mut probes: Vec<Probe> = (0..2 * FUNCTIONS)
        .map(|index| Probe { name: format!("f{index}"), module: None, address: 1, takes_reason: false })
        .collect();
    "kfree_skbmem".clone_into(&mut probes[FUNCTIONS as usize - 1].name);
    "kfree_skbmem".clone_into(&mut probes[2 * FUNCTIONS as usize - 1].name);
    let mut tracker = Tracker::new(Limits { settle: 1_000_000, ..Limits::default() });
    let mut paths = Paths::new(PathLimits::default());
    tracker.learn(&probes);
    for (branch, hop) in rows {
        tracker.hop(Some(*branch), 0, *hop, None);
        while let Some(journey) = tracker.next_finished() {
            paths.add(&journey);
        }
    }
    tracker.finish();
    while let Some(journey) = tracker.next_finished() {
        paths.add(&journey);
    }
    paths
}

#[test]
fn rows_are_counted_without_events() {
    let paths = count(&rows(800));
    let counts: Vec<u64> = paths.by_packets().iter().map(|path| path.packets).collect();
    assert_eq!((counts, paths.hops(), paths.partial()), (vec![720, 80], 48_000, 0));
}

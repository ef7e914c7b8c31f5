//! Scripts of records, and the journeys that come of them.

use proptest::prelude::*;

use super::*;
use crate::{
    model::{JourneyId, ProbeId, Record, Transport},
    track::{
        Verdict,
        testing::{Script, journeys, tracked, udp},
    },
};

/// One line a journey: number, state, and each hop as `time:branch:function`.
fn show(journeys: &[Journey], script: &Script) -> String {
    let hop = |hop: &Hop| format!(" {}:{}:{}", hop.time, hop.branch, script.probes[hop.probe.0 as usize].name);
    let line = |journey: &Journey| {
        let hops: String = journey.hops.iter().map(hop).collect();
        format!("{} {:?}{hops}\n", journey.number(), journey.state)
    };
    journeys.iter().map(line).collect()
}

#[test]
fn packets_are_told_apart_and_hops_are_in_order() {
    let mut script = Script::default();
    script.hit(10, 1, 1, "a");
    script.hit(30, 1, 1, "c");
    script.hit(20, 1, 1, "b").cpu = 1;
    script.hit(21, 2, 2, "a");
    script.end(31, 1, 1);
    insta::assert_snapshot!(show(&journeys(&script), &script), @r"
    1 Ended 10:1:a 20:1:b 30:1:c
    2 Open 21:2:a
    ");
}

#[test]
fn a_journey_waits_for_all_its_branches_and_for_latecomers() {
    let mut script = Script::default();
    script.hit(0, 1, 1, "a");
    script.branch(5, 1, 2, 1);
    script.hit(6, 1, 2, "b");
    script.end(10, 1, 1);
    let mut tracker = Tracker::new(Limits { settle: 100, ..Limits::default() });
    script.records.iter().for_each(|record| tracker.record(record, &script.probes));
    tracker.tick(1000);
    assert!(tracker.next_finished().is_none(), "branch 2 is alive");
    let mut rest = Script { records: Vec::new(), ..script.clone() };
    rest.end(1000, 1, 2);
    rest.hit(990, 1, 2, "b").cpu = 1;
    rest.records.iter().for_each(|record| tracker.record(record, &rest.probes));
    tracker.tick(1100);
    assert!(tracker.next_finished().is_none(), "a record of its time may still come");
    tracker.tick(1101);
    let journey = tracker.next_finished().unwrap();
    assert_eq!((journey.hops.len(), journey.strands.len(), journey.state), (3, 2, State::Ended));
    assert_eq!(journey.strands[1].began, Some((5, ChangeKind::Copied)));
}

#[test]
fn addresses_are_used_again() {
    let mut script = Script::default();
    script.hit(1, 0, 1, "ip_rcv");
    script.hit(2, 0, 1, "drop");
    script.hit(3, 0, 1, "skb_release_data");
    script.hit(4, 0, 1, "kfree_skbmem");
    script.hit(5, 0, 1, "skb_release_data");
    script.hit(6, 0, 1, "kfree_skbmem");
    script.hit(7, 0, 1, "skb:consume_skb");
    script.hit(8, 0, 1, "ip_rcv");
    script.hit(9, 0, 2, "ip_rcv");
    insta::assert_snapshot!(show(&journeys(&script), &script), @r"
    1 Ended 1:0:ip_rcv 2:0:skb:kfree_skb 3:0:skb_release_data 4:0:kfree_skbmem
    2 Ended 5:0:skb_release_data 6:0:kfree_skbmem
    3 Ended 7:0:skb:consume_skb
    4 Open 8:0:ip_rcv
    5 Open 9:0:ip_rcv
    ");
}

#[test]
fn memory_given_back_without_a_release_ends_nothing() {
    let mut script = Script::default();
    for (time, name) in
        ["pskb_expand_head", "skb_release_data", "skb_free_head", "sock_wfree", "ip_output"].iter().enumerate()
    {
        script.hit(time as u64, 0, 1, name);
    }
    assert_eq!(journeys(&script).len(), 1);
}

#[test]
fn a_release_that_no_tracepoint_tells_of() {
    let mut script = Script::default();
    for (time, name) in
        [(0, "net:a"), (10, "net:b"), (20, "net:a"), (2_000_020, "net:b"), (4_000_020, "net:a"), (4_000_030, "net:b")]
    {
        script.hit(time, 0, 1, name);
    }
    insta::assert_snapshot!(show(&journeys(&script), &script), @r"
    1 Ended 0:0:net:a 10:0:net:b 20:0:net:a 2000020:0:net:b
    2 Open 4000020:0:net:a 4000030:0:net:b
    ");
    // Functions miss no release.
    script.records.clear();
    for time in [0, 5_000_000] {
        script.hit(time, 0, 1, "ip_rcv");
        script.hit(time + 1, 0, 1, "net:a");
    }
    assert_eq!(journeys(&script).len(), 1);
}

#[test]
fn flows_at_a_busy_address_are_kept_apart() {
    let mut script = Script::default();
    for packet in 0..1000_u16 {
        let time = u64::from(packet) * 1000;
        script.hit(time, 0, 1, "ip_rcv").headers = udp([10, 0, 0, 1], [10, 0, 0, 2], packet);
        script.hit(time + 10, 0, 1, "kfree_skbmem").headers = udp([10, 0, 0, 1], [10, 0, 0, 2], packet);
    }
    let (tracker, journeys) = tracked(&script, Limits { settle: 50_000, ..Limits::default() });
    assert_eq!((journeys.len(), tracker.tally().journeys), (1000, 1000));
    for (packet, journey) in journeys.iter().enumerate() {
        let flow = journey.title().and_then(|look| look.flow).unwrap();
        let port = Transport::Ports { source: 9, destination: packet as u16, tcp_flags: None };
        assert_eq!((flow.transport, journey.looks.len(), journey.hops.len()), (port, 1, 2));
    }
}

#[test]
fn silence_lets_go() {
    let mut script = Script::default();
    script.hit(0, 1, 1, "a");
    script.hit(90, 1, 1, "b");
    script.hit(150, 2, 2, "a");
    script.hit(260, 2, 2, "b");
    script.hit(261, 1, 1, "c");
    let limits = Limits { idle: 100, ..Limits::default() };
    let (tracker, journeys) = tracked(&script, limits);
    insta::assert_snapshot!(show(&journeys, &script), @r"
    1 Idle 0:1:a 90:1:b
    2 Open 150:2:a 260:2:b
    1 Open 261:1:c
    ");
    assert_eq!(tracker.tally().idle, 1);
    assert_eq!(journeys.iter().map(Journey::is_headless).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn the_last_release_ends_a_branch_whose_end_was_lost() {
    let mut script = Script::default();
    script.hit(0, 1, 1, "a");
    script.hit(1, 1, 1, "kfree_skbmem");
    script.hit(50_000_000, 2, 2, "a");
    assert_eq!(show(&journeys(&script), &script), "1 Ended 0:1:a 1:1:kfree_skbmem\n2 Open 50000000:2:a\n");
}

#[test]
fn room_is_made_by_giving_up_the_oldest() {
    let mut script = Script::default();
    for journey in 1..=4 {
        script.hit(journey, journey, journey as u32, "a");
    }
    // The first has been heard of since, so the second goes.
    script.hit(5, 1, 1, "b");
    script.hit(6, 5, 5, "a");
    let (tracker, journeys) = tracked(&script, Limits { journeys: 4, ..Limits::default() });
    assert_eq!(journeys[0].number(), 2);
    assert_eq!((tracker.tally().evicted, tracker.tally().left_out, journeys.len()), (1, 0, 5));
    let (tracker, journeys) = tracked(&script, Limits { hops: 2, ..Limits::default() });
    assert_eq!(tracker.tally().evicted, 4, "{}", show(&journeys, &script));
}

#[test]
fn a_journey_without_end_is_bounded() {
    let mut script = Script::default();
    for time in 0..10 {
        script.hit(time, 1, 1, "a");
        script.hit(time, 2, time as u32 + 2, "a");
    }
    let limits = Limits { journey: 4, branches: 3, ..Limits::default() };
    let (tracker, journeys) = tracked(&script, limits);
    let kept: Vec<_> = journeys.iter().map(|journey| (journey.hops.len(), journey.left_out)).collect();
    assert_eq!((kept, tracker.tally().left_out), (vec![(4, 6), (3, 7)], 13));
}

#[test]
fn time_that_runs_backwards_is_not_sorted_for_ever() {
    let mut script = Script::default();
    for time in (0..10_000).rev() {
        script.hit(time, 1, 1, "a");
    }
    let journey = &journeys(&script)[0];
    assert_eq!((journey.hops.len(), journey.left_out), (4097, 5903));
}

#[test]
fn memory_does_not_grow_while_time_stands_still() {
    let limits = Limits { hops: 64, journeys: 8, ..Limits::default() };
    let mut tracker = Tracker::new(limits);
    let mut script = Script::default();
    let mut handed_out = 0;
    for address in 0..20_000 {
        script.records.clear();
        script.hit(5, 0, address % 5000, "ip_rcv");
        script.hit(5, 0, address % 5000, "kfree_skbmem");
        for record in &script.records {
            tracker.record(record, &script.probes);
        }
        while let Some(journey) = tracker.next_finished() {
            handed_out += journey.hops.len();
        }
        assert!(tracker.open().map(|journey| journey.hops.len()).sum::<usize>() <= limits.hops);
        assert!(tracker.expiry.len() < 4096, "{}", tracker.expiry.len());
    }
    assert!(handed_out > 39_000);
}

#[test]
fn parents_that_make_no_sense_are_none() {
    let mut script = Script::default();
    script.branch(1, 1, 5, 5);
    script.branch(1, 1, 4, 5);
    script.branch(1, 1, 6, 5);
    script.hit(2, 1, 5, "a");
    let parents: Vec<_> = journeys(&script)[0].strands.iter().map(|strand| strand.parent).collect();
    assert_eq!(parents, [None, None, Some(5)]);
}

/// Events of a few packets on two CPUs, each CPU in its own order.
fn two_cpus() -> impl Strategy<Value = (Vec<Record>, Vec<Record>, Script)> {
    let hit = (0_u64..40, 0_u64..4, 0_u32..3, 0_usize..4, any::<bool>());
    proptest::collection::vec(hit, 1..60).prop_map(|mut hits| {
        hits.sort_by_key(|hit| hit.0);
        let mut script = Script::default();
        for (time, journey, branch, name, other_cpu) in hits {
            let name = ["ip_rcv", "skb:consume_skb", "skb_release_data", "kfree_skbmem"][name];
            let event = script.hit(time, journey, branch + 1, name);
            // No two CPUs hit at the same time here; whose hit comes first would be anybody's guess.
            (event.cpu, event.time) = (u16::from(other_cpu), time * 2 + u64::from(other_cpu));
        }
        let on = |cpu: u16| {
            let own = script.records.iter().filter(|record| matches!(record, Record::Hit(event) if event.cpu == cpu));
            own.cloned().collect()
        };
        (on(0), on(1), script.clone())
    })
}

fn of(first: &[Record], second: &[Record], choices: &[bool]) -> Vec<Record> {
    let (mut first, mut second) = (first.iter(), second.iter());
    let mut merged: Vec<Record> = Vec::new();
    for choice in choices {
        merged.extend(if *choice { first.next() } else { second.next() }.cloned());
    }
    merged.extend(first.chain(second).cloned());
    merged
}

fn sorted(mut journeys: Vec<Journey>, script: &Script) -> String {
    journeys.sort_by_key(|journey| (journey.start(), journey.number(), journey.hops.len()));
    for journey in &mut journeys {
        if let Identity::Address { number, .. } = &mut journey.identity {
            *number = 0;
        }
    }
    show(&journeys, script)
}

proptest! {
    #[test]
    fn any_order_of_arrival_gives_the_same_journeys(
        (first, second, script) in two_cpus(),
        choices in proptest::collection::vec(any::<bool>(), 0..60),
    ) {
        let other = Script { records: of(&first, &second, &choices), probes: script.probes.clone() };
        prop_assert_eq!(sorted(journeys(&script), &script), sorted(journeys(&other), &other));
    }

    #[test]
    fn every_hop_is_in_one_journey_or_counted(
        (first, second, script) in two_cpus(),
        (hops, open, most, settle, idle) in (1_usize..20, 1_usize..4, 1_usize..10, 0_u64..40, 0_u64..40),
    ) {
        let records = of(&first, &second, &[]);
        let fed = records.len() as u64;
        let limits = Limits { hops, journeys: open, journey: most, branches: 2, settle, idle };
        let (tracker, journeys) = tracked(&Script { records, probes: script.probes }, limits);
        let held: u64 = journeys.iter().map(|journey| journey.hops.len() as u64).sum();
        let left_out: u64 = journeys.iter().map(|journey| journey.left_out).sum();
        let tally = tracker.tally();
        prop_assert_eq!((tally.hops, tally.left_out, tally.journeys), (fed, left_out, journeys.len() as u64));
        prop_assert_eq!(held + left_out, fed);
        prop_assert!(journeys.iter().all(|journey| journey.hops.is_sorted_by_key(Hop::order)));
    }

    #[test]
    fn nonsense_does_no_harm(
        records in proptest::collection::vec((any::<u64>(), 0_u64..3, any::<u32>(), any::<Option<u32>>(), 0_u8..4), 1..50)
    ) {
        let mut script = Script::default();
        for (time, journey, branch, parent, kind) in records {
            let kind = [ChangeKind::Copied, ChangeKind::Merged, ChangeKind::Ended].get(usize::from(kind));
            match kind {
                Some(kind) => script.change(time, *kind, journey, branch, parent),
                None => {
                    script.hit(time, journey, branch, "ip_rcv");
                }
            }
        }
        for journey in journeys(&script) {
            journey.gaps();
            journey.changes();
            prop_assert!(journey.verdict() != Verdict::Unknown || journey.hops.is_empty() || journey.strands.len() > 1);
            prop_assert!(journey.between(journey.hops[0].probe, ProbeId(9)).is_none());
        }
    }
}

#[test]
fn numbers_of_the_kernel_side_are_kept() {
    let mut script = Script::default();
    script.hit(1, 77, 77, "a");
    assert_eq!(journeys(&script)[0].identity, Identity::Followed(JourneyId(77)));
}

//! Bounds, counts, and lists that are worked out step by step against those worked out at once.

use std::{collections::HashMap, time::Instant};

use proptest::prelude::*;

use super::*;
use crate::{
    feed::Recorded,
    filter,
    track::{
        Limits,
        testing::{Script, udp},
    },
    tui::engine::{Gather, Outbox, Sink},
    view::packets,
};

/// A batch of packets with these ports, of three hops each; one in five is dropped.
fn batch(ports: &[u16], first: u64) -> Batch {
    let mut script = Script::default();
    for (place, port) in ports.iter().enumerate() {
        let number = first + place as u64;
        for (step, name) in ["ip_rcv", "nf_hook_slow", if number.is_multiple_of(5) { "drop" } else { "tcp_v4_do_rcv" }]
            .into_iter()
            .enumerate()
        {
            let event = script.hit(1000 * number + step as u64, number, number as u32, name);
            event.headers = udp([10, 0, 0, 1], [10, 0, 0, 2], *port);
        }
        script.end(1000 * number + 10, number, number as u32);
    }
    let mut gather = Gather::new(Limits::default(), usize::MAX);
    let mut batch = Batch::default();
    for record in &script.records {
        gather.record(record, &script.probes);
    }
    gather.finish();
    gather.drain(&script.probes, &mut batch);
    batch
}

fn compiled(text: &str) -> DisplayFilter {
    let (namespaces, reasons) = (HashMap::new(), HashMap::new());
    let environment = Recorded { namespaces: &namespaces, reasons: &reasons };
    let request = filter::Request { expression: text, environment: &environment, ..filter::Request::default() };
    DisplayFilter::new(filter::compile(&request).unwrap())
}

#[test]
fn what_has_to_make_room_is_counted() {
    let mut store = Store::new(Bounds { hops: 30, ..Bounds::default() });
    for round in 0..5 {
        store.take(&mut batch(&[53; 8], 8 * round + 1));
    }
    let seqs = store.seqs();
    assert_eq!((seqs.start, seqs.end), (30, 40));
    assert_eq!(store.size().0, 30);
    assert_eq!((store.gone().packets, store.gone().hops), (30, 90));
    assert!(store.get(29).is_none() && store.get(40).is_none());
    assert_eq!(store.get(39).unwrap().journey.number(), 40);
    // By their time.
    assert_eq!(store.after(store.until(33).unwrap()), 34);
    let mut anew = Batch::default();
    anew.begin_anew();
    store.take(&mut anew);
    assert_eq!((store.seqs(), store.size(), store.generation()), (40..40, (0, 0), 1));
}

#[test]
fn bytes_are_bounded_too() {
    let bytes = 20_000;
    let mut store = Store::new(Bounds { bytes, ..Bounds::default() });
    store.take(&mut batch(&[53; 100], 1));
    assert!(store.size().1 <= bytes && store.gone().packets > 50, "{:?}", store.size());
}

#[test]
fn a_batch_that_nobody_takes_is_cut_and_says_so() {
    struct Busy(usize, Vec<Batch>);
    impl Sink for Busy {
        fn offer(&mut self, batch: Batch) -> Result<Option<Batch>, crate::tui::engine::Closed> {
            self.0 -= 1;
            if self.0 > 0 {
                return Ok(Some(batch));
            }
            self.1.push(batch);
            Ok(None)
        }
    }
    let mut outbox = Outbox::new(Busy(4, Vec::new()));
    for round in 0..4_u64 {
        for packet in batch(&[53; 10], 10 * round + 1).packets {
            outbox.batch.add(packet, 60);
        }
        outbox.send().unwrap();
    }
    assert!(outbox.batch.is_empty(), "it was taken at last");
    let mut store = Store::new(Bounds::default());
    let mut taken = outbox.into_sink().1.remove(0);
    let shown = taken.packets.len() as u64;
    store.take(&mut taken);
    let gone = store.gone();
    assert!(gone.left_out > 0);
    assert_eq!((shown + gone.left_out, 3 * shown + gone.left_out_hops), (40, 120));
}

/// Steps of a list: packets come, the view is held or moved, the filter or the order is another one.
#[derive(Clone, Debug)]
enum Step {
    Packets(Vec<u16>),
    End(u64),
    Filter(Option<u16>),
    Order(Option<(usize, bool)>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => proptest::collection::vec(1_u16..6, 1..90).prop_map(Step::Packets),
        1 => (0_u64..300).prop_map(Step::End),
        1 => proptest::option::of(1_u16..6).prop_map(Step::Filter),
        1 => proptest::option::of((0..packets::PACKET_COLUMNS.len(), any::<bool>())).prop_map(Step::Order),
    ];
    proptest::collection::vec(step, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_what_they_would_be_at_once(steps in steps()) {
        let mut store = Store::new(Bounds { hops: 300, ..Bounds::default() });
        let (mut listing, mut end, mut next) = (Listing::default(), u64::MAX, 1);
        let mut port = None;
        for step in steps {
            match step {
                Step::Packets(ports) => {
                    store.take(&mut batch(&ports, next));
                    next += ports.len() as u64;
                }
                Step::End(at) => end = if at > 250 { u64::MAX } else { at },
                Step::Filter(wanted) => {
                    port = wanted;
                    listing.set_filter(wanted.map(|port| compiled(&format!("udp dst port {port}"))));
                }
                Step::Order(order) => listing.set_order(order.map(|(column, descending)| Order {
                    column: packets::PACKET_COLUMNS[column],
                    descending,
                })),
            }
            // Any key will do that differs between packets, and not between all.
            let key = |_: &Order, seq: Seq| u128::from(seq * 7919 % 13);
            // Without any time it gets there too.
            let now = Some(Instant::now());
            for _ in 0..100 {
                if listing.update(&store, end, &key, now) {
                    break;
                }
            }
            let mut expected: Vec<Seq> = (store.seqs().start..end.clamp(store.seqs().start, store.seqs().end)).collect();
            expected.retain(|seq| port.is_none_or(|port| destination(&store, *seq) == port));
            if let Some(order) = listing.order() {
                expected.sort_by_key(|seq| (key(&order, *seq), *seq));
                if order.descending {
                    expected.reverse();
                }
            }
            let found: Vec<Seq> = (0..listing.len()).filter_map(|row| listing.get(row)).collect();
            prop_assert_eq!(&found, &expected);
            for (row, seq) in found.iter().enumerate() {
                prop_assert_eq!(listing.row(*seq), Some(row));
            }
        }
    }
}

fn destination(store: &Store, seq: Seq) -> u16 {
    match store.get(seq).unwrap().journey.title().unwrap().flow.unwrap().transport {
        crate::model::Transport::Ports { destination, .. } => destination,
        _ => 0,
    }
}

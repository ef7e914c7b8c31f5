//! A few drops and counters, as people and scripts read them.

use super::*;
use crate::{
    model::{Counter, Details, Event, Keeper},
    track::By,
    view::{
        Style, table,
        tests::{PLACE, Sample, make_drop, name},
    },
};

fn netfilter_drop() -> Event {
    let mut event = Sample::new().event;
    make_drop(&mut event);
    event
}

/// Three drops of a rule, one without anything known, and one of a reason that has no name.
fn some_drops() -> Drops {
    let mut drops = Drops::new(By::default());
    for pid in [7, 7, 8] {
        let stack = Some(Ok(vec![1, PLACE, 16]));
        let details = Some(Box::new(Details { stack, ..Details::default() }));
        drops.add(&Event { pid, comm: name("a\x1b"), details, ..netfilter_drop() });
    }
    drops.add(&Event { netns: None, ifindex: None, ifname: name(""), comm: name(""), ..netfilter_drop() });
    drops.add(&Event { netns: Some(5), reason: Some(0x3_0009), caller: Some(64), ..netfilter_drop() });
    drops
}

fn counters() -> Vec<Moved> {
    let counter =
        |keeper, netns, at: &str, name: &str| Counter { keeper, netns, at: at.to_owned(), name: name.to_owned() };
    let moved = |counter, by, now| Moved { counter, by, now };
    vec![
        moved(counter(Keeper::Protocol, Some(5), "", "UdpNoPorts"), 3, 4),
        moved(counter(Keeper::Qdisc, Some(4_026_531_840), "eth0 fq 8001:", "drops"), 2_000, 123_456),
        moved(counter(Keeper::Protocol, Some(4_026_531_840), "", "UdpNoPorts"), 9, 9),
        moved(counter(Keeper::Softnet, None, "cpu 3", "dropped"), 1, 1),
        moved(counter(Keeper::Xfrm, Some(5), "", "XfrmNew"), 1, 1),
    ]
}

fn with_report<T>(drops: &Drops, moved: Option<&[Moved]>, top: usize, show: impl FnOnce(&Report<'_>) -> T) -> T {
    let sample = Sample::new();
    let notes = ["3 more drops are not in the table: the ring was full".to_owned()];
    show(&Report {
        drops,
        elapsed: Duration::from_secs(10),
        recent: Some(Duration::from_secs(2)),
        moved: moved.map(|moved| (moved, Duration::from_secs(10))),
        notes: if moved.is_some() { &notes } else { &[] },
        context: &sample.context(),
        top,
        stacks: top > 3,
    })
}

fn print(tables: &[Table]) -> String {
    let mut out = String::new();
    for table in tables {
        table::text(table, Style::Plain, Some(80), &mut out);
    }
    out
}

#[test]
fn as_text() {
    let mut drops = some_drops();
    drops.mark();
    insta::assert_snapshot!(with_report(&drops, Some(&counters()), 9, |report| print(&text(report))));
}

#[test]
fn a_stack_is_shown_once_whoever_was_running() {
    let mut drops = some_drops();
    let details = || Some(Box::new(Details { stack: Some(Ok(vec![1, PLACE, 16])), ..Details::default() }));
    for pid in 100..120 {
        drops.add(&Event { pid, details: details(), ..netfilter_drop() });
    }
    let text = with_report(&drops, None, 30, |report| print(&text(report)));
    let titles: Vec<&str> = text.lines().filter(|line| line.contains(" drops for NETFILTER_DROP at ")).collect();
    assert_eq!(titles.len(), 1, "{text}");
    assert!(titles[0].starts_with("23 drops for "), "{text}");
}

#[test]
fn only_the_top() {
    let text = with_report(&some_drops(), Some(&[]), 1, |report| print(&text(report)));
    assert!(text.contains("\n3 drops of 3 kinds more not shown (--top 0 shows all)\n"), "{text}");
    assert!(text.contains("counters of losses that moved\nnone\n"), "{text}");
    assert!(!text.contains("nft_do_chain+0x1c2 [nf_tables]"), "stacks are shown: {text}");
}

#[test]
fn nothing_is_said_as_nothing() {
    let text = with_report(&Drops::new(By::default()), None, 9, |report| print(&text(report)));
    assert_eq!(text, "0 drops in 10.0 s\nnothing was dropped\n");
}

#[test]
fn as_json() {
    let mut out = String::new();
    with_report(&some_drops(), Some(&counters()), 9, |report| {
        for one in json(report) {
            table::json(&one, &mut out);
        }
    });
    insta::assert_snapshot!(out);
    let documentation = include_str!("../../../../assets/output-json.md");
    for line in out.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in value.as_object().unwrap().keys() {
            assert!(documentation.contains(&format!("`{key}`")), "{key} is not in output-json.md");
        }
    }
}

#[test]
fn rates_have_as_many_digits_as_are_worth_it() {
    let shown = |count, seconds| rate(count, Duration::from_secs(seconds)).as_text().to_owned();
    assert_eq!([shown(0, 3), shown(1, 20), shown(127, 10), shown(4000, 3)], ["0", "0.05", "12.7", "1333"]);
}

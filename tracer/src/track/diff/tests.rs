//! Pairs of sides as text: `packets stop>stop=end`, a way after the other.

use proptest::prelude::*;

use super::*;

fn side(text: &str, gap: u64) -> Side {
    let histogram = |packets: u64, value: u64| {
        let mut histogram = Histogram::default();
        (0..packets).for_each(|_| histogram.add(value));
        histogram
    };
    let way = |text: &str| {
        let (packets, way) = text.trim().split_once(' ').unwrap();
        let packets = packets.parse().unwrap();
        let (stops, end) = way.split_once('=').unwrap();
        let stops: Vec<Stop> = stops
            .split('>')
            .filter(|name| !name.is_empty())
            .map(|name| Stop { name: name.to_owned(), probe: Some(name.to_owned()), gap: histogram(packets, gap) })
            .collect();
        let total = histogram(packets, gap * stops.len() as u64);
        Way { packets, stops, end: end.to_owned(), total }
    };
    Side { ways: text.split(',').filter(|text| !text.is_empty()).map(way).collect(), ..Side::default() }
}

#[test]
fn what_the_other_side_could_not_see_is_left_out() {
    let (mut a, mut b) = (side("20 a>new>b>c=sent", 5_000), side("20 a>b>old=sent", 50_000));
    let probes = |names: &str| names.split(' ').map(str::to_owned).collect();
    (a.probes, b.probes) = (probes("a b c new"), probes("a b c old"));
    let found = diff(&a, &b);
    // There is no c in B, though there is a probe.
    assert_eq!((found.shared, found.parts, found.last.as_deref()), (2, true, Some("b")));
    assert_eq!(found.only, [vec![("c".to_owned(), 20)], Vec::new()]);
    assert_eq!(found.unseen, [probes("new"), probes("old")]);
    // From a to b is not from `new` to b.
    assert_eq!(found.moved.iter().filter(|moved| moved.between.is_some()).count(), 0);
}

fn show(a: &str, b: &str) -> String {
    let found = diff(&side(a, 100), &side(b, 100));
    let next = |list: &[(Next, u64)]| {
        let names = list.iter().map(|(next, packets)| match next {
            Next::Goes(name) => format!("{packets}>{name}"),
            Next::Ends(end) => format!("{packets}={end}"),
        });
        names.collect::<Vec<_>>().join(" ")
    };
    let parts = if found.parts { "part" } else { "same" };
    format!("{parts} after {}: {} | {}", found.shared, next(&found.next[0]), next(&found.next[1]))
}

#[test]
fn where_they_part() {
    let cases = [
        ("5 a>b>c=sent", "7 a>b>c=sent", "same after 3: 5=sent | 7=sent"),
        ("120 a>b>c=sent", "37 a>b=dropped", "part after 2: 120>c | 37=dropped"),
        ("9 a=x", "9 b=x", "part after 0: 9>a | 9>b"),
        ("9 a=x", "9 a=y", "part after 1: 9=x | 9=y"),
        // A tenth that goes elsewhere counts, less does not.
        ("100 a>b=x", "90 a>b=x,10 a>c=x", "part after 1: 100>b | 90>b 10>c"),
        ("100 a>b=x", "91 a>b=x,9 a>c=x", "same after 2: 100=x | 91=x"),
        // The same mixture on both sides is no difference.
        ("60 a>b=x,40 a>c=x", "6 a>b=x,4 a>c=x", "same after 2: 60=x | 6=x"),
        ("", "3 a=x", "same after 0:  | 3>a"),
        ("", "", "same after 0:  | "),
    ];
    for (a, b, expected) in cases {
        assert_eq!(show(a, b), expected, "{a} / {b}");
    }
}

#[test]
fn what_only_one_side_has_and_who_strayed() {
    let found = diff(&side("91 a>b>d=x,9 a>c>c>e=x", 100), &side("100 a>b=x", 100));
    assert_eq!(found.only[0], [("d".to_owned(), 91), ("c".to_owned(), 9), ("e".to_owned(), 9)]);
    assert!(found.only[1].is_empty());
    assert_eq!((found.packets, found.strayed), ([100, 100], [9, 0]));
}

#[test]
fn latency_is_told_where_it_matters() {
    let moved = |a: &str, gap_a, b: &str, gap_b| {
        let found = diff(&side(a, gap_a), &side(b, gap_b)).moved;
        found
            .iter()
            .map(|m| m.between.as_ref().map_or("all".to_owned(), |(f, t)| format!("{f}>{t}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(moved("20 a>b=x", 10_000, "20 a>b=x", 20_000), ["all", "a>b"]);
    assert!(moved("19 a>b=x", 10_000, "20 a>b=x", 20_000).is_empty(), "too few packets");
    assert!(moved("20 a>b=x", 10_000, "20 a>b=x", 12_000).is_empty(), "too near");
    assert!(moved("20 a>b=x", 100, "20 a>b=x", 500).is_empty(), "too short");
    assert_eq!(moved("20 a>b=x", 1_000, "20 a>c=x", 90_000), ["all"], "not the same hop");
}

proptest! {
    #[test]
    fn a_side_is_like_itself(ways in proptest::collection::vec((1_u64..50, proptest::collection::vec(0_u8..3, 0..6)), 0..5)) {
        let way = |(packets, stops): &(u64, Vec<u8>)| {
            let names: Vec<String> = stops.iter().map(|stop| format!("f{stop}")).collect();
            format!("{packets} {}=x", names.join(">"))
        };
        let text = ways.iter().map(way).collect::<Vec<_>>().join(",");
        let one = side(&text, 5_000);
        let found = diff(&one, &one);
        prop_assert!(!found.parts && found.moved.is_empty() && found.only.iter().all(Vec::is_empty));
        prop_assert_eq!(found.strayed[0], found.strayed[1]);
    }
}

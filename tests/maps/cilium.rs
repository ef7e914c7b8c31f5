//! Cilium's maps come out as `cilium-dbg bpf … list` prints them.

use std::{collections::HashMap, sync::Arc};

use skbtrail::{
    inspect::maps::decode::{
        Entry, Layout, Recognition, Subject,
        cilium::{backends::Backend, policy, policystats, services},
        recognise,
    },
    view::{Style, decoded},
};

use super::fixture::{self, Fixture, Map};

#[test]
fn fixtures_are_printed_to_the_letter() {
    for (name, text) in fixture::CILIUM {
        let fixture = Fixture::read(text);
        assert_eq!(printed(&fixture), fixture.text, "{name}");
    }
}

fn minor(fixture: &Fixture) -> u16 {
    fixture.command.rsplit_once("1.").unwrap().1.parse().unwrap()
}

fn subject(map: &Map, minor: u16) -> Subject<'_> {
    Subject {
        name: map.name.get(..15).unwrap_or(&map.name),
        pin: Some(&map.name),
        kind: map.kind,
        key_size: map.key,
        value_size: map.value,
        release: Some((1, minor)),
        now: 0,
    }
}

/// Keys and values as the kernel would hand them over.
fn raw(map: &Map) -> Vec<(Vec<u8>, Vec<u8>)> {
    let one = |entry: &fixture::Entry| map.is_per_cpu() || entry.values.len() == 1;
    assert!(map.most as usize >= map.entries.len() && map.entries.iter().all(one), "{}", map.name);
    map.entries.iter().map(|entry| (entry.key.clone(), entry.values.concat())).collect()
}

fn printed(fixture: &Fixture) -> String {
    let minor = minor(fixture);
    match fixture.command.split(' ').next().unwrap() {
        "lb" => table(&fixture.maps[0], &*lb(fixture, minor)),
        "policy" => table(&fixture.maps[0], &*rules(fixture, minor)),
        "ct" => fixture.maps.iter().map(|map| table(map, &*known(map, minor)) + "\n").collect(),
        _ => table(&fixture.maps[0], &*known(&fixture.maps[0], minor)),
    }
}

fn known(map: &Map, minor: u16) -> Box<dyn Layout> {
    let (_, layout) = recognise(&subject(map, minor)).expect(&map.name);
    layout.unwrap()
}

fn lb(fixture: &Fixture, minor: u16) -> Box<dyn Layout> {
    let mut backends = HashMap::new();
    for (key, value) in raw(&fixture.maps[1]) {
        let backend = Backend::read(&Entry { key: &key, value: &value }, minor).unwrap();
        backends.insert(backend.id, backend);
    }
    taken(services::recognise(&subject(&fixture.maps[0], minor), Some(Arc::new(backends))))
}

fn rules(fixture: &Fixture, minor: u16) -> Box<dyn Layout> {
    let mut stats = policystats::Stats::new();
    for (key, value) in raw(&fixture.maps[1]) {
        policystats::count(&Entry { key: &key, value: &value }, &mut stats).unwrap();
    }
    taken(policy::recognise(&subject(&fixture.maps[0], minor), Some(Arc::new(stats))))
}

fn taken(recognition: Recognition) -> Box<dyn Layout> {
    let Recognition::Known(layout) = recognition else { panic!("not recognised") };
    layout
}

fn table(map: &Map, layout: &dyn Layout) -> String {
    let mut entries = raw(map);
    entries.sort_by(|one, other| {
        layout.compare(&Entry { key: &one.0, value: &one.1 }, &Entry { key: &other.0, value: &other.1 })
    });
    let rows: Vec<_> = entries.iter().filter_map(|(key, value)| layout.row(&Entry { key, value }).unwrap()).collect();
    let mut sizes = decoded::Layout::new(layout.form(), layout.titles());
    for row in &rows {
        sizes.measure(row);
    }
    let mut out = String::new();
    sizes.header(Style::Plain, &mut out);
    for row in &rows {
        sizes.row(row, &mut out);
    }
    out
}

//! What a machine has attached and loaded, as its thread finds it: rows of a node that runs Cilium.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use skbtrail::{
    inspect::maps::decode::{Entry, Subject, recognise},
    model::{
        Attachment, Device, Interface, MapInfo, MapKind, MapRow, Name, NetnsRow, Process, ProgramInfo, ProgramKind,
        ProgramRow,
        attachment::{Details, Drops, Peer, Section},
        map::Entries,
    },
    view::{
        Table,
        lists::{self, RunRates},
        table::{Cell, Column},
    },
};

use super::dumps::{CILIUM, Fixture};

/// A node's hooks and interfaces.
pub(super) fn network() -> Vec<Table> {
    let device = Device { index: 26, name: b"lxc3a6f".to_vec() };
    let program = |order, name: &str, id| Attachment {
        section: Section::Tc,
        device: Some(device.clone()),
        hook: "tcx/ingress".to_owned(),
        order,
        program: Some(id),
        name: name.as_bytes().to_vec(),
        link: Some(29),
        runs: None,
        details: Details::None,
    };
    let peer = Peer {
        index: 2,
        name: Some(b"eth0".to_vec()),
        netns: Some(4_026_532_300),
        elsewhere: true,
        netns_name: Some("client".to_owned()),
    };
    let row = |inode, names: &[&str], attachments, interfaces| NetnsRow {
        inode,
        names: names.iter().map(ToString::to_string).collect(),
        container: None,
        processes: Vec::new(),
        process_count: 0,
        attachments,
        interfaces,
        notes: Vec::new(),
    };
    let interface = Interface {
        device: device.clone(),
        kind: "veth".to_owned(),
        up: true,
        peer: Some(peer),
        drops: Drops::NotCounted,
    };
    let host =
        row(4_026_531_840, &["host"], vec![program(1, "cil_from_cont", 4773), program(2, "count", 9)], vec![interface]);
    lists::everywhere(&[host, row(4_026_532_300, &["client"], Vec::new(), Vec::new())], &[])
}

/// Two maps, one of which has a name that would steer a terminal.
pub(super) fn maps() -> Vec<Table> {
    let map = |id, name: &[u8; 5], count| MapRow {
        info: MapInfo {
            id,
            kind: MapKind(1),
            name: {
                let mut bytes = Name::default();
                bytes.0[..5].copy_from_slice(name);
                bytes
            },
            key_bytes: 4,
            value_bytes: 8,
            most_entries: 1024,
            flags: 0,
            offload: None,
            extra: 0,
            types: None,
        },
        memory: Some(8192),
        frozen: false,
        takes: None,
        entries: Entries::Counted(count),
        pins: Vec::new(),
        owners: Vec::new(),
    };
    vec![lists::maps(&[map(7, b"alpha", 3), map(8, b"beta\x1b", 5)]).titled("maps")]
}

/// Programs, in the order of their ids.
pub(super) fn programs() -> Vec<Table> {
    let row = |id, kind, name: &str, runs, run_time, maps: &[u32]| {
        let mut bytes = Name::default();
        let kept = name.len().min(15);
        bytes.0[..kept].copy_from_slice(&name.as_bytes()[..kept]);
        let info = ProgramInfo {
            id,
            kind: ProgramKind(kind),
            name: bytes,
            function: Some(name.to_owned()),
            tag: [0x5b, 0xc4, id as u8, 1, 2, 3, 4, 0xff],
            gpl: true,
            loaded_at: 5_000_000_000,
            uid: 0,
            translated_bytes: 28_800,
            native_bytes: 17_300,
            maps: maps.to_vec(),
            btf: Some(9),
            run_time,
            runs,
            misses: 0,
            verified: 44,
            target_btf: 0,
            target: 0,
            offload: None,
            orphaned: false,
        };
        let owners = vec![Process { pid: 1412, comm: b"cilium-agent".to_vec() }];
        ProgramRow { info, memory: Some(20_480), counted: true, pins: Vec::new(), owners }
    };
    // As they were two seconds before, and now.
    let (mut rates, now) = (RunRates::default(), Instant::now());
    let mut tables = [1, 2].map(|look| {
        let rows = [
            row(4602, 3, "cil_to_netdev", look * 2_220, look * 910_200, &[311, 314]),
            row(4610, 3, "cil_from_netdev", look * 3_044, look * 882_760, &[311, 314, 320]),
            row(4773, 3, "cil_from_container", look * 2_402, look * 744_720, &[311, 314, 331]),
            row(4774, 3, "cil_to_container", look * 1_907, look * 457_680, &[311, 331]),
            row(4801, 18, "cil_sock4_connect", look * 8, look * 2_560, &[340]),
            row(4802, 18, "cil_sock4_sendmsg", 77, 18_480, &[340]),
        ];
        let mut table = lists::programs(&rows, 1_790_000_000).titled("programs");
        rates.apply(&mut table, "id", now + Duration::from_secs(2 * look));
        table
    });
    vec![std::mem::take(&mut tables[1])]
}

/// Entries of a map of Cilium, dumped from a kernel.
pub(super) fn addresses() -> Vec<Table> {
    let text = CILIUM.iter().find(|(name, _)| *name == "ipcache").map(|(_, text)| *text).unwrap();
    let fixture = Fixture::read(text);
    let map = &fixture.maps[0];
    let subject = Subject {
        name: map.name.get(..15).unwrap_or(&map.name),
        pin: Some(&map.name),
        kind: map.kind,
        key_size: map.key,
        value_size: map.value,
        release: Some((1, fixture.command.rsplit_once("1.").unwrap().1.parse().unwrap())),
        now: 0,
    };
    let layout = recognise(&subject).unwrap().1.unwrap();
    let columns = layout.titles().iter().map(|title| Column::words(title)).collect::<Vec<_>>();
    let columns = if columns.is_empty() { vec![Column::words("ENTRY")] } else { columns };
    let mut table = Table::new("entries", columns).titled(format!("{} (320)", map.name));
    for entry in &map.entries {
        let (key, value) = (entry.key.as_slice(), entry.values.concat());
        if let Some(row) = layout.row(&Entry { key, value: &value }).unwrap() {
            table.push(row.cells.iter().map(Cell::text));
        }
    }
    vec![table]
}

/// The maps of dataplanes.
pub(super) fn dataplane() -> Vec<Table> {
    let columns = [
        Column::text("dataplane", "DATAPLANE"),
        Column::text("holds", "HOLDS"),
        Column::text("name", "MAP"),
        Column::number("id", "ID"),
    ];
    let mut table = Table::new("dataplane", columns).titled("maps of dataplanes");
    let holds = HashMap::from([("cilium_ct4_global", ("ct", 331_u64)), ("cilium_ipcache", ("ipcache", 320))]);
    let mut rows: Vec<_> = holds.into_iter().collect();
    rows.sort_unstable();
    for (name, (holds, id)) in rows {
        table.push([Cell::text("cilium"), Cell::text(holds), Cell::text(name), Cell::number(id)]);
    }
    vec![table]
}

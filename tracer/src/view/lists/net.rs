//! Attachments and interfaces, namespace by namespace, close to what `bpftool net` prints.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::pids;
use crate::{
    model::{
        Attachment, Interface, NetnsRow,
        attachment::{Details, Drops, Peer, Runs, Section},
    },
    view::{
        Tone, duration,
        table::{Cell, Column, Table, foreign},
    },
};

/// The sections, with their titles. bpftool has the first, second, third and last.
const SECTIONS: [(Section, &str, &str); 5] = [
    (Section::Xdp, "xdp", "xdp:"),
    (Section::Tc, "tc", "tc:"),
    (Section::FlowDissector, "flow_dissector", "flow_dissector:"),
    (Section::SkLookup, "sk_lookup", "sk_lookup:"),
    (Section::Netfilter, "netfilter", "netfilter:"),
];

/// Everything in every namespace. One alone shows all sections, empty or not, as bpftool does; of several only what is there.
/// `elsewhere` are hooks of netfilter whose namespace the kernel does not tell.
pub fn net(rows: &[NetnsRow], elsewhere: &[Attachment]) -> Vec<Table> {
    let alone = rows.len() == 1;
    let mut tables = Vec::new();
    for row in rows {
        tables.push(heading(row, alone));
        for (section, key, title) in SECTIONS {
            let found = row.attachments.iter().filter(|one| one.section == section);
            let table = attachments(key, title, Some(row), found);
            let expected = alone && section != Section::SkLookup;
            tables.extend((expected || !table.rows.is_empty()).then_some(table));
        }
        tables.push(interfaces(row));
    }
    if !elsewhere.is_empty() {
        let title = "netfilter: (this kernel does not tell in which namespaces)";
        tables.push(attachments("netfilter", title, None, elsewhere.iter()));
    }
    tables
}

/// The same for a screen: one table of all hooks and one of all interfaces, with their namespaces in a column.
pub fn everywhere(rows: &[NetnsRow], elsewhere: &[Attachment]) -> Vec<Table> {
    let mut hooks = Vec::new();
    let mut links = Vec::new();
    for row in rows {
        let sections = SECTIONS.map(|(section, ..)| section);
        let found =
            sections.into_iter().flat_map(|section| row.attachments.iter().filter(move |one| one.section == section));
        hooks.push(attachments("hook", "hooks", Some(row), found));
        links.push(interfaces(row));
    }
    hooks.push(attachments("hook", "hooks", None, elsewhere.iter()));
    [("hooks", hooks), ("interfaces", links)].map(|(title, tables)| joined(title, tables)).into()
}

/// Tables of the same columns as one, in which the namespace is shown.
fn joined(title: &str, tables: Vec<Table>) -> Table {
    let mut all = Table::default();
    for table in tables {
        all.columns.clone_from(&table.columns);
        all.rows.extend(table.rows.into_iter().map(|mut cells| {
            if let [inode, name, ..] = &mut *cells
                && name.as_text().is_empty()
            {
                *name = inode.clone();
            }
            cells
        }));
    }
    for column in &mut all.columns {
        column.title = match (column.key, column.title) {
            ("netns_name", _) => "NETNS",
            (_, "PLACE") => "DEVICE",
            (_, "ORDER") => "#",
            (_, title) => title,
        };
    }
    all.titled(title).or_else(format!("there are no {title}"))
}

/// The namespace itself: a line for people, a row for scripts.
fn heading(row: &NetnsRow, alone: bool) -> Table {
    let columns = ["netns", "names", "container", "pod", "processes", "process_count", "notes"].map(Column::hidden);
    let mut table = Table::new("netns", columns);
    let line = line(row);
    if !alone || !row.names.is_empty() || row.container.is_some() || !row.notes.is_empty() {
        table.title = Some(line);
    }
    let pod = row.container.as_ref().and_then(|container| container.pod.as_ref()).map(|pod| {
        let (namespace, name) = pod.name.clone().unzip();
        json!({ "uid": text(&pod.uid), "namespace": namespace.as_deref().map(text), "name": name.as_deref().map(text) })
    });
    let container = row.container.as_ref();
    table.push([
        Cell::number(row.inode),
        Cell::json(row.names.iter().map(|name| text(name)).collect::<Value>()),
        Cell::json(container.map(|one| json!({ "id": text(&one.id), "runtime": one.runtime }))),
        Cell::json(pod),
        Cell::json(pids(&row.processes)),
        Cell::number(row.process_count as u64),
        Cell::json(row.notes.iter().map(|note| text(note)).collect::<Value>()),
    ]);
    table
}

fn line(row: &NetnsRow) -> String {
    let mut parts = vec![format!("netns {}", row.inode)];
    if !row.names.is_empty() {
        parts.push(row.names.join(", "));
    }
    parts.extend(row.container.as_ref().map(crate::model::Container::label));
    let named: Vec<String> =
        row.processes.iter().map(|one| format!("{}({})", String::from_utf8_lossy(&one.comm), one.pid)).collect();
    match row.process_count.saturating_sub(named.len()) {
        _ if named.is_empty() => parts.push("no process".to_owned()),
        0 => parts.push(named.join(", ")),
        more => parts.push(format!("{} and {more} more", named.join(", "))),
    }
    parts.extend(row.notes.iter().cloned());
    Cell::text(parts.join("  ")).as_text().to_owned()
}

fn text(text: &str) -> Value {
    foreign(text.as_bytes())
}

fn attachments<'a>(
    key: &'static str,
    title: &str,
    row: Option<&NetnsRow>,
    found: impl Iterator<Item = &'a Attachment>,
) -> Table {
    let place = if key == "xdp" { "mode" } else { "kind" };
    let columns = [
        Column::hidden("netns"),
        Column::hidden("netns_name"),
        Column::words("PLACE").optional(),
        Column::hidden("devname"),
        Column::hidden("ifindex"),
        Column::text(place, "HOOK").optional(),
        Column::number("order", "ORDER").optional(),
        Column::text("name", "NAME"),
        Column::text("id", "PROGRAM"),
        Column::hidden("prog_id"),
        Column::text("link_id", "LINK").optional(),
        Column::number("run_cnt", "RUNS").optional(),
        Column::number("run_time_ns", "A RUN").optional(),
        Column::words("DETAILS").optional(),
    ];
    let mut table = Table::new(key, columns.into_iter().chain(MORE.map(Column::hidden))).titled(title);
    table.headless = true;
    for one in found {
        let device = one.device.as_ref();
        let mut cells = vec![
            row.map_or_else(Cell::nothing, |row| Cell::number(row.inode)),
            row.and_then(NetnsRow::label).map_or_else(Cell::nothing, Cell::text),
            device.map_or_else(Cell::nothing, |device| {
                let name = String::from_utf8_lossy(&device.name);
                Cell::nothing().shown(format!("{name}({})", device.index))
            }),
            device.map_or_else(Cell::nothing, |device| Cell::foreign(&device.name)),
            device.map_or_else(Cell::nothing, |device| Cell::number(device.index)),
            if one.hook.is_empty() { Cell::nothing() } else { Cell::text(&one.hook) },
            if one.order == 0 { Cell::nothing() } else { Cell::number(one.order).shown(format!("#{}", one.order)) },
            if one.name.is_empty() { Cell::none() } else { Cell::foreign(&one.name) },
            one.program.map_or_else(|| Cell::unknown("classic"), |id| Cell::number(id).shown(format!("id {id}"))),
            one.program.map_or_else(Cell::nothing, Cell::number),
            one.link.map_or_else(Cell::nothing, |id| Cell::number(id).shown(format!("link {id}"))),
            one.runs.map_or_else(Cell::nothing, |runs| Cell::number(runs.count).shown(format!("{} runs", runs.count))),
            one.runs.map_or_else(Cell::nothing, each),
        ];
        cells.extend(details(one));
        table.push(cells);
    }
    table
}

/// The time of all runs for scripts, of one for people.
fn each(runs: Runs) -> Cell {
    let time = runs.time.checked_div(runs.count).map(|each| {
        let mut text = String::new();
        duration::write(each, &mut text);
        text + " each"
    });
    Cell::number(runs.time).shown(time.unwrap_or_default())
}

/// What only some hooks have, for scripts.
const MORE: [&str; 10] =
    ["preference", "handle", "direct_action", "action_of", "pf", "hook", "prio", "flags", "prog_flags", "link_flags"];

/// The cell for people, and those of [`MORE`].
fn details(one: &Attachment) -> Vec<Cell> {
    let mut more = vec![Cell::nothing(); MORE.len()];
    let shown = match &one.details {
        Details::None => {
            // Of tcx and netkit bpftool has these too; the kernel sets none of them so far.
            if one.section == Section::Tc {
                more[8] = Cell::json(json!([]));
                more[9] = Cell::json(json!([]));
            }
            String::new()
        }
        Details::Filter { preference, handle, direct_action, action_of } => {
            more[0] = Cell::number(*preference);
            more[1] = Cell::number(*handle);
            more[2] = Cell::json(*direct_action);
            more[3] = action_of.as_deref().map_or_else(Cell::nothing, Cell::text);
            let action = action_of.as_ref().map_or_else(String::new, |kind| format!(" action of {kind}"));
            let direct = if *direct_action { " direct-action" } else { "" };
            format!("pref {preference} handle {handle:#x}{direct}{action}")
        }
        Details::Netfilter { family, hook, priority, flags } => {
            more[4] = Cell::number(*family);
            more[5] = Cell::number(*hook);
            more[6] = Cell::signed(*priority);
            more[7] = Cell::number(*flags);
            let flags = if *flags == 0 { String::new() } else { format!(" flags {flags:#x}") };
            format!("prio {priority}{flags}")
        }
    };
    let shown = if shown.is_empty() { Cell::nothing() } else { Cell::nothing().shown(shown).toned(Tone::Faint) };
    [vec![shown], more].concat()
}

fn interfaces(row: &NetnsRow) -> Table {
    let columns = [
        Column::hidden("netns"),
        Column::hidden("netns_name"),
        Column::words("INTERFACE"),
        Column::hidden("devname"),
        Column::hidden("ifindex"),
        Column::text("type", "TYPE").optional(),
        Column::text("up", "STATE"),
        Column::text("peer", "PEER").optional(),
        Column::text("tc_drops", "TC DROPS").optional(),
        Column::hidden("tc_drops_uncounted"),
    ];
    let mut table = Table::new("interfaces", columns).titled("interfaces:");
    for one in &row.interfaces {
        let name = String::from_utf8_lossy(&one.device.name);
        table.push([
            Cell::number(row.inode),
            row.label().map_or_else(Cell::nothing, Cell::text),
            Cell::nothing().shown(format!("{name}({})", one.device.index)),
            Cell::foreign(&one.device.name),
            Cell::number(one.device.index),
            if one.kind.is_empty() { Cell::none() } else { Cell::text(&one.kind) },
            Cell::json(one.up).shown(if one.up { "up" } else { "down" }),
            one.peer.as_ref().map_or_else(Cell::none, peer),
            drops(one),
            Cell::json(matches!(one.drops, Drops::NotCounted | Drops::Counted { others: true, .. })),
        ]);
    }
    table
}

fn peer(peer: &Peer) -> Cell {
    let name = peer.name.as_deref().map(String::from_utf8_lossy);
    let mut shown = name.map_or_else(|| format!("index {}", peer.index), |name| format!("{name}({})", peer.index));
    // Writing to a string cannot fail.
    let _ = match (peer.netns, &peer.netns_name) {
        (Some(_), Some(label)) => write!(shown, " in {label}"),
        (Some(netns), None) => write!(shown, " in netns {netns}"),
        (None, _) if peer.elsewhere => write!(shown, " in another namespace"),
        (None, _) => Ok(()),
    };
    let object = json!({
        "ifindex": peer.index,
        "devname": peer.name.as_deref().map(foreign),
        "netns": peer.netns,
        "netns_name": peer.netns_name.as_deref().map(text),
        "other_netns": peer.elsewhere,
    });
    Cell::json(object).shown(shown)
}

/// What the kernel does not count is said to be so; 0 would claim that nothing was dropped.
fn drops(one: &Interface) -> Cell {
    const NOT_COUNTED: &str = "not counted by the kernel (tcx, netkit)";
    match one.drops {
        Drops::None => Cell::none(),
        Drops::NotCounted => Cell::unknown(NOT_COUNTED),
        Drops::Counted { clsact, others } => {
            let tone = if clsact > 0 { Tone::Drop } else { Tone::Plain };
            let more = if others { "; tcx not counted" } else { "" };
            Cell::number(clsact).shown(format!("{clsact}{more}")).toned(tone)
        }
    }
}

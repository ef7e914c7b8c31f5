//! What stands in the rows of drops, and what is said below them.

use crate::{
    track::Kind,
    tui::{
        node::Part,
        state::{Of, State},
        store::Seq,
        theme::Role,
    },
    view::{escape, packets, phrase::append, table},
};

/// Of drops that did no harm.
pub(super) const HARMLESS: &str =
    "No packet was lost by this: each was delivered all the same, or only a copy was dropped.";

/// A reason that is none: whoever drops without one does not go through the kernel's own way of freeing packets.
pub(super) fn unexplained(kind: &Kind) -> &'static str {
    if kind.reason.is_none() && kind.place.is_none() {
        "A BPF program of XDP dropped it, before it was a packet to the rest of the kernel. The path shows which one."
    } else {
        "The kernel says no more than this name; the place is the function that gave the packet up."
    }
}

pub(super) fn reason(state: &State<'_>, kind: &Kind) -> String {
    let mut text = String::new();
    match (kind.reason, kind.place) {
        (Some(code), _) => state.context().write_reason(code, &mut text),
        (None, Some(_)) => text.push_str("no reason given"),
        (None, None) => text.push_str("XDP program"),
    }
    text
}

pub(super) fn place(state: &State<'_>, kind: &Kind) -> String {
    let mut text = String::new();
    match kind.place {
        Some(place) => state.context().write_place(place, &mut text),
        None => text.push('-'),
    }
    text
}

/// `web/eth0`
pub(super) fn whereabouts(state: &State<'_>, kind: &Kind) -> String {
    let mut text = String::new();
    if let Some(netns) = kind.netns {
        match state.context().netns_name(netns) {
            Some(name) => escape(name.as_bytes(), &mut text),
            None => text.push_str(&netns.to_string()),
        }
        text.push('/');
    }
    match kind.device {
        Some((_, name)) if !name.is_empty() => escape(name.bytes(), &mut text),
        Some((index, _)) => append(format_args!("#{index}"), &mut text),
        None => text.push('-'),
    }
    text
}

pub(super) fn flow(state: &State<'_>, of: Of, seq: Seq) -> String {
    let mut text = String::new();
    if let (Some(packet), Some(column)) = (state.store_of(of).get(seq), packets::find("flow")) {
        state.story_of(of, packet, |story| column.write(story, &state.theme.signs, &mut text));
    }
    text
}

/// What the kernel's counters of losses have counted while the view runs, in a line: losses that no packet may tell of.
/// `None` where nobody has looked.
pub(super) fn counters(state: &State<'_>) -> Option<(String, Role)> {
    let (page, _) = state.node.as_ref()?.page(Part::Counters)?;
    let table = match page {
        Ok(page) => page.tables.first()?,
        Err(error) => return Some((error.clone(), Role::Warn)),
    };
    let cell = |row: &[table::Cell], key: &str| {
        let place = table.columns.iter().position(|column| column.key == key);
        place.and_then(|place| row.get(place)).map_or(String::new(), |cell| cell.as_text().to_owned())
    };
    let counter = |row: &Vec<table::Cell>| {
        let places = ["netns_name", "at"].map(|key| cell(row, key));
        let known = places.into_iter().filter(|place| !matches!(place.as_str(), "" | "-"));
        let all = known.chain([cell(row, "counter"), cell(row, "by")]);
        all.collect::<Vec<_>>().join(" ")
    };
    if table.rows.is_empty() {
        return Some(("The kernel's own counters of losses stand still.".to_owned(), Role::Faint));
    }
    let moved: Vec<String> = table.rows.iter().map(counter).collect();
    let dot = format!(" {} ", state.theme.strokes.dot);
    Some((format!("Counted by the kernel meanwhile: {}", moved.join(&dot)), Role::Warn))
}

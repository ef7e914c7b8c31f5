//! `cilium maps`: which maps of Cilium are here, and as what they are read.

use std::process::ExitCode;

use super::{args::List, find};
use crate::{
    cli::{failure::Failure, show::show},
    inspect::{cilium::Cilium, maps::decode::recognise},
    view::{
        Tone,
        table::{Cell, Column, Table},
    },
};

/// Lists the maps.
pub(super) fn run(args: &List) -> Result<ExitCode, Failure> {
    show(&args.show, |round| Ok(vec![table(&find(&args.place, round.since.is_none())?)]))
}

fn table(cilium: &Cilium) -> Table {
    let columns = [
        Column::text("name", "NAME"),
        Column::number("id", "ID"),
        Column::text("type", "TYPE"),
        Column::number("bytes_key", "KEY"),
        Column::number("bytes_value", "VALUE"),
        Column::number("max_entries", "MAX"),
        Column::text("read_as", "READ AS").wrapping(),
        Column::hidden("pinned"),
        Column::hidden("left_over"),
    ];
    let mut table = Table::new("", columns);
    for found in cilium.maps() {
        let info = &found.map.info;
        let read_as = match recognise(&found.subject(Some((1, cilium.minor)), 0)) {
            Some((decoder, Ok(_))) if cilium.is_left(found) => {
                Cell::text(decoder.name()).shown(format!("{}, left over from another release", decoder.name()))
            }
            Some((decoder, Ok(_))) => Cell::text(decoder.name()),
            Some((_, Err(why))) => Cell::unknown(why).toned(Tone::Drop),
            None => Cell::none(),
        };
        table.push([
            Cell::text(found.label()),
            Cell::number(info.id),
            info.kind.name().map_or_else(|| Cell::number(info.kind.0), Cell::text),
            Cell::number(info.key_bytes),
            Cell::number(info.value_bytes),
            Cell::number(info.most_entries),
            read_as,
            found.path.as_ref().map(|path| Cell::foreign(path.as_os_str().as_encoded_bytes())).into(),
            Cell::json(cilium.is_left(found)),
        ]);
    }
    table
}

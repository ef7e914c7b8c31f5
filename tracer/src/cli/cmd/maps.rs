//! `skbtrail maps`: the maps of this kernel.

use std::process::ExitCode;

use crate::{
    cli::{
        failure::Failure,
        show::{Show, show},
    },
    inspect::{
        Error,
        maps::{self, Map},
    },
    view::table::{Cell, Column, Table},
};

/// Arguments of `maps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    show: Show,
}

/// Lists the maps.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    show(&args.show, |_| Ok(vec![list()?]))
}

fn list() -> Result<Table, Failure> {
    let columns = [
        Column::number("id", "ID"),
        Column::text("type", "TYPE"),
        Column::text("name", "NAME"),
        Column::number("bytes_key", "KEY"),
        Column::number("bytes_value", "VALUE"),
        Column::number("max_entries", "MAX"),
    ];
    let mut table = Table::new("", columns).or_else("no map is loaded");
    for id in maps::ids()? {
        let info = match Map::by_id(id) {
            Ok(map) => map.info,
            Err(Error::Gone { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let kind = info.kind.name().map_or_else(|| Cell::number(info.kind.0), Cell::text);
        let [key, value, most] = [info.key_bytes, info.value_bytes, info.most_entries].map(Cell::number);
        table.push([Cell::number(id), kind, Cell::foreign(info.name.bytes()), key, value, most]);
    }
    Ok(table)
}

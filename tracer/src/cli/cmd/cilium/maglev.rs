//! `cilium lb --maglev`: which share of a service's table each backend has. The tables are maps of their own, up to
//! half a megabyte each, so they are read one at a time.

use std::process::ExitCode;

use super::{args::List, find, list};
use crate::{
    cli::{colour, failure::Failure, say::say, show::show_long},
    inspect::{
        Error,
        maps::{Map, decode::cilium::maglev},
    },
    model::{Datum, Decoded},
    view::decoded,
};

/// Lists services with the shares of their backends.
pub(super) fn run(args: &List) -> Result<ExitCode, Failure> {
    let style = colour::style(args.show.color);
    show_long(&args.show, |round, paper| {
        let cilium = find(&args.place, round.since.is_none())?;
        let known = list::known(&cilium, "maglev", cilium.of(&maglev::SERVICES).collect())?;
        let mut rows = Vec::new();
        for (found, layout) in &known {
            list::each(found, &**layout, |entry| {
                if let Some(service) = layout.row(&entry)? {
                    rows.push((found.label(), joined(service, entry.value)?));
                }
                Ok(())
            })?;
        }
        if args.show.json {
            for (label, row) in &rows {
                decoded::json(&[("map", Datum::from((*label).to_owned()))], row, &mut paper.text);
                paper.turn()?;
            }
            return Ok(());
        }
        let Some((_, layout)) = known.first() else { return Ok(()) };
        let mut sizes = decoded::Layout::new(layout.form(), layout.titles());
        for (_, row) in &rows {
            sizes.measure(row);
        }
        sizes.header(style, &mut paper.text);
        for (_, row) in &rows {
            sizes.row(row, &mut paper.text);
            paper.turn()?;
        }
        Ok(())
    })
}

/// The service with what its table says; as it is, if the table has been replaced meanwhile.
fn joined(service: Decoded, id: &[u8]) -> anyhow::Result<Decoded> {
    let id = id.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes));
    match Map::by_id(id) {
        Ok(table) => Ok(table.lookup(&[0; 4])?.map_or(service.clone(), |places| maglev::joined(&service, &places))),
        Err(Error::Gone { .. }) => {
            say(format_args!("the table of service {} was replaced while it was read", service.cells[0]));
            Ok(service)
        }
        Err(error) => Err(error.into()),
    }
}

//! A list of entries: sorted and set out where the tool does that, else as they come.

use std::process::ExitCode;

use anyhow::anyhow;

use super::{args::List, find};
use crate::{
    cli::{
        colour,
        failure::Failure,
        progress::Progress,
        say::say,
        show::{Paper, show_long},
    },
    inspect::{
        cilium::Cilium,
        maps::{
            Found, Gathered,
            decode::{Answer, Entry, Layout},
        },
    },
    model::{Datum, Form},
    view::{Style, decoded},
};

/// Services joined with their backends, which no map holds so.
pub(super) const SERVICES_WITH_BACKENDS: &str = "lb";
/// Lists that have no heading either when there is nothing in them.
const SILENT: [&str; 10] =
    ["ipcache", "metrics", "auth", "node", "egress", "frag", "vtep", "srv6-vrf", "srv6-policy", "srv6-sid"];

/// Lists what the maps of these decoders hold.
pub(super) fn run(args: &List, names: &'static [&'static str]) -> Result<ExitCode, Failure> {
    let style = colour::style(args.show.color);
    let name = names[0];
    show_long(&args.show, |round, paper| {
        let cilium = find(&args.place, round.since.is_none())?;
        let answers = if name == SERVICES_WITH_BACKENDS {
            cilium.services(&cilium.backends()?)
        } else {
            let decoder = Cilium::decoder(name).ok_or_else(|| anyhow!("there is no decoder `{name}`"))?;
            cilium.of(decoder).collect()
        };
        let layouts = known(&cilium, name, answers)?;
        if args.show.json { json(&layouts, paper) } else { text(&layouts, name, style, paper) }
    })
}

/// A map with its layout.
pub(super) type Known<'a> = (&'a Found, Box<dyn Layout>);

/// Maps whose layout is known. Others are named, with the reason; if none is left, that is an error.
pub(super) fn known<'a>(
    cilium: &Cilium,
    name: &str,
    answers: Vec<(&'a Found, Answer)>,
) -> Result<Vec<Known<'a>>, Failure> {
    let mut known = Vec::new();
    let mut last = None;
    for (found, answer) in answers {
        match answer {
            Ok(layout) => known.push((found, layout)),
            Err(why) => last = Some(why),
        }
    }
    match (known.is_empty(), last) {
        (false, Some(why)) => say(why),
        (true, Some(why)) => return Err(Failure::Run(anyhow!("{why}; `skbtrail maps dump` shows its bytes"))),
        (true, None) => {
            let text = format!("none of the {} maps of Cilium 1.{} here", cilium.maps().len(), cilium.minor);
            return Err(Failure::Run(anyhow!("{text} holds `{name}`; `skbtrail cilium maps` lists them")));
        }
        (false, None) => {}
    }
    Ok(known)
}

/// Writes all maps as JSON lines.
pub(super) fn json(maps: &[Known<'_>], paper: &mut Paper) -> Result<(), Failure> {
    for (found, layout) in maps {
        let before = [("map", Datum::from(found.label().to_owned()))];
        each(found, &**layout, |entry| {
            if let Some(row) = layout.row(&entry)? {
                decoded::json(&before, &row, &mut paper.text);
            }
            paper.turn()
        })?;
    }
    Ok(())
}

/// Hands out the entries: in order, except where the tool has none and there may be many.
pub(super) fn each(
    found: &Found,
    layout: &dyn Layout,
    mut take: impl FnMut(Entry<'_>) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    if layout.form() != Form::Lines {
        let gathered = gather(found, layout)?;
        gathered.iter().try_for_each(take)?;
        return gathered.cut.map_or(Ok(()), |error| Err(error.into()));
    }
    let mut entries = found.map.entries()?;
    while let Some(entry) = entries.next_entry()? {
        take(Entry { key: entry.key, value: entry.value.raw() })?;
    }
    vanished(found, entries.vanished());
    Ok(())
}

/// Writes all maps as the tool does: those of a table together, those of lines with an empty line behind each.
fn text(maps: &[Known<'_>], name: &str, style: Style, paper: &mut Paper) -> Result<(), Failure> {
    if maps.iter().all(|(_, layout)| layout.form() == Form::Lines) {
        for (found, layout) in maps {
            let mut lines = decoded::Layout::new(Form::Lines, &[]);
            each(found, &**layout, |entry| {
                if let Some(row) = layout.row(&entry)? {
                    lines.row(&row, &mut paper.text);
                }
                paper.turn()
            })?;
            paper.text.push('\n');
        }
        return Ok(());
    }
    let empty = table(maps, !SILENT.contains(&name), style, paper)?;
    if empty {
        say("there are no entries");
    }
    Ok(())
}

/// Writes the maps as one table; true if there is no row in it. Without `headed` there is no heading then either.
pub(super) fn table(maps: &[Known<'_>], headed: bool, style: Style, paper: &mut Paper) -> Result<bool, Failure> {
    let Some((_, first)) = maps.first() else { return Ok(true) };
    let mut sizes = decoded::Layout::new(first.form(), first.titles());
    let mut gathered = Vec::new();
    for (found, layout) in maps {
        let entries = gather(found, &**layout)?;
        for entry in entries.iter() {
            if let Some(row) = layout.row(&entry)? {
                sizes.measure(&row);
            }
        }
        gathered.push((entries, layout));
    }
    let is_empty = gathered.iter().all(|(entries, _)| entries.is_empty());
    if headed || !is_empty {
        sizes.header(style, &mut paper.text);
    }
    for (entries, layout) in &gathered {
        for entry in entries.iter() {
            if let Some(row) = layout.row(&entry)? {
                sizes.row(&row, &mut paper.text);
            }
            paper.turn()?;
        }
    }
    match gathered.into_iter().find_map(|(entries, _)| entries.cut) {
        Some(error) => Err(error.into()),
        None => Ok(is_empty),
    }
}

fn gather(found: &Found, layout: &dyn Layout) -> Result<Gathered, Failure> {
    let mut progress = Progress::reading();
    let most = found.map.info.most_entries as usize;
    let gathered = Gathered::read(&found.map, layout, |count| progress.update((count, most)));
    progress.close();
    let gathered = gathered?;
    vanished(found, gathered.vanished());
    Ok(gathered)
}

fn vanished(found: &Found, count: u64) {
    if count > 0 {
        say(format_args!("{count} entries of `{}` were removed while it was read", found.label()));
    }
    if let Some(lost) = found.pin_lost() {
        say(lost);
    }
}

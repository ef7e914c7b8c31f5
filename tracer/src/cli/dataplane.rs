//! What the commands that list a dataplane's maps have in common: where pins are, what is said when there is no map, and
//! rows as text or JSON lines.

use std::path::{Path, PathBuf};

use super::{failure::Failure, say::say, show::Paper, show::Show};
use crate::{
    inspect::{
        dataplane::{BPFFS, Found, Rows, search},
        maps::decode::{
            Decoder as _, Entry, Layout, Misfit, Recognition,
            versions::{Version, Versions},
        },
    },
    model::{Datum, Decoded, Form},
    view::{
        Style,
        dump::{self, Printer, Reading},
        table::{self, Cell, Column, Table},
    },
};

/// Where pins are, and how to print.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// The BPF file system that maps are pinned in
    #[arg(long, value_name = "PATH", default_value = BPFFS)]
    pub bpffs: PathBuf,
    #[command(flatten)]
    pub show: Show,
}

/// The map of a kind that is in use: the newest of those there are.
pub(crate) fn newest(versions: &'static Versions, at: &Where, family: Option<bool>) -> Result<Found, Failure> {
    find(versions, at, family)?.ok_or_else(|| Failure::Run(missing(versions, at, family)))
}

/// The same, where it may well be missing.
pub(crate) fn find(versions: &'static Versions, at: &Where, family: Option<bool>) -> Result<Option<Found>, Failure> {
    let search = search(versions, &at.bpffs, family)?;
    let mut found = search.found.into_iter();
    let newest = found.next();
    for why in &search.unknown {
        if newest.is_none() {
            return Err(Failure::Run(anyhow::anyhow!("{why}; `skbtrail maps dump --hex` shows its bytes")));
        }
        say(why);
    }
    if let Some(newest) = &newest {
        for older in found {
            let name = older.version.name;
            say(format_args!(
                "there is `{name}` too (map {}), left over from another release or beside `{}`; shown is `{}`",
                older.map.info.id, newest.version.name, newest.version.name
            ));
        }
    }
    Ok(newest)
}

fn missing(versions: &Versions, at: &Where, family: Option<bool>) -> anyhow::Error {
    let mut names: Vec<&str> = versions
        .known
        .iter()
        .filter(|version| family.is_none_or(|ipv6| version.is_ipv6 == ipv6))
        .map(|version| version.name)
        .collect();
    names.dedup();
    let (first, rest) = versions.dataplane.split_at(1);
    let by_name = if at.bpffs == Path::new(BPFFS) { " or loaded under its name" } else { "" };
    anyhow::anyhow!(
        "no map of {}{rest}'s {} is pinned below `{}`{by_name} ({}): it does not run here, or \
         `--bpffs` must say where its pins are",
        first.to_uppercase(),
        versions.name,
        at.bpffs.display(),
        names.join(", ")
    )
}

/// Prints all entries of a map, an entry a line, in the order in which the kernel lists them.
pub(crate) fn print(versions: &'static Versions, found: &Found, show: &Show, paper: &mut Paper) -> Result<(), Failure> {
    let name = String::from_utf8_lossy(found.map.info.name.bytes()).into_owned();
    let subject = found.map.subject(&name, Some(found.version.name));
    let Recognition::Known(layout) = versions.recognise(&subject) else {
        return Err(Failure::Run(anyhow::anyhow!("the layout of `{}` is not known", found.version.name)));
    };
    if layout.form() != Form::Lines && !show.json {
        return columns(found, &*layout, paper);
    }
    // Several maps may be printed one after the other.
    let before = vec![("map", Datum::from(found.version.name))];
    let mut printer = Printer { before, ..Printer::new(Reading::Layout(layout), show.json) };
    let mut entries = found.map.entries()?;
    while let Some(entry) = entries.next_entry()? {
        printer.entry(&entry, &mut paper.text);
        paper.turn()?;
    }
    note_losses(found, entries.vanished(), printer.misfits);
    Ok(())
}

/// Prints a row that has been read already.
pub(crate) fn print_row(row: &Decoded, show: &Show, paper: &mut Paper) -> anyhow::Result<()> {
    if show.json {
        dump::json(row, &mut paper.text);
    } else {
        dump::line(row, &mut paper.text);
    }
    paper.turn()
}

/// Prints all entries in columns, whose widths have to be known before.
fn columns(found: &Found, layout: &dyn Layout, paper: &mut Paper) -> Result<(), Failure> {
    let titles = layout.titles().iter().map(|title| Column::text("", title));
    let mut table = Table::new("", titles).or_else("no entries");
    let mut misfits = 0;
    let mut entries = found.map.entries()?;
    let outcome = loop {
        let entry = match entries.next_entry() {
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
            Ok(Some(entry)) => Entry { key: entry.key, value: entry.value.raw() },
        };
        match layout.row(&entry) {
            Ok(Some(row)) => table.push(row.cells.iter().map(Cell::text)),
            Ok(None) => {}
            Err(_) => misfits += 1,
        }
    };
    // What was read before something failed is kept.
    table::text(&table, Style::Plain, None, &mut paper.text);
    note_losses(found, entries.vanished(), misfits);
    outcome
}

/// All rows of a map; of one that is not there, none, which is said.
pub(crate) fn rows<T>(
    versions: &'static Versions,
    at: &Where,
    read: fn(&Entry<'_>, &Version) -> Result<T, Misfit>,
    paper: &mut Paper,
) -> Result<Vec<T>, Failure> {
    let Some(found) = find(versions, at, None)? else {
        say(format_args!("there is no `{}`: what it would tell is missing below", versions.known[0].name));
        return Ok(Vec::new());
    };
    Ok(taken(&found, found.rows(read)?, paper))
}

/// The rows that there are; what was lost of them is said.
pub(crate) fn taken<T>(found: &Found, rows: Rows<T>, paper: &mut Paper) -> Vec<T> {
    note_losses(found, rows.vanished, 0);
    if let Some(error) = rows.cut {
        paper.cut = true;
        say(format_args!("`{}` could not be read to its end: {:#}", found.version.name, anyhow::Error::new(error)));
    }
    rows.rows
}

/// Says what was not shown, or not as it should be.
pub(crate) fn note_losses(found: &Found, vanished: u64, misfits: u64) {
    let name = found.version.name;
    if vanished > 0 {
        say(format_args!("{vanished} entries of `{name}` were removed while it was read"));
    }
    if misfits > 0 {
        say(format_args!("{misfits} entries of `{name}` did not fit its layout"));
    }
    if let Some(lost) = found.pin_lost() {
        say(lost);
    }
}

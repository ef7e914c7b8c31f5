//! Who looks at this machine for the view: on a thread of its own, which keeps the rights for that and no others.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};

use crate::{
    collect::privileges,
    inspect::{
        cilium::{self, Cilium},
        counters::{self, Scope, Snapshot, Watch},
        maps::{
            self, Depth, Map, Types,
            decode::{self, Layout},
        },
        net::{self, Which},
        owners::Owners,
        pins::Pins,
        programs,
    },
    kernel::{Root, netns},
    model::Decoded,
    tui::node::{NodeSource, Page, Part},
    view::{
        drops,
        dump::{Printer, Reading},
        lists::{self, RunRates},
        table::{Cell, Column, Table},
    },
};

/// Entries of a map that are counted, and that are shown.
const COUNTED: u64 = 1 << 14;
const SHOWN: usize = 5_000;
/// How long a look at the counters may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// This machine.
pub(super) struct Machine {
    root: Root,
    watch: Watch,
    /// The counters when they were looked at first.
    before: Option<Snapshot>,
    /// Runs of programs at the look before, of those at hooks and of all.
    runs: [RunRates; 2],
    /// Privileges that are not needed were given up.
    bare: bool,
}

impl Machine {
    /// To be called while this process still may look at all of it.
    pub(super) fn new(root: Root) -> anyhow::Result<Self> {
        let watch = Watch::start(root.clone(), Scope::All).context("failed to start a thread")?;
        Ok(Self { root, watch, before: None, runs: Default::default(), bare: false })
    }
}

impl NodeSource for Machine {
    fn begin(&mut self) {
        // Where that fails, nothing is read: the next attempt says why.
        self.bare = privileges::drop_all_but_inspecting().is_ok();
    }

    fn read(&mut self, part: Part) -> anyhow::Result<Page> {
        if !self.bare {
            privileges::drop_all_but_inspecting()?;
            self.bare = true;
        }
        let (pins, owners) = (|| Pins::read(&self.root), || Owners::read(&self.root));
        match part {
            Part::Net => {
                let found = net::read(&self.root, &Which::All)?;
                let notes = found.namespaces.iter().flat_map(|row| row.notes.clone());
                let notes = notes.chain(run_statistics(&self.root)).collect();
                let mut tables = lists::everywhere(&found.namespaces, &found.elsewhere);
                if let Some(hooks) = tables.first_mut() {
                    self.runs[0].apply(hooks, "prog_id", Instant::now());
                }
                Ok(Page { tables, notes })
            }
            Part::Programs => {
                let rows = programs::rows(&self.root, &pins(), &owners())?;
                let mut table = lists::programs(&rows, boot()).titled("programs");
                self.runs[1].apply(&mut table, "id", Instant::now());
                Ok(Page { tables: vec![table], notes: run_statistics(&self.root) })
            }
            Part::Maps => {
                let rows = maps::rows(&self.root, &pins(), &owners(), Depth::Bounded(COUNTED))?;
                Ok(Page { tables: vec![lists::maps(&rows).titled("maps")], notes: Vec::new() })
            }
            Part::Dataplane => self.dataplanes(),
            Part::Entries(id) => self.entries(id),
            Part::Counters => self.counters(),
        }
    }
}

impl Machine {
    /// The maps of which it is known what they mean.
    fn dataplanes(&self) -> anyhow::Result<Page> {
        let columns = [
            Column::text("dataplane", "DATAPLANE"),
            Column::text("holds", "HOLDS"),
            Column::text("name", "MAP"),
            Column::number("id", "ID"),
            Column::text("why_not", "NOT DECODED").optional(),
        ];
        let none = "No map of Cilium, Calico, Merbridge or Balancing is here; Maps shows all others.";
        let mut table = Table::new("dataplane", columns).or_else(none).titled("maps of dataplanes");
        let pins = Pins::read(&self.root);
        let minor = self.cilium_minor();
        for id in maps::ids()? {
            // One that has gone since is none.
            let Ok(map) = Map::by_id(id) else { continue };
            let Some((label, found)) = recognise(&map, &pins, minor) else { continue };
            let (decoder, answer) = found;
            table.push([
                Cell::text(decoder.dataplane()),
                Cell::text(decoder.name()),
                Cell::text(label),
                Cell::number(id),
                answer.err().map_or_else(Cell::nothing, Cell::text),
            ]);
        }
        table.rows.sort_by(|one, other| {
            let words = |cells: &[Cell]| cells.iter().take(3).map(|cell| cell.as_text().to_owned()).collect::<Vec<_>>();
            words(one).cmp(&words(other))
        });
        Ok(Page { tables: vec![table], notes: Vec::new() })
    }

    fn cilium_minor(&self) -> u16 {
        let wanted = cilium::Wanted::default();
        Cilium::find(&self.root, &wanted).map_or(0, |cilium| cilium.minor)
    }

    fn entries(&self, id: u32) -> anyhow::Result<Page> {
        let map = Map::by_id(id)?;
        let known = recognise(&map, &Pins::read(&self.root), self.cilium_minor());
        let (label, layout) = match known {
            Some((label, (_, answer))) => (label, answer.ok()),
            None => (String::from_utf8_lossy(map.info.name.bytes()).into_owned(), None),
        };
        let titles = layout.as_deref().map_or(&[][..], Layout::titles);
        let columns: Vec<Column> = match titles {
            [] => vec![Column::words("ENTRY")],
            titles => titles.iter().map(|title| Column::words(title)).collect(),
        };
        let reading = match layout {
            Some(layout) => Reading::Layout(layout),
            None => Types::of(&map)?.map_or(Reading::Hex, Reading::Types),
        };
        let mut table = Table::new("entries", columns).titled(format!("{label} ({id})")).or_else("it is empty");
        let mut printer = Printer::new(reading, false);
        let mut entries = map.entries()?;
        let mut notes = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            if table.rows.len() >= SHOWN {
                notes.push(format!("the first {SHOWN} entries; `skbtrail maps dump {id}` prints all"));
                break;
            }
            match row(&printer.reading, &entry) {
                Some(Ok(Some(row))) => table.push(row.cells.iter().map(Cell::text)),
                Some(Ok(None)) => {}
                Some(Err(_)) | None => {
                    let mut text = String::new();
                    printer.entry(&entry, &mut text);
                    table.push([Cell::text(text.trim_end())]);
                }
            }
        }
        if entries.vanished() > 0 {
            notes.push(format!("{} entries were removed while it was read", entries.vanished()));
        }
        if printer.misfits > 0 {
            notes.push(format!("{} entries do not fit the layout and are shown as bytes", printer.misfits));
        }
        Ok(Page { tables: vec![table], notes })
    }

    /// What the kernel's counters have counted since they were looked at first.
    fn counters(&mut self) -> anyhow::Result<Page> {
        self.watch.ask();
        let now = self.watch.answer(PATIENCE).context("the kernel's counters could not be read in time")?;
        let notes = now.notes.clone();
        let before = self.before.get_or_insert_with(|| now.clone());
        let moved = counters::moved(before, &now);
        let names = netns::names(&self.root);
        Ok(Page { tables: vec![drops::counters(&moved, now.at.duration_since(before.at), &names)], notes })
    }
}

/// What a layout makes of an entry, where there is one with columns.
fn row(reading: &Reading, entry: &maps::Entry<'_>) -> Option<Result<Option<Decoded>, decode::Misfit>> {
    match reading {
        Reading::Layout(layout) if !layout.titles().is_empty() => {
            Some(layout.row(&decode::Entry { key: entry.key, value: entry.value.raw() }))
        }
        _ => None,
    }
}

type Recognised = (&'static dyn decode::Decoder, Result<Box<dyn Layout>, String>);

/// The name to show, and what kind of map it is.
fn recognise(map: &Map, pins: &Pins, cilium_minor: u16) -> Option<(String, Recognised)> {
    let pin = pins.of_map(map.info.id).first().and_then(|pin| pin.file_name());
    let pin = pin.map(|name| name.to_string_lossy().into_owned());
    let name = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
    let mut subject = map.subject(&name, pin.as_deref());
    // Layouts of Cilium's maps differ by release in what no size shows.
    let of_cilium = cilium_minor > 0 && subject.begins_with("cilium_");
    subject.release = of_cilium.then_some((1, cilium_minor));
    let found = decode::recognise(&subject)?;
    Some((subject.label().to_owned(), found))
}

/// That nothing counts the runs of programs is said, rather than left to be guessed.
fn run_statistics(root: &Root) -> Vec<String> {
    let off = root.text("/proc/sys/kernel/bpf_stats_enabled").is_ok_and(|text| text.trim() == "0");
    let text = "Runs and their time are not counted by the kernel now; `sysctl -w kernel.bpf_stats_enabled=1` has them counted.";
    off.then(|| text.to_owned()).into_iter().collect()
}

/// When the machine began, seconds of the epoch.
fn boot() -> u64 {
    let seconds = |clock| clock_gettime(clock).map_or(0, |now| now.tv_sec());
    u64::try_from(seconds(ClockId::CLOCK_REALTIME) - seconds(ClockId::CLOCK_BOOTTIME)).unwrap_or_default()
}

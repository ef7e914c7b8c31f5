//! `skbtrail maps dump`: the entries of one map, in memory that does not grow with it.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;

use crate::{
    cli::{failure::Failure, progress::Progress, say::say},
    inspect::{
        cilium::{self, Cilium, Wanted},
        maps::{Map, MapRef, Types, decode},
        pins::Pins,
    },
    kernel::Root,
    view::dump::{Printer, Reading},
};

/// Text that is gathered before it is written.
const CHUNK: usize = 64 << 10;
/// Entries between two moves of the bar.
const STRIDE: u64 = 4096;

const EXAMPLES: &str = "\
Maps of known dataplanes are shown in their meaning, others by the types that they were made with, and the rest as bytes in \
the order in which they lie in memory. Values of per-CPU maps are shown apart and summed.

Examples:
  skbtrail maps dump cilium_lxc
  skbtrail maps dump --hex 7 | sort
  skbtrail maps dump --json /sys/fs/bpf/tc/globals/cilium_ipcache_v2 | jq .";

/// Arguments of `maps dump`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The map: its id, a file that it is pinned to (with a `/`), or its name
    #[arg(value_name = "ID|PIN|NAME")]
    map: String,
    /// Show bytes, whatever is known of them
    #[arg(long)]
    hex: bool,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
}

/// Prints the entries.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let Ok(wanted) = args.map.parse::<MapRef>();
    let map = Map::open(&root, &wanted)?;
    let reading = if args.hex { Reading::Hex } else { reading(&root, &map, &wanted)? };
    let mut printer = Printer::new(reading, args.json);
    let count = print(&map, &mut printer)?;
    if printer.misfits > 0 {
        say(format_args!("{} entries did not fit the layout and are shown as bytes", printer.misfits));
    }
    if printer.passed_over > 0 {
        say(format_args!(
            "{} entries that the dataplane's own tool passes over are not shown (--hex shows them)",
            printer.passed_over
        ));
    }
    say(format_args!("{count} {}", if count == 1 { "entry" } else { "entries" }));
    Ok(ExitCode::SUCCESS)
}

/// By what this map is read.
fn reading(root: &Root, map: &Map, wanted: &MapRef) -> Result<Reading, Failure> {
    let pin = match wanted {
        MapRef::Pin(path) => Some(path.clone()),
        MapRef::Id(_) | MapRef::Name(_) => Pins::read(root).of_map(map.info.id).first().cloned(),
    };
    let pin = pin.as_deref().and_then(|pin| pin.file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = String::from_utf8_lossy(map.info.name.bytes()).into_owned();
    let mut subject = map.subject(&name, pin.as_deref());
    // Some layouts differ in nothing but the release, which the other maps tell.
    let is_ciliums = subject.label().starts_with(cilium::PREFIX);
    let cilium = if is_ciliums { Cilium::find(root, &Wanted::default()).ok() } else { None };
    subject.release = cilium.as_ref().map(|cilium| (1, cilium.minor));
    let known = match &cilium {
        Some(cilium) => cilium.recognise(&subject)?,
        None => decode::recognise(&subject),
    };
    match known {
        Some((decoder, Ok(layout))) => {
            let release = subject.release.map(|(major, minor)| format!(" of release {major}.{minor}"));
            let release = release.unwrap_or_default();
            say(format_args!("map {}: {} {}{release}", map.info.id, decoder.dataplane(), decoder.name()));
            return Ok(Reading::Layout(layout));
        }
        Some((_, Err(why))) => say(why),
        None => {}
    }
    Ok(Types::of(map)?.map_or(Reading::Hex, Reading::Types))
}

fn print(map: &Map, printer: &mut Printer) -> Result<u64, Failure> {
    let mut out = io::stdout().lock();
    let mut bar = (!io::stdout().is_terminal()).then(Progress::reading);
    let mut text = String::with_capacity(2 * CHUNK);
    let mut write = |text: &mut String| {
        out.write_all(text.as_bytes()).context("failed to write to stdout")?;
        text.clear();
        anyhow::Ok(())
    };
    printer.header(&mut text);
    let mut entries = map.entries()?;
    let (mut count, mut read) = (0, 0_u64);
    while let Some(entry) = entries.next_entry()? {
        count += u64::from(printer.entry(&entry, &mut text));
        read += 1;
        if text.len() >= CHUNK {
            write(&mut text)?;
        }
        if let Some(bar) = bar.as_mut().filter(|_| read.is_multiple_of(STRIDE)) {
            bar.update((read as usize, map.info.most_entries as usize));
        }
    }
    write(&mut text)?;
    out.flush().context("failed to write to stdout")?;
    if let Some(bar) = &mut bar {
        bar.close();
    }
    if entries.vanished() > 0 {
        say(format_args!(
            "{} keys had no value when it was asked for: empty, or removed meanwhile",
            entries.vanished()
        ));
    }
    Ok(count)
}

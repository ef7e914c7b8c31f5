//! `skbtrail diff`: where the packets of two recordings go different ways, or those of two filters over one.

use std::{io::Write, ops::ControlFlow, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, anyhow};

use crate::{
    cli::{
        Failure,
        gather::Taker,
        judge::{Flags, Question},
        opened::Opened,
        progress::Progress,
    },
    feed::Source as _,
    model::Probe,
    symbol::Cache,
    track::{self, Journey, PathLimits, Paths, Side, Tables, Traits},
    view::{self, Context, Timestamp},
};

const EXAMPLES: &str = "\
Examples:
  skbtrail diff good.pcapng bad.pcapng
  skbtrail diff good.pcapng bad.pcapng --filter 'tcp port 443'
  skbtrail diff web.pcapng --filter-a 'src net 10.1.0.0/16' --filter-b 'src net 10.2.0.0/16'
  skbtrail diff --output-json good.pcapng bad.pcapng | jq .a.next

It follows the most travelled way of both sides, says where a tenth of the packets or more goes on differently, which hops only \
one side has, what tells the packets apart where they begin, and which latencies differ. Functions are compared by name, so the two may come from different kernels.";

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Two recordings, A and B; or one, with --filter-a and --filter-b
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    files: Vec<PathBuf>,
    /// Packets of either side, in the language of pcap-filter(7) with the keys of `trace`; all without
    #[arg(long, short, value_name = "FILTER")]
    filter: Option<String>,
    /// Packets of A
    #[arg(long, value_name = "FILTER")]
    filter_a: Option<String>,
    /// Packets of B
    #[arg(long, value_name = "FILTER")]
    filter_b: Option<String>,
    /// Look only at hits that match by themselves, not at all of a packet from the first that does
    #[arg(long)]
    no_track: bool,
    /// Print JSON, an object (see assets/output-json.md)
    #[arg(long = "output-json")]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let [a, b] = sides(args)?;
    let difference = track::diff(&read(&a, args.no_track)?, &read(&b, args.no_track)?);
    let mut text = Vec::new();
    if args.json {
        view::diff::json(&difference, &mut text);
    } else {
        view::diff::text(&difference, [&a.name, &b.name], &mut text);
    }
    out.write_all(&text).and_then(|()| out.flush()).context("failed to write to stdout")?;
    Ok(ExitCode::SUCCESS)
}

/// What one side is.
struct Which {
    file: PathBuf,
    expression: String,
    /// For the reader.
    name: String,
}

fn sides(args: &Args) -> Result<[Which; 2], Failure> {
    let side = |file: &PathBuf, own: Option<&String>| {
        let both = [args.filter.as_ref(), own];
        let given: Vec<&str> =
            both.into_iter().flatten().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        let expression = match given.as_slice() {
            [one] => (*one).to_owned(),
            several => several.iter().map(|text| format!("({text})")).collect::<Vec<_>>().join(" and "),
        };
        let name = match expression.as_str() {
            "" => file.display().to_string(),
            expression => format!("{}, {expression}", file.display()),
        };
        Which { file: file.clone(), expression, name }
    };
    let (own_a, own_b) = (args.filter_a.as_ref(), args.filter_b.as_ref());
    match args.files.as_slice() {
        [a, b] => Ok([side(a, own_a), side(b, own_b)]),
        [one] if own_a.is_some() || own_b.is_some() => Ok([side(one, own_a), side(one, own_b)]),
        _ => Err(Failure::Usage(anyhow!(
            "there is nothing to compare with: give a second recording, or --filter-a and --filter-b"
        ))),
    }
}

/// Counts the paths of a side.
fn read(which: &Which, no_track: bool) -> Result<Side, Failure> {
    let flags = Flags { no_track, ..Flags::default() };
    let mut opened =
        Opened::open(std::slice::from_ref(&which.file), &Question { expression: &which.expression, flags })?;
    let mut counter = Counter(Paths::new(PathLimits::default()), Traits::default());
    let tracker = opened.gather(&mut counter)?;
    opened.finish()?;
    let symbols = Cache::new(&opened.names.symbols);
    let context = Context {
        probes: opened.replay.probes(),
        symbols: &symbols,
        reasons: &opened.names.reasons,
        namespaces: &opened.names.namespaces,
        clock: None,
        metadata: &[],
        facts: None,
        timestamp: Timestamp::None,
        tcp_flags: false,
    };
    let profile = view::paths::Profile { paths: &counter.0, tables: tracker.tables(), context: &context };
    Ok(Side { traits: counter.1, ..view::paths::side(&profile) })
}

/// Counts every packet.
struct Counter(Paths, Traits);

impl Taker for Counter {
    fn take(&mut self, journey: &Journey, tables: &Tables, _: &[Probe]) -> ControlFlow<()> {
        if self.0.add(journey).is_some() {
            self.1.add(journey, tables);
        }
        ControlFlow::Continue(())
    }

    fn flush(&mut self, _: &Progress) -> anyhow::Result<()> {
        Ok(())
    }
}

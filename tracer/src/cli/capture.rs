//! A filter over the packets of a capture file.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use tracer_common::predicate::Verdict;

use super::{Failure, say::say};
use crate::{
    filter,
    record::capture::{self, Packet, Reader, Unjudged},
    view::{self, captured::Totals},
};

/// Most kinds of reasons that a message names.
const MOST_REASONS: usize = 3;

/// Which file, and what to show of it.
#[derive(Debug, clap::Args)]
pub(super) struct Capture {
    /// Count the packets of this pcap or pcapng file that match; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
    /// Print a line for each packet that matches; the counts go to stderr then
    #[arg(long, requires = "pcap")]
    print: bool,
    /// End after this many packets that match
    #[arg(long, value_name = "N", requires = "pcap", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print JSON, an object a line: with --print the packets, then the counts
    #[arg(long, requires = "pcap")]
    output_json: bool,
}

/// Judges the packets of `file`.
pub(super) fn run(
    compiled: &filter::Compiled,
    file: &Path,
    args: &Capture,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let failed = || format!("failed to read `{}`", file.display());
    let totals = if file == Path::new("-") {
        // Whoever writes into the pipe may take long: each line is shown at once.
        let reader = Reader::new(io::stdin().lock(), None).context("failed to read standard input")?;
        Judge::new(compiled, args, out).run(reader).context("failed to read standard input")?
    } else {
        let reader = Reader::open(file).with_context(failed)?;
        let mut out = BufWriter::new(&mut *out);
        let totals = Judge::new(compiled, args, &mut out).run(reader).with_context(failed)?;
        out.flush()?;
        totals
    };
    for warning in &totals.warnings {
        say(warning);
    }
    conclude(&totals, args, out)?;
    Ok(ExitCode::SUCCESS)
}

/// Says the counts.
fn conclude(totals: &Totals, args: &Capture, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.output_json {
        let mut line = String::new();
        view::captured::json_totals(totals, &mut line);
        out.write_all(line.as_bytes())?;
    } else if args.print {
        say(sentence(totals));
    } else {
        writeln!(out, "{}", sentence(totals))?;
    }
    Ok(())
}

fn sentence(totals: &Totals) -> String {
    let (read, undecidable) = (packets(totals.read), packets(totals.undecidable));
    let counts = format!("{read} read, {} match", totals.matched);
    match totals.undecidable {
        0 => counts,
        _ => format!("{counts}; {undecidable} could not be judged: {}", totals.reasons.join("; ")),
    }
}

fn packets(count: u64) -> String {
    format!("{count} packet{}", if count == 1 { "" } else { "s" })
}

/// Why a packet could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Packet(Unjudged),
    /// The filter asks for what no capture of this kind holds.
    Absent,
}

impl Display for Reason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Packet(unjudged) => unjudged.fmt(out),
            Self::Absent => out.write_str("without what the filter asks for, such as Ethernet addresses"),
        }
    }
}

/// Runs a filter and counts.
struct Judge<'a> {
    compiled: &'a filter::Compiled,
    args: &'a Capture,
    out: &'a mut dyn Write,
    clock: view::Clock,
    read: u64,
    matched: u64,
    reasons: BTreeMap<Reason, u64>,
}

impl<'a> Judge<'a> {
    fn new(compiled: &'a filter::Compiled, args: &'a Capture, out: &'a mut dyn Write) -> Self {
        // Times of captures are those of a calendar already.
        let clock = view::Clock::new(0, jiff::tz::TimeZone::system());
        Self { compiled, args, out, clock, read: 0, matched: 0, reasons: BTreeMap::new() }
    }

    fn run<R: Read>(mut self, mut reader: Reader<R>) -> anyhow::Result<Totals> {
        while self.args.limit.is_none_or(|limit| self.matched < limit) {
            let Some(packet) = reader.next_packet()? else { break };
            self.read += 1;
            match self.judge(&packet) {
                Ok(false) => {}
                Ok(true) => {
                    self.matched += 1;
                    self.show(&packet)?;
                }
                Err(reason) => *self.reasons.entry(reason).or_default() += 1,
            }
        }
        self.refuse_foreign_links()?;
        Ok(self.totals(reader.warnings()))
    }

    fn judge(&self, packet: &Packet<'_>) -> Result<bool, Reason> {
        let mut source = packet.source().map_err(Reason::Packet)?;
        match self.compiled.program.evaluate(&mut source) {
            Verdict::Match => Ok(true),
            Verdict::Reject => Ok(false),
            Verdict::Undecidable => Err(Reason::Absent),
        }
    }

    fn show(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        if !self.args.print {
            return Ok(());
        }
        let mut line = String::new();
        if self.args.output_json {
            view::captured::json(packet, &self.clock, &mut line);
        } else {
            view::captured::text(packet, &self.clock, &mut line);
        }
        self.out.write_all(line.as_bytes())
    }

    /// A capture of nothing but a link type that is not read here is no capture without matches.
    fn refuse_foreign_links(&self) -> anyhow::Result<()> {
        let foreign = |reason: &Reason| matches!(reason, Reason::Packet(Unjudged::LinkType(_)));
        let count: u64 = self.reasons.iter().filter(|(reason, _)| foreign(reason)).map(|(_, count)| count).sum();
        if count > 0 && count == self.read {
            let (links, _) = self.explain();
            anyhow::bail!(
                "no packet can be judged: {}; Ethernet, raw IP, Linux cooked and loopback packets are read",
                links.join("; ")
            );
        }
        Ok(())
    }

    fn totals(&self, warnings: impl Iterator<Item = capture::Warning>) -> Totals {
        let (reasons, undecidable) = self.explain();
        let warnings = warnings.map(|warning| warning.to_string()).collect();
        Totals { read: self.read, matched: self.matched, undecidable, reasons, warnings }
    }

    /// The reasons, most frequent first, and how many packets they concern.
    fn explain(&self) -> (Vec<String>, u64) {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let all: u64 = self.reasons.values().sum();
        let named = reasons.iter().take(MOST_REASONS);
        let rest = all - named.clone().map(|(_, count)| **count).sum::<u64>();
        let mut texts: Vec<String> = named.map(|(reason, count)| format!("{count} {reason}")).collect();
        if rest > 0 {
            texts.push(format!("{rest} for other reasons"));
        }
        (texts, all)
    }
}

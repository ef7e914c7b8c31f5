//! Rows for databases.

use std::{path::PathBuf, slice};

use super::Format;
use crate::{
    cli::output::Output,
    feed::{Names, Poll, Replay, Source as _},
    model::Record,
    symbol::Cache,
    view::{
        Context, Row, Timestamp,
        export::{self, Entry},
    },
};

/// Records taken before rows are written.
const BATCH: usize = 4096;

/// Writes all hits, of one file after the other: so each row names its machine. Returns what could not be read.
pub(super) fn write(files: &[PathBuf], format: Format, output: &mut Output) -> anyhow::Result<Vec<String>> {
    let mut sink = Sink::new(format)?;
    let mut out = Vec::new();
    let mut warnings = Vec::new();
    sink.begin(&mut out);
    for file in files {
        let mut replay = Replay::open(slice::from_ref(file))?;
        one(&mut replay, &mut sink, &mut out, output)?;
        warnings.extend(replay.finish()?);
    }
    sink.end(&mut out)?;
    output.write(&out)?;
    Ok(warnings)
}

fn one(replay: &mut Replay, sink: &mut Sink, out: &mut Vec<u8>, output: &mut Output) -> anyhow::Result<()> {
    let names = std::mem::replace(&mut replay.names, Names::empty());
    let symbols = Cache::new(&names.symbols);
    let host = replay.start().map(|start| start.host.clone()).unwrap_or_default();
    let clock_offset = replay.clock_offset();
    let mut scratch = String::new();
    loop {
        let polled = replay.poll(BATCH, &mut |record, probes| {
            let Record::Hit(event) = record else { return };
            let context = Context {
                probes,
                symbols: &symbols,
                reasons: &names.reasons,
                namespaces: &names.namespaces,
                clock: None,
                metadata: &[],
                facts: None,
                timestamp: Timestamp::None,
                tcp_flags: false,
            };
            sink.add(&Entry::new(Row::new(&event, &context), &host, clock_offset), &mut scratch, out);
        });
        if polled == Poll::End {
            return Ok(());
        }
        sink.flush(out)?;
        output.write(out)?;
        out.clear();
    }
}

/// A format, with what it has to remember.
enum Sink {
    Csv,
    Jsonl,
    #[cfg(feature = "parquet")]
    Parquet(Box<export::parquet::Writer>),
}

impl Sink {
    fn new(format: Format) -> anyhow::Result<Self> {
        match format {
            Format::Csv => Ok(Self::Csv),
            Format::Jsonl => Ok(Self::Jsonl),
            #[cfg(feature = "parquet")]
            Format::Parquet => Ok(Self::Parquet(Box::new(export::parquet::Writer::new()?))),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => anyhow::bail!("this skbtrail is built without Parquet"),
        }
    }

    fn begin(&self, out: &mut Vec<u8>) {
        if matches!(self, Self::Csv) {
            export::csv_header(out);
        }
    }

    fn add(&mut self, entry: &Entry<'_>, scratch: &mut String, out: &mut Vec<u8>) {
        match self {
            Self::Csv => export::csv(entry, scratch, out),
            Self::Jsonl => export::json(entry, scratch, out),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.add(entry, scratch),
        }
    }

    #[cfg_attr(not(feature = "parquet"), expect(clippy::unnecessary_wraps, reason = "Parquet may fail"))]
    fn flush(&mut self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Csv | Self::Jsonl => {}
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.flush(out)?,
        }
        let _ = out;
        Ok(())
    }

    #[cfg_attr(not(feature = "parquet"), expect(clippy::unnecessary_wraps, reason = "Parquet may fail"))]
    fn end(self, out: &mut Vec<u8>) -> anyhow::Result<()> {
        match self {
            Self::Csv | Self::Jsonl => {}
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.end(out)?,
        }
        let _ = out;
        Ok(())
    }
}

//! Rows of what a source hands out, as text or JSON, whatever the source is.

use super::{output::Output, progress::Progress};
use crate::{
    feed::Names,
    model::{Event, Probe},
    symbol::Cache,
    view::{self, Clock, Context, Printer, Row, Style, Timestamp, columns::Column},
};

/// Bytes of rows gathered before they are written, while more events wait.
const GATHERED: usize = 256 << 10;

/// How rows look.
pub(crate) struct Look {
    /// Columns, in their order.
    pub(crate) columns: Vec<&'static dyn Column>,
    /// JSON instead of text.
    pub(crate) json: bool,
    /// How text shows the time.
    pub(crate) timestamp: Timestamp,
    /// Text shows the flags of TCP.
    pub(crate) tcp_flags: bool,
    /// Member chains as typed.
    pub(crate) metadata: Vec<String>,
    /// With colours or without.
    pub(crate) style: Style,
}

/// What rows are made with, and where they go.
pub(crate) struct Rows<'a> {
    printer: Printer,
    symbols: Cache<'a>,
    names: &'a Names,
    look: &'a Look,
    clock: Clock,
    output: Output,
    buffer: Vec<u8>,
    /// Rows that still are in the buffer.
    unwritten: u64,
}

impl<'a> Rows<'a> {
    /// Rows of events whose real time is their time plus `clock_offset`, nanoseconds.
    pub(crate) fn new(names: &'a Names, look: &'a Look, clock_offset: i64, probes: &[Probe], output: Output) -> Self {
        let symbols = Cache::new(&names.symbols);
        let clock = Clock::new(clock_offset, jiff::tz::TimeZone::system());
        let columns = &look.columns;
        let printer = if look.json {
            Printer::Json(view::json::Printer::new(columns))
        } else {
            let context = context(names, look, &clock, &symbols, probes);
            Printer::Text(view::text::Printer::new(columns, &context, look.style))
        };
        let mut buffer = Vec::new();
        printer.header(&mut buffer);
        Self { printer, symbols, names, look, clock, output, buffer, unwritten: 0 }
    }

    /// Makes a row of an event.
    pub(crate) fn add(&mut self, event: &Event, probes: &[Probe]) {
        let context = context(self.names, self.look, &self.clock, &self.symbols, probes);
        self.printer.event(&Row::new(event, &context), &mut self.buffer);
        self.unwritten += 1;
    }

    /// There is enough to be worth writing.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= GATHERED
    }

    /// Rows that are not written.
    pub(crate) fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Writes what there is.
    pub(crate) fn write(&mut self, progress: &Progress) -> anyhow::Result<()> {
        if !self.buffer.is_empty() {
            progress.around(|| self.output.write(&self.buffer))?;
            self.buffer.clear();
            self.unwritten = 0;
        }
        Ok(())
    }
}

/// What rows and blocks are named by.
pub(super) fn context<'a>(
    names: &'a Names,
    look: &'a Look,
    clock: &'a Clock,
    symbols: &'a Cache<'a>,
    probes: &'a [Probe],
) -> Context<'a> {
    Context {
        probes,
        symbols,
        reasons: &names.reasons,
        namespaces: &names.namespaces,
        clock: Some(clock),
        metadata: &look.metadata,
        facts: names.facts.as_deref(),
        timestamp: look.timestamp,
        tcp_flags: look.tcp_flags,
    }
}

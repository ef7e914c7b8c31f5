//! Makes the blocks of a recording. Where they go is not known here: each call appends bytes to a buffer of the caller's, whole
//! blocks only. Memory is bounded: a frame in the making, and tables of fixed sizes.

mod details;
mod dictionary;
mod hops;
mod interfaces;
mod link;
mod packets;
mod plain;
mod shown;

use std::collections::{HashMap, HashSet};

pub use self::plain::Plain;
use self::{
    hops::Hops,
    interfaces::{Interfaces, describe_unknown},
    packets::Packets,
};
use super::format::{
    FRAME_BYTES,
    frame::{self, Header},
    pcapng,
    start::Start,
    table::{Entry, which},
};
use crate::{
    collect::counts::Counts,
    model::{Event, Origin, Probe, Record},
    symbol::Symbols,
};

/// Addresses known to be in the file's tables; when there are more, they are written once again.
const MOST_SYMBOLS: usize = 65_536;

/// How a recording is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Frames are compressed (LZ4).
    pub compress: bool,
    /// Most bytes kept of a packet.
    pub snaplen: u32,
}

/// What names the numbers in records.
#[derive(Clone, Copy)]
pub struct Naming<'a> {
    /// The run's table of probes, which may grow.
    pub probes: &'a [Probe],
    /// Names of drop reasons.
    pub reasons: &'a HashMap<u32, String>,
    /// Names of namespaces by inode.
    pub namespaces: &'a HashMap<u32, String>,
    /// Names of addresses.
    pub symbols: &'a dyn Symbols,
}

/// Makes one recording.
pub struct Writer {
    settings: Settings,
    start: Start,
    hops: Hops,
    packets: Packets,
    /// Addresses whose symbols are in the file.
    symbols: HashSet<u64>,
    /// Probes that are.
    probes: usize,
    /// Hops and changes of the frames made so far.
    before: u64,
    /// The largest time, nanoseconds of the kernel's clock.
    last_time: u64,
    /// Kept so that its memory is used again.
    content: Vec<u8>,
}

impl Writer {
    /// A recording under these circumstances.
    pub fn new(settings: Settings, start: Start) -> Self {
        let packets = Packets::new(start.clock_offset, Interfaces::behind_unknown());
        Self {
            settings,
            start,
            hops: Hops::default(),
            packets,
            symbols: HashSet::new(),
            probes: 0,
            before: 0,
            last_time: 0,
            content: Vec::new(),
        }
    }

    /// Appends what stands before the first hop.
    pub fn begin(&mut self, naming: &Naming<'_>, out: &mut Vec<u8>) {
        self.section(0, out);
        self.first_tables(naming, out);
    }

    /// Appends the first part of that: which recording it is. The first `thrown_away` records are left out on purpose.
    pub fn section(&self, thrown_away: u64, out: &mut Vec<u8>) {
        pcapng::section(&format!("Linux {}", self.start.kernel), &self.start.application, out);
        describe_unknown(out);
        let content = self.start.to_json().to_string();
        let header = Header { before: thrown_away, ..Header::new(frame::kind::START, 1) };
        frame::write(header, content.as_bytes(), false, &[], out);
    }

    /// Appends the second part: what is known from the beginning.
    pub fn first_tables(&mut self, naming: &Naming<'_>, out: &mut Vec<u8>) {
        let named = |table, key, name| Entry { table, key, name, ..Entry::default() };
        let reasons = naming.reasons.iter().map(|(key, name)| named(which::REASON, u64::from(*key), name));
        let namespaces = naming.namespaces.iter().map(|(key, name)| named(which::NAMESPACE, u64::from(*key), name));
        let mut entries: Vec<Entry<'_>> = reasons.chain(namespaces).collect();
        entries.sort_by_key(|entry| (entry.table, entry.key));
        self.tables(entries.into_iter(), out);
        self.new_probes(naming.probes, out);
    }

    /// Takes a record; true when it is time to [`Writer::flush`].
    pub fn add(&mut self, record: &Record, naming: &Naming<'_>) -> bool {
        self.last_time = self.last_time.max(record.time());
        match record {
            Record::Change(change) => {
                self.packets.change(change);
                self.hops.change(change);
            }
            Record::Hit(event) if holds_more(event, self.settings.snaplen) => {
                self.hit(&cut(event, self.settings.snaplen), naming);
            }
            Record::Hit(event) => self.hit(event, naming),
        }
        self.hops.is_full()
    }

    fn hit(&mut self, event: &Event, naming: &Naming<'_>) {
        self.packets.hit(event, naming);
        self.hops.hit(event);
    }

    /// Hops and changes that wait for [`Writer::flush`].
    pub fn waiting(&self) -> usize {
        self.hops.len()
    }

    /// Hops and changes taken so far.
    pub fn taken(&self) -> u64 {
        self.before + self.hops.len() as u64
    }

    /// The largest time so far, nanoseconds of the kernel's clock.
    pub fn last_time(&self) -> u64 {
        self.last_time
    }

    /// Appends a frame of what was taken since the last one, behind the tables that it needs.
    pub fn flush(&mut self, naming: &Naming<'_>, out: &mut Vec<u8>) {
        self.flush_tables(naming, out);
        self.flush_hops(out);
    }

    /// Appends the tables that the next frame needs and none before it did.
    pub fn flush_tables(&mut self, naming: &Naming<'_>, out: &mut Vec<u8>) {
        self.new_probes(naming.probes, out);
        if self.symbols.len() > MOST_SYMBOLS {
            self.symbols.clear();
        }
        let new: Vec<u64> = self.hops.addresses().filter(|address| self.symbols.insert(*address)).collect();
        let symbols = new.into_iter().filter_map(|address| {
            let symbol = naming.symbols.resolve(address)?;
            let (name, module, extra) = (symbol.name, symbol.module, symbol.offset);
            Some(Entry { table: which::SYMBOL, key: address, extra, name, module, ..Entry::default() })
        });
        self.tables(symbols, out);
        self.packets.interfaces(out);
    }

    /// Appends the frame itself. It must follow the tables.
    pub fn flush_hops(&mut self, out: &mut Vec<u8>) {
        if self.hops.len() == 0 {
            return;
        }
        self.content.clear();
        let mut header = self.hops.take(&mut self.content);
        header.before = self.before;
        self.before += u64::from(header.count);
        frame::write(header, &self.content, self.settings.compress, self.packets.take(), out);
    }

    /// From now on each packet is shown anew to other tools: what they were shown so far may be thrown away.
    pub fn forget_shown(&mut self) {
        self.packets.forget();
    }

    /// Appends counts, which hold for all that was appended so far.
    pub fn counts(&self, counts: &Counts, out: &mut Vec<u8>) {
        let content = super::format::counts::to_json(counts).to_string();
        frame::write(Header::new(frame::kind::COUNTS, 1), content.as_bytes(), false, &[], out);
    }

    /// Appends what stands behind the last hop but the index, which [`super::reader::Outline`] makes. The caller has flushed.
    pub fn end(&self, counts: Option<&Counts>, out: &mut Vec<u8>) {
        if let Some(counts) = counts {
            self.counts(counts, out);
        }
        self.packets.statistics(self.last_time, counts.map(Counts::lost), out);
    }

    fn new_probes(&mut self, probes: &[Probe], out: &mut Vec<u8>) {
        let new = probes.iter().enumerate().skip(self.probes);
        self.tables(
            new.map(|(number, probe)| Entry {
                table: which::PROBE,
                key: number as u64,
                extra: probe.address,
                name: &probe.name,
                module: probe.module.as_deref(),
                takes_reason: probe.takes_reason,
            }),
            out,
        );
        self.probes = self.probes.max(probes.len());
    }

    /// Appends entries, in frames of a bounded size.
    fn tables<'e>(&self, entries: impl Iterator<Item = Entry<'e>>, out: &mut Vec<u8>) {
        let (mut content, mut count) = (Vec::new(), 0);
        let mut close = |content: &mut Vec<u8>, count: &mut u32| {
            if *count > 0 {
                frame::write(Header::new(frame::kind::TABLE, *count), content, self.settings.compress, &[], out);
            }
            content.clear();
            *count = 0;
        };
        for entry in entries {
            entry.write(&mut content);
            count += 1;
            if content.len() >= FRAME_BYTES {
                close(&mut content, &mut count);
            }
        }
        close(&mut content, &mut count);
    }
}

/// Whether more was read of the packet than may be kept.
fn holds_more(event: &Event, snaplen: u32) -> bool {
    let headers = event.headers.origin == Origin::Packet && u32::from(event.headers.len) > snaplen;
    headers || event.details.as_ref().is_some_and(|details| details.packet.len() > snaplen as usize)
}

/// The event without the packet's bytes beyond `snaplen`.
fn cut(event: &Event, snaplen: u32) -> Event {
    let mut event = event.clone();
    if event.headers.origin == Origin::Packet {
        let len = (snaplen as usize).min(event.headers.bytes.len());
        event.headers.bytes[len..].fill(0);
        event.headers.len = event.headers.len.min(len as u16);
    }
    if let Some(details) = &mut event.details {
        details.packet.truncate(snaplen as usize);
    }
    event
}

//! Everything that reads a file, and what is made of what it gives. The answer says in which way a file was answered, without
//! its numbers.

use std::{collections::HashMap, fmt::Write as _, path::Path, slice};

use skbtrail::{
    feed::{Poll, Replay, Source as _},
    model::Record,
    record::{Reader, capture, reader::Wanted, writer::Plain},
    symbol::Cache,
    track::{Paths, Tracker},
    view::{self, Clock, Context, Printer, Row, Selection, Story, Style, Timestamp},
};

use crate::random::Random;

/// Reads a file in every way there is.
pub(crate) fn all(file: &Path, random: &mut Random) -> String {
    let mut answer = String::new();
    recording(file, random, &mut answer);
    packets(file, &mut answer);
    match random.below(3) {
        0 => rows(file, &mut answer),
        1 => journeys(file, random, &mut answer),
        _ => paths(file, &mut answer),
    }
    // How many digits a number has tells enough.
    let mut digits = 0_u32;
    answer.retain(|letter| {
        digits = if letter.is_ascii_digit() { digits + 1 } else { 0 };
        digits <= 1 || digits.is_multiple_of(3)
    });
    answer.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect()
}

/// The recording itself: what is in it, whole and in part.
fn recording(file: &Path, random: &mut Random, answer: &mut String) {
    let mut reader = match Reader::open(file) {
        Ok(reader) => reader,
        Err(error) => return answer.push_str(&error.to_string()),
    };
    let names = reader.tables().probes.len();
    let _ = write!(answer, "{} probes, counts {}", names.min(9), reader.counts().is_some());
    if random.once_in(2) {
        reader.verify_packets();
    }
    let (mut records, mut last) = (0_u64, 0);
    while let Ok(Some(record)) = reader.next_record() {
        records += 1;
        last = record.time();
    }
    let missing = reader.missing().faults().join("; ");
    let _ = write!(answer, ", {records} records: {missing}");
    let wanted = match random.below(4) {
        0 => Wanted { from: Some(last / 2), ..Wanted::default() },
        1 => Wanted { from: Some(last.saturating_sub(1000)), to: Some(last), ..Wanted::default() },
        2 => Wanted { journey: Some(random.next() % 8), ..Wanted::default() },
        _ => Wanted { drops: true, ..Wanted::default() },
    };
    reader.seek(wanted);
    let mut narrow = 0_u64;
    while let Ok(Some(_)) = reader.next_record() {
        narrow += 1;
    }
    // The index may lead to what blocks that lie about their length hide from a reader that goes through; it then says so.
    assert!(narrow <= records || !missing.is_empty(), "{narrow} of {records} records for {wanted:?}");
}

/// The packets that other tools see.
fn packets(file: &Path, answer: &mut String) {
    let mut reader = match capture::Reader::open(file) {
        Ok(reader) => reader,
        Err(error) => return answer.push_str(&error.to_string()),
    };
    let mut packets = 0_u64;
    while let Ok(Some(packet)) = reader.next_packet() {
        packets += u64::from(packet.headers().0.len > 0);
    }
    let warnings: Vec<String> = reader.warnings().map(|warning| warning.to_string()).collect();
    let _ = write!(answer, ", {packets} packets: {}", warnings.join("; "));
}

fn context<'a>(replay: &'a Replay, symbols: &'a Cache<'a>, clock: &'a Clock, metadata: &'a [String]) -> Context<'a> {
    Context {
        probes: replay.probes(),
        symbols,
        reasons: &replay.names.reasons,
        namespaces: &replay.names.namespaces,
        clock: Some(clock),
        metadata,
        timestamp: Timestamp::Absolute,
        tcp_flags: true,
        facts: None,
    }
}

/// Nothing but letters reaches a terminal.
fn check(text: &[u8]) {
    let clean =
        std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|letter| !letter.is_control() || letter == '\n'));
    assert!(clean, "{}", String::from_utf8_lossy(text).escape_debug());
}

/// Rows of text and JSON, and frames of a plain capture, of the file twice.
fn rows(file: &Path, answer: &mut String) {
    let Ok(mut replay) = Replay::open(&[file.to_owned(), file.to_owned()]) else { return };
    let mut events = Vec::new();
    let mut taken = 0;
    while taken < 40_000
        && replay.poll(1000, &mut |record, _| {
            taken += 1;
            if let Record::Hit(event) = record {
                events.push(event);
            }
        }) != Poll::End
    {}
    answer.push_str(&replay.finish().map_or_else(|error| error.to_string(), |warnings| warnings.join("; ")));
    events.truncate(2000);
    let metadata = replay.start().map(|start| start.metadata.clone()).unwrap_or_default();
    let (symbols, clock) =
        (Cache::new(&replay.names.symbols), Clock::new(replay.clock_offset(), jiff::tz::TimeZone::UTC));
    let context = context(&replay, &symbols, &clock, &metadata);
    let selection = Selection { timestamp: Timestamp::Absolute, netns_names: true, ..Selection::default() };
    let (Ok(text), Ok(json)) = (selection.text(), selection.json()) else { return };
    let text = Printer::Text(view::text::Printer::new(&text, &context, Style::Plain));
    let json = Printer::Json(view::json::Printer::new(&json));
    let mut out = Vec::new();
    for mut printer in [text, json] {
        printer.header(&mut out);
        for event in &events {
            printer.event(&Row::new(event, &context), &mut out);
        }
    }
    check(&out);
    let (start, mut frames) = (replay.start().cloned().unwrap_or_default(), Vec::new());
    let mut plain = Plain::new(&start, &mut frames);
    for event in &events {
        plain.add(event, &replay.names.naming(replay.probes()));
    }
    plain.end(&mut frames);
}

/// Packets as blocks of text and as JSON.
fn journeys(file: &Path, random: &mut Random, answer: &mut String) {
    let Ok(mut replay) = Replay::open(slice::from_ref(&file.to_owned())) else { return };
    let (mut tracker, mut found) = (Tracker::default(), Vec::new());
    while replay.poll(1000, &mut |record, probes| tracker.record(&record, probes)) != Poll::End {
        found.extend(std::iter::from_fn(|| tracker.next_finished()));
    }
    tracker.finish();
    found.extend(std::iter::from_fn(|| tracker.next_finished()));
    let _ = write!(answer, ", {} journeys", found.len());
    found.truncate(50 + random.below(50));
    let (symbols, clock) =
        (Cache::new(&replay.names.symbols), Clock::new(replay.clock_offset(), jiff::tz::TimeZone::UTC));
    let context = context(&replay, &symbols, &clock, &[]);
    let mut out = Vec::new();
    for journey in &found {
        let story = Story { journey, tables: tracker.tables(), context: &context };
        view::journey::text(&story, Style::Plain, &mut out);
        view::journey::json(&story, &mut out);
    }
    check(&out);
}

/// The profile, by the way that has no events.
fn paths(file: &Path, answer: &mut String) {
    let Ok(mut replay) = Replay::open(slice::from_ref(&file.to_owned())) else { return };
    let (mut tracker, mut paths) = (Tracker::default(), Paths::default());
    let one_run = replay.is_one_run();
    while if one_run {
        replay.track(&mut tracker).unwrap_or(false)
    } else {
        replay.poll(1000, &mut |record, probes| tracker.record(&record, probes)) != Poll::End
    } {
        drain(&mut tracker, &mut paths);
    }
    tracker.finish();
    drain(&mut tracker, &mut paths);
    let _ = write!(answer, ", {} paths of {} packets", paths.by_packets().len(), paths.packets());
    let symbols = Cache::new(&replay.names.symbols);
    let none = HashMap::new();
    let context = Context {
        probes: replay.probes(),
        symbols: &symbols,
        reasons: &replay.names.reasons,
        namespaces: &none,
        clock: None,
        metadata: &[],
        timestamp: Timestamp::None,
        tcp_flags: false,
        facts: None,
    };
    let profile = view::paths::Profile { paths: &paths, tables: tracker.tables(), context: &context };
    let mut out = Vec::new();
    view::paths::text(&profile, 20, Style::Plain, &mut out);
    view::paths::json(&profile, &mut out);
    view::paths::folded(&profile, view::paths::Weight::Time, &mut out);
    check(&out);
}

fn drain(tracker: &mut Tracker, paths: &mut Paths) {
    while let Some(journey) = tracker.next_finished() {
        paths.add(&journey);
        tracker.recycle(journey);
    }
}

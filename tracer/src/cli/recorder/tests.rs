//! Recorders without a kernel: files that take turns, the flight recorder, and a disk that is full.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    model::EventKind,
    record::{
        Reader,
        reader::Missing,
        tests::sample::{Run, SETTINGS, journeys, start, text},
    },
};

const HOPS: u64 = 60_000;

fn plan(path: PathBuf) -> Plan {
    Plan { path, rotation: Rotation::default(), flight: None, settings: SETTINGS, start: start() }
}

/// Records all in batches, as a live run does; the recorder afterwards.
fn record(plan: Plan, records: &[Record]) -> anyhow::Result<Recorder> {
    let run = Run::new();
    let (naming, progress) = (run.naming(), Progress::waiting());
    let mut recorder = Recorder::start(plan, Caller::default(), &naming)?;
    for batch in records.chunks(1000) {
        if recorder.is_done() {
            break;
        }
        for record in batch {
            recorder.add(record, &naming);
        }
        recorder.write(&naming, || Some(Counts::default()), &progress)?;
    }
    recorder.finish(&naming, &Counts::default())?;
    assert_eq!(recorder.unwritten(), 0);
    Ok(recorder)
}

/// The records in a file, as text; the file must be whole.
fn read(path: &Path) -> Vec<String> {
    let mut reader = Reader::open(path).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        records.push(text(&record));
    }
    assert_eq!(reader.missing(), &Missing::default(), "{}", path.display());
    records
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

#[test]
fn files_of_a_size_hold_everything_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path().join("out"));
    plan.rotation.bytes = Some(1_000_000);
    let records = journeys(HOPS);
    record(plan, &records).unwrap();
    let mut found = Vec::new();
    for number in 0.. {
        let name = if number == 0 { "out".to_owned() } else { format!("out{number}") };
        let path = folder.path().join(name);
        let Ok(metadata) = fs::metadata(&path) else { break };
        // Closed by the first write that reaches the size.
        assert!(metadata.len() < 1_700_000, "{} is {} bytes", path.display(), metadata.len());
        assert_eq!(Reader::open(&path).unwrap().start().part, number);
        found.extend(read(&path));
    }
    assert!(fs::read_dir(folder.path()).unwrap().count() >= 3);
    assert_eq!(found, texts(&records));
}

#[test]
fn of_files_that_take_turns_the_last_remain() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path().join("out"));
    plan.rotation = Rotation { bytes: Some(300_000), files: Some(3), time: None };
    let records = journeys(HOPS);
    record(plan, &records).unwrap();
    let mut parts: Vec<_> = (0..3)
        .map(|number| {
            let path = folder.path().join(format!("out{number}"));
            (Reader::open(&path).unwrap().start().part, read(&path))
        })
        .collect();
    parts.sort();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let found: Vec<String> = parts.into_iter().flat_map(|(_, records)| records).collect();
    assert!(found.len() > 4096 && found.len() < records.len());
    assert!(texts(&records).ends_with(&found));
}

/// The last one too, though it is full as soon as something is in it.
#[test]
fn no_file_of_a_size_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path().join("out"));
    plan.rotation = Rotation { bytes: Some(1), files: Some(3), time: None };
    let records = journeys(HOPS);
    record(plan, &records).unwrap();
    let files = (0..3).map(|number| read(&folder.path().join(format!("out{number}"))));
    assert!(files.map(|records| records.len()).all(|hits| hits > 0));
}

#[test]
fn files_of_a_time_end_with_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path().join("out"));
    plan.rotation = Rotation { time: Some(Duration::ZERO), files: Some(3), bytes: None };
    let recorder = record(plan, &journeys(HOPS)).unwrap();
    assert!(recorder.is_done());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    (0..3).for_each(|number| drop(read(&folder.path().join(format!("out{number}")))));
}

/// No drops but one in hop `dropped`; a hop is a microsecond.
fn one_drop(dropped: Option<u64>) -> Vec<Record> {
    let mut records = journeys(HOPS);
    for (number, record) in records.iter_mut().enumerate() {
        let Record::Hit(event) = record else { continue };
        event.kind = if dropped == Some(number as u64) { EventKind::Drop } else { EventKind::Call };
    }
    records
}

fn flight(path: PathBuf, past: u64, future: u64, bytes: usize) -> Plan {
    let (past, future) = (Duration::from_micros(past), Duration::from_micros(future));
    Plan { flight: Some(FlightPlan { on_drop: true, on: None, past, bytes, future }), ..plan(path) }
}

#[test]
fn a_flight_recorder_keeps_what_led_to_the_drop_and_what_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let records = one_drop(Some(40_500));
    let recorder = record(flight(path.clone(), 9000, 5000, usize::MAX), &records).unwrap();
    assert!(recorder.is_done());
    let found = read(&path);
    let first = texts(&records).iter().position(|record| *record == found[0]).unwrap();
    assert!((40_500 - 9000 - 4096..=40_500 - 9000).contains(&first), "from {first}");
    let last = first + found.len();
    assert!((45_500..48_000).contains(&last), "to {last}");
    assert_eq!(found, texts(&records[first..last]));
    // Names that were brought by frames that are gone.
    let mut reader = Reader::open(&path).unwrap();
    let symbols = reader.take_tables().symbols;
    let named = crate::symbol::Symbols::resolve(&symbols, crate::record::tests::sample::NAMED + 3);
    assert_eq!(named.unwrap().name, "nft_do_chain");
}

#[test]
fn a_flight_recorder_waits_for_a_chosen_hit() {
    let folder = tempfile::tempdir().unwrap();
    let chosen = |journey: u64| {
        let request = crate::filter::Request { expression: "pid 4711", ..crate::filter::Request::default() };
        let judge = Judge::of_hits(crate::filter::compile(&request).unwrap(), Run::new().naming().probes).unwrap();
        let path = folder.path().join(journey.to_string());
        let mut plan = flight(path.clone(), 9000, 5000, usize::MAX);
        if let Some(flight) = &mut plan.flight {
            (flight.on_drop, flight.on) = (false, Some(judge));
        }
        // A drop is not what it waits for.
        let mut records = one_drop(Some(10_500));
        for record in &mut records {
            if let Record::Hit(event) = record {
                event.pid = if event.branch.is_some_and(|branch| branch.journey.0 == journey) { 4711 } else { 1 };
            }
        }
        record(plan, &records).unwrap();
        (read(&path), texts(&records))
    };
    let (found, all) = chosen(2000);
    // A journey is twenty hops.
    let first = all.iter().position(|record| *record == found[0]).unwrap();
    assert!((39_980 - 9000 - 4096..=39_980 - 9000).contains(&first), "from {first}");
    assert_eq!(found, all[first..first + found.len()]);
    assert!((44_980..48_000).contains(&(first + found.len())), "to {}", first + found.len());
    assert!(chosen(u64::MAX).0.is_empty());
}

#[test]
fn a_flight_recorder_keeps_to_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    record(flight(path.clone(), 1_000_000, 0, 700_000), &one_drop(Some(50_000))).unwrap();
    let found = read(&path).len();
    assert!((4096..20_000).contains(&found), "{found}");
    assert!(fs::metadata(&path).unwrap().len() < 1_200_000);
}

#[test]
fn without_a_drop_a_flight_recorder_writes_no_hit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    record(flight(path.clone(), 9000, 0, usize::MAX), &one_drop(None)).unwrap();
    assert_eq!(read(&path), [""; 0]);
}

#[test]
fn a_full_disk_is_one_sentence() {
    let error = record(plan("/dev/full".into()), &journeys(HOPS)).err().unwrap();
    assert_eq!(format!("{error:#}"), "failed to write `/dev/full`: No space left on device (os error 28)");
}

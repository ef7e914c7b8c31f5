//! What a bar of time is drawn from: where the records of a replay lie, and where its drops are.

use std::path::PathBuf;

use skbtrail::{
    feed::{Poll, Replay, Source as _},
    model::{EventKind, Record},
    record::reader::Wanted,
};

use super::{Folder, sample::Sample};

const MILLISECOND: u64 = 1_000_000;

/// Times of the hits that are read, and how many are drops.
fn read(replay: &mut Replay) -> (Vec<u64>, usize) {
    let (mut times, mut drops) = (Vec::new(), 0);
    let mut take = |record: Record, _: &[_]| {
        if let Record::Hit(event) = record {
            times.push(event.time);
            drops += usize::from(event.kind == EventKind::Drop);
        }
    };
    while replay.poll(7, &mut take) != Poll::End {}
    assert_eq!(replay.finish().unwrap(), [""; 0]);
    (times, drops)
}

#[test]
fn it_spans_all_files_in_one_clock() {
    let (folder, mut other) = (Folder::new(), Sample::new());
    let files: [PathBuf; 2] = ["sample.pcapng", "other"].map(|name| folder.path(name));
    let mut alone = Replay::open(&files[..1]).unwrap();
    let (times, drops) = read(&mut alone);
    assert_eq!((times.len(), drops), (33, 1));
    assert_eq!((alone.begins(), alone.ends()), (times[0], Some(times[32] + 1000)));
    assert_eq!(alone.stretches().iter().map(|stretch| stretch.records).sum::<u64>(), 33 + 8);
    // Another machine, whose clock shows another time, begins a second later.
    other.start.run = 2;
    other.start.clock_offset += 1000 * MILLISECOND as i64;
    other.write(&files[1], false, &other.records);
    let mut both = Replay::open(&files).unwrap();
    let (times, drops) = read(&mut both);
    assert_eq!((times.len(), drops), (66, 2));
    assert!(times.is_sorted());
    assert_eq!(times[33], times[0] + 1000 * MILLISECOND);
    assert_eq!(both.ends(), Some(times[65] + 1000));
    let stretches = both.stretches();
    assert!(stretches.iter().all(|stretch| stretch.first <= stretch.last && stretch.first >= times[0]));
    assert!(times.iter().all(|time| stretches.iter().any(|stretch| (stretch.first..=stretch.last).contains(time))));
}

#[test]
fn it_is_moved_in_to_a_time_or_a_packet() {
    let folder = Folder::new();
    let mut replay = Replay::open(&[folder.path("sample.pcapng")]).unwrap();
    let (all, _) = read(&mut replay);
    assert_eq!(replay.position(), replay.ends().unwrap());
    // Packet 3 begins at its first hop, and there is no packet 9.
    assert_eq!(replay.begins_of(3).unwrap(), Some(all[8]));
    assert_eq!(replay.begins_of(9).unwrap(), None);
    let from = all[0] + 3 * MILLISECOND;
    replay.seek(Wanted { from: Some(from), ..Wanted::default() }).unwrap();
    assert_eq!(replay.position(), from);
    let mut polled = Vec::new();
    assert_eq!(replay.poll(2, &mut |record, _| polled.push(record.time())), Poll::Taken(2));
    assert_eq!((polled[0], polled[1], replay.position()), (from, from + 1000, from + 1000));
    let rest = read(&mut replay).0;
    assert_eq!(rest, all[14..]);
    // And back.
    replay.seek(Wanted::default()).unwrap();
    assert_eq!((replay.position(), read(&mut replay).0), (all[0], all));
}

#[test]
fn drops_are_read_by_themselves() {
    let folder = Folder::new();
    let mut marks = Replay::open(&[folder.path("sample.pcapng"), folder.path("sample.pcapng")]).unwrap();
    marks.seek(Wanted { drops: true, ..Wanted::default() }).unwrap();
    let (times, drops) = read(&mut marks);
    assert_eq!((times.len(), drops), (2, 2));
    // Recordings of before drops were counted are read as well.
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut marks = Replay::open(&[fixtures.join("6.12-path.pcapng")]).unwrap();
    marks.seek(Wanted { drops: true, ..Wanted::default() }).unwrap();
    let (times, drops) = read(&mut marks);
    assert!(drops > 0 && drops == times.len(), "{drops} of {}", times.len());
}

#[test]
fn a_capture_has_packets_and_no_drops() {
    let folder = Folder::new();
    folder.stdout(&["export", "--one-hop", "first", "-o", "foreign.pcapng", "sample.pcapng"]);
    let mut replay = Replay::open(&[folder.path("foreign.pcapng")]).unwrap();
    assert_eq!((replay.ends(), replay.stretches().len()), (None, 0));
    let (times, _) = read(&mut replay);
    assert_eq!((times.len(), replay.begins(), replay.position()), (8, times[0], times[7]));
    replay.seek(Wanted { drops: true, ..Wanted::default() }).unwrap();
    assert_eq!(read(&mut replay).0, [0; 0]);
}

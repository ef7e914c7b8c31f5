//! Whatever goes in comes out.

use proptest::{collection::vec, prelude::*};

use super::sample::{SETTINGS, SomeSymbols, any_record, counts, event, journeys, read, recording, start, text};
use crate::{
    model::{Details, Origin, Record},
    record::{
        Settings,
        format::frame::HEAD,
        reader::{Missing, Wanted},
    },
    symbol::Symbols as _,
};

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn all_of_any_record_survives(
        records in vec(any_record(), 0..60),
        frame in prop_oneof![Just(1_usize), Just(7), Just(4096)],
        compress in any::<bool>(),
    ) {
        let (read, reader) = read(&recording(Settings { compress, ..SETTINGS }, frame, &records)).unwrap();
        prop_assert_eq!(texts(&read), texts(&records));
        prop_assert_eq!(reader.missing(), &Missing::default());
        prop_assert_eq!(reader.index().records(), records.len() as u64);
    }
}

#[test]
fn large_details_close_a_frame_early_and_survive() {
    let records: Vec<Record> = (0..6000_u64)
        .map(|number| {
            let mut event = event();
            let stack = (0..64).map(|frame| number * 64 + frame).collect();
            let packet = (0..256).map(|byte: u64| (number + byte) as u8).collect();
            event.details = Some(Box::new(Details { stack: Some(Ok(stack)), packet, metadata: vec![None; 32] }));
            Record::Hit(event)
        })
        .collect();
    let (read, _) = read(&recording(SETTINGS, usize::MAX, &records)).unwrap();
    assert_eq!(texts(&read), texts(&records));
}

#[test]
fn circumstances_names_and_counts_survive() {
    let (_, reader) = read(&recording(SETTINGS, 100, &journeys(1000))).unwrap();
    let run = super::sample::Run::new();
    assert_eq!(reader.start(), &start());
    assert_eq!(reader.counts(), Some(&counts()));
    let tables = reader.tables();
    assert_eq!((&tables.probes, &tables.reasons, &tables.namespaces), (&run.probes, &run.reasons, &run.namespaces));
    let address = super::sample::NAMED + 5;
    assert_eq!(tables.symbols.resolve(address), SomeSymbols.resolve(address));
    assert_eq!(tables.refused, 0);
}

#[test]
fn bytes_beyond_the_limit_are_not_kept() {
    let mut hit = event();
    hit.details = Some(Box::new(Details { packet: vec![7; 100], ..Details::default() }));
    let mut socket = event();
    socket.headers.origin = Origin::Socket;
    let records = [Record::Hit(hit), Record::Hit(socket.clone())];
    let (read, _) = read(&recording(Settings { snaplen: 20, ..SETTINGS }, 100, &records)).unwrap();
    let Record::Hit(hit) = &read[0] else { panic!("{read:?}") };
    assert_eq!(hit.headers.len, 20);
    assert!(hit.headers.bytes[20..].iter().all(|byte| *byte == 0));
    assert_eq!(hit.details.as_ref().unwrap().packet, [7; 20]);
    // What the socket says is no byte of the packet.
    assert_eq!(text(&read[1]), text(&Record::Hit(socket)));
}

#[test]
fn a_time_or_a_packet_is_found() {
    let records = journeys(20_000);
    let file = super::sample::on_disk(&recording(SETTINGS, 500, &records));
    let mut reader = crate::record::Reader::open(&file.path).unwrap();
    let mut all = |wanted| {
        reader.seek(wanted);
        let mut found = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            found.push(record);
        }
        assert_eq!(reader.missing(), &Missing::default());
        texts(&found)
    };
    let texts = texts(&records);
    assert_eq!(all(Wanted { from: Some(1_012_345_000), ..Wanted::default() }), texts[12_345..]);
    let part = Wanted { from: Some(1_000_010_000), to: Some(1_000_020_000), ..Wanted::default() };
    assert_eq!(all(part), texts[10..20]);
    assert_eq!(all(Wanted { journey: Some(700), ..Wanted::default() }), texts[20 * 699..20 * 700]);
    assert_eq!(all(Wanted { journey: Some(1 << 40), ..Wanted::default() }), texts[..0]);
    assert_eq!(all(Wanted::default()), texts);
}

#[test]
fn drops_are_found_without_reading_frames_that_hold_none() {
    // Each second frame of a hundred hops has one.
    let mut bytes = recording(SETTINGS, 100, &journeys(20_000));
    let drops = |bytes: &[u8]| {
        let file = super::sample::on_disk(bytes);
        let mut reader = crate::record::Reader::open(&file.path).unwrap();
        reader.seek(Wanted { drops: true, ..Wanted::default() });
        let mut found = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            found.push(record);
        }
        (found.iter().map(text).collect::<Vec<_>>(), reader.missing().clone())
    };
    let all = texts(&journeys(20_000));
    let expected: Vec<String> = all.into_iter().filter(|text| text.contains("kind: Drop")).collect();
    assert_eq!((expected.len(), drops(&bytes)), (100, (expected.clone(), Missing::default())));
    // Whoever reads frames without drops would notice damage in them.
    let mut damaged = 0;
    for (at, header) in super::damage::frames(&bytes) {
        if header.kind == 3 && !header.may_hold_drops() {
            bytes[at + HEAD + 50] ^= 1;
            damaged += 1;
        }
    }
    assert_eq!((damaged, drops(&bytes)), (100, (expected, Missing::default())));
}

#[test]
fn recordings_are_as_small_as_promised() {
    let records = journeys(50_000);
    let size = |compress| recording(Settings { compress, ..SETTINGS }, 4096, &records).len() as f64 / 50_000.0;
    let (plain, packed) = (size(false), size(true));
    assert!(plain <= 80.0, "{plain} bytes a hop");
    assert!(packed <= 25.0, "{packed} bytes a hop, compressed");
}

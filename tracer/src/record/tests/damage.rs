//! Files that were cut, damaged or made up.

use proptest::prelude::*;

use super::sample::{SETTINGS, journeys, on_disk, read, recording, text};
use crate::record::{
    Error, Reader, Settings,
    format::{
        VERSION,
        frame::{BLOCK, HEAD, Header, MAGIC},
        pcapng,
    },
};

/// Where the frames are, with their headers.
pub(super) fn frames(bytes: &[u8]) -> Vec<(usize, Header)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some((_, len)) = pcapng::head(&bytes[at..]) {
        found.extend(Header::read(&bytes[at..]).map(|header| (at, header)));
        at += len as usize;
    }
    found
}

#[test]
fn cut_anywhere_it_loses_the_last_frame_at_most() {
    let records = journeys(100);
    let texts: Vec<String> = records.iter().map(text).collect();
    let bytes = recording(Settings { compress: true, ..SETTINGS }, 25, &records);
    let frames = frames(&bytes);
    for len in 0..bytes.len() {
        match read(&bytes[..len]) {
            Ok((read, reader)) => {
                let whole =
                    |(at, header): &&(usize, Header)| header.kind == 3 && at + header.block_len() as usize <= len;
                let kept: u32 = frames.iter().filter(whole).map(|(_, header)| header.count).sum();
                assert_eq!(read.len(), kept as usize, "cut at {len}");
                assert!(read.iter().map(text).eq(texts[..read.len()].iter().cloned()), "cut at {len}");
                assert!(reader.missing().unfinished, "cut at {len}");
                assert_eq!(reader.missing().damaged, 0);
            }
            Err(error) => {
                let first = frames[0].0 + frames[0].1.block_len() as usize;
                assert!(len < first, "cut at {len}: {error}");
            }
        }
    }
}

#[test]
fn a_damaged_frame_costs_itself_and_is_counted() {
    let records = journeys(100);
    for compress in [false, true] {
        let bytes = recording(Settings { compress, ..SETTINGS }, 25, &records);
        let hops: Vec<_> = frames(&bytes).into_iter().filter(|(_, header)| header.kind == 3).collect();
        for (number, (at, header)) in hops.iter().enumerate() {
            for place in [8, 17, 40, 80, HEAD, HEAD + header.stored_len as usize - 1] {
                let mut damaged = bytes.clone();
                damaged[at + place] ^= 4;
                let (read, reader) = read(&damaged).unwrap();
                assert_eq!(read.len(), 75, "frame {number}, byte {place}");
                assert_eq!(reader.missing().records, 25, "frame {number}, byte {place}");
                // Without its magic, a frame is a block that may be anybody's.
                assert_eq!(reader.missing().damaged > 0, place != 8);
            }
        }
    }
}

#[test]
fn damaged_packets_are_found_by_who_asks() {
    let bytes = recording(SETTINGS, 25, &journeys(100));
    let (at, header) = frames(&bytes).into_iter().find(|(_, header)| header.following_len > 0).unwrap();
    let packets = at + header.block_len() as usize;
    for place in [packets + 28, packets + header.following_len as usize - 5] {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        let file = on_disk(&damaged);
        for verify in [false, true] {
            let mut reader = Reader::open(&file.path).unwrap();
            if verify {
                reader.verify_packets();
            }
            while reader.next_record().unwrap().is_some() {}
            let expected = if verify { u64::from(header.following_len) } else { 0 };
            assert_eq!((reader.missing().packets, reader.missing().records), (expected, 0));
        }
    }
}

#[test]
fn lying_lengths_are_not_believed() {
    let bytes = recording(SETTINGS, 25, &journeys(100));
    for (at, header) in frames(&bytes) {
        for (place, size) in [(4, 4), (20, 4), (24, 4), (28, 4), (72, 4), (32, 8)] {
            for lie in [0, 1, 12, 0x7fff_fff0, 0xffff_fffc, u64::MAX] {
                let mut lying = bytes.clone();
                lying[at + place..][..size].copy_from_slice(&lie.to_le_bytes()[..size]);
                // A reader that believes its own checksum must still not believe what it guards.
                let stored = lying[at + HEAD..][..header.stored_len as usize].to_vec();
                if let Some(mut lied) = Header::read(&lying[at..]) {
                    lied.crc = lied.checksum(&stored);
                    lying[at + 8..at + HEAD].copy_from_slice(bytemuck::bytes_of(&lied));
                }
                if let Ok((records, _)) = read(&lying) {
                    assert!(records.len() <= 100);
                }
            }
        }
    }
}

/// A frame whose content was made up, with a checksum that fits.
fn forged(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = recording(SETTINGS, 25, &journeys(25));
    bytes.truncate(frames(&bytes).last().unwrap().0);
    crate::record::format::frame::write(Header::new(kind, 7), content, false, &[], &mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bits_may_flip(flips in proptest::collection::vec(any::<(proptest::sample::Index, u8)>(), 1..8)) {
        let mut bytes = recording(SETTINGS, 25, &journeys(60));
        for (place, mask) in &flips {
            let place = place.index(bytes.len());
            bytes[place] ^= mask;
        }
        if let Ok((records, _)) = read(&bytes) {
            prop_assert!(records.len() <= 60);
        }
    }

    #[test]
    fn made_up_frames_do_no_harm(
        kind in 0_u8..7,
        lengths in proptest::collection::vec(prop_oneof![0..200_u32, any::<u32>()], 8),
        rest in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let mut content: Vec<u8> = lengths.iter().flat_map(|len| len.to_le_bytes()).collect();
        content.extend(rest);
        read(&forged(kind, &content)).unwrap();
    }
}

#[test]
fn rows_that_refer_to_nothing_are_counted() {
    let mut content = Vec::new();
    let parts = [7 * 48_u32, 0, 0, 0, 0, 0, 0, 0];
    content.extend(parts.iter().flat_map(|len| len.to_le_bytes()));
    content.extend_from_slice(&[0; 7 * 48]);
    let (records, reader) = read(&forged(3, &content)).unwrap();
    assert_eq!((records.len(), reader.missing().records), (25, 7));
}

#[test]
fn a_newer_version_is_named() {
    let mut bytes = recording(SETTINGS, 25, &journeys(25));
    for (at, mut header) in frames(&bytes) {
        let stored = bytes[at + HEAD..][..header.stored_len as usize].to_vec();
        header.version = VERSION + 1;
        header.crc = header.checksum(&stored);
        bytes[at + 8..at + HEAD].copy_from_slice(bytemuck::bytes_of(&header));
    }
    let expected = format!(
        "it has format version {}, and this skbtrail knows those up to {VERSION}; read it with a newer skbtrail",
        VERSION + 1
    );
    let whole = read(&bytes).err().unwrap().to_string();
    let cut = read(&bytes[..bytes.len() - 1]).err().unwrap().to_string();
    assert_eq!((whole.as_str(), cut.as_str()), (expected.as_str(), expected.as_str()));
}

#[test]
fn what_is_no_recording_is_named() {
    let mut section = Vec::new();
    pcapng::section("Linux", "dumpcap", &mut section);
    let mut big_endian = section.clone();
    big_endian[8..12].reverse();
    let cases: [(&[u8], &str); 8] = [
        (b"", "it is empty"),
        (b"\x1f\x8b\x08\x00", "it is compressed; unpack it first (`gunzip`)"),
        (b"\x28\xb5\x2f\xfd\x00", "it is compressed; unpack it first (`zstd -d`)"),
        (b"hello", "it is no recording of skbtrail: it does not begin as a pcapng file"),
        (&[0; 4096], "it is no recording of skbtrail: it does not begin as a pcapng file"),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "it is a capture without skbtrail's hops in it"),
        (&section, "it is a capture without skbtrail's hops in it"),
        (&big_endian, "it is a capture without skbtrail's hops in it"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(bytes).err().unwrap().to_string(), expected);
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(Error::Directory)));
    assert!(matches!(Reader::open(&folder.path().join("none")), Err(Error::Read(_))));
}

#[test]
fn two_recordings_in_one_file_are_read_one_after_the_other() {
    let bytes = recording(SETTINGS, 25, &journeys(60));
    let (records, reader) = read(&[bytes.as_slice(), &bytes].concat()).unwrap();
    assert_eq!((records.len(), reader.missing().records, reader.missing().damaged), (120, 0, 0));
}

#[test]
fn frames_are_found_behind_rubbish() {
    let bytes = recording(SETTINGS, 25, &journeys(100));
    let (at, _) = frames(&bytes)[4];
    let mut rubbish = vec![0xff; 70_000];
    rubbish.extend_from_slice(&MAGIC);
    rubbish.extend_from_slice(&BLOCK.to_le_bytes());
    let with = [&bytes[..at], &rubbish, &bytes[at..]].concat();
    let (records, reader) = read(&with).unwrap();
    assert_eq!((records.len(), reader.missing().records), (100, 0));
    assert_eq!(reader.missing().damaged, rubbish.len() as u64);
    drop(on_disk(&with));
}

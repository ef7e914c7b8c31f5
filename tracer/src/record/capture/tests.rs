//! Files made by hand, whole and broken. What other programs write is read in `tests/capture`.

use std::io::Cursor;

use proptest::prelude::*;

use super::order::Order::{self, Big, Little};
use super::*;
use crate::filter::Framing;

/// A file and where its blocks end.
#[derive(Default)]
struct Sample {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Numbers in an order.
fn words(order: Order, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| if order == Little { word.to_le_bytes() } else { word.to_be_bytes() }).collect()
}

fn halves(order: Order, halves: &[u16]) -> Vec<u8> {
    halves.iter().flat_map(|half| if order == Little { half.to_le_bytes() } else { half.to_be_bytes() }).collect()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    [halves(order, &[code, value.len() as u16]), padded(value)].concat()
}

impl Sample {
    fn part(&mut self, parts: &[&[u8]]) -> &mut Self {
        self.bytes.extend(parts.concat());
        self.ends.push(self.bytes.len());
        self
    }

    fn block(&mut self, order: Order, kind: u32, parts: &[&[u8]]) -> &mut Self {
        let body = parts.concat();
        let length = words(order, &[body.len() as u32 + 12]);
        self.part(&[&words(order, &[kind]), &length, &body, &length])
    }

    fn section(&mut self, order: Order) -> &mut Self {
        let body = [words(order, &[0x1a2b_3c4d]), halves(order, &[1, 0]), vec![0xff; 8], option(order, 4, b"hand")];
        self.block(order, 0x0a0d_0d0a, &[&body.concat()])
    }

    fn interface(&mut self, order: Order, link: u16, kept: u32, options: &[u8]) -> &mut Self {
        self.block(order, 1, &[&halves(order, &[link, 0]), &words(order, &[kept]), options])
    }

    fn enhanced(&mut self, order: Order, interface: u32, ticks: u64, bytes: &[u8], options: &[u8]) -> &mut Self {
        let (high, low, length) = ((ticks >> 32) as u32, ticks as u32, bytes.len() as u32);
        self.block(order, 6, &[&words(order, &[interface, high, low, length, length + 7]), &padded(bytes), options])
    }

    /// Every kind of block, two sections of different order.
    fn ng() -> Self {
        let mut sample = Self::default();
        for order in [Big, Little] {
            let name = [option(order, 2, b"eth0"), option(order, 9, &[9]), option(order, 0, &[])].concat();
            let offset = [option(order, 9, &[0x8a]), option(order, 14, &eight(order, 5))].concat();
            let remarks = [option(order, 1, b"first"), option(order, 1, b"second\x1b[m")].concat();
            sample.section(order).interface(order, 1, 0, &name).interface(order, 101, 0, &offset);
            sample.enhanced(order, 0, 1_000_000_001, b"abcde", &remarks).block(order, 0x8000_1234, &[b"what"]);
            sample.enhanced(order, 1, 1536, b"fgh", &[]);
            sample.block(order, 3, &[&words(order, &[6]), &padded(b"simple")]);
            let obsolete = [halves(order, &[1, 9]), words(order, &[0, 1024, 3, 3]), padded(b"old")].concat();
            sample.block(order, 2, &[&obsolete, &option(order, 1, b"third")]);
        }
        sample
    }

    fn classic(order: Order, magic: u32, record_header: usize) -> Self {
        let mut sample = Self::default();
        sample.part(&[&words(order, &[magic]), &halves(order, &[2, 4]), &words(order, &[0, 0, 65535, 0xf400_0001])]);
        for (seconds, bytes) in [(1, &b"abcde"[..]), (2, b""), (3, b"fgh")] {
            let mut header = words(order, &[seconds, 5, bytes.len() as u32, 100]);
            header.resize(record_header, 0);
            sample.part(&[&header, bytes]);
        }
        sample
    }
}

fn eight(order: Order, value: i64) -> [u8; 8] {
    if order == Little { value.to_le_bytes() } else { value.to_be_bytes() }
}

/// Everything that a file gives: a line a packet, and the warnings.
fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<Warning>), Error> {
    let mut reader = Reader::new(Cursor::new(bytes), Some(bytes.len() as u64))?;
    let mut lines = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = packet.interface.name.as_deref().map_or("-".to_owned(), text);
        let comments: Vec<String> = packet.comments.iter().map(|comment| text(comment)).collect();
        lines.push(format!(
            "{} {:?} {}.{} {name} link {} `{}` of {} {comments:?}",
            packet.number,
            packet.time,
            packet.interface.section,
            packet.interface.index,
            packet.interface.link.0,
            text(packet.bytes),
            packet.length,
        ));
    }
    Ok((lines, reader.warnings().collect()))
}

#[test]
fn classic_files() {
    let cases = [
        (Little, 0xa1b2_c3d4, 16, 1_000_005_000),
        (Big, 0xa1b2_c3d4, 16, 1_000_005_000),
        (Little, 0xa1b2_3c4d, 16, 1_000_000_005),
        (Big, 0xa1b2_3c4d, 16, 1_000_000_005),
        (Little, 0xa1b2_cd34, 24, 1_000_005_000),
    ];
    for (order, magic, record_header, time) in cases {
        let (lines, warnings) = read(&Sample::classic(order, magic, record_header).bytes).unwrap();
        assert_eq!(lines[0], format!("1 Some({time}) 0.0 - link 1 `abcde` of 100 []"), "{order:?} {magic:x}");
        assert_eq!((lines.len(), warnings), (3, vec![]), "{order:?} {magic:x}");
    }
}

#[test]
fn every_block_of_two_sections_in_two_orders() {
    let (lines, warnings) = read(&Sample::ng().bytes).unwrap();
    let expected = |first: usize, section: u32| {
        [
            format!(
                "{first} Some(1000000001) {section}.0 eth0 link 1 `abcde` of 12 [\"first\", \"second\\u{{1b}}[m\"]"
            ),
            format!("{} Some(6500000000) {section}.1 - link 101 `fgh` of 10 []", first + 1),
            format!("{} None {section}.0 eth0 link 1 `simple` of 6 []", first + 2),
            format!("{} Some(6000000000) {section}.1 - link 101 `old` of 3 [\"third\"]", first + 3),
        ]
    };
    assert_eq!(lines, [expected(1, 0), expected(5, 1)].concat());
    assert_eq!(warnings, []);
}

/// A simple packet does not say how much of it was kept; the interface does.
#[test]
fn a_simple_packet_is_cut_where_its_interface_cuts() {
    let mut sample = Sample::default();
    sample.section(Little).interface(Little, 1, 6, &[]).block(Little, 3, &[&words(Little, &[60]), b"abcdef\0\0"]);
    let (lines, warnings) = read(&sample.bytes).unwrap();
    assert_eq!((lines, warnings), (vec!["1 None 0.0 - link 1 `abcdef` of 60 []".to_owned()], vec![]));
}

/// Cut anywhere, a file gives the packets that are whole, and says how many bytes are none.
#[test]
fn cut_at_every_byte() {
    let samples = [Sample::ng(), Sample::classic(Little, 0xa1b2_c3d4, 16), Sample::classic(Big, 0xa1b2_3c4d, 16)];
    for sample in samples {
        let (whole, _) = read(&sample.bytes).unwrap();
        for length in 0..sample.bytes.len() {
            let last = sample.ends.iter().rev().find(|end| **end <= length).copied();
            match (read(&sample.bytes[..length]), last) {
                (Err(Error::Empty), None) => assert_eq!(length, 0),
                (Err(Error::Unknown), None) => assert!(length < 4),
                (Err(Error::HeaderCut), None) => {}
                (Ok((lines, warnings)), Some(last)) => {
                    assert!(whole.starts_with(&lines), "{length}: {lines:?}");
                    let cut = Warning::Cut { at: last as u64, bytes: (length - last) as u64 };
                    assert_eq!(warnings, if last == length { vec![] } else { vec![cut] }, "{length}");
                }
                (other, _) => panic!("{length}: {other:?}"),
            }
        }
    }
}

fn broken(change: impl FnOnce(&mut Sample)) -> (usize, Vec<Warning>) {
    let mut sample = Sample::default();
    sample.section(Little).interface(Little, 1, 0, &[]).enhanced(Little, 0, 1, b"good", &[]);
    change(&mut sample);
    let (lines, warnings) = read(&sample.bytes).unwrap();
    assert!(!lines.is_empty());
    (lines.len(), warnings)
}

#[test]
fn what_contradicts_itself_is_left_out_and_counted() {
    let lies: [(&str, u32, Vec<u8>); 6] = [
        ("an interface that is not there", 6, words(Little, &[7, 0, 0, 4, 4, 0])),
        ("more bytes than the block has", 6, words(Little, &[0, 0, 0, 5, 5, 0])),
        ("four billion bytes", 6, words(Little, &[0, 0, 0, u32::MAX, 4, 0])),
        ("no room for a header", 6, words(Little, &[0, 0])),
        ("an old block without a header", 2, vec![]),
        ("a simple packet of a billion bytes", 3, words(Little, &[1_000_000_000, 0])),
    ];
    for (lie, kind, body) in lies {
        let (packets, warnings) = broken(|sample| {
            sample.block(Little, kind, &[&body]).enhanced(Little, 0, 2, b"good too", &[]);
        });
        assert_eq!((packets, warnings), (2, vec![Warning::Skipped { packets: 1 }]), "{lie}");
    }
}

type Change = fn(&mut Sample);

#[test]
fn what_is_no_block_ends_the_file() {
    let breaks: [(&str, Change); 7] = [
        ("zeros", |sample| {
            sample.part(&[&[0; 32]]);
        }),
        ("a length below that of a frame", |sample| {
            sample.part(&[&words(Little, &[6, 8, 0])]);
        }),
        ("an odd length", |sample| {
            sample.part(&[&words(Little, &[6, 33, 0])]);
        }),
        ("lengths that differ", |sample| {
            sample.part(&[&words(Little, &[0x99, 12, 16])]);
        }),
        ("lengths of a packet that differ", |sample| {
            sample.part(&[&words(Little, &[6, 36, 0, 0, 0, 0, 0, 0, 4])]);
        }),
        ("an interface without a link type", |sample| {
            sample.block(Little, 1, &[&[]]);
        }),
        ("a section in no order", |sample| {
            sample.part(&[&words(Little, &[0x0a0d_0d0a, 28, 1, 1, 1, 1, 28])]);
        }),
    ];
    for (what, change) in breaks {
        let mut at = 0;
        let mut size = 0;
        let (packets, warnings) = broken(|sample| {
            at = sample.bytes.len() as u64;
            change(sample);
            size = sample.bytes.len() as u64;
        });
        assert_eq!((packets, warnings), (1, vec![Warning::Damaged { at, bytes: Some(size - at) }]), "{what}");
    }
}

/// Memory grows with what is there, not with what is claimed.
#[test]
fn claims_take_no_memory() {
    let mut claims = Sample::classic(Little, 0xa1b2_c3d4, 16);
    let at = claims.bytes.len() as u64;
    claims.part(&[&words(Little, &[1, 1, 1_000_000_000, 1_000_000_000]), b"little"]);
    let (lines, warnings) = read(&claims.bytes).unwrap();
    assert_eq!((lines.len(), warnings), (3, vec![Warning::Damaged { at, bytes: Some(22) }]));
    for kind in [1, 2, 3, 6, 0x99] {
        let (_, warnings) = broken(|sample| {
            sample.part(&[&words(Little, &[kind, 0xffff_fffc, 0])]);
        });
        assert!(matches!(warnings[..], [Warning::Cut { bytes: 12, .. }]), "{kind}: {warnings:?}");
    }
    let mut reader = Reader::new(Cursor::new(claims.bytes), None).unwrap();
    while reader.next_packet().unwrap().is_some() {}
    assert!(matches!(reader.warnings().collect::<Vec<_>>()[..], [Warning::Damaged { bytes: None, .. }]));
}

/// A block larger than any packet is passed over in pieces, wanted or not.
#[test]
fn huge_blocks_are_passed_over() {
    let huge = vec![0; LARGEST_PACKET as usize * 3];
    let (packets, warnings) = broken(|sample| {
        sample.block(Little, 0x99, &[&huge]).enhanced(Little, 0, 1, &huge, &[]).enhanced(
            Little,
            0,
            2,
            b"good too",
            &[],
        );
    });
    assert_eq!((packets, warnings), (2, vec![Warning::Skipped { packets: 1 }]));
}

#[test]
fn interfaces_beyond_the_limit_are_not_kept() {
    let mut sample = Sample::default();
    sample.section(Big);
    for _ in 0..=MOST_INTERFACES {
        sample.interface(Big, 1, 0, &option(Big, 2, &[b'x'; 2000]));
    }
    sample.enhanced(Big, MOST_INTERFACES as u32 - 1, 1, b"last", &[]);
    sample.enhanced(Big, MOST_INTERFACES as u32, 1, b"one too many", &[]);
    let mut reader = Reader::new(Cursor::new(sample.bytes), None).unwrap();
    assert!(reader.next_packet().unwrap().is_some() && reader.next_packet().unwrap().is_none());
    assert_eq!(reader.interfaces().len(), MOST_INTERFACES);
    assert!(reader.interfaces().iter().all(|interface| interface.name.as_ref().unwrap().len() == 255));
    assert_eq!(reader.warnings().collect::<Vec<_>>(), [Warning::Skipped { packets: 1 }]);
}

#[test]
fn what_is_no_capture_is_named() {
    let version = [words(Little, &[0xa1b2_c3d4]), halves(Little, &[2, 5]), vec![0; 16]].concat();
    let ng_version = words(Little, &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 2, 0, 0, 28]);
    let cases: [(&[u8], &str); 12] = [
        (b"", "it is empty"),
        (b"\x1f\x8b\x08\0", "compressed with gzip: unpack it with `gzip -dc`"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"\x04\x22\x4d\x18", "compressed with lz4"),
        (b"\xfd7zXZ", "compressed with xz"),
        (b"BZh9", "compressed with bzip2"),
        (b"snoop\0\0\0", "Solaris' snoop"),
        (b"GMBU", "Network Monitor"),
        (b"hello, world", "neither a pcap nor a pcapng file"),
        (&version, "version 2.5"),
        (&ng_version, "version 2.0"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0not this", "header is damaged"),
    ];
    for (bytes, expected) in cases {
        let message = read(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(Error::Folder)));
}

/// What the packets of each link type are judged by.
#[test]
fn link_types() {
    let v4 = [0x45, 0, 0, 20];
    let behind = |header: &[u8]| [header, &v4].concat();
    let cooked = |protocol: [u8; 2]| behind(&[&[0; 14][..], &protocol].concat());
    let cooked2 = |protocol: [u8; 2]| behind(&[&protocol[..], &[0; 18]].concat());
    let network = |protocol| Some(Framing::Network(protocol));
    let cases = [
        (1, v4.to_vec(), Some(Framing::Ethernet)),
        (101, v4.to_vec(), Some(Framing::RawIp)),
        (12, v4.to_vec(), Some(Framing::RawIp)),
        (14, v4.to_vec(), Some(Framing::RawIp)),
        (228, v4.to_vec(), network(Some(0x0800))),
        (229, v4.to_vec(), network(Some(0x86dd))),
        (113, cooked([8, 6]), network(Some(0x0806))),
        (113, cooked([0, 4]), network(Some(4))),
        (113, cooked([0, 1]), network(Some(1))),
        (113, cooked([0, 12]), network(None)),
        (113, vec![0; 15], None),
        (276, cooked2([0x86, 0xdd]), network(Some(0x86dd))),
        (276, vec![8, 0, 0], None),
        (0, behind(&[2, 0, 0, 0]), network(Some(0x0800))),
        (0, behind(&[0, 0, 0, 30]), network(Some(0x86dd))),
        (0, behind(&[7, 0, 0, 0]), network(None)),
        (108, behind(&[0, 0, 0, 24]), network(Some(0x86dd))),
        (108, behind(&[2, 0, 0, 0]), network(None)),
        (108, vec![0, 0, 0], None),
        (105, v4.to_vec(), None),
    ];
    for (link, bytes, expected) in cases {
        let framing = LinkType(link).framing(&bytes);
        assert_eq!(framing.ok().map(|(framing, _)| framing), expected, "{link} {bytes:x?}");
        if let (Ok((_, rest)), true) = (framing, expected.is_some()) {
            assert_eq!(rest, v4, "{link}");
        }
    }
    assert_eq!(LinkType(105).to_string(), "IEEE802_11 (105)");
    assert_eq!(LinkType(9999).to_string(), "9999");
}

/// What is shown of a packet: the flow or ARP packet, and the outermost tag.
#[test]
fn headers_of_packets() {
    let udp = [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..], &[0, 53, 0, 99, 0, 8, 0, 0]]
        .concat();
    let tagged = [&[0x20, 5, 8, 0][..], &udp].concat();
    let twice = [&[0, 7, 0x81, 0, 0x20, 5, 8, 0][..], &udp].concat();
    let ethernet = |ethertype: [u8; 2], rest: &[u8]| [&[2; 12][..], &ethertype, rest].concat();
    let cooked2 = |protocol: [u8; 2], rest: &[u8]| [&protocol[..], &[0; 18], rest].concat();
    let tag = Some((0x2005, 0x8100));
    let cases = [
        (1, ethernet([8, 0], &udp), true, None),
        (1, ethernet([0x81, 0], &tagged), true, tag),
        (1, ethernet([0x88, 0xa8], &twice), true, Some((7, 0x88a8))),
        (1, ethernet([0x86, 0xdd], &udp), false, None),
        (1, ethernet([0x81, 0], &[0x20, 5, 8]), false, None),
        (1, vec![2; 13], false, None),
        (101, udp.clone(), true, None),
        (101, vec![], false, None),
        (276, cooked2([8, 0], &udp), true, None),
        (276, cooked2([0x81, 0], &tagged), true, tag),
        (105, udp, false, None),
    ];
    for (link, bytes, flow, tag) in cases {
        let scale = interface::Scale::default();
        let (name, description, section, index, kept) = (None, None, 0, 0, 0);
        let interface = Interface { link: LinkType(link), name, description, section, index, kept, scale };
        let (time, length, comments) = (None, bytes.len() as u32, Vec::new());
        let packet = Packet { number: 1, time, bytes: &bytes, length, interface: &interface, comments };
        let (headers, found) = packet.headers();
        assert_eq!((headers.flow().is_some(), found), (flow, tag), "{link} {bytes:x?}");
    }
}

/// Changes that bend a file: one byte, four bytes, a piece left out or doubled, an end.
#[derive(Clone, Debug)]
enum Bend {
    Byte(usize, u8),
    Word(usize, u32),
    Remove(usize, usize),
    Double(usize, usize),
    Cut(usize),
}

fn bend() -> impl Strategy<Value = Bend> {
    let word = prop_oneof![Just(0), Just(u32::MAX), Just(0x7fff_fffc), Just(12), Just(0x0a0d_0d0a), any::<u32>()];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Bend::Byte(at, byte)),
        (any::<usize>(), word).prop_map(|(at, word)| Bend::Word(at, word)),
        (any::<usize>(), 0..40usize).prop_map(|(at, count)| Bend::Remove(at, count)),
        (any::<usize>(), 0..40usize).prop_map(|(at, count)| Bend::Double(at, count)),
        any::<usize>().prop_map(Bend::Cut),
    ]
}

impl Bend {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &usize| at % (bytes.len() + 1);
        match self {
            Self::Byte(at, byte) => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Self::Word(at, word) => {
                let at = place(at) & !3;
                Little.put_word(bytes, at, *word);
            }
            Self::Remove(at, count) => {
                let at = place(at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Self::Double(at, count) => {
                let at = place(at);
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Self::Cut(at) => bytes.truncate(place(at)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    /// Any file is read to an end, with packets that lie in it.
    #[test]
    fn bent_files_do_no_harm(
        which in 0..3usize,
        bends in proptest::collection::vec(bend(), 1..6),
    ) {
        let mut bytes = match which {
            0 => Sample::ng(),
            1 => Sample::classic(Little, 0xa1b2_c3d4, 16),
            _ => Sample::classic(Big, 0xa1b2_cd34, 24),
        }
        .bytes;
        for bend in &bends {
            bend.apply(&mut bytes);
        }
        let Ok(mut reader) = Reader::new(Cursor::new(&bytes), Some(bytes.len() as u64)) else { return Ok(()) };
        let mut total = 0;
        while let Some(packet) = reader.next_packet().unwrap() {
            total += packet.bytes.len();
            prop_assert!(total <= bytes.len());
            let _ = (packet.source(), packet.headers());
        }
        for warning in reader.warnings() {
            if let Warning::Cut { at, bytes: count } = warning {
                prop_assert_eq!(at + count, bytes.len() as u64);
            }
        }
    }
}

/// Whatever bit flips, the packets of the blocks before it stay as they are.
#[test]
fn a_flipped_bit_changes_nothing_before_it() {
    for sample in [Sample::ng(), Sample::classic(Big, 0xa1b2_c3d4, 16)] {
        for bit in 0..8 * sample.bytes.len() {
            let mut bytes = sample.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let before = sample.ends.iter().rev().find(|end| **end <= bit / 8).copied();
            let Some(before) = before else {
                let _ = read(&bytes);
                continue;
            };
            let (untouched, _) = read(&sample.bytes[..before]).unwrap();
            let (lines, _) = read(&bytes).unwrap();
            assert!(lines.starts_with(&untouched), "bit {bit}: {lines:?}");
        }
    }
}

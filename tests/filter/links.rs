//! Packets for every link type: those made by hand, and those of captures that other programs made.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use skbtrail::record::capture::{LinkType, Reader};

use super::packets::{self, Packet};

const ETHERNET_HEADER: usize = 14;
const LEAST_ETHERTYPE: u16 = 0x0600;
/// EtherType of IPX, and the access point of OSI protocols in an 802.2 header.
const IPX: u16 = 0x8137;
const OSI: u8 = 0xfe;
/// Linux's numbers for frames with a length in place of an EtherType: raw IPX, and all others.
const ETH_P_802_3: u16 = 1;
const ETH_P_802_2: u16 = 4;

/// All packets of a link type.
pub(super) fn packets(link: LinkType) -> Vec<Packet> {
    let mut all = match link {
        LinkType::ETHERNET => packets::ethernet(),
        LinkType::RAW => packets::raw(),
        _ => packets::ethernet().iter().enumerate().filter_map(|(index, frame)| relink(link, index, frame)).collect(),
    };
    all.extend(captured().filter(|(of, _)| *of == link).map(|(_, packet)| packet));
    all.retain(|packet| !is_judged_otherwise(link, &packet.bytes));
    all
}

/// 802.2 frames behind a cooked header: on purpose they are judged here as those in Ethernet are. libpcap knows none at all
/// behind the newer header, nor IPX; behind the older one it looks for OSI headers where Ethernet would have them.
fn is_judged_otherwise(link: LinkType, bytes: &[u8]) -> bool {
    let number = |start: usize| bytes.get(start..).and_then(<[u8]>::first_chunk).map(|two| u16::from_be_bytes(*two));
    match link {
        LinkType::SLL2 => number(0).is_some_and(|number| number < LEAST_ETHERTYPE || number == IPX),
        LinkType::SLL => match number(14) {
            Some(ETH_P_802_2) => bytes.get(16) == Some(&OSI),
            Some(number) => number < LEAST_ETHERTYPE,
            None => false,
        },
        _ => false,
    }
}

/// The captures in the repository.
pub(crate) fn files() -> Vec<PathBuf> {
    let files = collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures"));
    assert!(files.len() > 4, "{} captures", files.len());
    files
}

/// The samples of pcap-parser, and those in Debian's packages, where `tests/run` has fetched them.
pub(crate) fn samples() -> Vec<PathBuf> {
    let mut files = collect(&samples_of_pcap_parser());
    assert!(files.len() > 10, "{} samples of pcap-parser", files.len());
    if let Some(folder) = std::env::var_os("SKBTRAIL_CAPTURES") {
        files.extend(collect(Path::new(&folder)));
        assert!(files.len() > 60, "{} samples, those in {} among them", files.len(), folder.display());
    }
    files
}

/// Crates of other systems need not be there.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Where cargo has unpacked the crate.
fn samples_of_pcap_parser() -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--offline", "--filter-platform", PLATFORM, "--manifest-path"]);
    let output = command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "pcap-parser").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("assets")
}

/// Captures in a folder and those below it.
fn collect(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(collect(&path));
        } else if path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Packets of all files.
fn captured() -> impl Iterator<Item = (LinkType, Packet)> {
    files().into_iter().chain(samples()).flat_map(|path| packets_of(&path))
}

/// Random packets speak of bytes that they do not have, and so do those of which only the first bytes were kept.
fn packets_of(path: &Path) -> Vec<(LinkType, Packet)> {
    let random = path.ends_with("random.pcap");
    let mut reader = Reader::open(path).unwrap();
    let mut found = Vec::new();
    while let Some(packet) = reader.next_packet().unwrap() {
        let whole = packet.bytes.len() == packet.length as usize;
        let copy = Packet { bytes: packet.bytes.to_vec(), length: packet.length, sound: whole && !random };
        found.push((packet.interface.link, copy));
    }
    found
}

/// An Ethernet frame as another link type would have captured it.
fn relink(link: LinkType, index: usize, frame: &Packet) -> Option<Packet> {
    let (ethernet, rest) = frame.bytes.split_at_checked(ETHERNET_HEADER)?;
    let ethertype = u16::from_be_bytes([ethernet[12], ethernet[13]]);
    let header = match link {
        LinkType::SLL => cooked(index, ethernet, linux_number(ethertype, rest)),
        LinkType::SLL2 => cooked2(index, ethernet, linux_number(ethertype, rest)),
        LinkType::NULL => family(index, ethertype).to_le_bytes().to_vec(),
        _ => family(index, ethertype).to_be_bytes().to_vec(),
    };
    let length = frame.length - ETHERNET_HEADER as u32 + header.len() as u32;
    Some(Packet { bytes: [&header, rest].concat(), length, sound: frame.sound })
}

fn linux_number(ethertype: u16, rest: &[u8]) -> u16 {
    match ethertype {
        LEAST_ETHERTYPE.. => ethertype,
        _ if rest.starts_with(&[0xff, 0xff]) => ETH_P_802_3,
        _ => ETH_P_802_2,
    }
}

/// Packet type, ARPHRD_ETHER, an address of six bytes in eight, protocol.
fn cooked(index: usize, ethernet: &[u8], protocol: u16) -> Vec<u8> {
    [&[0, index as u8 % 5, 0, 1, 0, 6], &ethernet[6..12], &[0, 0], &protocol.to_be_bytes()].concat()
}

/// Protocol, two bytes of nothing, interface, ARPHRD_ETHER, packet type, an address of six bytes in eight.
fn cooked2(index: usize, ethernet: &[u8], protocol: u16) -> Vec<u8> {
    [&protocol.to_be_bytes()[..], &[0, 0, 0, 0, 0, 2, 0, 1, index as u8 % 5, 6], &ethernet[6..12], &[0, 0]].concat()
}

/// Address families of several systems; 7 is none of them.
fn family(index: usize, ethertype: u16) -> u32 {
    match ethertype {
        0x0800 => 2,
        0x86dd => [24, 28, 30][index % 3],
        _ => 7,
    }
}

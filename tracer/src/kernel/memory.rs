//! Where the kernel sees all memory, and its list of pages: what turns a `struct page` into an address.
//!
//! Both places differ from boot to boot. The header of `/proc/kcore` tells them, without reading any memory; opening it takes
//! `CAP_SYS_RAWIO`.

use std::{fs::File, io::Read as _};

use tracer_common::config::{PAGE_BYTES, PAGE_STRUCT_BYTES};

use super::Root;

/// Bytes of the header of an ELF file, and of one entry in its table of segments.
const HEADER: usize = 64;
const ENTRY: usize = 56;
/// Type of a segment with memory.
const LOAD: u32 = 1;
/// The kernel's own text and data are seen from here on a second time.
const IMAGE: u64 = 0xffff_ffff_8000_0000;
/// Both places are multiples of this (`PUD_SIZE`).
const GRANULE: u64 = 1 << 30;
/// Segments that are looked at.
const MOST_SEGMENTS: usize = 4096;

/// The two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the first byte of memory is seen (`page_offset_base`).
    pub memory: u64,
    /// Where the `struct page` of the first page lies (`vmemmap_base`).
    pub pages: u64,
}

/// A piece of the kernel's address space.
struct Segment {
    address: u64,
    /// `None` where it is not memory as it lies.
    physical: Option<u64>,
    bytes: u64,
}

/// Reads the layout; `None` where the kernel does not tell.
pub fn layout(root: &Root) -> Option<Layout> {
    let mut file = root.open("/proc/kcore").ok()?;
    find(&segments(&mut file)?)
}

fn segments(file: &mut File) -> Option<Vec<Segment>> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    let half = |at: usize| Some(u16::from_le_bytes(header.get(at..at + 2)?.try_into().ok()?));
    let (start, entry, count) = (number(&header, 32)?, half(54)?, usize::from(half(56)?));
    if &header[..4] != b"\x7fELF" || start != HEADER as u64 || usize::from(entry) != ENTRY || count > MOST_SEGMENTS {
        return None;
    }
    let mut table = vec![0; count * ENTRY];
    file.read_exact(&mut table).ok()?;
    table.chunks_exact(ENTRY).filter(|entry| entry.starts_with(&LOAD.to_le_bytes())).map(segment).collect()
}

fn segment(entry: &[u8]) -> Option<Segment> {
    let physical = number(entry, 24)?;
    Some(Segment {
        address: number(entry, 16)?,
        physical: (physical != u64::MAX).then_some(physical),
        bytes: number(entry, 40)?,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Memory is seen in pieces, and for each of them there is one with its pages; `None` unless all agree.
fn find(segments: &[Segment]) -> Option<Layout> {
    let memory = segments.iter().filter(|segment| segment.address < IMAGE);
    let memory: Vec<(u64, u64, u64)> =
        memory.filter_map(|segment| Some((segment.address, segment.physical?, segment.bytes))).collect();
    let views = memory.iter().map(|(address, physical, _)| address.checked_sub(*physical));
    let mut pages = Vec::new();
    for (_, physical, bytes) in &memory {
        let first = physical / PAGE_BYTES * PAGE_STRUCT_BYTES;
        let end = (physical.checked_add(*bytes)?) / PAGE_BYTES * PAGE_STRUCT_BYTES;
        let (first, end) = (first / PAGE_BYTES * PAGE_BYTES, end.next_multiple_of(PAGE_BYTES));
        let others = segments.iter().filter(|other| other.physical.is_none() && other.bytes == end - first);
        pages.extend(others.map(|other| other.address.checked_sub(first)));
    }
    Some(Layout { memory: agreed(views)?, pages: agreed(pages.into_iter().filter(|place| is_place(*place)))? })
}

fn is_place(place: Option<u64>) -> bool {
    place.is_some_and(|place| place.is_multiple_of(GRANULE))
}

/// What all of them say.
fn agreed(mut places: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    let first = places.next().flatten().filter(|place| place.is_multiple_of(GRANULE))?;
    places.all(|place| place == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: u64 = 0xff11_0000_0000_0000;
    const PAGES: u64 = 0xffd4_0000_0000_0000;

    /// As a kernel with two pieces of memory has it: its text, the modules, vmalloc, and both pieces with their pages.
    fn pieces() -> Vec<Segment> {
        let of = |address, physical, bytes| Segment { address, physical, bytes };
        vec![
            of(0xffff_ffff_8100_0000, Some(0x100_0000), 0x200_0000),
            of(0xffff_ffff_c000_0000, None, 0x3f00_0000),
            of(0xffa0_0000_0000_0000, None, 1 << 52),
            of(MEMORY + 0x1000, Some(0x1000), 0x9e000),
            of(PAGES, None, 0x3000),
            of(MEMORY + 0x1_0000_0000, Some(0x1_0000_0000), 0x4000_0000),
            of(PAGES + 0x400_0000, None, 0x100_0000),
        ]
    }

    #[test]
    fn both_places_are_found() {
        assert_eq!(find(&pieces()), Some(Layout { memory: MEMORY, pages: PAGES }));
    }

    #[test]
    fn pieces_that_do_not_agree_tell_nothing() {
        let mut pieces = pieces();
        pieces[3].address += GRANULE;
        assert_eq!(find(&pieces), None);
        pieces.truncate(3);
        assert_eq!(find(&pieces), None);
    }

    #[test]
    fn segments_are_read_from_the_header() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        let mut file = vec![0; HEADER];
        file[..4].copy_from_slice(b"\x7fELF");
        file[32..40].copy_from_slice(&(HEADER as u64).to_le_bytes());
        file[54..58].copy_from_slice(&[ENTRY as u8, 0, 8, 0]);
        file.extend([4u8, 0, 0, 0].into_iter().chain([0; ENTRY - 4]));
        for piece in pieces() {
            let mut entry = [0; ENTRY];
            entry[..4].copy_from_slice(&LOAD.to_le_bytes());
            entry[16..24].copy_from_slice(&piece.address.to_le_bytes());
            entry[24..32].copy_from_slice(&piece.physical.unwrap_or(u64::MAX).to_le_bytes());
            entry[40..48].copy_from_slice(&piece.bytes.to_le_bytes());
            file.extend(entry);
        }
        let path = folder.path().join("proc/kcore");
        std::fs::write(&path, &file).unwrap();
        let root = Root::at(folder.path());
        assert_eq!(layout(&root), Some(Layout { memory: MEMORY, pages: PAGES }));
        std::fs::write(&path, &file[..file.len() - 1]).unwrap();
        assert_eq!(layout(&root), None);
    }
}

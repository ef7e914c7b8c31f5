//! Opening a recording: what kind of file it is, where its frames are, and its tables.

use std::{fs::File, io, path::Path};

use super::{
    Missing, Reader, Tables, Wanted,
    frame::{self, Unusable},
    hops::Hops,
    walk::{Met, Walk, read_at},
};
use crate::{
    collect::counts::Counts,
    record::{
        Error,
        format::{
            counts,
            frame::{HEAD, Header, kind},
            index::{Index, Span},
            pcapng,
            start::Start,
        },
    },
};

/// First bytes of what people compress captures with, and the way back.
const COMPRESSED: [(&[u8], &str); 3] =
    [(&[0x1f, 0x8b], "gunzip"), (&[0x28, 0xb5, 0x2f, 0xfd], "zstd -d"), (&[0xfd, b'7', b'z', b'X', b'Z'], "unxz")];
/// First bytes of a pcap file: either byte order, microseconds or nanoseconds.
const PCAP: [[u8; 4]; 4] =
    [[0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d]];
/// A section header of either byte order begins so.
const SECTION: [u8; 4] = pcapng::kind::SECTION.to_le_bytes();

impl Reader {
    /// Opens a recording.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Error::Directory);
        }
        if !metadata.is_file() {
            return Err(Error::NotAFile);
        }
        Self::of(file, metadata.len())
    }

    fn of(file: File, len: u64) -> Result<Self, Error> {
        recognize(&file, len)?;
        let mut opening = Opening { file, len, read_to: 0, damaged: 0, stored: Vec::new(), content: Vec::new() };
        let (index, missing) = match opening.stored_index()? {
            Some(index) => (index, Missing::default()),
            None => opening.walked_index()?,
        };
        let start = match index.start {
            None => return Err(Error::Capture),
            Some(span) => opening.content_of(&span)?.map_or_else(Start::default, Start::from_json),
        };
        let (mut tables, mut end) = (Tables::default(), 0);
        // An index may be made up: no byte of the file is read for two tables.
        for span in index.tables.iter().filter(|span| span.kind == u64::from(kind::TABLE)) {
            if span.offset < end {
                continue;
            }
            if let Some(content) = opening.content_of(span)? {
                tables.read(content);
            }
            end = opening.read_to;
        }
        let counts = match &index.counts {
            Some(span) => opening.content_of(span)?.and_then(counts::from_json),
            None => None,
        };
        let missing = Missing { names: tables.refused, tables: opening.damaged, ..missing };
        Ok(opening.reader(start, tables, counts, index, missing))
    }
}

/// Whether it can be a recording at all.
fn recognize(file: &File, len: u64) -> Result<(), Error> {
    let mut head = [0; 12];
    let count = read_at(file, 0, &mut head)?;
    let head = &head[..count];
    if len == 0 {
        return Err(Error::Empty);
    }
    if let Some((_, remedy)) = COMPRESSED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Error::Compressed(remedy));
    }
    if PCAP.iter().any(|magic| head.starts_with(magic)) {
        return Err(Error::Capture);
    }
    match head.starts_with(&SECTION) {
        true if pcapng::is_section(head) || count < head.len() => Ok(()),
        true => Err(Error::Capture),
        false => Err(Error::Foreign),
    }
}

/// A file that is being opened.
struct Opening {
    file: File,
    len: u64,
    /// Where the last content ends.
    read_to: u64,
    /// Bytes of frames that were to be read whole, and are damaged.
    damaged: u64,
    stored: Vec<u8>,
    content: Vec<u8>,
}

impl Opening {
    /// The index at the end of the file, if there is one that can be believed.
    fn stored_index(&mut self) -> io::Result<Option<Index>> {
        let mut trailer = [0; 4];
        let Some(at) = self.len.checked_sub(4) else { return Ok(None) };
        read_at(&self.file, at, &mut trailer)?;
        let Some(last) = self.len.checked_sub(u64::from(u32::from_le_bytes(trailer))) else { return Ok(None) };
        let Some(header) = self.index_header(last)? else { return Ok(None) };
        let (mut index, mut at) = (Index::default(), header.before);
        while at < self.len {
            let Some(header) = self.index_header(at)? else { return Ok(None) };
            let read = frame::read(&self.file, at, &header, &mut self.stored, &mut self.content)?;
            if read.is_err() || !index.read(&self.content, self.len) {
                return Ok(None);
            }
            at += header.block_len();
        }
        Ok(Some(index))
    }

    /// The header of the part of an index at this offset.
    fn index_header(&self, at: u64) -> io::Result<Option<Header>> {
        Ok(self.header(at)?.filter(|header| header.kind == kind::INDEX && header.first_time == at))
    }

    fn header(&self, at: u64) -> io::Result<Option<Header>> {
        let mut head = [0; HEAD];
        let count = read_at(&self.file, at, &mut head)?;
        Ok(Header::read(&head[..count]))
    }

    /// The index that a walk through the file gives.
    fn walked_index(&mut self) -> Result<(Index, Missing), Error> {
        let (mut index, mut walk) = (Index::default(), Walk::new(0, self.len));
        while let Some(met) = walk.next(&self.file)? {
            if let Met::Frame(offset, header) = met {
                let first = index.start.is_none();
                index.add(offset, &header);
                if first && header.kind == kind::START {
                    self.check_version(offset, &header)?;
                }
            }
        }
        Ok((index, Missing { unfinished: true, ..Missing::default() }))
    }

    fn check_version(&mut self, offset: u64, header: &Header) -> Result<(), Error> {
        match frame::read(&self.file, offset, header, &mut self.stored, &mut self.content)? {
            Err(Unusable::Newer(version)) => Err(Error::Newer(version)),
            _ => Ok(()),
        }
    }

    /// The content of a small frame; `None` where it is damaged.
    fn content_of(&mut self, span: &Span) -> Result<Option<&[u8]>, Error> {
        let Some(header) = self.header(span.offset)? else {
            self.damaged += HEAD as u64;
            return Ok(None);
        };
        self.read_to = span.offset.saturating_add(header.block_len());
        match frame::read(&self.file, span.offset, &header, &mut self.stored, &mut self.content)? {
            Ok(()) => Ok(Some(&self.content)),
            Err(Unusable::Newer(version)) => Err(Error::Newer(version)),
            Err(Unusable::Damaged) => {
                self.damaged = self.damaged.saturating_add(header.block_len());
                Ok(None)
            }
        }
    }

    fn reader(self, start: Start, tables: Tables, counts: Option<Counts>, index: Index, missing: Missing) -> Reader {
        Reader {
            walk: Walk::new(0, self.len),
            file: self.file,
            start,
            tables,
            counts,
            index,
            missing,
            wanted: Wanted::default(),
            hops: Hops::empty(),
            next: 0,
            expected: None,
            thrown_away: 0,
            verifies: false,
            numbered: 0,
            stored: self.stored,
            content: self.content,
        }
    }
}

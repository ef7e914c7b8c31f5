//! The index: where the frames of a recording lie, and what they span. It only saves time: whoever has none walks over the
//! frames' headers.

use bytemuck::{Pod, Zeroable};

use super::{
    FRAME_BYTES,
    frame::{self, HEAD, Header, kind},
    pcapng,
};

/// Entries of hops kept; with more, neighbours become one, so that memory does not grow with the file.
const MOST_SPANS: usize = 65_536;
/// Frames of tables that are remembered.
const MOST_TABLES: usize = 65_536;

/// A frame, or several frames of hops that follow each other.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Span {
    /// Where the first block begins in the file.
    pub offset: u64,
    /// As in [`Header`], over all of them.
    pub first_time: u64,
    /// The same.
    pub last_time: u64,
    /// The same.
    pub first_journey: u64,
    /// The same.
    pub last_journey: u64,
    /// Hops and changes in them.
    pub count: u64,
    /// One of [`kind`].
    pub kind: u64,
}

const _: () = assert!(size_of::<Span>() == 56);

/// The frames of a file.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The first frame, and the last of counts.
    pub start: Option<Span>,
    /// The latest counts.
    pub counts: Option<Span>,
    /// Frames of tables.
    pub tables: Vec<Span>,
    /// Frames of hops, in their order in the file.
    pub hops: Vec<Span>,
    /// Frames in each of `hops`, at most.
    group: usize,
    /// Frames in the last of them.
    last_group: usize,
    /// Bytes of the file so far; only where it is written.
    pub written: u64,
}

impl Index {
    /// Takes a frame.
    pub fn add(&mut self, offset: u64, header: &Header) {
        let span = Span {
            offset,
            first_time: header.first_time,
            last_time: header.last_time,
            first_journey: header.first_journey,
            last_journey: header.last_journey,
            count: u64::from(header.count),
            kind: u64::from(header.kind),
        };
        self.add_span(span);
    }

    fn add_span(&mut self, span: Span) {
        match u8::try_from(span.kind) {
            Ok(kind::START) if self.start.is_none() => self.start = Some(span),
            Ok(kind::COUNTS) => self.counts = Some(span),
            Ok(kind::TABLE) if self.tables.len() < MOST_TABLES => self.tables.push(span),
            Ok(kind::HOPS) => self.add_hops(span),
            _ => {}
        }
    }

    fn add_hops(&mut self, span: Span) {
        self.group = self.group.max(1);
        if self.last_group < self.group
            && let Some(last) = self.hops.last_mut()
        {
            last.join(&span);
            self.last_group += 1;
            return;
        }
        if self.hops.len() >= MOST_SPANS {
            self.thin();
        }
        self.hops.push(span);
        self.last_group = 1;
    }

    /// Makes one entry of each two.
    fn thin(&mut self) {
        self.group *= 2;
        let pairs = self.hops.chunks(2).map(|pair| {
            let mut span = pair[0];
            pair[1..].iter().for_each(|next| span.join(next));
            span
        });
        self.hops = pairs.collect();
    }

    /// Takes blocks that are written to a file, as far as they are there whole, with the packet blocks that belong to them.
    pub fn written(&mut self, mut blocks: &[u8]) {
        while let Some((_, len)) = pcapng::head(blocks) {
            let header = Header::read(blocks);
            let step = header.map_or(u64::from(len), |header| header.block_len() + u64::from(header.following_len));
            let Some(rest) = blocks.get(step as usize..) else { break };
            if let Some(header) = header {
                self.add(self.written, &header);
            }
            self.written += step;
            blocks = rest;
        }
    }

    /// Hops and changes in the file.
    pub fn records(&self) -> u64 {
        self.hops.iter().map(|span| span.count).sum()
    }

    /// Appends the index, which belongs at the very end of the file.
    pub fn write(&self, out: &mut Vec<u8>) {
        let spans: Vec<Span> =
            self.start.iter().chain(&self.counts).chain(&self.tables).chain(&self.hops).copied().collect();
        let first = self.written;
        let mut offset = first;
        for part in spans.chunks(FRAME_BYTES / size_of::<Span>()) {
            // The frame says where it lies, so that an index that was moved is not believed.
            let header = Header { before: first, first_time: offset, ..Header::new(kind::INDEX, part.len() as u32) };
            let start = out.len();
            frame::write(header, bytemuck::cast_slice(part), false, &[], out);
            offset += (out.len() - start) as u64;
        }
    }

    /// Takes a part of an index that was written; false where it cannot be one of a file of this size.
    pub fn read(&mut self, content: &[u8], file_len: u64) -> bool {
        let spans = content.chunks_exact(size_of::<Span>());
        for span in spans {
            let span: Span = bytemuck::pod_read_unaligned(span);
            if span.offset.saturating_add(HEAD as u64) > file_len {
                return false;
            }
            self.add_span(span);
        }
        true
    }
}

impl Span {
    fn join(&mut self, next: &Self) {
        self.first_time = self.first_time.min(next.first_time);
        self.last_time = self.last_time.max(next.last_time);
        self.count = self.count.saturating_add(next.count);
        if next.last_journey > 0 {
            let first = if self.last_journey > 0 { self.first_journey } else { u64::MAX };
            self.first_journey = first.min(next.first_journey);
            self.last_journey = self.last_journey.max(next.last_journey);
        }
    }

    /// Whether hops of this journey may be in it.
    pub fn may_hold(&self, journey: u64) -> bool {
        (self.first_journey..=self.last_journey).contains(&journey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(time: u64, journey: u64) -> Header {
        let (first_time, last_time, first_journey, last_journey) = (time, time + 1, journey, journey);
        Header { first_time, last_time, first_journey, last_journey, ..Header::new(kind::HOPS, 2) }
    }

    #[test]
    fn memory_does_not_grow_with_the_file() {
        let mut index = Index::default();
        let frames = 5 * MOST_SPANS as u64 + 3;
        for number in 0..frames {
            index.add(100 * number, &header(number, number % 7));
        }
        assert!(index.hops.len() <= MOST_SPANS);
        assert_eq!(index.records(), 2 * frames);
        assert!(index.hops.is_sorted_by_key(|span| (span.offset, span.first_time)));
        let last = index.hops.last().unwrap();
        assert_eq!(last.last_time, frames);
        assert!(last.may_hold(6) || last.first_journey > 0);
    }

    #[test]
    fn an_index_comes_back() {
        let mut index = Index { written: 1 << 40, ..Index::default() };
        for number in 0..10_000 {
            index.add(100 * number, &header(number, 0));
        }
        index.add(7, &Header::new(kind::COUNTS, 1));
        let mut out = Vec::new();
        index.write(&mut out);
        let (mut read, mut rest) = (Index::default(), out.as_slice());
        while let Some(header) = Header::read(rest) {
            let content = &rest[HEAD..][..header.stored_len as usize];
            assert!(read.read(content, 1 << 40));
            rest = &rest[header.block_len() as usize..];
        }
        assert!(rest.is_empty());
        assert_eq!((read.hops, read.counts), (index.hops, index.counts));
        assert!(!Index::default().read(bytemuck::bytes_of(&Span { offset: 50, ..Span::zeroed() }), 100));
    }
}

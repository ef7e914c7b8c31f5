//! The block of text.

use super::{
    super::{Style, Tone, columns, duration, facts, number},
    Story, Words,
    words::{self, word},
};
use crate::{
    model::EventKind,
    track::{Hop, Identity, Item, State, Strand, Verdict},
};

/// Letters of the column of gaps.
const GAP_WIDTH: usize = 12;
/// Letters that a branch stands to the right of the one it was made from.
const INDENT: usize = 4;
/// Deeper branches are not indented further: lines would grow too long.
const DEEPEST: usize = 4;

/// Appends the block of one packet, without an empty line behind it.
pub fn text(story: &Story<'_>, style: Style, out: &mut Vec<u8>) {
    let mut block = Block {
        words: Words { tables: story.tables, context: story.context },
        story,
        style,
        gaps: story.journey.gaps(),
        slowest: story.journey.slowest(),
        depth: 0,
        text: String::new(),
    };
    block.title();
    block.hops();
    block.verdict();
    out.extend_from_slice(block.text.as_bytes());
}

struct Block<'a> {
    story: &'a Story<'a>,
    words: Words<'a>,
    style: Style,
    gaps: Vec<Option<u64>>,
    slowest: Option<usize>,
    depth: usize,
    text: String,
}

impl Block<'_> {
    fn title(&mut self) {
        let journey = self.story.journey;
        let mut title = String::from("packet ");
        number::decimal(journey.number(), &mut title);
        title.push_str("  ");
        words::look(journey.title(), &mut title);
        if let Some(longest) = journey.hops.iter().map(|hop| hop.len).max() {
            title.push_str("  ");
            number::decimal(longest, &mut title);
            title.push_str(" bytes");
        }
        self.line(0, Tone::Title, &title);
        if let Some(first) = journey.hops.first() {
            let began = self.began(first);
            self.line(2, Tone::Plain, &began);
        }
        self.ends();
    }

    /// What is known of the addresses.
    fn ends(&mut self) {
        let flow = self.story.journey.title().and_then(|look| look.flow.as_ref());
        if let (Some(known), Some(flow)) = (self.story.context.facts, flow) {
            facts::ends(known, flow, |line| self.line(2, Tone::Faint, line));
        }
    }

    fn began(&self, first: &Hop) -> String {
        let journey = self.story.journey;
        let mut text = String::from(if journey.is_headless() { "first seen " } else { "began " });
        columns::write_moment(first.time, self.story.context, &mut text);
        text.push_str(" on cpu ");
        number::decimal(first.cpu, &mut text);
        text.push_str(" in ");
        self.words.task(first.task, first.pid, &mut text);
        if matches!(journey.identity, Identity::Address { .. }) {
            text.push_str("; told apart by address");
        }
        if journey.is_headless() {
            text.push_str("; its beginning is missing");
        }
        text
    }

    fn hops(&mut self) {
        let journey = self.story.journey;
        let mut changes = journey.changes();
        changes.reverse();
        let mut changes_at = std::collections::HashMap::<usize, Vec<_>>::new();
        while let Some((hop, changed)) = changes.pop() {
            changes_at.entry(hop).or_default().push(changed);
        }
        // The hop before of each branch on the way down to the one at hand.
        let mut last: Vec<Option<usize>> = Vec::new();
        for item in journey.outline() {
            match item {
                Item::Begin { strand, depth } => {
                    last.push(None);
                    self.depth = depth;
                    self.begin(&journey.strands[strand], strand == 0);
                }
                Item::End { strand, depth } => {
                    last.pop();
                    self.end(&journey.strands[strand]);
                    self.depth = depth.saturating_sub(1);
                }
                Item::Hop { hop } => {
                    let before = last.last_mut().and_then(|last| last.replace(hop));
                    self.hop(hop, before);
                    for changed in changes_at.remove(&hop).unwrap_or_default() {
                        let mut text = String::from("* ");
                        words::changed(&changed, &mut text);
                        self.line(GAP_WIDTH + 2, Tone::Title, &text);
                    }
                }
            }
        }
        self.depth = 0;
    }

    fn begin(&mut self, strand: &Strand, first: bool) {
        if first {
            return;
        }
        let mut text = String::from("+ branch ");
        number::decimal(strand.number, &mut text);
        if let Some(parent) = strand.parent {
            text.push_str(", ");
            text.push_str(words::how(strand.began.map(|(_, how)| how)));
            text.push(' ');
            number::decimal(parent, &mut text);
        }
        self.line(0, Tone::Title, &text);
    }

    /// Where it says the same as the verdict of all, that is enough.
    fn end(&mut self, strand: &Strand) {
        let journey = self.story.journey;
        if self.depth == 0 && strand.verdict == journey.verdict() {
            return;
        }
        let mut text = String::from("= branch ");
        number::decimal(strand.number, &mut text);
        text.push(' ');
        text.push_str(word(strand.verdict));
        text.push_str(": ");
        let hop = strand.verdict.hop().and_then(|hop| journey.hops.get(hop));
        self.words.verdict(strand.verdict, hop, &mut text);
        let indent = if self.depth == 0 { 2 } else { 0 };
        self.line(indent, tone(strand.verdict), &text);
    }

    fn hop(&mut self, index: usize, before: Option<usize>) {
        let hops = &self.story.journey.hops;
        let Some(hop) = hops.get(index) else { return };
        let before = before.and_then(|before| hops.get(before));
        if before.is_none_or(|before| (before.netns, before.device) != (hop.netns, hop.device)) {
            let mut place = String::new();
            self.words.place(hop.netns, hop.device, &mut place);
            self.line(2, Tone::Plain, &place);
            self.programs(hop);
        }
        let mut text = self.gap(index);
        text.push_str("  ");
        self.words.func(hop, &mut text);
        if before.is_some_and(|before| before.cpu != hop.cpu) {
            text.push_str("  cpu ");
            number::decimal(hop.cpu, &mut text);
        }
        let slow = self.slowest == Some(index) && self.gaps.len() > 2;
        if slow {
            text.push_str("  <- slowest");
        }
        let tone = match hop.kind {
            EventKind::Drop => Tone::Drop,
            _ if slow => Tone::Title,
            _ => Tone::Plain,
        };
        self.line(0, tone, &text);
    }

    /// The programs at the device of a hop.
    fn programs(&mut self, hop: &Hop) {
        let device = self.story.tables.device_of(hop.device);
        if let (Some(known), Some(device)) = (self.story.context.facts, device) {
            let mut text = String::new();
            facts::programs(&known.programs(device.netns, device.ifindex), &mut text);
            if !text.is_empty() {
                self.line(4, Tone::Faint, &text);
            }
        }
    }

    fn gap(&self, index: usize) -> String {
        let mut gap = String::new();
        match self.gaps.get(index).copied().flatten() {
            Some(time) => {
                gap.push('+');
                duration::write(time, &mut gap);
            }
            None => gap.push('0'),
        }
        let missing = GAP_WIDTH.saturating_sub(gap.chars().count());
        gap.insert_str(0, &" ".repeat(missing));
        gap
    }

    fn verdict(&mut self) {
        let journey = self.story.journey;
        let verdict = journey.verdict();
        let hop = verdict.hop().and_then(|hop| journey.hops.get(hop));
        let mut text = String::from(match (verdict, journey.state) {
            (Verdict::LastSeen { .. }, State::Open) => "still on its way",
            (Verdict::LastSeen { .. }, State::Evicted) => "given up to make room",
            _ => word(verdict),
        });
        text.push_str(" after ");
        duration::write(journey.decided_after(), &mut text);
        text.push_str(": ");
        self.words.verdict(verdict, hop, &mut text);
        if journey.state == State::Idle && matches!(verdict, Verdict::LastSeen { .. }) {
            text.push_str(", then silence");
        }
        if journey.left_out > 0 {
            text.push_str("; too long, hops not kept: ");
            number::decimal(journey.left_out, &mut text);
        }
        self.line(2, tone(verdict), &text);
    }

    /// Appends a line at its depth, in its colour.
    fn line(&mut self, indent: usize, tone: Tone, text: &str) {
        let indent = indent + self.depth.min(DEEPEST) * INDENT;
        self.text.extend(std::iter::repeat_n(' ', indent));
        let start = self.text.len();
        self.text.push_str(text);
        self.style.paint(tone, start, &mut self.text);
        self.text.push('\n');
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Dropped { .. } => Tone::Drop,
        _ => Tone::Title,
    }
}

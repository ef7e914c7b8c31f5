//! The lines of a path: groups of hops folded or unfolded, what changed between, how it ended.

use std::collections::HashMap;

use super::{
    super::packets::verdict_role,
    drawn::indent,
    pieces::{Group, Piece, pieces},
};
use crate::{
    model::EventKind,
    track::{Changed, DeviceId, Hop, Journey, Layer, NetnsId, Strand, TaskId, Verdict},
    tui::{
        engine::Packet,
        state::{Of, State},
        theme::Role,
        widget::text::{fit, width},
    },
    view::{
        Story, duration, facts as view_facts,
        journey::{Words, changed, how, word},
        phrase::{append, plural},
    },
};

/// Letters of the columns to the left.
pub(super) const LAYER: usize = 10;
pub(super) const DEVICE: usize = 10;

/// What lines depend on beside the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Letters across.
    pub(super) width: u16,
    /// The stack of a drop is shown.
    pub(super) stack: bool,
    /// The programs at the devices are shown.
    pub(super) programs: bool,
    /// Whoever watches all drops has the stack of this one by now.
    pub(super) watched: bool,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Another network namespace.
    Netns,
    /// Hops of a layer, folded or not; it is known by its first hop.
    Group { first: usize, folded: bool },
    /// A hop of an unfolded group.
    Hop,
    /// Something changed.
    Change,
    /// A branch begins or ends.
    Branch,
    /// The packet was dropped here.
    Drop,
    /// A sentence that belongs to the line above.
    Note,
    /// What became of it.
    Verdict,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) what: What,
    pub(super) text: String,
    pub(super) role: Role,
    pub(super) depth: usize,
    /// Nanoseconds from the beginning.
    pub(super) at: Option<u64>,
    /// Nanoseconds until what comes next on the branch.
    pub(super) took: Option<u64>,
    /// The hop whose headers go with it.
    pub(super) hop: Option<usize>,
}

/// Who has the addresses, and where the service leads, as far as that is known of this machine: it may come a moment after it was
/// asked for.
pub(super) fn ends(packet: &Packet, state: &State<'_>) -> Vec<String> {
    let journey = &packet.journey;
    let flow = journey.hops.iter().find_map(|hop| journey.look(hop)?.flow);
    let mut lines = Vec::new();
    if let (Some(facts), Some(flow)) = (&state.known.names.facts, flow) {
        view_facts::ends(facts.as_ref(), &flow, |line| lines.push(line.to_owned()));
    }
    lines
}

/// Makes the lines; `ends` stand above them.
pub(super) fn make(
    (of, packet): (Of, &Packet),
    ends: &[String],
    shape: Shape,
    unfolded: &dyn Fn(usize) -> bool,
    state: &State<'_>,
) -> Vec<Line> {
    state.story_of(of, packet, |story| {
        let mut changes = HashMap::<usize, Vec<Changed>>::new();
        for (hop, changed) in story.journey.changes() {
            changes.entry(hop).or_default().push(changed);
        }
        let words = Words { tables: story.tables, context: story.context };
        let next = next_times(story.journey);
        let mut maker = Maker {
            packet,
            story,
            words,
            state,
            shape,
            unfolded,
            changes,
            next,
            last: None,
            task: None,
            device: DeviceId(0),
            lines: Vec::new(),
        };
        for line in ends {
            maker.add(What::Note, line.clone(), Role::Change, 0);
        }
        maker.make();
        maker.lines
    })
}

/// For each hop, when the next one of its branch was.
fn next_times(journey: &Journey) -> Vec<Option<u64>> {
    let mut next = vec![None; journey.strands.len()];
    let mut times = vec![None; journey.hops.len()];
    for (index, hop) in journey.hops.iter().enumerate().rev() {
        if let Some(next) = journey.strand(hop.branch).and_then(|strand| next.get_mut(strand)) {
            times[index] = next.replace(hop.time);
        }
    }
    times
}

pub(super) struct Maker<'a> {
    pub(super) packet: &'a Packet,
    pub(super) story: &'a Story<'a>,
    words: Words<'a>,
    pub(super) state: &'a State<'a>,
    pub(super) shape: Shape,
    unfolded: &'a dyn Fn(usize) -> bool,
    changes: HashMap<usize, Vec<Changed>>,
    next: Vec<Option<u64>>,
    /// Namespace of the line before, and who worked on it where.
    last: Option<NetnsId>,
    task: Option<(TaskId, u32, u16)>,
    /// Device whose programs were shown last.
    device: DeviceId,
    lines: Vec<Line>,
}

impl Maker<'_> {
    fn make(&mut self) {
        for piece in pieces(self.story.journey, self.story.context) {
            match piece {
                Piece::Begin { strand, depth } => self.begin(strand, depth),
                Piece::Group(group) => self.group(&group),
                Piece::End { strand, depth } => self.end(strand, depth),
            }
        }
        self.verdict();
    }

    pub(super) fn journey(&self) -> &Journey {
        self.story.journey
    }

    pub(super) fn add(&mut self, what: What, text: String, role: Role, depth: usize) -> &mut Line {
        self.lines.push(Line { what, text, role, depth, at: None, took: None, hop: None });
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    fn begin(&mut self, strand: usize, depth: usize) {
        let Strand { number, parent, began, .. } = self.journey().strands[strand];
        if strand == 0 {
            return;
        }
        let mut text = format!("branch {number}");
        if let Some(parent) = parent {
            append(format_args!(", {} {parent}", how(began.map(|(_, how)| how))), &mut text);
        }
        self.last = None;
        self.add(What::Branch, text, Role::Change, depth);
    }

    fn end(&mut self, strand: usize, depth: usize) {
        let Strand { number, verdict, .. } = self.journey().strands[strand];
        // The verdict of all is said at the end.
        if self.journey().strands.len() == 1 || (depth == 0 && verdict == self.journey().verdict()) {
            return;
        }
        let mut text = format!("branch {number} {}: ", word(verdict));
        let hop = verdict.hop().and_then(|hop| self.journey().hops.get(hop));
        self.words.verdict(verdict, hop, &mut text);
        self.last = None;
        self.add(What::Branch, text, verdict_role(verdict), depth).hop = verdict.hop();
    }

    fn group(&mut self, group: &Group) {
        let (Some(&first), Some(&last)) = (group.hops.first(), group.hops.last()) else { return };
        let hop = self.journey().hops[first];
        self.netns(&hop, group.depth);
        if self.shape.programs {
            self.programs(&hop, group.depth);
        }
        if hop.kind == EventKind::Drop {
            return self.drop(first, group.depth);
        }
        let single = group.hops.len() == 1;
        let open = !single && (self.unfolded)(first);
        let text = self.group_text(group, &hop, open);
        let role = if group.layer == Layer::End { Role::Faint } else { Role::Plain };
        let (at, took) = self.times(first, last);
        let what = if single { What::Hop } else { What::Group { first, folded: !open } };
        let line = self.add(what, text, role, group.depth);
        (line.at, line.took, line.hop) = (Some(at), took, Some(first));
        for hop in &group.hops {
            if open {
                self.hop(*hop, group.depth);
            }
            self.changed(*hop, group.depth);
        }
    }

    /// From one hop to what comes behind another one.
    fn times(&self, first: usize, last: usize) -> (u64, Option<u64>) {
        let hops = &self.journey().hops;
        let start = hops[first].time;
        let end = self.next[last].or((first != last).then(|| hops[last].time));
        (start - self.journey().start(), end.map(|end| end - start))
    }

    fn netns(&mut self, hop: &Hop, depth: usize) {
        if self.last == Some(hop.netns) {
            return;
        }
        self.last = Some(hop.netns);
        let mut text = String::from("netns ");
        self.words.netns(hop.netns, &mut text);
        self.add(What::Netns, text, Role::Title, depth);
    }

    /// The programs at a device, where the packet gets to it.
    fn programs(&mut self, hop: &Hop, depth: usize) {
        let Some(device) = self.story.tables.device_of(hop.device).filter(|_| self.device != hop.device) else {
            return;
        };
        self.device = hop.device;
        let mut text = String::new();
        match &self.state.known.names.facts {
            Some(facts) => view_facts::programs(&facts.programs(device.netns, device.ifindex), &mut text),
            None => text.push_str("which programs sat here was not recorded"),
        }
        if !text.is_empty() {
            let sentence = format!("{}: {text}", String::from_utf8_lossy(device.name.bytes()));
            self.note(&sentence, Role::Change, depth);
        }
    }

    fn group_text(&mut self, group: &Group, hop: &Hop, open: bool) -> String {
        let mut device = String::new();
        if self.story.tables.device_of(hop.device).is_some() {
            self.words.device(hop.device, &mut device);
        }
        let device = device.split(':').next().unwrap_or_default();
        let mut text = format!("{:LAYER$} {:DEVICE$} ", group.layer.name(), fit(device, DEVICE as u16, "~", false));
        if open {
            text.push_str(&plural(group.hops.len() as u64, "hop"));
        } else {
            self.functions(group, &mut text);
        }
        let task = (hop.task, hop.pid, hop.cpu);
        if self.task != Some(task) {
            self.task = Some(task);
            text.push_str("  ");
            self.words.task(hop.task, hop.pid, &mut text);
            append(format_args!(" cpu {}", hop.cpu), &mut text);
        }
        text
    }

    /// The first and the last function of a group.
    fn functions(&self, group: &Group, out: &mut String) {
        let hops = &self.journey().hops;
        let ends = [group.hops.first(), group.hops.last()].into_iter().flatten();
        let ends: Vec<usize> = ends.copied().collect();
        self.words.func(&hops[ends[0]], out);
        if group.hops.len() > 1 {
            let signs = &self.state.theme.signs;
            let more = group.hops.len() > 2;
            append(format_args!(" {} ", if more { signs.more } else { signs.arrow }), out);
            self.words.func(&hops[ends[1]], out);
            if more {
                append(format_args!("  {} hops", group.hops.len()), out);
            }
        }
    }

    fn hop(&mut self, index: usize, depth: usize) {
        let hop = self.journey().hops[index];
        let mut text = format!("{:LAYER$} ", "");
        self.words.func(&hop, &mut text);
        if let Some(module) = self.story.context.module(hop.probe) {
            append(format_args!(" [{module}]"), &mut text);
        }
        let (at, took) = self.times(index, index);
        let line = self.add(What::Hop, text, Role::Faint, depth);
        (line.at, line.took, line.hop) = (Some(at), took, Some(index));
    }

    pub(super) fn changed(&mut self, hop: usize, depth: usize) {
        for change in self.changes.remove(&hop).unwrap_or_default() {
            let mut text = String::from("* ");
            changed(&change, &mut text);
            self.add(What::Change, text, Role::Change, depth).hop = Some(hop);
        }
    }

    /// A sentence in as many lines as it takes.
    pub(super) fn note(&mut self, sentence: &str, role: Role, depth: usize) {
        let room = self.shape.width.saturating_sub(indent(depth) + 6);
        let kept = sentence.len() - sentence.trim_start().len();
        let mut line = " ".repeat(kept);
        for part in sentence.split_whitespace() {
            if width(&line) + width(part) + 1 > room && !line.trim().is_empty() {
                let full = std::mem::replace(&mut line, " ".repeat(kept));
                self.add(What::Note, full, role, depth);
            }
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
        self.add(What::Note, line, role, depth);
    }

    fn verdict(&mut self) {
        let journey = self.journey();
        let verdict = journey.verdict();
        // A drop has been shown where it was.
        if matches!(verdict, Verdict::Dropped { .. }) && self.lines.iter().any(|line| line.what == What::Drop) {
            return;
        }
        let hop = verdict.hop().and_then(|hop| journey.hops.get(hop));
        let mut text = format!("{} after ", word(verdict));
        duration::write(journey.decided_after(), &mut text);
        text.push_str(": ");
        self.words.verdict(verdict, hop, &mut text);
        let role = if matches!(verdict, Verdict::Dropped { .. }) { Role::Bad } else { verdict_role(verdict) };
        self.add(What::Verdict, text, role, 0).hop = verdict.hop();
    }
}

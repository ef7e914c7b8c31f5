//! The tracer itself: where it runs, what it was refused, what was lost, what it takes, and what it had to say.

use ratatui::{Frame, layout::Rect, style::Style};

use super::{Outcome, Tab};
use crate::tui::{
    action::Action,
    state::State,
    theme::Role,
    widget::{List, text::put},
};

/// Letters of the names before the values.
const NAMES: u16 = 20;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(System { list: List::standing(), rows: 0 })
}

struct System {
    list: List,
    rows: usize,
}

/// A line: a name and a value, or a heading without one.
struct Row {
    name: String,
    value: String,
    role: Role,
}

impl Tab for System {
    fn title(&self) -> &'static str {
        "System"
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::Down, Action::PageDown]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let rows = rows(state);
        self.rows = rows.len();
        let window = self.list.window(rows.len(), usize::from(area.height));
        let selected = self.list.selected();
        for (line, number) in window.enumerate() {
            let Row { name, value, role } = &rows[number];
            let heading = value.is_empty();
            let style = |role: Role| {
                let style = state.theme.style(role);
                if number == selected {
                    state.theme.style(Role::Selected).patch(Style { bg: None, ..style })
                } else {
                    style
                }
            };
            let name_role = if heading { Role::Title } else { Role::Faint };
            put(frame.buffer_mut(), area, line as u16, if heading { 1 } else { 3 }, name, style(name_role));
            put(frame.buffer_mut(), area, line as u16, NAMES + 3, value, style(*role));
        }
    }

    fn act(&mut self, action: Action, _: &mut State<'_>) -> Outcome {
        if self.list.act(action, self.rows) { Outcome::Done } else { Outcome::Ignored }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        self.list.scroll(rows, self.rows);
    }
}

fn rows(state: &State<'_>) -> Vec<Row> {
    let mut rows = Rows(Vec::new());
    rows.heading("Machine");
    for (name, value) in &state.known.facts {
        rows.add(name, value.clone());
    }
    for file in &state.known.files {
        rows.add("file", file.clone());
    }
    attachment(state, &mut rows);
    counts(state, &mut rows);
    machine_drops(state, &mut rows);
    memory(state, &mut rows);
    rows.heading("Log");
    if state.log.is_empty() {
        rows.add("", "nothing to report".to_owned());
    }
    for sentence in &state.log {
        rows.add("", sentence.clone());
    }
    rows.0
}

fn attachment(state: &State<'_>, rows: &mut Rows) {
    let status = &state.status;
    if !state.known.files.is_empty() {
        return;
    }
    rows.heading("Attached");
    rows.add("functions", status.attached.to_string());
    if status.programs > 0 {
        rows.add("BPF programs", status.programs.to_string());
    }
    if let Some((done, all)) = status.attaching {
        rows.add("still attaching", format!("{done} of {all}"));
    }
    let refused = if status.refused.is_empty() { Role::Plain } else { Role::Warn };
    rows.put("refused", status.refused.len().to_string(), refused);
    for sentence in status.refused.iter().take(20) {
        rows.add("", sentence.clone());
    }
    if status.refused.len() > 20 {
        rows.add("", format!("and {} more", status.refused.len() - 20));
    }
}

fn counts(state: &State<'_>, rows: &mut Rows) {
    let status = &state.status;
    rows.heading("Hits");
    if let Some(counts) = &status.counts {
        rows.add("seen", counts.seen.to_string());
        rows.add("taken", counts.shown.to_string());
        let lost = |count: u64| if count > 0 { Role::Bad } else { Role::Plain };
        rows.put("lost: ring full", counts.ring_full.to_string(), lost(counts.ring_full));
        rows.put("lost: undecodable", counts.undecodable.to_string(), lost(counts.undecodable));
        if state.known.files.is_empty() {
            rows.add("not read yet", counts.not_read.to_string());
        } else {
            rows.put("lost: left unread", counts.not_read.to_string(), lost(counts.not_read));
            rows.put("lost: not written", counts.not_written.to_string(), lost(counts.not_written));
        }
        let missed = counts.missed.map_or("not counted by this kernel".to_owned(), |missed| missed.to_string());
        rows.put("missed", missed, lost(counts.missed.unwrap_or(0)));
        rows.add("undecidable", counts.undecidable.to_string());
        rows.add("own, hidden", counts.own.to_string());
        rows.put("changes lost", counts.changes_lost.to_string(), lost(counts.changes_lost));
        if counts.evicted > 0 {
            rows.add("notes evicted", counts.evicted.to_string());
        }
    }
    if !state.known.files.is_empty() {
        rows.add("read here", status.hits.to_string());
        if status.counts.is_none() {
            rows.add("lost", "what was lost while it was recorded is not in it".to_owned());
        }
    }
    rows.heading("Packets");
    rows.add("ended", status.packets.to_string());
    rows.add("on their way", status.open.to_string());
    let tally = status.tally;
    let some = |count: u64| if count > 0 { Role::Warn } else { Role::Plain };
    rows.put("fell silent", tally.idle.to_string(), some(tally.idle));
    rows.put("given up for room", tally.evicted.to_string(), some(tally.evicted));
    rows.put("too long, cut off", tally.left_out.to_string(), some(tally.left_out));
}

/// The trace that has the drops of the whole machine.
fn machine_drops(state: &State<'_>, rows: &mut Rows) {
    let Some(watched) = &state.watched else { return };
    rows.heading("Drops of this machine");
    if let Some(sentence) = &watched.status.ended {
        return rows.put("", sentence.clone(), Role::Warn);
    }
    rows.add("seen", watched.status.counts.as_ref().map_or(0, |counts| counts.seen).to_string());
    rows.add("taken", watched.status.hits.to_string());
    rows.put("lost", watched.lost().to_string(), if watched.lost() > 0 { Role::Bad } else { Role::Plain });
    rows.add("made room", watched.store.gone().packets.to_string());
}

fn memory(state: &State<'_>, rows: &mut Rows) {
    let (hops, bytes) = state.store.size();
    let bounds = state.store.bounds();
    let gone = state.store.gone();
    rows.heading("Kept for this view");
    let seqs = state.store.seqs();
    rows.add("packets", (seqs.end - seqs.start).to_string());
    rows.add("hops", format!("{hops} of at most {}", bounds.hops));
    rows.add("memory", format!("{} MB of at most {} MB", bytes / 1_000_000, bounds.bytes / 1_000_000));
    rows.add("made room", format!("{} packets with {} hops", gone.packets, gone.hops));
    let role = if gone.left_out > 0 { Role::Bad } else { Role::Plain };
    rows.put("came too fast", format!("{} packets with {} hops", gone.left_out, gone.left_out_hops), role);
}

struct Rows(Vec<Row>);

impl Rows {
    fn heading(&mut self, name: &str) {
        self.0.push(Row { name: name.to_owned(), value: String::new(), role: Role::Title });
    }

    fn add(&mut self, name: &str, value: String) {
        self.put(name, value, Role::Plain);
    }

    fn put(&mut self, name: &str, value: String, role: Role) {
        self.0.push(Row { name: name.to_owned(), value, role });
    }
}

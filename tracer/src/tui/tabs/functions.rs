//! The functions that packets pass: how often, by how many of them, and when.

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use super::{Kind, Outcome, Tab};
use crate::{
    tui::{
        action::Action,
        counted::{Clicked, Counted},
        engine::Packet,
        export::{self, Format},
        state::{Mode, Of, State},
        store::{DisplayFilter, Scale, Series},
        theme::Role,
        widget::{Cell, Column, Field, Line, graph::bars, text::put},
    },
    view::phrase::{plural, thousands},
};

/// Letters of the graph of a row.
const GRAPH: usize = 20;

/// The graph moves on for so long after the last packet, nanoseconds.
const MOVES: u64 = 60_000_000_000;

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Functions { counted: Counted::new(Tally::new(Scale::moving()), columns(), MOVES) })
}

struct Functions {
    counted: Counted<Tally>,
}

/// What was counted.
struct Tally {
    scale: Scale,
    packets: u64,
    hits: u64,
    /// By number of the probe.
    functions: Vec<Function>,
}

#[derive(Clone, Default)]
struct Function {
    hits: u64,
    packets: u64,
    /// The last packet that passed it.
    last: u64,
    series: Series,
}

fn columns() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("FUNCTION", (24, 40), 0, false),
        column("HITS", (6, 8), 1, true),
        column("/S", (7, 8), 2, true),
        column("PER PACKET", (10, 10), 3, true),
        column("PACKETS", (7, 8), 5, true),
        column("SHARE", (6, 7), 6, true),
        column("OVER TIME", (GRAPH as u16, GRAPH as u16), 4, false),
    ]
}

impl Tab for Functions {
    fn title(&self) -> &'static str {
        "Functions"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Open, A::Sort, A::Invert, A::NextMatch, A::Filter, A::DisplayFilter, A::Pause, A::Copy, A::Export]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let buffer = frame.buffer_mut();
        put(buffer, area, 0, 1, &self.summary(state), state.theme.style(Role::Faint));
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        self.counted.sheet.draw(buffer, below, &state.theme);
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        if action == Action::Open { self.open(state) } else { self.counted.act(action, state) }
    }

    fn export(&self, format: Format, _: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        Some(("functions".to_owned(), export::sheet(&self.counted.sheet, format)))
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        match self.counted.click(place, again, 1) {
            Clicked::Again => self.open(state),
            Clicked::Row => Outcome::Done,
            Clicked::Nothing => Outcome::Ignored,
        }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        self.counted.sheet.wheel(rows);
    }

    fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        self.counted.next_change(state)
    }

    fn update(&mut self, state: &mut State<'_>, deadline: Instant) -> bool {
        self.counted.begin(Of::Trace, state, || {
            Tally::new(match &state.mode {
                Mode::Live { .. } => Scale::moving(),
                Mode::Replay(playback) => Scale::of_all(playback.begins()),
            })
        });
        let (done, due) = self.counted.count(state, deadline, |tally, _, packet| tally.add(packet));
        if due {
            self.counted.set(self.lines(state));
        }
        done
    }
}

impl Functions {
    fn open(&self, state: &mut State<'_>) -> Outcome {
        let Some(line) = self.counted.sheet.selected() else { return Outcome::Ignored };
        let name = line.fields.first().map_or("", |field| &field.cell.text);
        match state.known.filters.compile_display(&format!("func {name}")) {
            Ok(filter) => {
                state.listing.set_filter(Some(DisplayFilter::new(filter)));
                Outcome::Go(Kind::Packets)
            }
            Err(error) => {
                let sentence = error.to_string();
                state.say(sentence.lines().next().unwrap_or_default(), Role::Bad);
                Outcome::Done
            }
        }
    }

    fn summary(&self, state: &State<'_>) -> String {
        let functions = self.counted.tally.functions.iter().filter(|function| function.hits > 0).count();
        let counted = format!(
            "{} hit {} times by {}",
            plural(functions as u64, "function"),
            thousands(self.counted.tally.hits),
            plural(self.counted.tally.packets, "packet")
        );
        let dot = state.theme.strokes.dot;
        match self.counted.walk().missed() {
            0 => counted,
            missed => format!("{counted} {dot} {} before had made room", plural(missed, "packet")),
        }
    }

    fn lines(&self, state: &State<'_>) -> Vec<Line> {
        let mut found: Vec<(usize, &Function)> = self.counted.tally.functions.iter().enumerate().collect();
        found.retain(|(_, function)| function.hits > 0);
        found.sort_by_key(|(probe, function)| (std::cmp::Reverse(function.hits), *probe));
        let now = self.counted.walk().now(state);
        found.into_iter().map(|(probe, function)| self.line(state, now, probe, function)).collect()
    }

    fn line(&self, state: &State<'_>, now: u64, probe: usize, function: &Function) -> Line {
        let mut name = String::new();
        state.context().write_probe(crate::model::ProbeId(probe as u32), &mut name);
        let Function { hits, packets, series, .. } = function;
        let stretch = self.counted.tally.scale.stretch(now);
        let (from, to) = self.counted.tally.scale.window(stretch);
        let graph = bars(&series.values(from, to).collect::<Vec<_>>(), GRAPH, state.theme.strokes.levels);
        let (earliest, latest) = self.counted.walk().times();
        let rate = match state.mode {
            Mode::Live { .. } => series.rate(stretch),
            Mode::Replay(_) => *hits as f64 * 1e9 / (latest - earliest).max(1) as f64,
        };
        let each = *hits as f64 / (*packets).max(1) as f64;
        let share = *packets as f64 / self.counted.tally.packets.max(1) as f64;
        let number = |text: String, order: f64| Field::number(Cell::plain(text), order);
        Line {
            key: probe as u64,
            fields: vec![
                Cell::plain(name).into(),
                number(hits.to_string(), *hits as f64),
                number(per_second(rate), rate),
                number(format!("{each:.1}"), each),
                number(packets.to_string(), *packets as f64),
                number(format!("{:.0} %", share * 100.0), share),
                Cell::new(graph, Role::Key).into(),
            ],
        }
    }
}

impl Tally {
    fn new(scale: Scale) -> Self {
        Self { scale, packets: 0, hits: 0, functions: Vec::new() }
    }

    fn add(&mut self, packet: &Packet) {
        self.packets += 1;
        let folds = self.scale.make_room(packet.last());
        if folds > 0 {
            self.functions.iter_mut().for_each(|function| function.series.fold(folds));
        }
        for hop in &packet.journey.hops {
            let probe = hop.probe.0 as usize;
            if self.functions.len() <= probe {
                self.functions.resize(probe + 1, Function::default());
            }
            let function = &mut self.functions[probe];
            self.hits += 1;
            function.hits += 1;
            function.packets += u64::from(function.last != self.packets);
            function.last = self.packets;
            function.series.add(self.scale.stretch(hop.time));
        }
    }
}

/// `0.2`, `12.7`, `2.1k`
pub(super) fn per_second(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        ..0.05 => "<0.1".to_owned(),
        ..100.0 => format!("{rate:.1}"),
        _ => thousands(rate.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_at_a_glance() {
        let cases = [(0.0, "0"), (0.01, "<0.1"), (0.2, "0.2"), (12.74, "12.7"), (100.4, "100"), (2_199.0, "2.1k")];
        for (rate, expected) in cases {
            assert_eq!(per_second(rate), expected);
        }
    }
}

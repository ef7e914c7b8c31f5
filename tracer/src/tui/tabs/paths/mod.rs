//! The paths that packets take: how many each, how long it takes them, and where two of them part.

mod below;

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use self::below::{Text, difference, hops, texts};
use super::{Kind, Outcome, Tab, packets::verdict_role};
use crate::{
    track::{Journey, Path, PathLimits, Paths as Ways, Tables, Traits},
    tui::{
        action::Action,
        counted::{Clicked, Counted},
        export::{self, Format},
        state::{Of, State},
        store::Only,
        theme::Role,
        widget::{
            Cell, Column, Field, Line, List,
            text::{put, put_right},
        },
    },
    view::{
        Style, duration,
        paths::{self, Profile},
        phrase::{append, plural},
    },
};

/// Paths that are told apart here; packets on others are counted.
const LIMITS: PathLimits = PathLimits { paths: 2048, steps: 1 << 17, by_device: true };
/// Letters of the marks.
const MARKS: [&str; 2] = ["A", "B"];

/// The tab.
pub(super) fn tab() -> Box<dyn Tab> {
    Box::new(Paths {
        counted: Counted::new(Tally::new(), columns(), 0),
        marked: Vec::new(),
        below: Below::Hops,
        text: Vec::new(),
        whole: None,
    })
}

struct Paths {
    counted: Counted<Tally>,
    /// What is marked for a comparison, at most two, by place among all paths.
    marked: Vec<usize>,
    below: Below,
    /// As drawn last.
    text: Vec<Text>,
    /// Where in it the view is, while it has the whole screen.
    whole: Option<List>,
}

/// What was counted: the paths, and what the packets of each are where they begin.
struct Tally {
    ways: Ways,
    traits: Vec<Traits>,
}

impl Tally {
    fn new() -> Self {
        Self { ways: Ways::new(LIMITS), traits: Vec::new() }
    }

    fn add(&mut self, journey: &Journey, tables: &Tables) {
        if let Some(path) = self.ways.add(journey) {
            if self.traits.len() <= path {
                self.traits.resize_with(path + 1, Traits::default);
            }
            self.traits[path].add(journey, tables);
        }
    }
}

/// What stands below the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    /// The hops of the path at hand.
    Hops,
    /// How these two differ.
    Difference([usize; 2]),
}

fn columns() -> Vec<Column> {
    let column = Column::new;
    vec![
        column(" ", (1, 1), 2, false),
        column("PACKETS", (7, 8), 1, true),
        column("SHARE", (7, 7), 6, true),
        column("p50", (7, 7), 4, true),
        column("p99", (7, 7), 5, true),
        Column { keeps_end: true, ..column("WAY", (18, 56), 3, false) },
        column("HOPS", (4, 5), 7, true),
        column("END", (24, 56), 0, false),
    ]
}

impl Tab for Paths {
    fn title(&self) -> &'static str {
        "Paths"
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Open, A::Right, A::Mark, A::Compare, A::Sort, A::NextMatch, A::DisplayFilter, A::Pause, A::Copy, A::Export]
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let buffer = frame.buffer_mut();
        self.text = self.below(state);
        if let Some(list) = &mut self.whole {
            let rows = list.window(self.text.len(), usize::from(area.height));
            let line = list.selected().saturating_sub(rows.start) as u16;
            buffer.set_style(Rect { y: area.y + line, height: 1, ..area }, state.theme.style(Role::Selected));
            return texts(buffer, area, state, self.text.get(rows).unwrap_or_default());
        }
        put(buffer, area, 0, 1, &self.summary(state), state.theme.style(Role::Faint));
        let rows = self.counted.sheet.lines().len() as u16 + 1;
        let most = (area.height * 2 / 5).max(5).min(area.height.saturating_sub(1));
        let height = rows.min(most);
        self.counted.sheet.draw(buffer, Rect { y: area.y + 1, height, ..area }, &state.theme);
        let rule = height + 1;
        if rule + 1 < area.height {
            let line = state.theme.strokes.across.repeat(usize::from(area.width));
            put(buffer, area, rule, 0, &line, state.theme.style(Role::Faint));
            if self.text.len() > usize::from(area.height - rule - 1) {
                let more = format!(" {}: all {} lines ", state.keymap.key(Action::Right), self.text.len());
                put_right(
                    buffer,
                    Rect { width: area.width.saturating_sub(2), ..area },
                    rule,
                    &more,
                    state.theme.style(Role::Key),
                );
            }
            let rest = Rect { y: area.y + rule + 1, height: area.height - rule - 1, ..area };
            texts(buffer, rest, state, &self.text);
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        if let Some(list) = &mut self.whole {
            match action {
                Action::Left | Action::Back => self.whole = None,
                _ if list.act(action, self.text.len()) => {}
                _ => return Outcome::Ignored,
            }
            return Outcome::Done;
        }
        match action {
            Action::Open => return self.open(state),
            Action::Right if !self.counted.sheet.lines().is_empty() => self.whole = Some(List::standing()),
            Action::Mark => self.mark(),
            Action::Compare => self.compare(state),
            Action::Back if self.below != Below::Hops => self.below = Below::Hops,
            Action::Back if !self.marked.is_empty() => self.marked.clear(),
            _ => return self.counted.act(action, state),
        }
        self.counted.at_once();
        Outcome::Done
    }

    fn export(&self, format: Format, state: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        let written = with_profile(&self.counted.tally.ways, state, |profile| {
            let mut out = Vec::new();
            match format {
                Format::Capture => return Err(export::NO_PACKETS.to_owned()),
                Format::Text => paths::text(profile, usize::MAX, Style::Plain, &mut out),
                Format::Json => paths::json(profile, &mut out),
            }
            Ok(out)
        });
        Some(("paths".to_owned(), written))
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        if self.whole.is_some() {
            return Outcome::Ignored;
        }
        match self.counted.click(place, again, 1) {
            Clicked::Again => self.open(state),
            Clicked::Row => Outcome::Done,
            Clicked::Nothing => Outcome::Ignored,
        }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        match &mut self.whole {
            Some(list) => list.scroll(rows, self.text.len()),
            None => self.counted.sheet.wheel(rows),
        }
    }

    fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        self.counted.next_change(state)
    }

    fn update(&mut self, state: &mut State<'_>, deadline: Instant) -> bool {
        if self.counted.begin(Of::Trace, state, Tally::new) {
            self.marked.clear();
            (self.below, self.whole) = (Below::Hops, None);
        }
        let tables = state.store.tables();
        let (done, due) = self.counted.count(state, deadline, |tally, _, packet| {
            tally.add(&packet.journey, tables);
        });
        if due {
            self.counted.set(self.lines(state));
        }
        done
    }
}

impl Paths {
    fn open(&self, state: &mut State<'_>) -> Outcome {
        let Some(path) = self.counted.at_hand().and_then(|place| self.counted.tally.ways.all().get(place)) else {
            return Outcome::Ignored;
        };
        let words = with_profile(&self.counted.tally.ways, state, |profile| {
            let mut words = String::from("path ");
            paths::way(profile, path, &state.theme.signs, &mut words);
            words.push_str(", ");
            paths::end(profile, path, &mut words);
            words
        });
        let filter = state.listing.filter().cloned().unwrap_or_default();
        state.listing.set_filter(Some(filter.narrowed(Only::Path(path.steps.clone()), words)));
        Outcome::Go(Kind::Packets)
    }

    /// The third mark takes the place of the first.
    fn mark(&mut self) {
        let Some(place) = self.counted.at_hand() else { return };
        if let Some(mark) = self.marked.iter().position(|marked| *marked == place) {
            self.marked.remove(mark);
        } else {
            self.marked.push(place);
            let surplus = self.marked.len().saturating_sub(MARKS.len());
            self.marked.drain(..surplus);
        }
        self.below = Below::Hops;
    }

    /// What is marked, or the one mark and the row at hand.
    fn compare(&mut self, state: &mut State<'_>) {
        let at_hand = self.counted.at_hand().filter(|place| !self.marked.contains(place));
        match (self.marked.as_slice(), at_hand) {
            (&[a, b], _) | (&[a], Some(b)) => {
                self.marked = vec![a, b];
                self.below = Below::Difference([a, b]);
            }
            _ => {
                let key = state.keymap.key(Action::Mark).to_owned();
                state.say(&format!("mark two paths with `{key}`, or one and go to another"), Role::Warn);
            }
        }
    }

    fn summary(&self, state: &State<'_>) -> String {
        let tally = &self.counted.tally.ways;
        let (packets, paths) = (plural(tally.packets(), "packet"), plural(tally.all().len() as u64, "path"));
        let mut text = format!("{packets} on {paths}");
        let dot = state.theme.strokes.dot;
        let rest = [
            (tally.partial(), "not seen whole"),
            (tally.others(), "on paths that there was no room for"),
            (self.counted.walk().missed(), "before had made room"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            append(format_args!(" {dot} {count} {what}"), &mut text);
        }
        text
    }

    fn lines(&self, state: &State<'_>) -> Vec<Line> {
        let mut places: Vec<(usize, &Path)> = self.counted.tally.ways.all().iter().enumerate().collect();
        places.sort_by_key(|(place, path)| (std::cmp::Reverse(path.packets), *place));
        with_profile(&self.counted.tally.ways, state, |profile| {
            places.into_iter().map(|(place, path)| self.line(state, profile, place, path)).collect()
        })
    }

    fn line(&self, state: &State<'_>, profile: &Profile<'_>, place: usize, path: &Path) -> Line {
        let mark = self.marked.iter().position(|marked| *marked == place).and_then(|mark| MARKS.get(mark));
        let written = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            text
        };
        let quantile = |share| {
            let time = path.total.quantile(share).unwrap_or(0);
            Field::number(Cell::plain(written(&|out| duration::write(time, out))), time as f64)
        };
        let share = profile.share(path.packets);
        let number = |text: String, order: f64| Field::number(Cell::plain(text), order);
        let hops = path.steps.iter().filter(|step| step.kind().is_some()).count();
        let end = Cell::new(written(&|out| paths::end(profile, path, out)), verdict_role(path.verdict));
        Line {
            key: place as u64,
            fields: vec![
                Cell::new(mark.copied().unwrap_or_default().to_owned(), Role::Alarm).into(),
                number(path.packets.to_string(), path.packets as f64),
                number(written(&|out| paths::percent(share, out)), share),
                quantile(0.5),
                quantile(0.99),
                Cell::plain(written(&|out| paths::way(profile, path, &state.theme.signs, out))).into(),
                number(hops.to_string(), hops as f64),
                end.into(),
            ],
        }
    }

    /// What stands below the list.
    fn below(&self, state: &State<'_>) -> Vec<Text> {
        let paths = self.counted.tally.ways.all();
        match self.below {
            Below::Difference([a, b]) => {
                let side = |place: usize| Some((paths.get(place)?, self.counted.tally.traits.get(place)?));
                let both = side(a).zip(side(b));
                both.map_or_else(Vec::new, |(a, b)| {
                    with_profile(&self.counted.tally.ways, state, |profile| difference(profile, state, [a, b]))
                })
            }
            Below::Hops => {
                let path = self.counted.at_hand().and_then(|place| paths.get(place));
                path.map_or_else(Vec::new, |path| {
                    with_profile(&self.counted.tally.ways, state, |profile| hops(profile, path))
                })
            }
        }
    }
}

fn with_profile<T>(tally: &Ways, state: &State<'_>, work: impl FnOnce(&Profile<'_>) -> T) -> T {
    let context = state.context();
    work(&Profile { paths: tally, tables: state.store.tables(), context: &context })
}

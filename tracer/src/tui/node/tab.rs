//! The tab of a part of the machine: its tables one beside the other, a row in full, the entries of a map.

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use super::{Page, Part, sheets};
use crate::{
    tui::{
        action::Action,
        export::{self, Format},
        state::State,
        tabs::{Outcome, Tab, outcome},
        theme::Role,
        widget::{
            Sheet,
            text::{put, put_right, width, wrap},
        },
    },
    view::{self, duration, phrase::plural},
};

/// Lines of notes below the tables.
const NOTES: usize = 3;

/// A tab of this name.
pub(crate) fn tab(title: &'static str, part: Part) -> Box<dyn Tab> {
    Box::new(NodeTab { title, part, entries: None, list: None, row: None, made_of: None, sheets: Vec::new(), at: 0 })
}

struct NodeTab {
    title: &'static str,
    part: Part,
    /// The map whose entries are shown.
    entries: Option<u32>,
    /// The list of maps meanwhile.
    list: Option<(Vec<(String, Sheet)>, usize)>,
    /// A row that is shown in full.
    row: Option<Sheet>,
    /// Which page in which version the sheets are of.
    made_of: Option<(Part, u64)>,
    sheets: Vec<(String, Sheet)>,
    /// The sheet at hand.
    at: usize,
}

impl Tab for NodeTab {
    fn title(&self) -> &'static str {
        self.title
    }

    fn actions(&self) -> &'static [Action] {
        use Action as A;
        &[A::Open, A::Right, A::NextMatch, A::Sort, A::Invert, A::Refresh, A::Copy, A::Export, A::Back]
    }

    fn word(&self, action: Action) -> Option<&'static str> {
        match (action, self.part) {
            (Action::Open, Part::Maps | Part::Dataplane) if self.entries.is_none() => Some("entries"),
            (Action::Open, _) => Some("all of it"),
            (Action::Right, _) if self.sheets.len() > 1 => Some("next table"),
            _ => None,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>) {
        let buffer = frame.buffer_mut();
        let theme = state.theme;
        if let Some(sheet) = &mut self.row {
            return sheet.draw(buffer, area, &theme);
        }
        let Some(node) = &state.node else {
            let text = "A recording has packets alone: what is attached and loaded shows while a trace runs.";
            return paragraph(buffer, area, text, theme.style(Role::Faint));
        };
        let page = match node.page(self.source()) {
            None => return paragraph(buffer, area, "reading …", theme.style(Role::Faint)),
            Some((Err(error), _)) => return paragraph(buffer, area, error, theme.style(Role::Warn)),
            Some((Ok(page), _)) => page,
        };
        self.titles(buffer, area, state);
        let notes: Vec<String> =
            page.notes.iter().flat_map(|note| wrap(note, area.width.saturating_sub(2))).take(NOTES).collect();
        let height = area.height.saturating_sub(1 + notes.len() as u16);
        let rows = Rect { y: area.y + 1, height, ..area };
        if let Some((_, sheet)) = self.sheets.get_mut(self.at) {
            sheet.draw(buffer, rows, &theme);
            if sheet.lines().is_empty() {
                let empty = page.tables.get(self.at).and_then(|table| table.empty.as_deref()).unwrap_or("nothing here");
                put(buffer, rows, 1, 2, empty, theme.style(Role::Faint));
            }
        }
        for (row, note) in notes.iter().enumerate() {
            put(buffer, area, 1 + height + row as u16, 1, note, theme.style(Role::Faint));
        }
    }

    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome {
        match action {
            Action::Back if self.row.take().is_some() => return Outcome::Done,
            Action::Back if self.entries.take().is_some() => {
                (self.sheets, self.at) = self.list.take().unwrap_or_default();
                self.made_of = None;
            }
            Action::Refresh => {
                if let Some(node) = &mut state.node {
                    node.refresh(self.source());
                }
            }
            Action::Open if self.row.is_none() => self.open(state),
            Action::Right => self.at = (self.at + 1) % self.sheets.len().max(1),
            Action::Left => self.at = self.at.checked_sub(1).unwrap_or(self.sheets.len().saturating_sub(1)),
            _ => {
                let sheet = self.row.as_mut().or_else(|| self.sheets.get_mut(self.at).map(|(_, sheet)| sheet));
                return sheet.map_or(Outcome::Ignored, |sheet| outcome(sheet.act(action, &state.search), state));
            }
        }
        Outcome::Done
    }

    fn export(&self, format: Format, state: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        let Ok(page) = state.node.as_ref()?.page(self.source())?.0 else { return None };
        Some((self.title.to_lowercase(), export::tables(&page.tables, format)))
    }

    fn click(&mut self, place: Position, again: bool, state: &mut State<'_>) -> Outcome {
        let inside = Position { y: place.y.saturating_sub(1), ..place };
        let hit = self.row.is_none() && self.sheets.get_mut(self.at).is_some_and(|(_, sheet)| sheet.click(inside));
        if hit && again {
            self.open(state);
        }
        if hit { Outcome::Done } else { Outcome::Ignored }
    }

    fn wheel(&mut self, rows: isize, _: &mut State<'_>) {
        if let Some(sheet) = self.row.as_mut().or_else(|| self.sheets.get_mut(self.at).map(|(_, sheet)| sheet)) {
            sheet.wheel(rows);
        }
    }

    fn next_change(&self, state: &State<'_>) -> Option<Instant> {
        state.node.as_ref().and_then(|node| node.due(self.source()))
    }

    fn update(&mut self, state: &mut State<'_>, _: Instant) -> bool {
        let (source, now) = (self.source(), state.now);
        let Some(node) = &mut state.node else { return true };
        node.want(source, now);
        if let Some((page, version)) = node.page(source)
            && self.made_of != Some((source, version))
        {
            self.made_of = Some((source, version));
            self.make(page.as_ref().map_or(&[][..], |page| &page.tables));
        }
        true
    }
}

impl NodeTab {
    /// What is shown.
    fn source(&self) -> Part {
        self.entries.map_or(self.part, Part::Entries)
    }

    /// Sheets stay where a table of the same title was before, with the row at hand and the order.
    fn make(&mut self, tables: &[view::Table]) {
        if self.sheets.is_empty() {
            // Better something than nothing.
            self.at = tables.iter().position(|table| !table.rows.is_empty()).unwrap_or(0);
        }
        let mut before = std::mem::take(&mut self.sheets);
        for table in tables {
            let title = table.title.clone().unwrap_or_default();
            let columns = sheets::columns(table);
            let known = before.iter().position(|(other, _)| *other == title);
            let mut sheet = match known {
                Some(place) => before.swap_remove(place).1,
                None => Sheet::new(Vec::new()),
            };
            sheet.set_columns(columns);
            sheet.set(sheets::lines(table));
            self.sheets.push((title, sheet));
        }
        self.at = self.at.min(self.sheets.len().saturating_sub(1));
    }

    /// The names of the tables, with how many rows each has.
    fn titles(&self, buffer: &mut ratatui::buffer::Buffer, area: Rect, state: &State<'_>) {
        let mut at = 1;
        for (number, (title, sheet)) in self.sheets.iter().enumerate() {
            let text = match title.as_str() {
                "" => plural(sheet.lines().len() as u64, "row"),
                title => format!("{title} {}", sheet.lines().len()),
            };
            let role = if number == self.at && self.sheets.len() > 1 { Role::Title } else { Role::Faint };
            at += put(buffer, area, 0, at, &text, state.theme.style(role)) + 3;
        }
        let took = state.node.as_ref().and_then(|node| node.took(self.source()));
        let mut text = String::from("read in ");
        duration::write(took.map_or(0, |took| took.as_nanos() as u64), &mut text);
        if at + width(&text) + 1 < area.width {
            put_right(buffer, Rect { width: area.width - 1, ..area }, 0, &text, state.theme.style(Role::Faint));
        }
    }

    /// Opens the entries of the map at hand, or the row at hand in full.
    fn open(&mut self, state: &State<'_>) {
        let Some(Ok(page)) = state.node.as_ref().and_then(|node| node.page(self.source())).map(|(page, _)| page) else {
            return;
        };
        let Some((table, cells)) = self.at_hand(page) else { return };
        let id = table.columns.iter().position(|column| column.key == "id").and_then(|place| cells.get(place));
        let id = id.and_then(|cell| cell.as_json().as_u64()).and_then(|id| u32::try_from(id).ok());
        let of_maps = matches!(self.part, Part::Maps | Part::Dataplane) && self.entries.is_none();
        if let Some(id) = id.filter(|_| of_maps) {
            self.list = Some((std::mem::take(&mut self.sheets), std::mem::take(&mut self.at)));
            (self.entries, self.made_of) = (Some(id), None);
        } else {
            let mut sheet = Sheet::new(sheets::detail_columns());
            sheet.set(sheets::details(table, cells));
            self.row = Some(sheet);
        }
    }

    fn at_hand<'p>(&self, page: &'p Page) -> Option<(&'p view::Table, &'p [view::table::Cell])> {
        let table = page.tables.get(self.at)?;
        let key = self.sheets.get(self.at)?.1.selected()?.key;
        let row = table.rows.iter().find(|cells| sheets::key(table, cells) == key)?;
        Some((table, row))
    }
}

fn paragraph(buffer: &mut ratatui::buffer::Buffer, area: Rect, text: &str, style: ratatui::style::Style) {
    for (row, line) in wrap(text, area.width.saturating_sub(4)).iter().enumerate() {
        put(buffer, area, 1 + row as u16, 2, line, style);
    }
}

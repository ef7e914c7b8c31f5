//! The view as a whole: takes messages one by one, draws when asked to. It has no thread and no terminal of its own, so tests drive
//! it by the messages that a user causes.

mod act;
mod footer;
mod header;
mod help;
mod typing;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ratatui::{
    Frame,
    crossterm::event::{Event, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind},
    layout::{Position, Rect},
};

use super::{
    message::{Message, Wish},
    prompt::Question,
    state::{Mode, State},
    tabs::{Kind, Outcome, TABS, Tab},
    widget::text::put,
};
use crate::tui::theme::Role;

/// Time that a frame may spend on taking in what is new.
const SLICE: Duration = Duration::from_millis(4);
/// Smallest terminal that is drawn on.
const SMALLEST: (u16, u16) = (40, 10);
/// Bytes that terminals take into a clipboard without leaving some out.
const MOST_COPIED: usize = 64 << 10;
/// Rows that one turn of the wheel moves.
const WHEEL: isize = 3;

/// The view.
pub struct App<'a> {
    /// What all tabs look at.
    pub state: State<'a>,
    tabs: Vec<(Kind, Box<dyn Tab>)>,
    current: usize,
    /// First line of the help that is shown.
    help: Option<u16>,
    histories: HashMap<Question, Vec<String>>,
    wishes: Vec<Wish>,
    /// Where the tab was drawn last, and where the titles of the tabs are.
    body: Rect,
    titles: Vec<(Rect, usize)>,
    clicked: Option<Position>,
    /// The screen is not what it should be.
    dirty: bool,
    /// There is more to take in than one frame had time for.
    busy: bool,
}

impl<'a> App<'a> {
    /// Shows the list of packets first.
    pub fn new(state: State<'a>) -> Self {
        Self {
            state,
            tabs: TABS.iter().map(|(kind, tab)| (*kind, tab())).collect(),
            current: 0,
            help: None,
            histories: HashMap::new(),
            wishes: Vec::new(),
            body: Rect::default(),
            titles: Vec::new(),
            clicked: None,
            dirty: true,
            busy: true,
        }
    }

    /// Takes a message.
    pub fn handle(&mut self, message: Message) {
        match message {
            Message::Input(event) => self.input(event),
            Message::News(batch) => {
                self.state.take(*batch);
                self.dirty = true;
            }
            Message::Drops(batch) => {
                self.state.take_drops(*batch);
                self.dirty = true;
            }
            Message::Node(told) => {
                let now = self.state.now;
                if let Some(node) = &mut self.state.node {
                    node.take(*told, now);
                    self.dirty = true;
                }
            }
            Message::Signal(signal) => self.signal(signal),
            Message::Tick(now) => {
                self.state.tick(now);
                self.dirty = true;
            }
        }
    }

    /// What is asked of whoever has the terminal.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// The screen is to be drawn.
    pub fn is_dirty(&self) -> bool {
        self.dirty || self.busy
    }

    /// There is more to take in than one frame had time for.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// When the screen changes by itself, if it does.
    pub fn next_change(&self) -> Option<Instant> {
        if self.busy {
            return Some(self.state.now);
        }
        let tab = self.tabs[self.current].1.next_change(&self.state);
        self.state.next_change().into_iter().chain(tab).min()
    }

    /// Which tab is shown.
    pub fn kind(&self) -> Kind {
        self.tabs[self.current].0
    }

    /// Draws all.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        self.dirty = false;
        let area = frame.area();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let text = format!("too small: {}x{} at least", SMALLEST.0, SMALLEST.1);
            put(frame.buffer_mut(), area, 0, 0, &text, self.state.theme.style(Role::Warn));
            return;
        }
        let replay = matches!(self.state.mode, Mode::Replay(_));
        let typing = footer::lines(&self.state);
        let (above, below) = (2, typing + u16::from(replay));
        self.body = Rect { y: area.y + above, height: area.height.saturating_sub(above + below), ..area };
        let deadline = Instant::now() + SLICE;
        let (_, tab) = &mut self.tabs[self.current];
        self.busy = !tab.update(&mut self.state, deadline);
        header::draw(frame, Rect { height: 1, ..area }, &self.state);
        self.titles = header::draw_titles(
            frame,
            Rect { y: area.y + 1, height: 1, ..area },
            &self.tabs,
            self.current,
            &self.state,
        );
        let (_, tab) = &mut self.tabs[self.current];
        tab.draw(frame, self.body, &mut self.state);
        let mut under = Rect { y: self.body.bottom(), height: below, ..area };
        if replay {
            header::draw_position(frame, Rect { height: 1, ..under }, &self.state);
            (under.y, under.height) = (under.y + 1, under.height - 1);
        }
        footer::draw(frame, under, self.tabs[self.current].1.as_ref(), &self.state);
        if let Some(top) = &mut self.help {
            help::draw(frame, area, top, &self.state);
        }
    }

    fn input(&mut self, event: Event) {
        self.dirty = true;
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key),
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            _ => {}
        }
    }

    fn key(&mut self, key: KeyEvent) {
        if self.state.prompt.is_some() {
            return self.typed(key);
        }
        if let Some(action) = self.state.keymap.action(key) {
            self.act(action);
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        let place = Position { x: mouse.column, y: mouse.row };
        let rows = match mouse.kind {
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::Down(MouseButton::Left) => return self.click(place),
            _ => {
                self.dirty = false;
                return;
            }
        };
        match &mut self.help {
            Some(top) => *top = top.saturating_add_signed(rows as i16),
            None => self.tabs[self.current].1.wheel(rows, &mut self.state),
        }
    }

    fn click(&mut self, place: Position) {
        if self.help.take().is_some() {
            return;
        }
        if let Some((_, tab)) = self.titles.iter().find(|(title, _)| title.contains(place)) {
            return self.show(*tab);
        }
        if self.body.contains(place) {
            let again = self.clicked.replace(place) == Some(place);
            let inside = Position { x: place.x - self.body.x, y: place.y - self.body.y };
            let outcome = self.tabs[self.current].1.click(inside, again, &mut self.state);
            self.conclude(outcome);
        }
    }

    fn show(&mut self, tab: usize) {
        self.current = tab;
        self.clicked = None;
        self.busy = true;
    }

    fn go(&mut self, kind: Kind) {
        if let Some(tab) = self.tabs.iter().position(|(other, _)| *other == kind) {
            self.show(tab);
        }
    }

    /// Does what a tab has asked for; whether it knew what to do.
    fn conclude(&mut self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Ignored => return false,
            Outcome::Done => {}
            Outcome::Go(kind) => self.go(kind),
            Outcome::Ask(question) => self.ask(question, ""),
            Outcome::Copy(text) if text.len() > MOST_COPIED => {
                self.state.say("too long for a clipboard; export writes it to a file", Role::Warn);
            }
            Outcome::Copy(text) => {
                self.state.say("copied, if the terminal allows it", Role::Good);
                self.wishes.push(Wish::Copy(text));
            }
        }
        true
    }

    fn signal(&mut self, signal: i32) {
        use signal_hook::consts::{SIGCONT, SIGTSTP};
        self.wishes.push(match signal {
            SIGTSTP => Wish::Suspend,
            SIGCONT => Wish::Redraw,
            _ => Wish::Quit,
        });
        self.dirty = true;
    }
}

//! The real view over a recording, with a screen in memory.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind},
};
use skbtrail::{
    feed::{
        Judge, Names, Recorded, Replay, Source as _,
        judge::{Flags, Question},
    },
    filter::{self, Compiled},
    symbol::Cache,
    track::Limits,
    tui::{
        App,
        engine::{Batch, Loading, Order},
        message::Message,
        playback::Playback,
        state::{Filters, Known, Mode, State},
        store::{Bounds, Store},
        theme::{Palette, Theme},
    },
    view::Clock,
};

/// A view to press keys in.
pub(super) struct View<'a> {
    pub(super) app: App<'a>,
    terminal: Terminal<TestBackend>,
    /// The engine's end, without its thread.
    orders: Receiver<Order>,
    loading: Loading,
    now: Instant,
}

/// A recording among the fixtures.
pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

/// Opens files in a view of this size and reads them to their end.
pub(super) fn view(files: &[PathBuf], size: (u16, u16), test: impl FnOnce(&mut View<'_>)) {
    themed(files, size, &Theme::new(Palette::Terminal, false), test);
}

/// The same with room for so many hops.
pub(super) fn bounded(files: &[PathBuf], size: (u16, u16), hops: usize, test: impl FnOnce(&mut View<'_>)) {
    open(files, size, &Theme::new(Palette::Terminal, false), Bounds { hops, ..Bounds::default() }, test);
}

/// The same with other colours and signs.
pub(super) fn themed(files: &[PathBuf], size: (u16, u16), theme: &Theme, test: impl FnOnce(&mut View<'_>)) {
    open(files, size, theme, Bounds::default(), test);
}

fn open(files: &[PathBuf], size: (u16, u16), theme: &Theme, bounds: Bounds, test: impl FnOnce(&mut View<'_>)) {
    let mut replay = Replay::open(files).unwrap();
    let names = std::mem::replace(&mut replay.names, Names::empty());
    let symbols = Cache::new(&names.symbols);
    let recorded = Recorded { namespaces: &names.namespaces, reasons: &names.reasons };
    let judge =
        Judge::recorded(&Question { expression: "", flags: Flags::default() }, &recorded, replay.probes()).unwrap();
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(replay.clock_offset(), jiff::tz::TimeZone::UTC),
        facts: vec![("host", "guest".to_owned()), ("kernel", "6.12".to_owned())],
        headline: "guest 6.12 kprobe-multi".to_owned(),
        files: files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect(),
        filters: Box::new(Compiler { names: &names }),
    };
    let (sender, orders) = channel();
    let mode = Mode::Replay(Playback::new(replay.begins(), replay.begins()));
    let state = State::new(known, Store::new(bounds), mode, *theme, sender);
    let loading =
        Loading::new(replay, judge, Limits::default(), bounds.hops, skbtrail::record::reader::Wanted::default());
    let mut view = View {
        app: App::new(state),
        terminal: Terminal::new(TestBackend::new(size.0, size.1)).unwrap(),
        orders,
        loading,
        now: Instant::now(),
    };
    view.load();
    test(&mut view);
}

impl View<'_> {
    /// Presses keys: letters, and `<enter>`, `<ctrl-d>`.
    pub(super) fn press(&mut self, keys: &str) -> &mut Self {
        self.draw();
        let mut rest = keys;
        while let Some(letter) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|text| text.split_once('>'));
            let event = match named {
                Some((name, behind)) if !name.is_empty() => {
                    rest = behind;
                    named_key(name)
                }
                _ => {
                    rest = &rest[letter.len_utf8()..];
                    KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)
                }
            };
            self.app.handle(Message::Input(Event::Key(event)));
            self.draw();
        }
        self
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.app.handle(Message::Tick(self.now));
        self.draw();
        self
    }

    /// Another size of the terminal.
    pub(super) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.app.handle(Message::Input(Event::Resize(width, height)));
        self
    }

    /// Reads as much as is wanted.
    fn load(&mut self) {
        let mut reading = true;
        while reading {
            let mut batch = Batch::default();
            reading = self.loading.step(&mut batch);
            self.app.handle(Message::News(Box::new(batch)));
        }
    }

    /// Does what the engine was asked for.
    fn obey(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            let Order::ReadFrom(time) = order else { panic!("{order:?} of a recording") };
            let mut batch = Batch::default();
            self.loading.read_from(time, &mut batch);
            self.app.handle(Message::News(Box::new(batch)));
            self.load();
        }
    }

    /// The mouse does something at this place of the screen.
    pub(super) fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> &mut Self {
        self.draw();
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        self.app.handle(Message::Input(Event::Mouse(event)));
        self
    }

    fn draw(&mut self) {
        for _ in 0..1000 {
            self.obey();
            self.terminal.draw(|frame| self.app.draw(frame)).unwrap();
            if !self.app.is_dirty() {
                return;
            }
        }
        panic!("the view is never done");
    }

    /// The screen itself, for pictures.
    pub(super) fn buffer(&mut self) -> &ratatui::buffer::Buffer {
        self.draw();
        self.terminal.backend().buffer()
    }

    /// What is on the screen, without blanks at the ends of lines.
    pub(super) fn screen(&mut self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for row in 0..buffer.area.height {
            let line: String = (0..buffer.area.width).map(|column| buffer[(column, row)].symbol()).collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// The first line on the screen that holds a text.
    pub(super) fn line(&mut self, text: &str) -> String {
        let screen = self.screen();
        let found = screen.lines().find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("`{text}` is not on the screen:\n{screen}")).to_owned()
    }
}

fn named_key(name: &str) -> KeyEvent {
    let (modifiers, rest) = match name.strip_prefix("ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, name),
    };
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        letter if letter.chars().count() == 1 => KeyCode::Char(letter.chars().next().unwrap()),
        other => panic!("no key is called {other}"),
    };
    KeyEvent::new(code, modifiers)
}

struct Compiler<'a> {
    names: &'a Names,
}

impl Filters for Compiler<'_> {
    fn compile(&self, text: &str) -> Result<Compiled, filter::Error> {
        let environment = Recorded { namespaces: &self.names.namespaces, reasons: &self.names.reasons };
        filter::compile(&filter::Request { expression: text, environment: &environment, ..filter::Request::default() })
    }

    fn compile_display(&self, text: &str) -> Result<Compiled, filter::Error> {
        self.compile(text)
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

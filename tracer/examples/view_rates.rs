//! How the view does with a million hops in its store: time from a key to the frame, arrival of 200 000 hops a second, memory.
//!
//! Times are given twice: as they passed, and as this thread had a CPU, which other work on the machine changes little.
//!
//! `cargo run --release --example view_rates`

#![expect(clippy::print_stdout, reason = "figures are its output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers},
};
use skbtrail::{
    feed::{Names, Recorded},
    filter::{self, Compiled},
    model::{Branch, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId, Record},
    symbol::Cache,
    track::Limits,
    tui::{
        App,
        engine::{Batch, Gather},
        message::Message,
        state::{Filters, Known, Mode, State},
        store::{Bounds, Store},
        theme::{Palette, Theme},
    },
    view::Clock,
};

const HOPS: u64 = 1 << 20;
/// Hops of a packet.
const EACH: u64 = 40;
/// Keys that people press, over and over.
const KEYS: &[&str] =
    &["k", "k", "PgUp", "j", "g", "G", "D", "Enter", "+", "j", "j", "Esc", "s", "S", "1", "9", "1", "?", "Esc"];

fn main() {
    let names = Names::empty();
    let symbols = Cache::new(&names.symbols);
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(0, jiff::tz::TimeZone::UTC),
        facts: Vec::new(),
        headline: String::new(),
        files: Vec::new(),
        filters: Box::new(Compiler(&names)),
    };
    let (orders, _ordered) = channel();
    let theme = Theme::new(Palette::Terminal, false);
    let before = resident();
    let mut app = App::new(State::new(known, Store::new(Bounds::default()), Mode::Live { held: None }, theme, orders));
    let mut terminal = Terminal::new(TestBackend::new(160, 50)).unwrap();
    let mut source = Source::new();
    while app.state.store.size().0 < (HOPS - EACH * 4) as usize {
        app.handle(Message::News(Box::new(source.batch(100_000))));
    }
    draw(&mut terminal, &mut app);
    let (hops, bytes) = app.state.store.size();
    println!(
        "store: {hops} hops, {} MB by its own count, {} MB resident for all",
        bytes >> 20,
        (resident() - before) >> 20
    );
    report("a key, nothing arriving", keys(&mut terminal, &mut app, &mut || None));
    // 200 000 hops a second come in batches of 40 ms.
    let mut arriving = || Some(source.batch(8000));
    report("a key, 200 000 hops/s arriving", keys(&mut terminal, &mut app, &mut arriving));
    type_in(&mut app, "fudp port 2000\n");
    let started = Instant::now();
    let frames = draw(&mut terminal, &mut app);
    println!("display filter over all: {:.0} ms in {frames} frames", started.elapsed().as_secs_f64() * 1e3);
    report("a key, filtered, arriving", keys(&mut terminal, &mut app, &mut || Some(source.batch(8000))));
    type_in(&mut app, "f\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\n");
    draw(&mut terminal, &mut app);
    type_in(&mut app, "gnnowhere\n");
    report("a frame of a search through all", frame_times(&mut terminal, &mut app));
    println!("resident in the end: {} MB", (resident() - before) >> 20);
}

/// Times from key to frame; a key is only pressed when the frame before is done, as the loop does it.
fn keys(
    terminal: &mut Terminal<TestBackend>,
    app: &mut App<'_>,
    arriving: &mut dyn FnMut() -> Option<Batch>,
) -> Vec<(Duration, Duration)> {
    let mut times = Vec::new();
    for key in KEYS.iter().cycle().take(KEYS.len() * 60) {
        if let Some(batch) = arriving() {
            app.handle(Message::News(Box::new(batch)));
        }
        let started = (Instant::now(), cpu());
        app.handle(Message::Input(Input::Key(press(key))));
        terminal.draw(|frame| app.draw(frame)).unwrap();
        times.push((started.0.elapsed(), cpu().saturating_sub(started.1)));
    }
    times
}

/// Times of the frames that it takes until all is done.
fn frame_times(terminal: &mut Terminal<TestBackend>, app: &mut App<'_>) -> Vec<(Duration, Duration)> {
    let mut times = Vec::new();
    while app.is_dirty() {
        let started = (Instant::now(), cpu());
        terminal.draw(|frame| app.draw(frame)).unwrap();
        times.push((started.0.elapsed(), cpu().saturating_sub(started.1)));
    }
    times
}

fn report(what: &str, times: Vec<(Duration, Duration)>) {
    let (passed, worked): (Vec<_>, Vec<_>) = times.into_iter().unzip();
    println!("{what}, {} times: {}; on the CPU {}", passed.len(), shares(passed.clone()), shares(worked));
}

fn shares(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms", at(0.5), at(0.99), at(1.0))
}

/// What this thread had of a CPU.
fn cpu() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Draws until all is done; how many frames that took.
fn draw(terminal: &mut Terminal<TestBackend>, app: &mut App<'_>) -> usize {
    let mut frames = 0;
    while app.is_dirty() {
        terminal.draw(|frame| app.draw(frame)).unwrap();
        frames += 1;
    }
    frames
}

fn type_in(app: &mut App<'_>, text: &str) {
    for letter in text.chars() {
        let code = match letter {
            '\n' => KeyCode::Enter,
            '\u{8}' => KeyCode::Backspace,
            letter => KeyCode::Char(letter),
        };
        app.handle(Message::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
}

fn press(key: &str) -> KeyEvent {
    let code = match key {
        "PgUp" => KeyCode::PageUp,
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        letter => KeyCode::Char(letter.chars().next().unwrap()),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Packets of forty hops, one in a hundred of which is dropped.
struct Source {
    probes: Vec<Probe>,
    gather: Gather,
    packets: u64,
    time: u64,
}

impl Source {
    fn new() -> Self {
        let functions = ["ip_rcv", "nf_hook_slow", "__dev_queue_xmit", "veth_xmit", "__netif_receive_skb", "udp_rcv"];
        let probe = |name: String| Probe { name, module: None, address: 1, takes_reason: false };
        let mut probes: Vec<Probe> =
            (0..EACH - 2).map(|n| probe(format!("{}_{n}", functions[n as usize % 6]))).collect();
        probes.extend(["skb:kfree_skb", "kfree_skbmem"].map(|name| probe(name.to_owned())));
        Self { probes, gather: Gather::new(Limits::default(), 1 << 20), packets: 0, time: 1_000_000_000 }
    }

    fn batch(&mut self, hops: u64) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..hops / EACH {
            self.packet();
        }
        self.gather.tick(self.time + 30_000_000);
        self.gather.drain(&self.probes, &mut batch);
        batch
    }

    fn packet(&mut self) {
        self.packets += 1;
        for hop in 0..EACH {
            self.time += 400;
            let dropped = hop == EACH - 2 && self.packets.is_multiple_of(100);
            if hop == EACH - 2 && !dropped {
                continue;
            }
            let event = self.event(hop, dropped);
            self.gather.record(&Record::Hit(event), &self.probes);
        }
    }

    fn event(&self, hop: u64, dropped: bool) -> Event {
        let mut name = [0; 16];
        name[..5].copy_from_slice(b"veth0");
        name[4] = b'0' + (hop / 8) as u8;
        Event {
            time: self.time,
            kind: if dropped { EventKind::Drop } else { EventKind::Call },
            probe: ProbeId(hop as u32),
            skb: self.packets,
            caller: dropped.then_some(0xffff_ffff_8100_0000),
            branch: Some(Branch { journey: JourneyId(self.packets), number: 1, parent: None }),
            first: hop == 0,
            by_stack: false,
            generation: 1,
            reason: dropped.then_some(6),
            returned: None,
            cpu: (self.packets % 8) as u16,
            pid: 7,
            comm: Name(*b"nginx\0\0\0\0\0\0\0\0\0\0\0"),
            netns: Some(1 + (hop / 20) as u32),
            ifindex: Some((hop / 8) as u32),
            ifname: Name(name),
            mtu: Some(1500),
            mark: 0,
            len: 100,
            protocol: 0x0800,
            packet_type: 0,
            vlan: None,
            headers: self.headers(hop),
            details: None,
        }
    }

    /// UDP, with a time to live that a router takes one from.
    fn headers(&self, hop: u64) -> Headers {
        let mut bytes = [0; 80];
        let port = (2000 + self.packets % 5000).to_be_bytes();
        bytes[..20].copy_from_slice(&[
            0x45,
            0,
            0,
            80,
            0,
            0,
            0,
            0,
            64 - (hop / 20) as u8,
            17,
            0,
            0,
            10,
            0,
            0,
            1,
            10,
            0,
            0,
            2,
        ]);
        bytes[20..24].copy_from_slice(&[0xd6, 0x52, port[6], port[7]]);
        Headers { origin: Origin::Packet, bytes, len: 80, protocol: 0x0800 }
    }
}

struct Compiler<'a>(&'a Names);

impl Filters for Compiler<'_> {
    fn compile(&self, text: &str) -> Result<Compiled, filter::Error> {
        let environment = Recorded { namespaces: &self.0.namespaces, reasons: &self.0.reasons };
        filter::compile(&filter::Request { expression: text, environment: &environment, ..filter::Request::default() })
    }

    fn compile_display(&self, text: &str) -> Result<Compiled, filter::Error> {
        self.compile(text)
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Bytes of memory that this process has.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

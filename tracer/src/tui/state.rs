//! What all tabs look at: packets, where the source stands, what is typed.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use super::{
    engine::{Answer, Batch, Order, Packet, Progress, Status},
    hunt::Hunt,
    keys::Keymap,
    node::Node,
    playback::{Missing, Playback},
    prompt::Prompt,
    store::{Listing, Seq, Store},
    theme::{Role, Theme},
    watched::Watched,
    widget::List,
};
use crate::{
    feed::Names,
    symbol::Cache,
    view::{
        self, Clock, Context, Story, Timestamp,
        packets::{self, PacketColumn},
        reasons::{self, Explanation},
    },
};

/// Lines of the log that are kept.
const LOG: usize = 1000;
/// How long a message stands.
const MESSAGE: Duration = Duration::from_secs(6);

/// What does not change while the view runs.
pub struct Known<'a> {
    /// Names of numbers.
    pub names: &'a Names,
    /// Names of addresses.
    pub symbols: &'a Cache<'a>,
    /// Kernel time to time of day.
    pub clock: Clock,
    /// The machine, its kernel, how functions are attached: each a name and a value.
    pub facts: Vec<(&'static str, String)>,
    /// The same in short, for the first line.
    pub headline: String,
    /// Files that are replayed; none live.
    pub files: Vec<String>,
    /// Compiles filters, also while they are typed, and compiles them.
    pub filters: Box<dyn Filters + 'a>,
}

/// Who compiles filters. Where names are looked up differs: on this machine, or in a recording.
pub trait Filters {
    /// Compiles.
    fn compile(&self, text: &str) -> Result<crate::filter::Compiled, crate::filter::Error>;

    /// The same for packets that are here already.
    fn compile_display(&self, text: &str) -> Result<crate::filter::Compiled, crate::filter::Error>;

    /// Names that may stand behind a key, beyond those that packets have shown.
    fn names(&self, key: &str) -> Vec<String>;
}

/// Live, or a recording.
#[derive(Debug)]
pub enum Mode {
    /// A running trace; the view may be held at a packet.
    Live {
        /// Packets from here on are not shown yet.
        held: Option<Seq>,
    },
    /// A recording.
    Replay(Playback),
}

/// A short message on the last line.
#[derive(Debug)]
pub struct Message {
    /// What it says.
    pub text: String,
    /// What it means.
    pub role: Role,
    since: Instant,
}

/// Which packets are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// Those of the trace, or of the recording.
    #[default]
    Trace,
    /// The drops of the whole machine.
    Drops,
}

/// A file that is to be written: its name, and what is in it.
pub type ToWrite = (PathBuf, Vec<u8>);

/// What all tabs look at.
pub struct State<'a> {
    /// The packets.
    pub store: Store,
    /// Where the source stands.
    pub status: Status,
    /// What does not change.
    pub known: Known<'a>,
    /// Live, or a recording.
    pub mode: Mode,
    /// The filter in force.
    pub filter: String,
    /// The list of packets, and where in it the view is.
    pub listing: Listing,
    /// Row of the list.
    pub list: List,
    /// Columns of the list.
    pub columns: Vec<&'static dyn PacketColumn>,
    /// What is looked for.
    pub search: String,
    /// The search that goes on.
    pub hunt: Option<Hunt>,
    /// A line that is typed.
    pub prompt: Option<Prompt>,
    /// Colours and signs.
    pub theme: Theme,
    /// What keys do.
    pub keymap: Keymap,
    /// What the user should know, oldest first.
    pub log: VecDeque<String>,
    /// A short message.
    pub message: Option<Message>,
    /// The time, as the loop last looked.
    pub now: Instant,
    /// To the engine.
    orders: Sender<Order>,
    /// Hits of the whole recording.
    all_hits: u64,
    /// The packet that the path shows.
    pub opened: Option<(Of, Seq)>,
    /// Whoever writes files.
    pub files: Option<Sender<ToWrite>>,
    /// What is attached and loaded on this machine; of a recording nobody knows.
    pub node: Option<Node>,
    /// The drops of the whole machine, while a trace runs.
    pub watched: Option<Watched>,
}

impl<'a> State<'a> {
    /// Before the first batch.
    pub fn new(known: Known<'a>, store: Store, mode: Mode, theme: Theme, orders: Sender<Order>) -> Self {
        Self {
            store,
            status: Status::default(),
            known,
            mode,
            filter: String::new(),
            listing: Listing::default(),
            list: List::following(),
            columns: packets::STANDARD.iter().filter_map(|name| packets::find(name)).collect(),
            search: String::new(),
            hunt: None,
            prompt: None,
            theme,
            keymap: Keymap::default(),
            log: VecDeque::new(),
            message: None,
            now: Instant::now(),
            orders,
            all_hits: 0,
            opened: None,
            files: None,
            node: None,
            watched: None,
        }
    }

    /// Takes what the engine sent.
    pub fn take(&mut self, mut batch: Batch) {
        self.store.take(&mut batch);
        for note in batch.notes {
            self.note(&note);
        }
        for answer in batch.answers {
            self.answer(answer);
        }
        if let Some(status) = batch.status {
            if let Some(sentence) = status.ended.as_ref().filter(|_| self.status.ended.is_none()) {
                self.log(sentence);
                self.say(sentence, Role::Bad);
            }
            self.all_hits = self.all_hits.max(status.hits);
            self.status = status;
        }
        if let Mode::Replay(playback) = &mut self.mode {
            playback.learn(&self.store, matches!(self.status.progress, Progress::Done | Progress::Full));
        }
    }

    /// Takes what the engine of drops sent.
    pub fn take_drops(&mut self, mut batch: Batch) {
        for note in std::mem::take(&mut batch.notes) {
            self.note(&note);
        }
        if let Some(watched) = &mut self.watched {
            watched.take(batch);
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Filter(text) => {
                let shown = if text.is_empty() { "all packets".to_owned() } else { format!("`{text}`") };
                self.say(&format!("filter in force: {shown}"), Role::Good);
                self.filter = text;
            }
            Answer::Recording(name) => self.say(&format!("recording into `{name}`"), Role::Alarm),
            Answer::Recorded(sentence) => {
                self.log(&sentence);
                self.say(&sentence, Role::Good);
            }
            Answer::Refused(sentence) => {
                self.log(&sentence);
                self.say(&sentence, Role::Bad);
            }
        }
    }

    /// Tells the engine what to do.
    pub fn order(&mut self, order: Order) {
        if self.orders.send(order).is_err() {
            self.say("the trace has ended", Role::Bad);
        }
    }

    /// Shows a short message.
    pub fn say(&mut self, text: &str, role: Role) {
        self.message = Some(Message { text: harmless(text), role, since: self.now });
    }

    /// Keeps a sentence for the System tab.
    pub fn log(&mut self, sentence: &str) {
        if self.log.len() >= LOG {
            self.log.pop_front();
        }
        self.log.push_back(harmless(sentence));
    }

    /// Keeps a sentence and shows it.
    pub fn note(&mut self, sentence: &str) {
        self.log(sentence);
        self.say(sentence, Role::Warn);
    }

    /// When something on the screen changes by itself, if it does.
    pub fn next_change(&self) -> Option<Instant> {
        let message = self.message.as_ref().map(|message| message.since + MESSAGE);
        let playing = match &self.mode {
            Mode::Replay(playback) => playback.next_step(self.now),
            Mode::Live { .. } => None,
        };
        message.into_iter().chain(playing).min()
    }

    /// Time goes on.
    pub fn tick(&mut self, now: Instant) {
        self.now = now;
        if self.message.as_ref().is_some_and(|message| now >= message.since + MESSAGE) {
            self.message = None;
        }
        if let Mode::Replay(playback) = &mut self.mode {
            playback.advance(now);
        }
        self.read_missing();
    }

    /// Has the engine read what the position needs and the store has no room for.
    pub fn read_missing(&mut self) {
        let Mode::Replay(playback) = &mut self.mode else { return };
        match playback.missing(&self.store, self.status.progress) {
            Some(Missing::From(time)) => {
                let from = playback.window(time, self.store.bounds().hops, self.all_hits);
                self.order(Order::ReadFrom(Some(from)));
            }
            Some(Missing::End) => self.order(Order::ReadFrom(None)),
            None => {}
        }
    }

    /// Packets from here on are not shown: the view is held, or the recording has not got so far.
    pub fn end(&self) -> Seq {
        match &self.mode {
            Mode::Live { held } => held.unwrap_or(u64::MAX).min(self.store.seqs().end),
            Mode::Replay(playback) => playback.end(&self.store),
        }
    }

    /// The packets that are meant.
    pub fn store_of(&self, of: Of) -> &Store {
        match (of, &self.watched) {
            (Of::Drops, Some(watched)) => &watched.store,
            _ => &self.store,
        }
    }

    /// Where drops are to be counted: all of the machine, or where nobody does that, those of the packets here.
    pub fn drops(&self) -> Of {
        if self.watched.as_ref().is_some_and(Watched::counts) { Of::Drops } else { Of::Trace }
    }

    /// The packet in the row at hand.
    pub fn selected(&self) -> Option<Seq> {
        self.listing.get(self.list.selected())
    }

    /// What names things in packets.
    pub fn context(&self) -> Context<'_> {
        self.context_of(Of::Trace)
    }

    /// What names things in these packets.
    pub fn context_of(&self, of: Of) -> Context<'_> {
        let names = self.known.names;
        Context {
            probes: self.store_of(of).probes(),
            symbols: self.known.symbols,
            reasons: &names.reasons,
            namespaces: &names.namespaces,
            clock: Some(&self.known.clock),
            metadata: &[],
            facts: names.facts.as_deref(),
            timestamp: Timestamp::Current,
            tcp_flags: true,
        }
    }

    /// Calls with the story of a packet.
    pub fn story<T>(&self, packet: &Packet, tell: impl FnOnce(&Story<'_>) -> T) -> T {
        self.story_of(Of::Trace, packet, tell)
    }

    /// Calls with the story of one of these packets.
    pub fn story_of<T>(&self, of: Of, packet: &Packet, tell: impl FnOnce(&Story<'_>) -> T) -> T {
        let context = self.context_of(of);
        tell(&Story { journey: &packet.journey, tables: self.store_of(of).tables(), context: &context })
    }

    /// What a reason means at this place, and what usually helps.
    pub fn explanation(&self, reason: Option<u32>, place: Option<u64>) -> Option<Explanation> {
        let name = self.known.names.reasons.get(&reason?)?;
        let Some(place) = place else { return reasons::explain(name) };
        let text = self.known.symbols.text(place);
        // Without what a compiler adds to the name of a function.
        reasons::explain_at(name, text.place().split(['+', '.']).next().unwrap_or_default())
    }

    /// Names that may stand behind a key of filters.
    pub fn names_for(&self, key: &str) -> Vec<String> {
        let tables = self.store.tables();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut names = self.known.filters.names(key);
        match key {
            "netns" => names.extend(self.known.names.namespaces.values().cloned()),
            "ifname" => names.extend(tables.devices().iter().map(|device| text(device.name.bytes()))),
            "comm" => names.extend(tables.tasks().iter().map(|task| text(task.bytes()))),
            "drop" => names.extend(self.known.names.reasons.values().cloned()),
            "func" => names.extend(self.store.probes().iter().map(|probe| probe.name.clone())),
            _ => {}
        }
        names.retain(|name| {
            !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        });
        names
    }

    /// Brings the list up to date, as far as there is time until `deadline`; false if there is more to do.
    pub fn update_listing(&mut self, deadline: Option<Instant>) -> bool {
        let selected = if self.list.follows() { None } else { self.selected() };
        let end = self.end();
        let mut listing = std::mem::take(&mut self.listing);
        let key = |order: &super::store::Order, seq: Seq| {
            let packet = self.store.get(seq);
            packet.map_or(0, |packet| self.story(packet, |story| order.column.order(story)))
        };
        let done = listing.update(&self.store, end, &key, deadline);
        self.listing = listing;
        if let Some(seq) = selected {
            // What stood before the row at hand may have gone, or have come.
            let row = self.listing.row(seq).unwrap_or_else(|| self.list.selected().min(self.listing.len()));
            self.list.select(row);
        }
        done
    }
}

/// Names in sentences are foreign.
fn harmless(text: &str) -> String {
    let mut out = String::new();
    view::escape(text.as_bytes(), &mut out);
    out
}

//! Runs the view: gives it a source, a terminal and the files that it asks for.

mod config;
mod files;
mod filters;
mod machine;
mod tapes;

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, anyhow};

use self::{
    config::Config,
    filters::{LiveFilters, RecordedFilters},
    machine::Machine,
    tapes::Tapes,
};
use super::{
    Failure,
    args::Trace,
    caller::Caller,
    group,
    opened::Opened,
    recorder,
    say::{Diversion, say},
    settings,
};
use crate::{
    collect::{privileges, session::RunTime},
    feed::{Live, Replay, System},
    inspect::lookup,
    kernel::Root,
    record::reader::Wanted,
    symbol::Cache,
    tui::{
        App,
        engine::{Gather, LiveEngine, Loading, Order, Outbox, ReplayEngine, Running},
        node::Node,
        playback::Playback,
        run::{Mailbox, Messages, mailbox, run},
        state::{Known, Mode, State},
        store::{Bounds, Store},
        terminal::Screen,
        theme::{Palette, Theme},
    },
    view::Clock,
};

/// How the view looks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "View")]
pub(crate) struct Flags {
    /// Print rows, also on a terminal
    #[arg(long)]
    text: bool,
    /// Colours: terminal (its own sixteen), dark, light or none
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Draw with ASCII alone; without, the locale decides
    #[arg(long)]
    ascii: bool,
    /// Count what the programs in the kernel cost (BPF run-time statistics, which cost a little themselves)
    #[arg(long)]
    cost: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
}

/// There is a terminal that a view can be drawn on, and it is wanted.
pub(crate) fn is_possible(flags: &Flags) -> bool {
    let terminal = std::env::var("TERM").is_ok_and(|terminal| !terminal.is_empty() && terminal != "dumb");
    !flags.text && terminal && stdout().is_terminal()
}

/// Shows a running trace. All that can be wrong with the arguments is found before anything is attached.
pub(crate) fn live(mut args: Trace, flags: &Flags) -> Result<ExitCode, Failure> {
    let root = Root::system();
    let mut config = Config::read();
    let theme = theme(flags, &config).map_err(Failure::Usage)?;
    default_filter(&root, &mut args, &mut config);
    let filter = settings::portable_filter(&args.filter, &args.what).map_err(Failure::Usage)?;
    let extra = settings::extra(&args.output).map_err(Failure::Usage)?;
    let mut options = settings::options(&args.what, extra.clone(), filter).map_err(Failure::Usage)?;
    options.swaps = true;
    options.filter = settings::filter(&root, &args.filter, &args.what)?;
    privileges::require()?;
    let mut live = Live::start(&root, options)?;
    // What sits at devices takes privileges to see, and a thread of its own that keeps them.
    match lookup::Live::start(root.clone()) {
        Ok(facts) => live.names.facts = Some(Box::new(facts)),
        Err(error) => live.notes.push(format!("programs at devices are not shown: {error}")),
    }
    // The kernel asks for a privilege that is dropped below.
    let run_time = if flags.cost { Some(RunTime::count()?) } else { None };
    let caller = Caller::adopt();
    let start = recorder::start(&live, &args.filter, &extra);
    let mail = mailbox();
    // It looks at what this thread may not any more in a moment.
    let node =
        Node::start(Box::new(Machine::new(root.clone())?), mail.0.clone()).context("failed to start a thread")?;
    privileges::drop_all_but_needed()?;
    let facts =
        vec![("host", start.host.clone()), ("kernel", start.kernel.clone()), ("attached by", start.backend.clone())];
    let headline = format!("{} {} {}", start.host, start.kernel, start.backend);
    let Live { session, names, backend, notes } = live;
    let names = Arc::new(names);
    let typed = args.filter.join(" ");
    let symbols = Cache::new(&names.symbols);
    let system = System::new(&root);
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(Live::clock_offset(), jiff::tz::TimeZone::system()),
        facts,
        headline,
        files: Vec::new(),
        filters: Box::new(LiveFilters { root: &root, system: &system, what: &args.what, names: &names }),
    };
    let (orders, ordered) = channel();
    let bounds = Bounds::default();
    let mut state = State::new(known, Store::new(bounds), Mode::Live { held: None }, theme, orders.clone());
    state.filter.clone_from(&typed);
    state.node = Some(node);
    let (files, writer) = files::start(caller, mail.0.clone()).context("failed to start a thread")?;
    state.files = Some(files);
    let tapes = Box::new(Tapes { caller, start, settings: recorder::settings(&extra) });
    let running = Running { session, names: Arc::clone(&names), filter: typed, tapes, run_time };
    let gather = Gather::new(group::limits(backend), bounds.hops);
    let record = args.run.record;
    let counts = show(state, mail, &notes, config, flags, &orders, |mailbox| {
        let engine = LiveEngine::new(running, gather, Outbox::new(mailbox), ordered);
        let first = record.map(Order::Record);
        move || engine.run(first)
    })?;
    let _ = writer.join();
    if let Some(counts) = counts {
        say(counts);
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what is wanted of recordings, by time and by a filter.
pub(crate) fn replay(
    opened: Opened,
    wanted: Wanted,
    files: Vec<String>,
    filter: &str,
    flags: &Flags,
) -> Result<ExitCode, Failure> {
    let config = Config::read();
    let theme = theme(flags, &config).map_err(Failure::Usage)?;
    let limits = opened.limits();
    let Opened { replay, names, judge } = opened;
    let names = Arc::new(names);
    let symbols = Cache::new(&names.symbols);
    let (facts, headline) = recorded_facts(&replay);
    let known = Known {
        names: &names,
        symbols: &symbols,
        clock: Clock::new(replay.clock_offset(), jiff::tz::TimeZone::system()),
        facts,
        headline,
        files,
        filters: Box::new(RecordedFilters { names: &names }),
    };
    let (orders, ordered) = channel();
    let bounds = Bounds::default();
    let (begins, ends) = (replay.begins(), replay.ends());
    let begins = wanted.from.map_or(begins, |from| from.max(begins));
    let ends = wanted.to.into_iter().chain(ends).min();
    let mode = Mode::Replay(Playback::new(begins, ends.unwrap_or(begins)));
    let mut state = State::new(known, Store::new(bounds), mode, theme, orders.clone());
    filter.clone_into(&mut state.filter);
    let loading = Loading::new(replay, judge, limits, bounds.hops, wanted);
    let mail = mailbox();
    let (files, writer) = files::start(Caller::default(), mail.0.clone()).context("failed to start a thread")?;
    state.files = Some(files);
    show(state, mail, &[], config, flags, &orders, |mailbox| {
        let engine = ReplayEngine::new(loading, Outbox::new(mailbox), ordered);
        move || engine.run()
    })?;
    // What was asked for last is still to be written.
    let _ = writer.join();
    Ok(ExitCode::SUCCESS)
}

/// Where no filter is given, that of the settings is in force, if it can be.
fn default_filter(root: &Root, args: &mut Trace, config: &mut Config) {
    let Some((line, filter)) = config.filter.clone().filter(|_| args.filter.is_empty()) else { return };
    let typed = vec![filter];
    match settings::filter(root, &typed, &args.what) {
        Ok(_) => args.filter = typed,
        Err(Failure::Usage(error) | Failure::Run(error)) => {
            let text = error.to_string();
            config.fault(line, text.lines().next().unwrap_or_default());
        }
    }
}

fn recorded_facts(replay: &Replay) -> (Vec<(&'static str, String)>, String) {
    let Some(start) = replay.start() else { return (Vec::new(), String::new()) };
    let mut facts = vec![("host", start.host.clone()), ("kernel", start.kernel.clone())];
    facts.push(("attached by", start.backend.clone()));
    facts.push(("command", start.command.join(" ")));
    facts.push(("filter", start.filter.clone()));
    facts.retain(|(_, value)| !value.is_empty());
    let headline = [&start.host, &start.kernel, &start.backend].map(String::as_str).join(" ");
    (facts, headline)
}

/// Runs the view with an engine on a thread of its own; what the engine ends with.
fn show<T, E>(
    mut state: State<'_>,
    (mailbox, messages): (Mailbox, Messages),
    notes: &[String],
    config: Config,
    flags: &Flags,
    orders: &Sender<Order>,
    engine: impl FnOnce(Mailbox) -> E,
) -> Result<T, Failure>
where
    T: Send + 'static,
    E: FnOnce() -> T + Send + 'static,
{
    for note in notes.iter().chain(&config.faults) {
        state.note(note);
    }
    let mouse = !flags.no_mouse && config.mouse.unwrap_or(true);
    state.keymap = config.keys;
    state.columns = config.columns.unwrap_or(state.columns);
    let (said, sayings) = channel();
    let diversion = Diversion::to(said);
    let engine = spawn(engine(mailbox.clone()), mailbox.clone())?;
    let shown = view(state, &mailbox, &messages, mouse);
    // Whatever has become of the view, nothing stays attached.
    let _ = orders.send(Order::Quit);
    drop((messages, mailbox));
    let ended = engine.join();
    drop(diversion);
    repeat(&sayings);
    shown?;
    ended.map_err(|_| Failure::Run(anyhow!("the thread that has the trace has failed")))
}

/// Sentences that nobody could see while the view ran.
fn repeat(sayings: &Receiver<String>) {
    sayings.try_iter().for_each(say);
}

fn view(state: State<'_>, mailbox: &Mailbox, messages: &Messages, mouse: bool) -> anyhow::Result<()> {
    let mut app = App::new(state);
    let mut screen = Screen::take(mouse).context("failed to prepare the terminal")?;
    mailbox.listen().context("failed to listen to the terminal")?;
    run(&mut app, messages, &mut screen).context("failed to draw on the terminal")
}

fn spawn<T, E>(engine: E, mailbox: Mailbox) -> anyhow::Result<JoinHandle<T>>
where
    T: Send + 'static,
    E: FnOnce() -> T + Send + 'static,
{
    /// A view without an engine would show what is long past.
    struct Ends(Mailbox);
    impl Drop for Ends {
        fn drop(&mut self) {
            if thread::panicking() {
                self.0.end();
            }
        }
    }
    let work = move || {
        let _ends = Ends(mailbox);
        engine()
    };
    thread::Builder::new().name("engine".to_owned()).spawn(work).context("failed to start a thread")
}

fn theme(flags: &Flags, config: &Config) -> anyhow::Result<Theme> {
    let named = |name: &str| {
        let names = Palette::NAMES.map(|(name, _)| name).join(", ");
        Palette::named(name).ok_or_else(|| anyhow!("unknown theme `{name}`; there are {names}"))
    };
    let palette = match &flags.theme {
        Some(name) => named(name)?,
        None if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => Palette::None,
        None => config.palette.unwrap_or_default(),
    };
    Ok(Theme::new(palette, flags.ascii || config.ascii.unwrap_or_else(|| !has_unicode())))
}

/// The locale says that the terminal takes UTF-8, and it is none that has only a few letters.
fn has_unicode() -> bool {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set).and_then(|name| std::env::var(name).ok());
    let unicode = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    unicode && !std::env::var("TERM").is_ok_and(|terminal| ["linux", "vt100", "vt220"].contains(&terminal.as_str()))
}

//! Runs the view: gives it a source, a terminal and the files that it asks for.

mod config;
mod files;
mod filters;
mod live;
mod machine;
mod recorded;
mod tapes;

use std::{
    io::{IsTerminal as _, stdout},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, anyhow};

use self::config::Config;
pub(crate) use self::{live::live, recorded::replay};
use super::{
    Failure,
    say::{Diversion, say},
};
use crate::tui::{
    App,
    engine::Order,
    run::{Mailbox, Messages, run},
    state::State,
    terminal::Screen,
    theme::{Palette, Theme},
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

/// Runs the view over what an engine on another thread sends; what the engine ends with, or nothing if it is not waited for:
/// `waits` is asked when the view has ended.
#[expect(clippy::too_many_arguments, reason = "each is handed on to another part")]
fn show<T>(
    mut state: State<'_>,
    (mailbox, messages): (Mailbox, Messages),
    notes: &[String],
    config: Config,
    flags: &Flags,
    orders: &Sender<Order>,
    engine: JoinHandle<T>,
    waits: &dyn Fn() -> bool,
) -> Result<Option<T>, Failure> {
    for note in notes.iter().chain(&config.faults) {
        state.note(note);
    }
    let mouse = !flags.no_mouse && config.mouse.unwrap_or(true);
    state.keymap = config.keys;
    state.columns = config.columns.unwrap_or(state.columns);
    let (said, sayings) = channel();
    let diversion = Diversion::to(said);
    let shown = view(state, &mailbox, &messages, mouse);
    // Whatever has become of the view, nothing stays attached.
    let _ = orders.send(Order::Quit);
    drop((messages, mailbox));
    let ended = if waits() || engine.is_finished() { Some(engine.join()) } else { None };
    drop(diversion);
    repeat(&sayings);
    shown?;
    ended.transpose().map_err(|_| Failure::Run(anyhow!("the thread that has the trace has failed")))
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

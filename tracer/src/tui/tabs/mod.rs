//! The tabs, a file each.
//!
//! To add one: a file here, a [`Kind`], and a line in [`TABS`]. A tab borrows what it shows from the [`State`], keeps only where in it
//! the view is, and reads nothing from the kernel or from files.

mod dataplane;
mod drops;
mod functions;
mod maps;
mod net;
mod packets;
mod path;
mod paths;
mod programs;
mod system;

use std::time::Instant;

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use super::{action::Action, export::Format, prompt::Question, state::State, theme::Role, widget::Reply};

/// Which tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The list of packets.
    Packets,
    /// The paths that they take.
    Paths,
    /// The functions that they pass.
    Functions,
    /// Where they are dropped.
    Drops,
    /// What is attached to interfaces.
    Net,
    /// BPF programs.
    Programs,
    /// BPF maps.
    Maps,
    /// Maps of dataplanes, decoded.
    Dataplane,
    /// The tracer itself.
    System,
    /// The path of one packet.
    Path,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It means nothing here.
    Ignored,
    /// It is done.
    Done,
    /// Another tab is to be shown.
    Go(Kind),
    /// This is to be copied to the clipboard.
    Copy(String),
    /// Something is to be typed.
    Ask(Question),
}

/// What rows answered to a key.
pub(super) fn outcome(reply: Reply, state: &mut State<'_>) -> Outcome {
    match reply {
        Reply::Ignored => Outcome::Ignored,
        Reply::Done => Outcome::Done,
        Reply::Ask => Outcome::Ask(Question::Search),
        Reply::Copy(text) => Outcome::Copy(text),
        Reply::NotFound => {
            let text = format!("no other line holds `{}`", state.search);
            state.say(&text, Role::Warn);
            Outcome::Done
        }
    }
}

/// A tab.
pub trait Tab {
    /// Its name.
    fn title(&self) -> &'static str;

    /// What can be done here, most useful first; the last line of the screen names as much of it as fits.
    fn actions(&self) -> &'static [Action];

    /// What a key does here in a word, where that is not what it does elsewhere.
    fn word(&self, _action: Action) -> Option<&'static str> {
        None
    }

    /// Draws it.
    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>);

    /// Does what a key asks for.
    fn act(&mut self, action: Action, state: &mut State<'_>) -> Outcome;

    /// Something was clicked, at this place of the area that it was drawn in last; `again` at the same place as before.
    fn click(&mut self, _place: Position, _again: bool, _state: &mut State<'_>) -> Outcome {
        Outcome::Ignored
    }

    /// The wheel was turned by so many rows.
    fn wheel(&mut self, _rows: isize, _state: &mut State<'_>) {}

    /// A name, without an ending, for a file with what is selected, and what is in it; `None` where there is nothing.
    fn export(&self, _format: Format, _state: &State<'_>) -> Option<(String, Result<Vec<u8>, String>)> {
        None
    }

    /// When what it shows changes by itself, if it does.
    fn next_change(&self, _state: &State<'_>) -> Option<Instant> {
        None
    }

    /// Takes in what is new, as far as there is time until `deadline`; false if there is more to do.
    fn update(&mut self, _state: &mut State<'_>, _deadline: Instant) -> bool {
        true
    }
}

/// Makes a tab.
pub type Maker = fn() -> Box<dyn Tab>;

/// All tabs in their order. The last one has no number: it is opened from the others.
pub const TABS: &[(Kind, Maker)] = &[
    (Kind::Packets, packets::tab),
    (Kind::Paths, paths::tab),
    (Kind::Functions, functions::tab),
    (Kind::Drops, drops::tab),
    (Kind::Net, net::tab),
    (Kind::Programs, programs::tab),
    (Kind::Maps, maps::tab),
    (Kind::Dataplane, dataplane::tab),
    (Kind::System, system::tab),
    (Kind::Path, path::tab),
];

/// Tabs with a number.
pub const NUMBERED: usize = TABS.len() - 1;

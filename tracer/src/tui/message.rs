//! Everything that can happen to the view.

use std::time::Instant;

use ratatui::crossterm::event::Event;

use super::{engine::Batch, node::Told};

/// Something has happened.
#[derive(Debug)]
pub enum Message {
    /// A key, the mouse, another size of the terminal, pasted text.
    Input(Event),
    /// The engine has news.
    News(Box<Batch>),
    /// The engine of drops has news.
    Drops(Box<Batch>),
    /// The thread that looks at the machine has found something.
    Node(Box<Told>),
    /// A signal has come.
    Signal(i32),
    /// Time has passed that something waited for.
    Tick(Instant),
}

/// What the view asks of whoever has the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End.
    Quit,
    /// Give the terminal back to the shell until it lets go on.
    Suspend,
    /// Draw all anew: something else may have written on the screen.
    Redraw,
    /// Put this into the clipboard.
    Copy(String),
}

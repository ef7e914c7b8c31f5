//! The terminal view: packets and their paths, live or from a recording.
//!
//! One loop ([`run`]) takes one kind of message ([`message::Message`]): input, news from the engine, signals, time. The [`engine`] is
//! a thread of its own that has the source; what it finds comes in batches into the [`store`], of which the [`app`] draws what is on the
//! screen. Neither engine nor store know of a terminal. What a key does stands in one table ([`action::BINDINGS`]); the tabs are files
//! of [`tabs`].
//!
//! Nothing here opens files or reads the kernel on the drawing thread, and nothing writes to the terminal but what [`terminal`] guards.

pub mod action;
pub mod app;
mod counted;
pub mod engine;
pub mod export;
pub mod hunt;
pub mod keys;
pub mod message;
pub mod node;
pub mod playback;
pub mod prompt;
pub mod run;
pub mod state;
pub mod store;
pub mod tabs;
pub mod terminal;
pub mod theme;
pub mod walk;
pub mod watched;
pub mod widget;

pub use app::App;

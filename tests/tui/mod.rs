//! The view, driven by the messages that a user causes, over recordings. Screens are snapshots.

mod counted;
mod export;
mod node;
mod screens;
mod tmux;
mod view;
mod watched;

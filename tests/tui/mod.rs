//! The view, driven by the messages that a user causes, over recordings. Screens are snapshots.

mod counted;
mod export;
mod machine;
mod node;
mod picture;
mod screens;
mod tmux;
mod view;
mod watched;

use crate::maps::fixture as dumps;

#[test]
fn pictures_are_of_this_view() {
    for (name, svg) in picture::all() {
        let committed = std::fs::read_to_string(picture::path(name)).unwrap_or_default();
        assert!(svg == committed, "`{name}` shows what is no more: `cargo run --example screens` makes it anew");
    }
}

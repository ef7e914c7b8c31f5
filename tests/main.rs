//! Tests that need no privileges, no network and no particular kernel: `cargo test`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod capture;
mod cli;
mod filter;
mod maps;
mod object;
mod recording;
mod tidy;
mod tui;

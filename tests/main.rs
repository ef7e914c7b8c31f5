//! Tests that need no privileges, no network and no particular kernel: `cargo test`.

mod cli;
mod object;
mod tidy;

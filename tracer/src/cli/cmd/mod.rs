//! The commands, a file each.

pub mod completions;
pub mod demo;
pub mod doctor;
pub mod filter;
pub mod functions;
pub mod paths;
pub mod trace;

//! The commands, a file each.

pub mod balancing;
pub mod calico;
pub mod cgroups;
pub mod cilium;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod drops;
pub mod export;
pub mod filter;
pub mod functions;
pub mod info;
pub mod maps;
pub mod merbridge;
pub mod net;
pub mod paths;
pub mod progs;
pub mod record;
pub mod replay;
pub mod trace;
pub mod tui;

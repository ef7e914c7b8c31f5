//! Cilium's maps, releases 1.12 to 1.19 (and what is known of 1.20).
//!
//! Layouts are those of each release's `bpf_alignchecker.c`; texts are those of its `cilium-dbg bpf … list`. Where releases
//! differ in nothing that the kernel shows, [`super::Subject::release`] decides, and without it the newest that fits.

mod ipcache;

use super::Decoder;

pub use ipcache::Ipcache;

/// Cilium's decoders.
pub const DECODERS: &[&dyn Decoder] = &[&ipcache::Map];

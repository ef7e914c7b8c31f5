//! Calico beyond its maps: what its programs say in the kernel's trace, and whether its eBPF dataplane is at work.

pub mod log;
mod lookup;
pub mod status;

pub use lookup::Lookup;

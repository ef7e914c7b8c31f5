//! Facts of a kernel: types (BTF), symbols, traceable functions, features, namespaces.
//!
//! Everything is read below a [`Root`], so that tests hand in a directory of their own. This layer changes nothing on
//! the machine and loads nothing into the kernel; what a fact means for tracing is decided in the layers below it
//! in the code map.

pub mod btf;
pub mod cpus;
pub mod features;
pub mod functions;
pub mod kallsyms;
pub mod memory;
pub mod nearest;
pub mod netns;
pub mod offsets;
pub mod quick;
pub mod reasons;
mod root;

pub use root::Root;

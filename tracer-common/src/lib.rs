//! The only contract between the kernel side (`tracer-ebpf`) and user space (`tracer`).
//!
//! Everything here is `no_std`, `repr(C)` and free of padding, and exists exactly once. The predicate evaluator is
//! code, not only data, so that the kernel, a replay and a test judge a packet by the very same rules.
//! Nothing here may allocate, panic or do I/O.
#![no_std]

pub mod config;
pub mod event;
pub mod journey;
pub mod looks;
pub mod predicate;
pub mod tunnel;

//! What is attached and stored on this machine: maps now, and what their entries mean.
//!
//! Reads the kernel and gives rows of [`crate::model`]; prints nothing and changes nothing.

pub mod maps;

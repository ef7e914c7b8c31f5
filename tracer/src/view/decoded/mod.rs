//! Entries of dataplanes' maps: as text that is set out as by the dataplane's own tool, or as JSON lines.
//!
//! The text's columns are as wide as their widest cell, so a row is first measured and then written, and none is kept here.

mod json;
mod text;

pub use json::write as json;
pub use text::Layout;

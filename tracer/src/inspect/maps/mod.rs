//! BPF maps: what their entries mean.

pub mod decode;

//! Maps of dataplanes: entries as they lie in the kernel, and the text that is made of them.

mod cilium;
pub(crate) mod fixture;

//! Files of packets. Nothing here needs privileges, and no file is trusted: what it claims is checked against what is
//! there, memory is bounded by constants, and what cannot be read is said, never left out in silence.

pub mod capture;

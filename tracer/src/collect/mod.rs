//! From the kernel to [`crate::model::Event`]: load, attach, read the ring, decode, count losses.
//!
//! The states are types: constants and a plan make a [`session::Session`], which is attached from then on; dropping it lets
//! everything go. This layer decides nothing about what is shown, and prints nothing.

pub mod attach;
pub mod counts;
pub mod decode;
pub mod error;
mod fold;
pub(crate) mod lookup;
pub mod maps;
pub mod object;
pub mod privileges;
pub mod session;
pub(crate) mod sys;

pub use attach::{Attached, Refused};
pub use counts::Counts;
pub use error::Error;
pub use session::{Request, Session};

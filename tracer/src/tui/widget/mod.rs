//! Pieces that several tabs are made of. They know nothing of packets, sources or keys.

pub(crate) mod absent;
pub mod list;
pub mod table;
pub mod text;

pub use list::List;
pub use table::{Cell, Column, Table};

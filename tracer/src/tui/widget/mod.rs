//! Pieces that several tabs are made of. They know nothing of packets, sources or keys.

pub mod graph;
pub mod list;
pub mod pace;
pub mod sheet;
pub mod table;
pub mod text;

pub use list::List;
pub use pace::Pace;
pub use sheet::{Field, Line, Reply, Sheet};
pub use table::{Cell, Column, Table};

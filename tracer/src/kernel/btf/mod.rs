//! The kernel's own description of its types (BTF), read in place.
//!
//! Only what tracing asks for is understood: member offsets, function prototypes, enum values. Nothing is copied out
//! of the file but one offset per type. The data counts as hostile: whatever lies or is cut short gives an [`Error`] or
//! an empty answer, never a panic, and no answer takes more time or memory than the file's size allows.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>.

mod chain;
mod error;
mod files;
mod kind;
mod member;
mod parse;
mod query;
mod table;
#[cfg(test)]
pub(crate) mod testing;
mod value;

pub use chain::{Chain, ValueKind};
pub use error::Error;
pub use files::{module, modules, vmlinux};
pub use kind::Kind;
pub use member::Field;
pub use query::Enumerator;
pub use table::{Btf, Type, TypeId};

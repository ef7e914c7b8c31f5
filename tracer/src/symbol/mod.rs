//! Addresses to names. Where names come from is handed in as [`Symbols`]; an address that none knows is shown as a
//! number, which is an answer and no error. Nothing here reads a file, and nothing here escapes: that is for the view.

mod cache;
mod text;

pub use cache::Cache;
pub use text::Text;

/// Something that knows the kernel's symbols.
pub trait Symbols {
    /// The symbol that holds an address, or `None` where that is not known.
    fn resolve(&self, address: u64) -> Option<Symbol<'_>>;
}

impl<T: Symbols + ?Sized> Symbols for Box<T> {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        (**self).resolve(address)
    }
}

/// A place in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Name of the function.
    pub name: &'a str,
    /// Module that holds it; `None` for the kernel itself.
    pub module: Option<&'a str>,
    /// Bytes from the function's start.
    pub offset: u64,
}

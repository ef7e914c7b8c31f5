//! How a place in the kernel is written.

use std::fmt::Write;

use super::Symbol;

/// `nft_do_chain+0x1c2 [nf_tables]`, or `0xffff…` for an address that nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    full: String,
    place_len: usize,
}

impl Text {
    /// Symbol and offset: `nft_do_chain+0x1c2`.
    pub fn place(&self) -> &str {
        &self.full[..self.place_len]
    }

    /// The same with the module, where it is not the kernel itself: `nft_do_chain+0x1c2 [nf_tables]`.
    pub fn full(&self) -> &str {
        &self.full
    }

    /// Writes another place over this one, so that the memory is used again.
    pub(super) fn set(&mut self, address: u64, symbol: Option<Symbol<'_>>) {
        self.full.clear();
        // Writing to a string cannot fail.
        let _ = match symbol {
            Some(symbol) => write!(self.full, "{}+{:#x}", symbol.name, symbol.offset),
            None => write!(self.full, "{address:#x}"),
        };
        self.place_len = self.full.len();
        if let Some(module) = symbol.and_then(|symbol| symbol.module) {
            let _ = write!(self.full, " [{module}]");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_with_and_without_names() {
        let symbol = |name, module, offset| Some(Symbol { name, module, offset });
        let cases = [
            (symbol("ip_rcv", None, 0), "ip_rcv+0x0", "ip_rcv+0x0"),
            (symbol("nft_do_chain", Some("nf_tables"), 0x1c2), "nft_do_chain+0x1c2", "nft_do_chain+0x1c2 [nf_tables]"),
            (None, "0xffffffff81000000", "0xffffffff81000000"),
        ];
        let mut text = Text::default();
        for (symbol, place, full) in cases {
            text.set(0xffff_ffff_8100_0000, symbol);
            assert_eq!((text.place(), text.full()), (place, full));
        }
    }
}

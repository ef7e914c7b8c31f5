//! Texts of the addresses seen last.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Symbols, Text};

/// Slots: callers and stack frames of a whole run are a few hundred distinct addresses.
const SLOTS: usize = 1 << 11;
const SHIFT: u32 = 64 - SLOTS.trailing_zeros();
/// 2⁶⁴ divided by the golden ratio: spreads neighbouring addresses.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Asks for each address once, as long as no other address takes its slot. Its size is fixed.
pub struct Cache<'a> {
    symbols: &'a dyn Symbols,
    slots: RefCell<Vec<Slot>>,
}

#[derive(Clone, Default)]
struct Slot {
    address: Option<u64>,
    text: Rc<Text>,
}

impl<'a> Cache<'a> {
    /// An empty cache before `symbols`.
    pub fn new(symbols: &'a dyn Symbols) -> Self {
        Self { symbols, slots: RefCell::new(vec![Slot::default(); SLOTS]) }
    }

    /// The place that an address stands for.
    pub fn text(&self, address: u64) -> Rc<Text> {
        let index = (address.wrapping_mul(SPREAD) >> SHIFT) as usize;
        let slot = &mut self.slots.borrow_mut()[index];
        if slot.address != Some(address) {
            slot.address = Some(address);
            Rc::make_mut(&mut slot.text).set(address, self.symbols.resolve(address));
        }
        Rc::clone(&slot.text)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Symbol;
    use super::*;

    #[derive(Default)]
    struct Counted(Cell<u32>);

    impl Symbols for Counted {
        fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
            self.0.set(self.0.get() + 1);
            (address != 0).then_some(Symbol { name: "f", module: None, offset: address })
        }
    }

    #[test]
    fn each_address_is_asked_for_once() {
        let counted = Counted::default();
        let cache = Cache::new(&counted);
        for address in [0, 1, 0, 1, 1] {
            let expected = if address == 0 { "0x0" } else { "f+0x1" };
            assert_eq!(cache.text(address).full(), expected);
        }
        assert_eq!(counted.0.get(), 2);
    }

    #[test]
    fn many_addresses_stay_right() {
        let counted = Counted::default();
        let cache = Cache::new(&counted);
        for address in (1..5 * SLOTS as u64).chain(1..100) {
            assert_eq!(cache.text(address).place(), format!("f+{address:#x}"));
        }
    }
}

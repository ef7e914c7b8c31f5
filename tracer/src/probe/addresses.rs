//! From the address in an event to the probe it came from.

use crate::model::ProbeId;

/// Length of `endbr64`, which x86 kernels built with IBT put before the place that is traced.
const ENDBR: u64 = 4;

/// Probes by address.
///
/// The kernel's list of traceable functions gives the address of the patched call, which under IBT lies after the
/// `endbr64`; `bpf_get_func_ip` gives the function's own. Both are taken as the same function: no function is so short
/// that another's would lie between.
#[derive(Clone, Debug, Default)]
pub struct AddressIndex(Vec<(u64, ProbeId)>);

impl AddressIndex {
    /// Takes the addresses attached to; 0 stands for an unknown one and is left out.
    pub fn new(probes: impl IntoIterator<Item = (u64, ProbeId)>) -> Self {
        let mut rows: Vec<(u64, ProbeId)> = probes.into_iter().filter(|(address, _)| *address != 0).collect();
        rows.sort_unstable();
        rows.shrink_to_fit();
        Self(rows)
    }

    /// The probe that reported `address`.
    pub fn get(&self, address: u64) -> Option<ProbeId> {
        self.exact(address).or_else(|| self.exact(address.checked_add(ENDBR)?))
    }

    fn exact(&self, address: u64) -> Option<ProbeId> {
        let row = self.0.binary_search_by_key(&address, |(known, _)| *known).ok()?;
        Some(self.0[row].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_with_and_without_endbr() {
        let index = AddressIndex::new([(0x2004, ProbeId(2)), (0x1000, ProbeId(1)), (0, ProbeId(9))]);
        assert_eq!(index.get(0x1000), Some(ProbeId(1)));
        assert_eq!(index.get(0x2000), Some(ProbeId(2)));
        assert_eq!(index.get(0x2004), Some(ProbeId(2)));
        assert_eq!(index.get(0x2008), None);
        assert_eq!(index.get(0), None);
        assert_eq!(index.get(u64::MAX), None);
    }
}

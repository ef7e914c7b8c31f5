//! Names of drop reasons, from the kernel's own enums.
//!
//! The upper 16 bits of a reason number a subsystem (6.4+), whose own enum holds those bits in its values.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use super::{
    Root,
    btf::{self, Btf, Kind, Type},
};

const CORE: &str = "skb_drop_reason";
const CORE_PREFIX: &str = "SKB_DROP_REASON_";
const SUBSYSTEMS: &str = "skb_drop_reason_subsys";
const SUBSYSTEM_PREFIX: &str = "SKB_DROP_REASON_SUBSYS_";
/// What the enums of subsystems are called (`mac80211_drop_reason`, `ovs_drop_reason`).
const SUFFIX: &str = "_drop_reason";
/// Values that are no reasons.
const MARKERS: [&str; 2] = ["SKB_DROP_REASON_MAX", "SKB_DROP_REASON_SUBSYS_MASK"];

/// Drop reasons of a kernel; empty before 5.17.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    names: BTreeMap<u32, String>,
    subsystems: BTreeMap<u32, String>,
}

impl Reasons {
    /// No names: every reason is shown as a number.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reasons of the kernel and of its loaded modules. A module that cannot be read is left out.
    pub fn read(root: &Root, vmlinux: &Arc<Btf>) -> Self {
        let mut reasons = Self::new();
        reasons.add(vmlinux);
        if reasons.subsystems.len() > 1 {
            for name in btf::modules(root) {
                if let Ok(module) = btf::module(root, &name, vmlinux) {
                    reasons.add(&module);
                }
            }
        }
        reasons
    }

    /// Adds the reasons that one file names; the kernel's comes first.
    pub fn add(&mut self, btf: &Btf) {
        for (_, of) in btf.own_types(Kind::Enum) {
            match btf.name(of) {
                CORE => self.add_core(btf, of),
                SUBSYSTEMS => self.add_subsystems(btf, of),
                name if name.ends_with(SUFFIX) => self.add_others(btf, of),
                _ => {}
            }
        }
    }

    /// The name of a reason; of an unknown one its number, with the subsystem if that is known.
    pub fn name(&self, reason: u32) -> Cow<'_, str> {
        if let Some(name) = self.names.get(&reason) {
            return Cow::Borrowed(name);
        }
        match (reason >> 16, self.subsystems.get(&(reason >> 16))) {
            (0, _) => Cow::Owned(reason.to_string()),
            (_, Some(subsystem)) => Cow::Owned(format!("{subsystem}:{}", reason & 0xffff)),
            (_, None) => Cow::Owned(format!("{reason:#x}")),
        }
    }

    /// All known reasons by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().map(|(&reason, name)| (reason, name.as_str()))
    }

    fn add_core(&mut self, btf: &Btf, of: Type<'_>) {
        for value in btf.enumerators(of).filter(|value| !MARKERS.contains(&value.name)) {
            let name = value.name.strip_prefix(CORE_PREFIX).unwrap_or(value.name);
            self.names.entry(value.value as u32).or_insert_with(|| name.to_owned());
        }
    }

    /// Drivers have enums of such names too, which count from 0: only numbers of a subsystem are reasons.
    fn add_others(&mut self, btf: &Btf, of: Type<'_>) {
        for value in btf.enumerators(of).filter(|value| value.value >> 16 != 0) {
            self.names.entry(value.value as u32).or_insert_with(|| value.name.to_owned());
        }
    }

    fn add_subsystems(&mut self, btf: &Btf, of: Type<'_>) {
        for value in btf.enumerators(of) {
            // The last one is the number of subsystems.
            if let Some(name) = value.name.strip_prefix(SUBSYSTEM_PREFIX)
                && name != "NUM"
            {
                self.subsystems.entry(value.value as u32).or_insert_with(|| name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::btf::testing::Builder;
    use super::*;

    #[test]
    fn reasons_have_the_kernels_names() {
        let mut builder = Builder::new();
        builder.enumeration(
            CORE,
            false,
            &[
                ("SKB_NOT_DROPPED_YET", 0),
                ("SKB_DROP_REASON_NO_SOCKET", 3),
                ("SKB_DROP_REASON_MAX", 4),
                ("SKB_DROP_REASON_SUBSYS_MASK", 0xffff_0000),
            ],
        );
        builder.enumeration(
            SUBSYSTEMS,
            false,
            &[
                ("SKB_DROP_REASON_SUBSYS_CORE", 0),
                ("SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 3),
                ("SKB_DROP_REASON_SUBSYS_NUM", 4),
            ],
        );
        let vmlinux = Arc::new(builder.build());
        let mut module = Builder::above(&vmlinux);
        module.enumeration("driver_drop_reason", false, &[("DRIVER_ODD", 4)]);
        module.enumeration("ovs_drop_reason", false, &[("OVS_DROP_LAST_ACTION", 0x3_0001)]);
        let module = Btf::parse(module.bytes(), Some(Arc::clone(&vmlinux))).unwrap();

        let mut reasons = Reasons::new();
        reasons.add(&vmlinux);
        reasons.add(&module);
        let check = |reason: u32, expected: &str| assert_eq!(reasons.name(reason), expected);
        check(0, "SKB_NOT_DROPPED_YET");
        check(3, "NO_SOCKET");
        check(4, "4");
        check(0x3_0001, "OVS_DROP_LAST_ACTION");
        check(0x3_0009, "OPENVSWITCH:9");
        check(0x4_0001, "0x40001");
        check(0x7_0001, "0x70001");
        check(0xffff_0000, "0xffff0000");
        assert_eq!(reasons.iter().count(), 3);
    }

    #[test]
    fn a_kernel_without_reasons_gives_numbers() {
        assert_eq!(Reasons::new().name(7), "7");
    }
}

//! Names of numbers that a chain's value is compared with.

use super::{Btf, Error, Kind, Walk};
use crate::kernel::nearest::nearest;

impl Btf {
    /// The value of `name` in the enum that the chain's value is of; for a plain number in any enum of the kernel
    /// (`skc_state` is one, its values are `TCP_ESTABLISHED`, …).
    pub fn chain_constant(&self, text: &str, name: &str) -> Result<i64, Error> {
        let walk = Walk::to_end(self, text)?;
        let own = self.resolved(walk.type_id).map(|(_, of)| of);
        let own = own.filter(|of| matches!(of.kind(), Kind::Enum | Kind::Enum64));
        if let Some(own) = own {
            let found = self.enumerators(own).find(|value| value.name == name).map(|value| value.value);
            return found.ok_or_else(|| {
                let near = nearest(name, self.enumerators(own).map(|value| value.name));
                let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                walk.wrong(format!("`{}` has no value `{name}`{hint}", self.describe(walk.type_id)))
            });
        }
        let kinds = [Kind::Enum, Kind::Enum64];
        let enums = kinds.into_iter().flat_map(|kind| self.own_types(kind));
        let mut values = enums.flat_map(|(_, of)| self.enumerators(of)).filter(|value| value.name == name);
        let first = values.next().map(|value| value.value);
        let first = first.ok_or_else(|| walk.wrong(format!("no enum of this kernel has a value `{name}`")))?;
        if values.any(|other| other.value != first) {
            return Err(walk.wrong(format!("several enums of this kernel have a value `{name}`: write the number")));
        }
        Ok(first)
    }
}

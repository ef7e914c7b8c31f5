//! Keys and values by the map's own types (BTF).

use super::Map;
use crate::{
    collect::lookup,
    inspect::Error,
    kernel::btf::Btf,
    model::{MapTypes, Typed},
};

/// The types that a map was made with.
pub struct Types {
    btf: Btf,
    of: MapTypes,
}

impl Types {
    /// Reads them; `None` for a map that was made without.
    pub fn of(map: &Map) -> Result<Option<Self>, Error> {
        let Some(of) = map.info.types.filter(|of| of.value != 0) else { return Ok(None) };
        let btf =
            lookup::types(of.btf).map_err(|error| Error::asking("reading types of maps", "CAP_SYS_ADMIN", error))?;
        Ok(Some(Self { btf, of }))
    }

    /// What a key says.
    pub fn key(&self, bytes: &[u8]) -> Typed {
        self.btf.value(self.of.key, bytes)
    }

    /// What a value, of one CPU, says.
    pub fn value(&self, bytes: &[u8]) -> Typed {
        self.btf.value(self.of.value, bytes)
    }
}

//! Where the kernel shows its BTF.

use std::{path::Path, sync::Arc};

use super::{Btf, Error};
use crate::kernel::Root;

const DIRECTORY: &str = "/sys/kernel/btf";
const VMLINUX: &str = "vmlinux";

/// The kernel's own types.
pub fn vmlinux(root: &Root) -> Result<Arc<Btf>, Error> {
    Ok(Arc::new(Btf::parse(read(root, VMLINUX)?, None)?))
}

/// Types of a loaded module, numbered after those of vmlinux.
pub fn module(root: &Root, name: &str, base: &Arc<Btf>) -> Result<Btf, Error> {
    Btf::parse(read(root, name)?, Some(Arc::clone(base)))
}

/// Loaded modules that have BTF, sorted.
pub fn modules(root: &Root) -> Vec<String> {
    let mut names = root.list(DIRECTORY);
    names.retain(|name| name != VMLINUX);
    names
}

fn read(root: &Root, name: &str) -> Result<Vec<u8>, Error> {
    let path = Path::new(DIRECTORY).join(name);
    root.read(&path).map_err(|source| Error::Read { path: root.path(&path), source })
}

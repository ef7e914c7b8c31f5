//! Which modules are looked into.

use crate::kernel::{Root, btf, nearest::nearest};

/// A choice of modules; the kernel itself is always looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Modules {
    /// All that are loaded.
    #[default]
    All,
    /// These.
    Only(Vec<String>),
    /// None.
    None,
}

/// The choice cannot be met.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A module is not loaded, or built into the kernel, or has no types.
    #[error("no loaded module with BTF is called `{name}`{}", hint(nearest.as_deref()))]
    Module {
        /// As typed.
        name: String,
        /// One that is loaded.
        nearest: Option<String>,
    },
}

impl Modules {
    /// Names of the modules to look into.
    pub(super) fn names(&self, root: &Root) -> Result<Vec<String>, Error> {
        let loaded = btf::modules(root);
        match self {
            Self::All => Ok(loaded),
            Self::None => Ok(Vec::new()),
            Self::Only(names) => names.iter().map(|name| pick(&loaded, name)).collect(),
        }
    }
}

/// The kernel writes `_` where file names of modules may have `-`.
fn pick(loaded: &[String], name: &str) -> Result<String, Error> {
    let wanted = name.replace('-', "_");
    loaded.iter().find(|module| **module == wanted).cloned().ok_or_else(|| Error::Module {
        name: name.to_owned(),
        nearest: nearest(&wanted, loaded.iter().map(String::as_str)).map(str::to_owned),
    })
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_chosen_among_the_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        std::fs::create_dir_all(root.path("/sys/kernel/btf")).unwrap();
        for name in ["vmlinux", "br_netfilter", "veth"] {
            std::fs::write(root.path(format!("/sys/kernel/btf/{name}")), "").unwrap();
        }
        let only = |name: &str| Modules::Only(vec![name.to_owned()]).names(&root);
        assert_eq!(Modules::All.names(&root).unwrap(), ["br_netfilter", "veth"]);
        assert!(Modules::None.names(&root).unwrap().is_empty());
        assert_eq!(only("br-netfilter").unwrap(), ["br_netfilter"]);
        let error = only("vet").unwrap_err().to_string();
        assert_eq!(error, "no loaded module with BTF is called `vet`, did you mean `veth`?");
    }
}

//! Where filters are compiled: on a running kernel, or for a recording.

use std::{cell::OnceCell, collections::HashMap, fmt, io, sync::Arc};

use crate::{
    filter::{Environment, Unanswered},
    kernel::{
        Root,
        btf::{self, Btf, Chain},
        nearest::{holding, nearest},
        netns,
        reasons::Reasons,
    },
};

/// What the enum of the kernel's own reasons prefixes their names with.
const REASON_PREFIX: &str = "SKB_DROP_REASON_";

/// This machine. What a filter asks about is read when it is asked.
pub struct System<'a> {
    root: &'a Root,
    btf: OnceCell<Result<Arc<Btf>, Unanswered>>,
    reasons: OnceCell<HashMap<String, u32>>,
}

/// The machine of a recording, as far as its tables tell.
#[derive(Debug)]
pub struct Recorded<'a> {
    /// Namespaces by inode.
    pub namespaces: &'a HashMap<u32, String>,
    /// Drop reasons by number, without `SKB_DROP_REASON_`.
    pub reasons: &'a HashMap<u32, String>,
}

impl<'a> System<'a> {
    /// The machine below a root.
    pub fn new(root: &'a Root) -> Self {
        Self { root, btf: OnceCell::new(), reasons: OnceCell::new() }
    }

    fn btf(&self) -> Result<&Arc<Btf>, Unanswered> {
        let read = || btf::vmlinux(self.root).map_err(|error| unanswered(&error));
        self.btf.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl Environment for System<'_> {
    fn netns(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        netns::resolve(self.root, name).map(|netns| Some(netns.inode)).map_err(|error| unanswered(&error))
    }

    fn reason(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        let btf = self.btf()?;
        let reasons = self.reasons.get_or_init(|| {
            let reasons = Reasons::read(self.root, btf);
            reasons.iter().map(|(number, name)| (name.to_owned(), number)).collect()
        });
        find_reason(name, reasons.iter().map(|(name, number)| (name.as_str(), *number)))
    }

    fn chain(&self, text: &str) -> Result<Option<Chain>, Unanswered> {
        self.btf()?.chain(text).map(Some).map_err(|error| unanswered(&error))
    }

    fn constant(&self, chain: &str, name: &str) -> Result<Option<i64>, Unanswered> {
        self.btf()?.chain_constant(chain, name).map(Some).map_err(|error| unanswered(&error))
    }
}

impl Environment for Recorded<'_> {
    fn netns(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        let found = self.namespaces.iter().find(|(_, known)| *known == name).map(|(inode, _)| *inode);
        found.map(Some).ok_or_else(|| {
            let near = nearest(name, self.namespaces.values().map(String::as_str));
            let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            Unanswered::new(format!("the recording has no network namespace called `{name}`{hint}"))
        })
    }

    fn reason(&self, name: &str) -> Result<Option<u32>, Unanswered> {
        find_reason(name, self.reasons.iter().map(|(number, name)| (name.as_str(), *number)))
    }

    fn chain(&self, text: &str) -> Result<Option<Chain>, Unanswered> {
        Err(Unanswered::new(format!(
            "`{text}` is not in the recording: members of the sk_buff can be asked for while tracing"
        )))
    }

    fn constant(&self, _: &str, name: &str) -> Result<Option<i64>, Unanswered> {
        Err(Unanswered::new(format!("the recording does not tell what `{name}` is: write the number")))
    }
}

fn find_reason<'a>(name: &str, known: impl Iterator<Item = (&'a str, u32)> + Clone) -> Result<Option<u32>, Unanswered> {
    let bare = name.strip_prefix(REASON_PREFIX).unwrap_or(name);
    let found = known.clone().find(|(known, _)| known.strip_prefix(REASON_PREFIX).unwrap_or(known) == bare);
    found.map(|(_, number)| Some(number)).ok_or_else(|| {
        let names = known.map(|(name, _)| name);
        let near = nearest(bare, names.clone()).or_else(|| holding(bare, names));
        let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        Unanswered::new(format!("there is no drop reason `{name}`{hint}"))
    })
}

/// The sentence of an error and its causes.
fn unanswered(error: &(dyn std::error::Error + 'static)) -> Unanswered {
    let (mut sentence, mut denied) = (error.to_string(), false);
    let mut next = error.source();
    while let Some(cause) = next {
        sentence = format!("{sentence}: {cause}");
        let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::PermissionDenied;
        denied |= cause.downcast_ref::<io::Error>().is_some_and(refused);
        next = cause.source();
    }
    Unanswered { sentence, denied }
}

impl fmt::Debug for System<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("System").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        filter::{Anywhere, Request, compile},
        kernel::btf::testing::Builder,
    };

    /// A kernel with a few members, a drop reason and an enum.
    fn machine() -> (tempfile::TempDir, Root) {
        let mut builder = Builder::new();
        let int = builder.int("unsigned int", 4);
        let byte = builder.int("unsigned char", 1);
        let device = builder.structure("net_device", 8, &[("ifindex", int, 32)]);
        let device = builder.pointer(device);
        let kind = builder.enumeration("packet_kind", false, &[("KIND_HOST", 0), ("KIND_OTHER", 3)]);
        builder.structure("sk_buff", 24, &[("dev", device, 0), ("kind", kind, 64), ("state", byte, 96)]);
        builder.enumeration("", false, &[("TCP_ESTABLISHED", 1), ("TWICE", 1)]);
        builder.enumeration("other", false, &[("TWICE", 2)]);
        builder.enumeration("skb_drop_reason", false, &[("SKB_NOT_DROPPED_YET", 0), ("SKB_DROP_REASON_NO_SOCKET", 3)]);
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("sys/kernel/btf");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("vmlinux"), builder.bytes()).unwrap();
        let root = Root::at(directory.path());
        (directory, root)
    }

    /// The first node of a filter's program, or why there is none.
    fn compiled(environment: &dyn Environment, expression: &str) -> String {
        match compile(&Request { expression, environment, ..Request::default() }) {
            Ok(filter) => {
                let text = crate::filter::explain(&filter);
                text.lines().map(|line| line.get(5..46).unwrap_or_default().trim()).collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn a_running_kernel() {
        let (_directory, root) = machine();
        let system = System::new(&root);
        for (expression, expected) in [
            ("skb->dev->ifindex == 2", "skb->dev->ifindex = 0x2; "),
            ("skb->kind == KIND_OTHER", "skb->kind = 0x3; "),
            ("skb->state == TCP_ESTABLISHED", "skb->state = 0x1; "),
            ("drop NO_SOCKET", "the hit is a drop; reason = 0x3; "),
            ("drop SKB_DROP_REASON_NO_SOCKET", "the hit is a drop; reason = 0x3; "),
            ("drop SKB_NOT_DROPPED_YET", "the hit is a drop; reason = 0x0; "),
            ("drop SOCKET", "there is no drop reason `SOCKET`, did you mean `NO_SOCKET`?"),
            ("drop NO_SOKCET", "there is no drop reason `NO_SOKCET`, did you mean `NO_SOCKET`?"),
            ("skb->dev->ifindx", "`struct net_device` has no member `ifindx`, did you mean `ifindex`?"),
            ("skb->dev", "skb->dev >> 32 = 0x0; skb->dev = 0x0; ts in 2 nodes"),
            ("skb->", "in `skb->`: a name is expected at the end"),
            (
                "skb->kind == KIND_OTER",
                "in `skb->kind`: `enum packet_kind` has no value `KIND_OTER`, did you mean `KIND_OTHER`?",
            ),
            ("skb->state == NOPE", "in `skb->state`: no enum of this kernel has a value `NOPE`"),
            (
                "skb->state == TWICE",
                "in `skb->state`: several enums of this kernel have a value `TWICE`: write the number",
            ),
            ("netns web", "no network namespace is called `web`"),
        ] {
            let text = compiled(&system, expression);
            assert!(text.starts_with(expected), "{expression}: {text}");
        }
        let nothing = Root::at("/nonexistent-root");
        assert!(compiled(&System::new(&nothing), "skb->mark").starts_with("failed to read `"));
        assert_eq!(compiled(&System::new(&nothing), "netns 5").split(';').next(), Some("netns = 0x5"));
    }

    #[test]
    fn a_recording() {
        let namespaces = HashMap::from([(7, "web".to_owned())]);
        let reasons = HashMap::from([(3, "NO_SOCKET".to_owned())]);
        let recorded = Recorded { namespaces: &namespaces, reasons: &reasons };
        for (expression, expected) in [
            ("netns web", "netns = 0x7; "),
            ("netns wbe", "the recording has no network namespace called `wbe`, did you mean `web`?"),
            ("drop SKB_DROP_REASON_NO_SOCKET", "the hit is a drop; reason = 0x3; "),
            (
                "skb->mark == 1",
                "`skb->mark` is not in the recording: members of the sk_buff can be asked for while tracing",
            ),
        ] {
            let text = compiled(&recorded, expression);
            assert!(text.starts_with(expected), "{expression}: {text}");
        }
    }

    /// What one machine refuses for want of a name, the check without a machine lets pass.
    #[test]
    fn anywhere_knows_less_than_a_machine() {
        let (_directory, root) = machine();
        for expression in ["netns web", "drop NOPE", "skb->nope == NOPE"] {
            let machine = System::new(&root);
            let request = Request { expression, environment: &machine, ..Request::default() };
            assert!(compile(&request).is_err());
            assert!(compile(&Request { environment: &Anywhere, ..request }).is_ok());
        }
    }
}

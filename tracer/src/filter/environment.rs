//! What a filter asks about the machine that its packets are of: names of namespaces and drop reasons, members of the
//! kernel's structs. Whoever compiles one hands in the answers.

use std::fmt;

use crate::kernel::btf::Chain;

/// Answers to what only one machine knows. `None` accepts what cannot be known yet; a program compiled with it is for
/// checking the expression, not for running.
pub trait Environment: fmt::Debug {
    /// Inode of the network namespace that a path, a name or `pid:N` means.
    fn netns(&self, name: &str) -> Result<Option<u32>, Unanswered>;
    /// Number of the drop reason of this name, with or without `SKB_DROP_REASON_`.
    fn reason(&self, name: &str) -> Result<Option<u32>, Unanswered>;
    /// Where the members of `skb->…` lie.
    fn chain(&self, text: &str) -> Result<Option<Chain>, Unanswered>;
    /// The value of an enum's name, which a chain is compared with.
    fn constant(&self, chain: &str, name: &str) -> Result<Option<i64>, Unanswered>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// One sentence for the user.
    pub sentence: String,
    /// This process may not know it.
    pub denied: bool,
}

impl Unanswered {
    /// There is none.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), denied: false }
    }
}

/// Accepts everything unseen: for checks before it matters, or is allowed, which machine it is.
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

/// Knows nothing: for packets that come without their machine.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Environment for Anywhere {
    fn netns(&self, _: &str) -> Result<Option<u32>, Unanswered> {
        Ok(None)
    }

    fn reason(&self, _: &str) -> Result<Option<u32>, Unanswered> {
        Ok(None)
    }

    fn chain(&self, _: &str) -> Result<Option<Chain>, Unanswered> {
        Ok(None)
    }

    fn constant(&self, _: &str, _: &str) -> Result<Option<i64>, Unanswered> {
        Ok(None)
    }
}

impl Environment for Nowhere {
    fn netns(&self, _: &str) -> Result<Option<u32>, Unanswered> {
        Err(Unanswered::new("names of namespaces are not known here; write the number, as `inode:N`"))
    }

    fn reason(&self, _: &str) -> Result<Option<u32>, Unanswered> {
        Err(Unanswered::new("names of drop reasons are not known here; write the number"))
    }

    fn chain(&self, _: &str) -> Result<Option<Chain>, Unanswered> {
        Err(Unanswered::new("members of the sk_buff are not at hand here"))
    }

    fn constant(&self, _: &str, _: &str) -> Result<Option<i64>, Unanswered> {
        Err(Unanswered::new("the kernel's names of numbers are not known here; write the number"))
    }
}

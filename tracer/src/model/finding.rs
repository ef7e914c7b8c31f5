//! What speaks for or against something being at work, and what it comes to.

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it says.
    pub state: State,
    /// What was looked at.
    pub subject: &'static str,
    /// What was seen; may hold foreign text.
    pub seen: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// What a piece of evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Worth to know.
    Note,
    /// It cannot be told.
    Unknown,
}

/// Everything, and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// A word for scripts.
    pub verdict: &'static str,
    /// True if it works as it should.
    pub works: bool,
    /// A sentence.
    pub summary: String,
    /// What tells.
    pub findings: Vec<Finding>,
}

impl Finding {
    /// A piece of evidence without a remedy.
    pub fn new(state: State, subject: &'static str, seen: impl Into<String>) -> Self {
        Self { state, subject, seen: seen.into(), remedy: None }
    }

    /// The same with one.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

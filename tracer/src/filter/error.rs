//! Why an expression was refused, with the place in it.

use std::{fmt, ops::Range};

/// Most characters of a long expression that the caret line shows.
const EXCERPT: usize = 96;
/// Most characters of a word that a message repeats.
const ABRIDGED: usize = 40;

/// An expression that cannot be compiled. Its text is the problem, what would have been right, and below them the
/// expression with carets under the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", Context(self))]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// The expression as given.
    pub expression: Box<str>,
    /// Where in it, in bytes; empty at its end.
    pub place: Range<usize>,
    /// What could have stood there.
    pub expected: Option<Box<str>>,
    /// The known word that is spelled most like the one found.
    pub nearest: Option<&'static str>,
}

/// The kinds of problems.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A character that no expression contains.
    #[error("unexpected character `{0}`")]
    Character(char),
    /// A word, number or sign that cannot stand there.
    #[error("unexpected {0}")]
    Unexpected(String),
    /// A number that is not one, is too large, or out of the range that its place allows.
    #[error("{0}")]
    Number(String),
    /// An address that is not one, or does not go with its mask.
    #[error("{0}")]
    Address(String),
    /// A host name. Names are not looked up: an answer may change while packets are filtered, and asking causes packets.
    #[error("`{}` is not an address, and host names are not looked up", abridged(.0))]
    HostName(String),
    /// A service or protocol name that is in no table.
    #[error("unknown {what} `{}`", abridged(.name))]
    UnknownName {
        /// What kind of name was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A regular expression that is none.
    #[error("a bad regular expression: {0}")]
    Regex(String),
    /// Something that the machine at hand does not know, or does not tell.
    #[error("{sentence}")]
    Unanswered {
        /// One sentence.
        sentence: String,
        /// This process may not know it.
        denied: bool,
    },
    /// Words that are fine by themselves but mean nothing together.
    #[error("{0}")]
    Senseless(String),
    /// Conditions that contradict each other.
    #[error("no packet can match")]
    NeverMatches,
    /// Part of the language of pcap-filter(7) that this program does not have.
    #[error("`{word}` is not supported: {reason}")]
    Unsupported {
        /// The word.
        word: String,
        /// Why, and what to write instead.
        reason: &'static str,
    },
    /// Longer, deeper or in more parts than the program table holds.
    #[error("the expression is too large: {0}")]
    TooLarge(String),
}

/// As much of a word as a message repeats.
pub(crate) fn abridged(word: &str) -> String {
    let mut start: String = word.chars().take(ABRIDGED).collect();
    if start.len() < word.len() {
        start.push('…');
    }
    start
}

/// What follows the problem in an error's text.
struct Context<'a>(&'a Error);

impl fmt::Display for Context<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        if let Some(expected) = &error.expected {
            write!(formatter, ", expected {expected}")?;
        }
        if let Some(nearest) = error.nearest {
            write!(formatter, "; did you mean `{nearest}`?")?;
        }
        let (line, carets) = error.excerpt();
        if line.is_empty() { Ok(()) } else { write!(formatter, "\n  {line}\n  {carets}") }
    }
}

impl Error {
    pub(crate) fn new(problem: Problem, expression: &str, place: Range<usize>) -> Self {
        Self { problem, expression: expression.into(), place, expected: None, nearest: None }
    }

    pub(crate) fn expecting(mut self, expected: impl Into<Box<str>>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The expression, or the part of it around the place, and a line of carets to print below it. Control characters
    /// show as blanks.
    pub fn excerpt(&self) -> (String, String) {
        let before = self.expression.get(..self.place.start).map_or(0, |text| text.chars().count());
        let marked = self.expression.get(self.place.clone()).map_or(0, |text| text.chars().count());
        let skipped = if before + marked.min(EXCERPT / 2) > EXCERPT { before - EXCERPT / 2 } else { 0 };
        let total = self.expression.chars().count();
        let shown = self.expression.chars().skip(skipped).take(EXCERPT);
        let mut line = if skipped > 0 { "…".to_owned() } else { String::new() };
        line.extend(shown.map(|character| if character.is_control() { ' ' } else { character }));
        if total > skipped + EXCERPT {
            line.push('…');
        }
        let indent = before - skipped + usize::from(skipped > 0);
        let carets = marked.clamp(1, EXCERPT.saturating_sub(before - skipped).max(1));
        (line, format!("{}{}", " ".repeat(indent), "^".repeat(carets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let error = Error::new(Problem::Unexpected("`adn`".into()), "ip adn tcp", 3..6);
        let error = Error { nearest: Some("and"), ..error.expecting("`and`, `or` or the end") };
        let text = "unexpected `adn`, expected `and`, `or` or the end; did you mean `and`?\n  ip adn tcp\n     ^^^";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn long_expressions_are_cut() {
        let expression = format!("{}host\t{}", "ip or ".repeat(100), " x".repeat(200));
        let error = Error::new(Problem::Character('x'), &expression, 600..604);
        let (line, carets) = error.excerpt();
        assert_eq!(line.chars().count(), EXCERPT + 2);
        let column = carets.find('^').unwrap_or_default();
        assert_eq!(line.chars().skip(column).take(5).collect::<String>(), "host ");
        assert_eq!(carets.trim_start(), "^^^^");
    }
}

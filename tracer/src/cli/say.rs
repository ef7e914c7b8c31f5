//! What the program says to a person, on stderr. Nothing else in this layer writes there.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::{Mutex, PoisonError, mpsc::Sender},
};

use crate::view;

/// Where sentences go while something else has the terminal.
static DIVERTED: Mutex<Option<Sender<String>>> = Mutex::new(None);

/// While it lives, what is said goes to `listener` instead.
pub(crate) struct Diversion(());

impl Diversion {
    pub(crate) fn to(listener: Sender<String>) -> Self {
        *DIVERTED.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
        Self(())
    }
}

impl Drop for Diversion {
    fn drop(&mut self) {
        *DIVERTED.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Says `text` under the program's name. That nobody can hear it (stderr is closed or full) is no reason to end.
pub(crate) fn say(text: impl Display) {
    if let Some(listener) = DIVERTED.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        && listener.send(text.to_string()).is_ok()
    {
        return;
    }
    say_bare(format_args!("skbtrail: {text}"));
}

/// The same without the name in front, for what continues.
pub(crate) fn say_bare(text: impl Display) {
    let mut line = harmless(&text.to_string());
    line.push('\n');
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Names of interfaces and namespaces are foreign: nothing in them may steer the terminal. Line breaks, tabs and
/// backslashes do no harm, and carets below a filter or a regular expression stay in their place with them.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(KEPT) {
        let rest = part.trim_end_matches(KEPT);
        view::escape(rest.as_bytes(), &mut out);
        out.push_str(&part[rest.len()..]);
    }
    out
}

const KEPT: [char; 3] = ['\n', '\t', '\\'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_backslashes_stay_and_escape_sequences_go() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("a\n  b\n", "a\n  b\n"),
            ("\tip_\\d(\\\\\n", "\tip_\\d(\\\\\n"),
            ("no `\x1b[31mred\r`\n\x07", "no `\\x1b[31mred\\x0d`\n\\x07"),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected);
        }
    }
}

//! Colour, when asked for.

/// Whether output carries terminal colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape sequence at all.
    #[default]
    Plain,
    /// The eight basic colours, which every theme has.
    Colour,
}

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// Headings.
    Title,
    /// Detail that should stand back.
    Faint,
    /// A packet was dropped.
    Drop,
}

impl Style {
    /// Puts colour around what `out` holds from byte `start` on.
    pub(super) fn paint(self, tone: Tone, start: usize, out: &mut String) {
        let code = match (self, tone) {
            (Self::Plain, _) | (_, Tone::Plain) => return,
            (_, Tone::Title) => "\x1b[1m",
            (_, Tone::Faint) => "\x1b[2m",
            (_, Tone::Drop) => "\x1b[1;31m",
        };
        out.insert_str(start, code);
        out.push_str("\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_when_asked_for() {
        let cases = [
            (Style::Plain, Tone::Drop, "a b"),
            (Style::Colour, Tone::Plain, "a b"),
            (Style::Colour, Tone::Drop, "a \x1b[1;31mb\x1b[0m"),
        ];
        for (style, tone, expected) in cases {
            let mut out = "a b".to_owned();
            style.paint(tone, 2, &mut out);
            assert_eq!(out, expected);
        }
    }
}

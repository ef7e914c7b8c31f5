//! Whether what goes to stdout is coloured.

use std::io::{self, IsTerminal as _};

use super::args::ColorWhen;
use crate::view::Style;

/// The style of rows on stdout. Left to itself, a terminal gets colours unless `NO_COLOR` is set to something
/// (<https://no-color.org>).
pub(crate) fn style(when: ColorWhen) -> Style {
    let wanted = match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::stdout().is_terminal()
        }
    };
    if wanted { Style::Colour } else { Style::Plain }
}

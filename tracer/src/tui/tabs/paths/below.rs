//! What stands below the list of paths: the hops of one, or where two part.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    track::{self, Path, Side, Traits},
    tui::{
        state::State,
        tabs::packets::verdict_role,
        theme::Role,
        widget::text::{fit, put},
    },
    view::{
        self, Style,
        paths::{self, Profile},
    },
};

/// A line.
pub(super) type Text = (String, Role);

/// The hops of a path, with the time before each.
pub(super) fn hops(profile: &Profile<'_>, path: &Path) -> Vec<Text> {
    let mut text = String::new();
    paths::hops(profile, path, Style::Plain, &mut text);
    let role = |(number, line): (usize, &str)| match line {
        _ if number == 0 => verdict_role(path.verdict),
        line if line.ends_with("slowest") => Role::Warn,
        line if line.trim_start().starts_with("netns ") => Role::Change,
        line if line.trim_start().starts_with("p50") => Role::Faint,
        _ => Role::Plain,
    };
    text.lines().enumerate().map(|line| (line.1.to_owned(), role(line))).collect()
}

/// Where two paths part, in words.
pub(super) fn difference(profile: &Profile<'_>, state: &State<'_>, both: [(&Path, &Traits); 2]) -> Vec<Text> {
    let sides = both.map(|(path, traits)| Side { traits: traits.clone(), ..paths::one_side(profile, path) });
    let names = both.map(|(path, _)| {
        let mut name = String::new();
        paths::way(profile, path, &state.theme.signs, &mut name);
        name
    });
    let mut out = Vec::new();
    view::diff::text(&track::diff(&sides[0], &sides[1]), [&names[0], &names[1]], &mut out);
    let text = String::from_utf8_lossy(&out);
    let role = |line: &str| match line {
        line if ["Only", "A and B", "What tells", "Where they"].iter().any(|start| line.starts_with(start)) => {
            Role::Title
        }
        line if line.contains(" ends: dropped") => Role::Bad,
        _ => Role::Plain,
    };
    text.lines().map(|line| (line.to_owned(), role(line))).collect()
}

/// Draws lines.
pub(super) fn texts(buffer: &mut Buffer, area: Rect, state: &State<'_>, texts: &[Text]) {
    for (row, (text, role)) in texts.iter().take(usize::from(area.height)).enumerate() {
        let text = fit(text, area.width.saturating_sub(2), state.theme.signs.more, false);
        put(buffer, area, row as u16, 1, &text, state.theme.style(*role));
    }
}

//! Lines of a path on the screen: strokes, times, bars.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::lines::{DEVICE, LAYER, Line, What};
use crate::{
    tui::{
        theme::{Role, Theme},
        widget::text::{fit, put, put_right},
    },
    view::duration,
};

/// Letters of the columns to the right: when, how long, the bar.
const AT: u16 = 9;
const TOOK: u16 = 9;
const BAR: u16 = 8;
/// Deeper branches are not indented further.
const DEEPEST: usize = 4;

/// Letters before a line of a branch so deep.
pub(super) fn indent(depth: usize) -> u16 {
    2 + 2 * depth.min(DEEPEST) as u16
}

/// What stands above the columns.
pub(super) fn headings(width: u16) -> String {
    let left = width.saturating_sub(AT + TOOK + BAR);
    format!(
        "    {:LAYER$} {:DEVICE$} {:rest$}{:>9}{:>9}",
        "LAYER",
        "DEVICE",
        "FUNCTIONS",
        "AT",
        "TOOK",
        rest = usize::from(left).saturating_sub(6 + LAYER + DEVICE)
    )
}

/// Draws a line; `longest` is what the bars are measured by.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    row: u16,
    line: &Line,
    longest: u64,
    selected: bool,
    theme: &Theme,
) {
    let base = if selected { theme.style(Role::Selected) } else { Style::new() };
    if selected {
        buffer.set_style(Rect { y: area.y + row, height: 1, ..area }, base);
        put(buffer, area, row, 0, theme.strokes.here, base);
    }
    let style = |role: Role| base.patch(Style { bg: None, ..theme.style(role) });
    let start = indent(line.depth);
    let stroke = stroke(line, theme);
    let at = start + put(buffer, area, row, start, stroke, style(Role::Frame)) + 1;
    let timed = line.at.is_some();
    let right = if timed { AT + TOOK + BAR } else { 1 };
    let room = area.width.saturating_sub(at + right);
    put(buffer, area, row, at, &fit(&line.text, room, theme.signs.more, false), style(line.role));
    let column = |end: u16| Rect { width: area.width.saturating_sub(end), ..area };
    if let Some(time) = line.at {
        put_right(buffer, column(TOOK + BAR), row, &text(time), style(Role::Faint));
    }
    if let Some(took) = line.took {
        let slowest = took == longest && longest > 0;
        let role = if slowest { Role::Warn } else { Role::Plain };
        put_right(buffer, column(BAR), row, &text(took), style(role));
        let (bar, role) = if slowest { ("slowest".to_owned(), Role::Mark) } else { (bar(took, longest, theme), role) };
        put(buffer, column(0), row, area.width.saturating_sub(BAR - 1), &bar, style(role));
    }
}

fn stroke<'a>(line: &Line, theme: &'a Theme) -> &'a str {
    let strokes = &theme.strokes;
    match line.what {
        What::Netns => strokes.begin,
        What::Group { folded: true, .. } => strokes.folded,
        What::Group { folded: false, .. } => strokes.unfolded,
        What::Branch => strokes.beside,
        What::Verdict => strokes.end,
        What::Drop => " ",
        What::Note => "  ",
        What::Hop | What::Change => strokes.down,
    }
}

fn text(nanoseconds: u64) -> String {
    let mut text = String::new();
    duration::write(nanoseconds, &mut text);
    text
}

/// A bar of at most `BAR - 1` letters.
fn bar(took: u64, longest: u64, theme: &Theme) -> String {
    let bars = theme.strokes.bars;
    let steps = bars.len() as u64;
    let full = u64::from(BAR - 2) * steps;
    let length = (u128::from(took) * u128::from(full) / u128::from(longest.max(1))) as u64;
    let mut bar = bars[bars.len() - 1].repeat((length / steps) as usize);
    if let Some(rest) = (length % steps).checked_sub(1) {
        bar.push_str(bars[rest as usize]);
    }
    bar
}

//! Tables in boxes of `+`, `-` and `|`, as Calico's tool draws them.

use std::fmt::Write as _;

/// Letters of a cell before it is broken.
const WIDEST: usize = 30;

/// Appends a box. Headings stand in the middle, numbers on the right; the first cell is left empty where it is that of the
/// row above.
pub fn write(headings: &[&str], rows: &[Vec<String>], out: &mut String) {
    let broken: Vec<Vec<Vec<&str>>> = rows.iter().map(|row| row.iter().map(|cell| wrapped(cell)).collect()).collect();
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(place, heading)| {
            let parts = broken.iter().filter_map(|row| row.get(place)).flatten();
            parts.map(|part| part.chars().count()).max().unwrap_or_default().max(heading.len())
        })
        .collect();
    let rule = widths.iter().fold("+".to_owned(), |rule, width| rule + &"-".repeat(width + 2) + "+");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{rule}");
    line(headings.iter().zip(&widths).map(|(heading, width)| format!("{heading:^width$}")), out);
    let _ = writeln!(out, "{rule}");
    let mut above = None;
    for (row, cells) in rows.iter().zip(&broken) {
        let repeats = above.is_some() && above == row.first();
        above = row.first();
        for height in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
            let parts = cells.iter().zip(&widths).enumerate().map(|(place, (cell, width))| {
                let part = if place == 0 && repeats { "" } else { cell.get(height).copied().unwrap_or_default() };
                let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                if is_number { format!("{part:>width$}") } else { format!("{part:<width$}") }
            });
            line(parts, out);
        }
    }
    let _ = writeln!(out, "{rule}");
}

fn line(cells: impl Iterator<Item = String>, out: &mut String) {
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {cell} |");
    }
    out.push('\n');
}

/// Broken at spaces, such that no part is wider unless a word is.
fn wrapped(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, 0);
    for word in text.split_inclusive(' ') {
        if end > start && text[start..end + word.len()].trim_end().chars().count() > WIDEST {
            parts.push(text[start..end].trim_end());
            start = end;
        }
        end += word.len();
    }
    parts.push(&text[start..end]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_tool_draws_it() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["Accepted", "by policy", "1", "N/A"]),
            row(["Dropped", "by policy", "12345678", "0"]),
            row(["Dropped", "packets with unsupported IP options", "0", "0"]),
        ];
        let mut out = String::new();
        write(&["CATEGORY", "TYPE", "INGRESS", "XDP"], &rows, &mut out);
        let expected = "\
+----------+-----------------------------+----------+-----+
| CATEGORY |            TYPE             | INGRESS  | XDP |
+----------+-----------------------------+----------+-----+
| Accepted | by policy                   |        1 | N/A |
| Dropped  | by policy                   | 12345678 |   0 |
|          | packets with unsupported IP |        0 |   0 |
|          | options                     |          |     |
+----------+-----------------------------+----------+-----+
";
        assert_eq!(out, expected);
    }
}

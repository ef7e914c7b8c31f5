//! Cells set out as Go's `text/tabwriter` does, which the tools of Cilium and Calico use: columns at least five wide, three
//! spaces behind the widest cell of each, spaces behind a last cell too if it counts as a column.

use crate::{
    model::{Decoded, Form},
    view::{Style, Tone, escape},
};

/// Columns are no narrower, spaces included.
const NARROWEST: usize = 5;
/// Spaces behind the widest cell.
const PADDING: usize = 3;

/// Columns and how wide they are so far.
pub struct Layout {
    form: Form,
    titles: &'static [&'static str],
    widths: Vec<usize>,
    /// The first cell of the row written last, where equal ones are left out.
    last: Option<String>,
}

impl Layout {
    /// No row seen yet.
    pub fn new(form: Form, titles: &'static [&'static str]) -> Self {
        let mut layout = Self { form, titles, widths: vec![NARROWEST; titles.len()], last: None };
        let counted = titles.len().saturating_sub(usize::from(form != Form::Padded));
        for (place, title) in titles.iter().take(counted).enumerate() {
            layout.widen(place, width(title));
        }
        layout
    }

    /// Makes room for a row that will be written.
    pub fn measure(&mut self, row: &Decoded) {
        let is_open = self.form == Form::Columns;
        let counted = row.cells.len().saturating_sub(usize::from(is_open));
        for (place, cell) in row.cells.iter().take(counted).enumerate() {
            let mut escaped = String::new();
            escape(cell.as_bytes(), &mut escaped);
            self.widen(place, width(&escaped));
        }
    }

    /// Appends the headings.
    pub fn header(&self, style: Style, out: &mut String) {
        if self.titles.is_empty() {
            return;
        }
        let start = out.len();
        for (place, title) in self.titles.iter().enumerate() {
            let is_last = place + 1 == self.titles.len();
            self.cell(place, title, is_last && self.form != Form::Padded, out);
        }
        style.paint(Tone::Title, start, out);
        out.push('\n');
    }

    /// Appends a row.
    pub fn row(&mut self, row: &Decoded, out: &mut String) {
        let skips_first = self.skips_first(row);
        for (place, cell) in row.cells.iter().enumerate() {
            let is_last = place + 1 == row.cells.len();
            let text = if place == 0 && skips_first { "" } else { cell };
            let is_open = is_last && matches!(self.form, Form::Columns | Form::Lines);
            self.cell(place, text, is_open, out);
        }
        out.push('\n');
    }

    fn skips_first(&mut self, row: &Decoded) -> bool {
        if self.form != Form::Pairs {
            return false;
        }
        let first = row.cells.first();
        if self.last.as_ref() == first {
            return true;
        }
        self.last = first.cloned();
        false
    }

    fn cell(&self, place: usize, text: &str, is_open: bool, out: &mut String) {
        let start = out.len();
        escape(text.as_bytes(), out);
        if is_open {
            return;
        }
        let room = self.widths.get(place).copied().unwrap_or_default();
        let filled = width(&out[start..]);
        out.extend(std::iter::repeat_n(' ', room.saturating_sub(filled)));
    }

    fn widen(&mut self, place: usize, text: usize) {
        if let Some(width) = self.widths.get_mut(place) {
            *width = (*width).max(text + PADDING);
        }
    }
}

/// Letters, as the Go package counts them.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, titles: &'static [&'static str], rows: &[&[&str]], expected: &str) {
        let rows: Vec<Decoded> = rows
            .iter()
            .map(|cells| Decoded { cells: cells.iter().map(ToString::to_string).collect(), fields: Vec::new() })
            .collect();
        let mut layout = Layout::new(form, titles);
        for row in &rows {
            layout.measure(row);
        }
        let mut out = String::new();
        layout.header(Style::Plain, &mut out);
        for row in &rows {
            layout.row(row, &mut out);
        }
        assert_eq!(out, expected, "{form:?}");
    }

    #[test]
    fn pairs_are_padded_behind_the_value() {
        let rows: &[&[&str]] = &[&["10.0.0.1:80", "first"], &["10.0.0.1:80", "the second"], &["10.0.0.2:80", "x"]];
        let expected = "\
KEY           VALUE
10.0.0.1:80   first        
              the second   
10.0.0.2:80   x            
";
        check(Form::Pairs, &["KEY", "VALUE"], rows, expected);
        check(Form::Pairs, &["RANGE", ""], &[&["a", ""]], "RANGE   \na            \n");
    }

    #[test]
    fn columns_end_with_their_text() {
        check(Form::Columns, &["A", "LAST"], &[&["1", "x"], &["four", "y"]], "A      LAST\n1      x\nfour   y\n");
        check(Form::Columns, &["A", "B"], &[&["1", "x"]], "A    B\n1    x\n");
    }

    #[test]
    fn padded_ones_do_not() {
        check(Form::Padded, &["A", "LAST"], &[&["1", "x"]], "A    LAST   \n1    x      \n");
    }

    #[test]
    fn lines_are_as_they_are_but_for_foreign_bytes() {
        check(Form::Lines, &[], &[&["a  b "], &["\x1b[31m"]], "a  b \n\\x1b[31m\n");
    }
}

//! Aligned text: a header once, one line an event, and what was asked for beyond it on lines below.
//!
//! Widths are fixed before the first row, so columns never drift. A value that is too long is shown whole; the columns
//! behind it move right in that row alone, and the next gap that is wide enough puts them back in place.

use super::columns::{Align, Column, Place};
use super::gaps::Gaps;
use super::{Context, Row, Style, Timestamp, Tone};

/// Stands where an event does not say.
const UNKNOWN: &str = "-";
/// Enough for nearly every gap.
const BLANKS: &str = "                                                                ";
/// Functions that give the memory of an `sk_buff` back.
const FREES: [&str; 1] = ["kfree_skbmem"];

/// Prints events as text.
pub struct Printer {
    cells: Vec<Cell>,
    below: Vec<&'static dyn Column>,
    header: String,
    style: Style,
    /// Only where the time is shown as distance from the event before.
    gaps: Option<Gaps>,
    /// The row being written; kept so that its memory is used again.
    line: String,
}

struct Cell {
    column: &'static dyn Column,
    /// Letters from the beginning of the line.
    start: usize,
    width: usize,
}

impl Printer {
    /// A printer of these columns, in their order.
    pub fn new(columns: &[&'static dyn Column], context: &Context<'_>, style: Style) -> Self {
        let (cells, below): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.place() == Place::Cell);
        let cells = lay_out(&cells, context);
        let relative = context.timestamp == Timestamp::Relative && columns.iter().any(|column| column.name() == "time");
        let mut printer = Self {
            cells,
            below,
            header: String::new(),
            style,
            gaps: relative.then(Gaps::default),
            line: String::new(),
        };
        printer.header = printer.titles();
        printer
    }

    /// Appends the line of column titles.
    pub fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.header.as_bytes());
    }

    /// Appends an event: its line, and those below it.
    pub fn event(&mut self, row: &Row<'_>, out: &mut Vec<u8>) {
        let mut row = *row;
        if let Some(gaps) = &mut self.gaps {
            row.since = Some(gaps.since(row.event.skb, row.event.time));
            if row.probe().is_some_and(|probe| FREES.contains(&probe.name.as_str())) {
                gaps.freed(row.event.skb);
            }
        }
        self.line.clear();
        write_cells(&self.cells, self.style, &mut self.line, |column, out| {
            column.text(&row, out);
            column.tone(&row)
        });
        for column in &self.below {
            let start = self.line.len();
            column.text(&row, &mut self.line);
            if self.line.len() > start {
                self.style.paint(column.tone(&row), start, &mut self.line);
            }
        }
        out.extend_from_slice(self.line.as_bytes());
    }

    fn titles(&self) -> String {
        let mut line = String::new();
        write_cells(&self.cells, Style::Plain, &mut line, |column, out| {
            out.push_str(column.header());
            Tone::Plain
        });
        // The newline stays outside of the colour.
        line.pop();
        self.style.paint(Tone::Title, 0, &mut line);
        line.push('\n');
        line
    }
}

fn lay_out(columns: &[&'static dyn Column], context: &Context<'_>) -> Vec<Cell> {
    let mut next = 0;
    columns
        .iter()
        .map(|&column| {
            let width = column.width(context).max(column.header().len());
            let start = next;
            next += width + 1;
            Cell { column, start, width }
        })
        .collect()
}

/// Writes a line. `write` appends the text of a cell and tells its tone.
fn write_cells(
    cells: &[Cell],
    style: Style,
    line: &mut String,
    write: impl Fn(&'static dyn Column, &mut String) -> Tone,
) {
    let mut position = 0;
    for cell in cells {
        if position > 0 {
            position += blanks((cell.start.saturating_sub(position)).max(1), line);
        }
        let start = line.len();
        let mut tone = write(cell.column, line);
        if line.len() == start {
            line.push_str(UNKNOWN);
            tone = Tone::Plain;
        }
        let letters = letters(&line[start..]);
        let room = (cell.start + cell.width).saturating_sub(position + letters);
        style.paint(tone, start, line);
        if cell.column.align() == Align::Right && room > 0 {
            let room = room.min(BLANKS.len());
            line.insert_str(start, &BLANKS[..room]);
            position += room;
        }
        position += letters;
    }
    line.push('\n');
}

/// Appends spaces; how many.
fn blanks(count: usize, line: &mut String) -> usize {
    let mut rest = count;
    while rest > 0 {
        let step = rest.min(BLANKS.len());
        line.push_str(&BLANKS[..step]);
        rest -= step;
    }
    count
}

fn letters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{Sample, V6, details, headers, make_drop, name};
    use crate::view::{Selection, columns};

    fn print(selection: &Selection<'_>, style: Style, changes: &[&dyn Fn(&mut crate::model::Event)]) -> String {
        let sample = Sample::new();
        let context = Context { timestamp: selection.timestamp, ..sample.context() };
        let mut printer = Printer::new(&selection.text().unwrap(), &context, style);
        let mut out = Vec::new();
        printer.header(&mut out);
        for change in changes {
            let mut event = sample.event.clone();
            change(&mut event);
            printer.event(&Row::new(&event, &context), &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_stay_aligned() {
        let long = |event: &mut crate::model::Event| {
            event.comm = name("a-very-long-nam");
            event.pid = 4_194_304;
            event.headers = headers(0x86dd, &V6);
        };
        let nothing = |event: &mut crate::model::Event| {
            (event.netns, event.ifindex, event.mtu, event.protocol) = (None, None, None, 0);
            event.ifname = name("");
            event.headers = headers(0x88cc, &[]);
        };
        let text = print(&Selection::default(), Style::Plain, &[&|_| (), &long, &nothing, &make_drop]);
        insta::assert_snapshot!(text, @r"
        SKB                CPU PROCESS          NETNS      MARK/x IFACE       PROTO    MTU   LEN TUPLE                                          FUNC
        0xffff888100001000 0   ping:1592        4026531840 0      va:3        0x0800  1500    84 10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)     ip_rcv
        0xffff888100001000 0   a-very-long-nam:4194304 4026531840 0 va:3      0x0800  1500    84 [2606:4700:4700::1111]:37026->[2001:db8:1:2:3:4:5:6]:8080(udp) ip_rcv
        0xffff888100001000 0   ping:1592        -          0      -           -          -    84 -                                              ip_rcv
        0xffff888100001000 0   ping:1592        4026531840 0      va:3        0x0800  1500    84 10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)     skb:kfree_skb(NETFILTER_DROP at nft_do_chain+0x1c2)
        ");
    }

    #[test]
    fn stack_and_packet_go_below() {
        let selection = Selection { meta: false, stack: true, packet: true, caller: true, ..Selection::default() };
        let change = |event: &mut crate::model::Event| {
            event.caller = Some(16);
            details(event).stack = Some(Ok(vec![16, 32]));
            details(event).packet = vec![0x45, 0];
        };
        insta::assert_snapshot!(print(&selection, Style::Plain, &[&change, &|_| ()]), @r"
        SKB                CPU PROCESS          TUPLE                                          FUNC                                 CALLER
        0xffff888100001000 0   ping:1592        10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)     ip_rcv                               0x10
            0x10
            0x20
            0000  45 00                                            E.
        0xffff888100001000 0   ping:1592        10.77.0.1->10.77.0.2(icmp echo id 7 seq 1)     ip_rcv                               -
        ");
    }

    #[test]
    fn relative_time_is_per_packet() {
        let selection =
            Selection { columns: Some("time,skb,func"), timestamp: Timestamp::Relative, ..Selection::default() };
        let at = |skb, time| move |event: &mut crate::model::Event| (event.skb, event.time) = (skb, time);
        let text = print(&selection, Style::Plain, &[&at(1, 10), &at(2, 12), &at(1, 1500), &at(2, 13)]);
        insta::assert_snapshot!(text, @r"
        TIME SKB                FUNC
           0 0x1                ip_rcv
           0 0x2                ip_rcv
        1490 0x1                ip_rcv
           1 0x2                ip_rcv
        ");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let changes: [&dyn Fn(&mut crate::model::Event); 2] = [&|_| (), &make_drop];
        let selection = Selection { columns: Some("len,func,drop"), ..Selection::default() };
        let coloured = print(&selection, Style::Colour, &changes);
        assert!(coloured.contains("\x1b[1;31mskb:kfree_skb("));
        let bare = ["\x1b[1;31m", "\x1b[1m", "\x1b[0m"].iter().fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(bare, print(&selection, Style::Plain, &changes));
    }

    #[test]
    fn every_title_fits_its_column() {
        let sample = Sample::new();
        let all: Vec<_> = columns::COLUMNS.to_vec();
        for cell in lay_out(&all, &sample.context()) {
            assert!(cell.width >= cell.column.header().len());
        }
    }
}

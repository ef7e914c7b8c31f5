//! The packet's first bytes.

use super::{Column, Context, Object, Row};
use crate::view::columns::{INDENT, Place};
use crate::view::{Tone, number};

const BYTES_A_LINE: usize = 16;

pub(super) struct Packet;

impl Column for Packet {
    fn name(&self) -> &'static str {
        "packet"
    }

    fn help(&self) -> &'static str {
        "first bytes of the packet, as a hex dump below the row"
    }

    fn header(&self) -> &'static str {
        "PACKET"
    }

    fn width(&self, _context: &Context<'_>) -> usize {
        0
    }

    fn place(&self) -> Place {
        Place::Below
    }

    fn tone(&self, _row: &Row<'_>) -> Tone {
        Tone::Faint
    }

    fn text(&self, row: &Row<'_>, out: &mut String) {
        for (index, line) in bytes(row).chunks(BYTES_A_LINE).enumerate() {
            write_line(index * BYTES_A_LINE, line, out);
        }
    }

    fn json(&self, row: &Row<'_>, object: &mut Object<'_>) {
        let bytes = bytes(row);
        if !bytes.is_empty() {
            object.text("packet", |out| bytes.iter().for_each(|&byte| number::hex(byte as u64, 2, out)));
        }
    }
}

fn bytes<'a>(row: &Row<'a>) -> &'a [u8] {
    row.event.details.as_ref().map_or(&[], |details| &details.packet)
}

/// `0010  45 00 00 54 …  E..T`
fn write_line(offset: usize, line: &[u8], out: &mut String) {
    out.push_str(INDENT);
    number::hex(offset as u64, 4, out);
    out.push(' ');
    for &byte in line {
        out.push(' ');
        number::hex(byte as u64, 2, out);
    }
    for _ in line.len()..BYTES_A_LINE {
        out.push_str("   ");
    }
    out.push_str("  ");
    out.extend(line.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte as char } else { '.' }));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{check, details};

    #[test]
    fn dumps() {
        check(&Packet, |_, _| (), "", "{}");
        check(
            &Packet,
            |event, _| details(event).packet = b"E\0\0T\x1b[2J0123456789".to_vec(),
            "    0000  45 00 00 54 1b 5b 32 4a 30 31 32 33 34 35 36 37  E..T.[2J01234567\n    \
                 0010  38 39                                            89\n",
            r#"{"packet":"450000541b5b324a30313233343536373839"}"#,
        );
    }
}

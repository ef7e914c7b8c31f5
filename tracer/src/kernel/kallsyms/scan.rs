//! One pass over the lines of the file.

use std::io::{BufRead as _, BufReader, Read};

use super::Error;

/// The kernel gives at most a few pages a call; more would not save calls.
const BUFFER: usize = 64 << 10;

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Address, 0 where it is hidden.
    pub address: u64,
    /// The letter that `nm` would show.
    pub kind: u8,
    /// Name.
    pub name: &'a [u8],
    /// What stands in brackets behind it.
    pub module: Option<&'a [u8]>,
}

impl Entry<'_> {
    /// It is code.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, b't' | b'T' | b'w' | b'W')
    }
}

/// Calls `visit` for each line that is well-formed.
pub(super) fn each(file: impl Read, mut visit: impl FnMut(Entry<'_>)) -> Result<(), Error> {
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let mut line = Vec::with_capacity(600);
    let (mut any, mut shown) = (false, false);
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Some(entry) = parse(&line) {
            any = true;
            shown |= entry.address != 0;
            visit(entry);
        }
        line.clear();
    }
    if any && !shown { Err(Error::Hidden) } else { Ok(()) }
}

/// `ffffffff81000000 T name` and, in modules, `\t[module]`.
fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let line = line.trim_ascii_end();
    let blank = line.iter().position(|&byte| byte == b' ')?;
    let address = hexadecimal(&line[..blank])?;
    let (&kind, rest) = line.get(blank + 1..)?.split_first()?;
    let rest = rest.strip_prefix(b" ")?;
    let (name, module) = match rest.iter().position(|&byte| byte == b'\t') {
        Some(tab) => (&rest[..tab], rest[tab + 1..].strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"))),
        None => (rest, None),
    };
    (!name.is_empty()).then_some(Entry { address, kind, name, module })
}

/// Cheaper than going through text: there are some 150 000 lines.
pub(in crate::kernel) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0, |value, &digit| {
        let digit = (digit as char).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let check = |line: &str, expected: Option<(u64, char, &str, Option<&str>)>| {
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            let parsed = parse(line.as_bytes())
                .map(|entry| (entry.address, entry.kind as char, text(entry.name), entry.module.map(text)));
            assert_eq!(parsed, expected, "{line:?}");
        };
        check("ffffffff81000000 T _text\n", Some((0xffff_ffff_8100_0000, 'T', "_text", None)));
        check("ffffffffc0001000 t br_dev\t[bridge]\n", Some((0xffff_ffff_c000_1000, 't', "br_dev", Some("bridge"))));
        check("0 A x", Some((0, 'A', "x", None)));
        check("", None);
        check("\n", None);
        check("ffffffff81000000\n", None);
        check("ffffffff81000000 T", None);
        check("ffffffff81000000 T \n", None);
        check("fffffffff81000000 T long\n", None);
        check("xyz T name\n", None);
    }
}

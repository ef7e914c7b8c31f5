//! Marks: `--filter-mark m[/mask]`.

use super::error::{Error, Problem};

/// Value and mask of `m[/mask]`, each decimal or `0x…`. Without a mask all bits count.
pub fn parse_mark(text: &str) -> Result<(u32, u32), Error> {
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (number(text, value, 0)?, number(text, mask, value.len() + 1)?),
        None => (number(text, text, 0)?, u32::MAX),
    };
    if value & !mask != 0 {
        let problem =
            Problem::Number("the mark has bits set outside of its mask, so that no packet could have it".to_owned());
        return Err(Error::new(problem, text, 0..text.len()));
    }
    Ok((value, mask))
}

fn number(text: &str, digits: &str, start: usize) -> Result<u32, Error> {
    let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    // `parse` takes a sign; a mark has none.
    let parsed = parsed.ok().filter(|_| !digits.contains('+'));
    parsed.ok_or_else(|| {
        let problem = Problem::Number(format!("`{digits}` is not a number of 32 bits"));
        Error::new(problem, text, start..start + digits.len())
            .expecting("a mark such as `5`, `0x1f00` or `0x100/0xff00`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        let cases = [
            ("5", Some((5, u32::MAX))),
            ("0", Some((0, u32::MAX))),
            ("0x1f00/0xff00", Some((0x1f00, 0xff00))),
            ("0XA/15", Some((10, 15))),
            ("0/0", Some((0, 0))),
            ("4294967295", Some((u32::MAX, u32::MAX))),
            ("4294967296", None),
            ("0x1ff/0xff", None),
            ("", None),
            ("/5", None),
            ("5/", None),
            ("-1", None),
            ("+1", None),
            ("0x+1", None),
            ("1/2/3", None),
            ("mark", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_mark(text).ok(), expected, "{text}");
        }
        let error = parse_mark("5/x").expect_err("no number");
        let text =
            "`x` is not a number of 32 bits, expected a mark such as `5`, `0x1f00` or `0x100/0xff00`\n  5/x\n    ^";
        assert_eq!(error.to_string(), text);
    }
}

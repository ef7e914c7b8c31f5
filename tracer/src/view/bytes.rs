//! Sizes for people, and bytes as they lie in memory.

use super::number;

/// `950 B`, `1.25 kB`, `88.6 MB`, `2.47 GB`; cut off, not rounded.
pub(super) fn text(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => (1, " B"),
        1_000..1_000_000 => (1_000, " kB"),
        1_000_000..1_000_000_000 => (1_000_000, " MB"),
        _ => (1_000_000_000, " GB"),
    };
    let whole = bytes / unit;
    let mut out = String::new();
    number::decimal(whole, &mut out);
    let digits: u32 = match whole {
        _ if unit == 1 => 0,
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    if digits > 0 {
        out.push('.');
        number::padded(bytes % unit * 10_u64.pow(digits) / unit, digits as usize, &mut out);
    }
    out.push_str(name);
    out
}

/// Appends hexadecimal digits, two a byte, with `gap` between bytes.
pub(super) fn hex(bytes: &[u8], gap: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * (2 + gap.len()));
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 {
            out.push_str(gap);
        }
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let cases =
            [(0, "0 B"), (999, "999 B"), (8064, "8.06 kB"), (88_690_000, "88.6 MB"), (u64::MAX, "18446744073 GB")];
        for (bytes, expected) in cases {
            assert_eq!(text(bytes), expected);
        }
    }

    #[test]
    fn bytes_in_order() {
        let mut out = String::new();
        hex(&[0, 0xa1, 255], " ", &mut out);
        hex(&[], " ", &mut out);
        hex(&[1, 2], "", &mut out);
        assert_eq!(out, "00 a1 ff0102");
    }
}

//! Numbers as text, several times faster than the general formatter: they are most of what a row consists of.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends a decimal number.
pub(crate) fn decimal(value: impl Into<u64>, out: &mut String) {
    let mut rest = value.into();
    if rest < 10 {
        return out.push((b'0' + rest as u8) as char);
    }
    let mut buffer = [0; 20];
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    push(&buffer[at..], out);
}

/// Appends a decimal number that may be negative.
pub(crate) fn signed(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    decimal(value.unsigned_abs(), out);
}

/// Appends a decimal number with zeros before it, `width` digits at least.
pub(crate) fn padded(value: u64, width: usize, out: &mut String) {
    let digits = value.checked_ilog10().map_or(1, |log| log as usize + 1);
    for _ in digits..width {
        out.push('0');
    }
    decimal(value, out);
}

/// Appends hexadecimal digits with zeros before them, `width` digits at least, without `0x`.
pub(crate) fn hex(value: u64, width: usize, out: &mut String) {
    let digits = (16 - value.leading_zeros() as usize / 4).max(width).clamp(1, 16);
    let mut buffer = [0; 16];
    for (place, digit) in buffer[..digits].iter_mut().rev().enumerate() {
        *digit = DIGITS[(value >> (4 * place)) as usize & 15];
    }
    push(&buffer[..digits], out);
}

fn push(digits: &[u8], out: &mut String) {
    out.extend(str::from_utf8(digits));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn borders() {
        for (value, width) in
            [(0, 0), (0, 1), (0, 16), (1, 4), (0x800, 4), (0x1_0000, 4), (u64::MAX, 4), (9, 3), (10, 3)]
        {
            check(value, width);
        }
    }

    proptest! {
        #[test]
        fn as_the_standard_formatter(value in any::<u64>(), shift in 0_u32..64, width in 0_usize..16) {
            check(value >> shift, width);
        }
    }

    fn check(value: u64, width: usize) {
        let mut out = String::new();
        decimal(value, &mut out);
        out.push(' ');
        padded(value, width, &mut out);
        out.push(' ');
        hex(value, width, &mut out);
        assert_eq!(out, format!("{value} {value:0width$} {value:0width$x}"));
    }
}

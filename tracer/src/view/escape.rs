//! The one way for foreign bytes (process, interface and symbol names) into any output.

use std::fmt::Write;

/// Appends `bytes`, with everything that could mislead a terminal or its reader as `\xNN`: control characters, what is
/// not UTF-8, marks that reorder or hide text, and the backslash itself, so that no two names look the same.
pub fn escape(bytes: &[u8], out: &mut String) {
    // Nearly every name takes this way.
    if bytes.iter().all(|&byte| is_plain(byte)) {
        out.extend(str::from_utf8(bytes));
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' || letter.is_control() || is_deceptive(letter) {
                hex(letter.encode_utf8(&mut [0; 4]).as_bytes(), out);
            } else {
                out.push(letter);
            }
        }
        hex(chunk.invalid(), out);
    }
}

fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'\\'
}

/// Takes no room, or changes the order of its neighbours (zero-width and bidirectional marks, line separators).
fn is_deceptive(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        let cases: [(&[u8], &str); 8] = [
            (b"ping", "ping"),
            (b"", ""),
            (b"a b~!\"", "a b~!\""),
            (b"\x1b[31mred\x07", r"\x1b[31mred\x07"),
            ("mäuschen".as_bytes(), "mäuschen"),
            (b"cut\xc3", r"cut\xc3"),
            (b"a\\x1b\n", r"a\x5cx1b\x0a"),
            ("\u{202e}gpj.\u{9b}31m".as_bytes(), r"\xe2\x80\xaegpj.\xc2\x9b31m"),
        ];
        for (bytes, expected) in cases {
            let mut out = String::new();
            escape(bytes, &mut out);
            assert_eq!(out, expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_steers_a_terminal_passes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut out = String::new();
            escape(&bytes, &mut out);
            prop_assert!(!out.chars().any(char::is_control));
        }
    }
}

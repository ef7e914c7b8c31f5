//! Text on a screen: put, cut, and put to the right.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

/// Puts text at the beginning of an area's line; the letters that it took.
pub fn put(buffer: &mut Buffer, area: Rect, row: u16, column: u16, text: &str, style: Style) -> u16 {
    if row >= area.height || column >= area.width {
        return 0;
    }
    let (x, y) = (area.x + column, area.y + row);
    let (end, _) = buffer.set_stringn(x, y, text, usize::from(area.width - column), style);
    end - x
}

/// Puts text at the end of an area's line.
pub fn put_right(buffer: &mut Buffer, area: Rect, row: u16, text: &str, style: Style) {
    let width = width(text).min(area.width);
    put(buffer, area, row, area.width - width, text, style);
}

/// Letters that a text takes on a screen.
pub fn width(text: &str) -> u16 {
    if text.is_ascii() { text.len().min(usize::from(u16::MAX)) as u16 } else { Line::raw(text).width() as u16 }
}

/// The text in so many letters: what is left out stands as `more`, at the end, or in the middle if the end matters.
pub fn fit(text: &str, room: u16, more: &str, keeps_end: bool) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let room = usize::from(room);
    let Some(left) = room.checked_sub(usize::from(width(more))) else { return String::new() };
    let tail = if keeps_end { left * 2 / 3 } else { 0 };
    let mut out = head(text, left - tail);
    out.push_str(more);
    out.push_str(&last(text, tail));
    out
}

/// The text in lines of so many letters, broken at spaces; a word that is longer is broken where it must.
pub fn wrap(text: &str, room: u16) -> Vec<String> {
    let room = usize::from(room.max(1));
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &String| usize::from(width(line)) + 1 + usize::from(width(word)) <= room;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
        while let Some(last) = lines.pop_if(|line| usize::from(width(line)) > room) {
            let start = head(&last, room);
            // A letter that is wider than the line would be broken for ever.
            let cut = if start.is_empty() { last.len() } else { start.len() };
            lines.push(last[..cut].to_owned());
            if cut < last.len() {
                lines.push(last[cut..].to_owned());
            } else {
                break;
            }
        }
    }
    lines
}

/// The beginning of a text, so many letters.
fn head(text: &str, room: usize) -> String {
    let mut out = String::new();
    let mut taken = 0;
    for letter in text.chars() {
        taken += letter_width(letter);
        if taken > room {
            break;
        }
        out.push(letter);
    }
    out
}

/// The end of a text, so many letters.
fn last(text: &str, room: usize) -> String {
    let mut taken = 0;
    let kept = text.chars().rev().take_while(|letter| {
        taken += letter_width(*letter);
        taken <= room
    });
    let mut out: Vec<char> = kept.collect();
    out.reverse();
    out.into_iter().collect()
}

fn letter_width(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { usize::from(width(letter.encode_utf8(&mut [0; 4]))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_wrap() {
        let check = |text, room, expected: &[&str]| assert_eq!(wrap(text, room), expected, "{text} in {room}");
        check("no one listens  there", 9, &["no one", "listens", "there"]);
        check("abcdefgh ij", 3, &["abc", "def", "gh", "ij"]);
        check("日本", 1, &["日本"]);
        check("", 5, &[]);
    }

    #[test]
    fn texts_fit() {
        let cases = [
            ("abc", 3, false, "abc"),
            ("abcdef", 4, false, "abc…"),
            ("abcdefghij", 7, true, "ab…ghij"),
            ("abc", 1, false, "…"),
            ("abc", 0, false, ""),
            ("日本語", 4, false, "日…"),
        ];
        for (text, room, keeps_end, expected) in cases {
            assert_eq!(fit(text, room, "…", keeps_end), expected, "{text} in {room}");
        }
    }
}

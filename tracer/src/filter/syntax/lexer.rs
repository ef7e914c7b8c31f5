//! Splits an expression into tokens.
//!
//! Words are as long as they can be, so `tcp-syn` and `6000-6008` are one word each, and `len-1` is no subtraction: what
//! tcpdump users are used to. Which words are keywords is the parser's business.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::text::{awaits_text, chain_length, quoted, text};
use super::words;
use crate::filter::error::{Error, Problem, abridged};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name.
    Word,
    /// A name behind a backslash or in quotes, never a keyword. The text is without them.
    Escaped,
    /// What a key compares with, where that is text (`keys::Operand::Text`), without the quotes that it may have had.
    Text,
    /// A chain of members, `skb->dev->ifindex`.
    Chain,
    /// A number: decimal, `0x…`, octal with a leading 0, or one of [`words::NUMBERS`].
    Number(u32),
    /// A larger one, of up to 64 bits.
    Long(u64),
    /// Two to four decimal numbers with dots between.
    Dotted,
    /// A link-layer address.
    Mac([u8; 6]),
    /// An IPv6 address.
    Inet6(Ipv6Addr),
    /// An operator, parenthesis or bracket.
    Sign,
    /// Behind the last token.
    End,
}

/// A piece of the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Where it starts, in bytes.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
}

impl Token<'_> {
    /// Whether it is this operator or unescaped word.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Sign | Kind::Word) && self.text == text
    }

    pub(crate) fn place(&self) -> Range<usize> {
        self.start..self.end
    }

    /// As messages name it.
    pub(crate) fn describe(&self) -> String {
        if self.kind == Kind::End { "end of the expression".to_owned() } else { format!("`{}`", abridged(self.text)) }
    }
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "(", ")", "[", "]", "!", "=", "<", ">", "+", "-", "*", "/", "%",
    "&", "|", "^", ":",
];

/// The tokens of `expression`, the last of them [`Kind::End`].
pub(crate) fn tokens(expression: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut found: Vec<Token<'_>> = Vec::new();
    loop {
        let at = found.last().map_or(0, |token| token.end);
        let at = at + blanks(&expression[at..]);
        let token = if awaits_text(&found) { text(expression, at)? } else { None };
        let token = match token {
            Some(token) => token,
            None => token_at(expression, at)?,
        };
        found.push(token);
        if token.kind == Kind::End {
            return Ok(found);
        }
    }
}

fn blanks(text: &str) -> usize {
    text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

fn token_at(expression: &str, start: usize) -> Result<Token<'_>, Error> {
    let rest = &expression[start..];
    let piece = |kind, length: usize| Token { kind, text: &rest[..length], start, end: start + length };
    let Some(first) = rest.chars().next() else { return Ok(piece(Kind::End, 0)) };
    if let Some((kind, length)) = colon_address(rest) {
        return Ok(piece(kind, length));
    }
    if let Some((length, parts)) = incomplete_address(rest) {
        let sentence =
            format!("`{}` has {parts} parts; a link-layer address has 6, an IPv6 address 8 or `::`", &rest[..length]);
        return Err(Error::new(Problem::Address(sentence), expression, start..start + length));
    }
    if let Some(length) = chain_length(rest) {
        return Ok(piece(Kind::Chain, length));
    }
    if let Some(quoted) = quoted(expression, start)? {
        return Ok(quoted);
    }
    if first.is_ascii_alphanumeric() {
        let token = piece(Kind::Word, word_length(rest));
        let kind = classify(token.text).map_err(|problem| Error::new(problem, expression, token.place()))?;
        return Ok(Token { kind, ..token });
    }
    if first == '\\' {
        let length = rest.find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(rest.len());
        if length > 1 {
            return Ok(Token { kind: Kind::Escaped, text: &rest[1..length], start, end: start + length });
        }
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok(piece(Kind::Sign, sign.len())),
        None => Err(Error::new(Problem::Character(first), expression, start..start + first.len_utf8())),
    }
}

/// Letters, digits, dots, and dashes or underscores that are not its end.
fn word_length(rest: &str) -> usize {
    let run = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count();
    rest[..run].trim_end_matches(['-', '_']).len()
}

/// An address written with colons. `0:4` in `tcp[0:4]` is none: that takes `::` or at least five colons.
fn colon_address(rest: &str) -> Option<(Kind, usize)> {
    let length = rest.bytes().take_while(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)).count();
    let text = &rest[..length];
    if let Some(mac) = mac(text, ':', 6) {
        return Some((Kind::Mac(mac), length));
    }
    let looks_like = text.contains("::") || text.matches(':').count() >= 5;
    let address = text.parse().ok().filter(|_| looks_like)?;
    Some((Kind::Inet6(address), length))
}

/// Length and parts of what can only be meant as an address with colons: `[0:4]` has one of them.
fn incomplete_address(rest: &str) -> Option<(usize, usize)> {
    let length = rest.bytes().take_while(|byte| byte.is_ascii_hexdigit() || *byte == b':').count();
    let parts = rest[..length].split(':').filter(|part| (1..=4).contains(&part.len())).count();
    let all = rest[..length].split(':').count();
    (parts == all && (3..=8).contains(&parts)).then_some((length, parts))
}

fn classify(word: &str) -> Result<Kind, Problem> {
    if let Some(number) = words::find(words::NUMBERS, word) {
        return Ok(Kind::Number(number));
    }
    if let Some(mac) =
        mac(word, '-', 6).or_else(|| mac(word, '.', 6)).or_else(|| mac(word, '.', 3)).or_else(|| bare_mac(word))
    {
        return Ok(Kind::Mac(mac));
    }
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    if let Some(digits) =
        hexadecimal.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return number(word, digits, 16);
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(word, word, if word.starts_with('0') { 8 } else { 10 });
    }
    let groups =
        word.split('.').filter(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit())).count();
    let dotted = groups == word.split('.').count() && (2..=4).contains(&groups);
    Ok(if dotted { Kind::Dotted } else { Kind::Word })
}

fn number(word: &str, digits: &str, base: u32) -> Result<Kind, Problem> {
    if base == 8 && digits.contains(['8', '9']) {
        return Err(Problem::Number(format!(
            "`{}` is octal because of its leading 0, but has the digit 8 or 9",
            abridged(word)
        )));
    }
    let number = u64::from_str_radix(digits, base);
    let number = number.map_err(|_| Problem::Number(format!("`{}` is larger than 64 bits", abridged(word))))?;
    Ok(u32::try_from(number).map_or(Kind::Long(number), Kind::Number))
}

/// A link-layer address in `groups` groups of hexadecimal digits: six of one or two, or three of four.
fn mac(text: &str, separator: char, groups: usize) -> Option<[u8; 6]> {
    let mut bytes = Vec::with_capacity(6);
    for group in text.split(separator) {
        let lengths = if groups == 6 { 1..=2 } else { 4..=4 };
        if !lengths.contains(&group.len()) || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) || bytes.len() == 6 {
            return None;
        }
        let value = u16::from_str_radix(group, 16).ok()?;
        if groups == 3 {
            bytes.push((value >> 8) as u8);
        }
        bytes.push(value as u8);
    }
    bytes.try_into().ok()
}

fn bare_mac(word: &str) -> Option<[u8; 6]> {
    let value = u64::from_str_radix(word, 16).ok().filter(|_| word.len() == 12)?;
    let [_, _, bytes @ ..] = value.to_be_bytes();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(expression: &str) -> String {
        match tokens(expression) {
            Ok(tokens) => {
                tokens.iter().map(|token| format!("{:?}:{}", token.kind, token.text)).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.problem.to_string(),
        }
    }

    #[test]
    fn kinds_of_tokens() {
        let mac = "Mac([1, 2, 3, 4, 5, 171])";
        let cases = [
            ("", "End:".to_owned()),
            ("host 10.1", "Word:host Dotted:10.1 End:".to_owned()),
            ("port 0x1F or\n010", "Word:port Number(31):0x1F Word:or Number(8):010 End:".to_owned()),
            (
                "tcp[2:2]<=5",
                "Word:tcp Sign:[ Number(2):2 Sign:: Number(2):2 Sign:] Sign:<= Number(5):5 End:".to_owned(),
            ),
            ("tcp-syn|tcp-", "Number(2):tcp-syn Sign:| Word:tcp Sign:- End:".to_owned()),
            ("\\tcp !\\ip", "Escaped:tcp Sign:! Escaped:ip End:".to_owned()),
            ("portrange 6000-6008", "Word:portrange Word:6000-6008 End:".to_owned()),
            ("::1 fe80::1", "Inet6(::1):::1 Inet6(fe80::1):fe80::1 End:".to_owned()),
            ("1:2:3:4:5:ab", format!("{mac}:1:2:3:4:5:ab End:")),
            ("1-2-3-4-5-AB", format!("{mac}:1-2-3-4-5-AB End:")),
            ("1.2.3.4.5.ab", format!("{mac}:1.2.3.4.5.ab End:")),
            ("0102.0304.05ab", format!("{mac}:0102.0304.05ab End:")),
            ("0102030405ab", format!("{mac}:0102030405ab End:")),
            ("1.2.3.4.5", "Word:1.2.3.4.5 End:".to_owned()),
            ("1:2:3:4:5", "`1:2:3:4:5` has 5 parts; a link-layer address has 6, an IPv6 address 8 or `::`".to_owned()),
            ("099", "`099` is octal because of its leading 0, but has the digit 8 or 9".to_owned()),
            ("4294967296", "Long(4294967296):4294967296 End:".to_owned()),
            ("18446744073709551616", "`18446744073709551616` is larger than 64 bits".to_owned()),
            ("skb->a->b[3].c_d&0xf", "Chain:skb->a->b[3].c_d Sign:& Number(15):0xf End:".to_owned()),
            ("func a(b|c).* or", "Word:func Text:a(b|c).* Word:or End:".to_owned()),
            ("(func == a\\) )", "Sign:( Word:func Sign:== Text:a\\) Sign:) End:".to_owned()),
            ("!ifname veth*&&ip", "Sign:! Word:ifname Text:veth* Sign:&& Word:ip End:".to_owned()),
            ("comm 'a b' \"comm\"", "Word:comm Text:a b Escaped:comm End:".to_owned()),
            ("host comm a*", "Word:host Word:comm Word:a Sign:* End:".to_owned()),
            ("netns inode:5 or netns and", "Word:netns Text:inode:5 Word:or Word:netns Word:and End:".to_owned()),
            ("comm 'a", "unexpected end of the expression in quotes".to_owned()),
            ("ip § 5", "unexpected character `§`".to_owned()),
            ("ip \\", "unexpected character `\\`".to_owned()),
        ];
        for (expression, expected) in cases {
            assert_eq!(kinds(expression), expected, "{expression}");
        }
    }
}

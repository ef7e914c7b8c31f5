//! Tokens that are not words of pcap-filter(7): what keys are compared with, quotes, chains of members.

use super::lexer::{Kind, Token};
use crate::filter::error::{Error, Problem};
use crate::filter::keys;

/// Whether the tokens end with a key that compares with text, and perhaps a sign of comparison. The key must stand where a
/// condition begins: in `host comm` the word is a name as any other.
pub(super) fn awaits_text(found: &[Token<'_>]) -> bool {
    let found = match found {
        [before @ .., sign] if sign.kind == Kind::Sign && matches!(sign.text, "=" | "==" | "!=") => before,
        _ => found,
    };
    let [before @ .., key] = found else { return false };
    let begins = |token: &Token<'_>| ["(", "!", "&&", "||", "and", "or", "not"].iter().any(|sign| token.is(sign));
    let takes_text = keys::find(key.text).is_some_and(|key| key.operand == keys::Operand::Text);
    key.kind == Kind::Word && takes_text && before.last().is_none_or(begins)
}

/// Text up to a blank or a parenthesis that was not opened in it, if any stands here that is no sign of comparison and does
/// not join conditions.
pub(super) fn text(expression: &str, start: usize) -> Result<Option<Token<'_>>, Error> {
    let rest = &expression[start..];
    if let Some(quoted) = quoted(expression, start)? {
        return Ok(Some(Token { kind: Kind::Text, ..quoted }));
    }
    let length = text_length(rest);
    let text = &rest[..length];
    let joins = ["and", "or", "not"].contains(&text);
    let is_sign = text.is_empty() || text.starts_with(['=', '!', '<', '>']);
    let token = Token { kind: Kind::Text, text, start, end: start + length };
    Ok((!joins && !is_sign).then_some(token))
}

fn text_length(rest: &str) -> usize {
    let (mut depth, mut escaped, mut before) = (0u32, false, ' ');
    for (at, character) in rest.char_indices() {
        match character {
            _ if escaped => {}
            ' ' | '\t' | '\r' | '\n' => return at,
            '&' | '|' if before == character => return at - 1,
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        before = character;
    }
    rest.len()
}

/// `"text"` or `'text'`
pub(super) fn quoted(expression: &str, start: usize) -> Result<Option<Token<'_>>, Error> {
    let rest = &expression[start..];
    let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) else { return Ok(None) };
    let Some(length) = rest[1..].find(quote) else {
        let problem = Problem::Unexpected("end of the expression in quotes".to_owned());
        return Err(Error::new(problem, expression, start..start + 1).expecting(format!("`{quote}`")));
    };
    let text = &rest[1..=length];
    Ok(Some(Token { kind: Kind::Escaped, text, start, end: start + length + 2 }))
}

/// `skb` and its members. What is wrong with them, whoever looks them up says.
pub(super) fn chain_length(rest: &str) -> Option<usize> {
    let members = rest.strip_prefix("skb").filter(|members| members.starts_with("->"))?;
    let mut left = members;
    loop {
        let behind = ["->", "."].iter().find_map(|sign| left.strip_prefix(sign));
        let behind =
            behind.map(|name| name.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_'));
        let index = || left.strip_prefix('[').and_then(|index| index.split_once(']')).map(|(_, behind)| behind);
        match behind.or_else(index) {
            Some(behind) => left = behind,
            None => return Some(rest.len() - left.len()),
        }
    }
}

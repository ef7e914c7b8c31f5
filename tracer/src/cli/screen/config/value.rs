//! The part of TOML that settings are written in: tables, and keys with texts, truths and lists of texts, each in a line of its
//! own. Read line by line, so that one that is wrong costs no other.

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The table that it stands in; empty for none.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) value: Value,
}

/// What it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Truth(bool),
    Texts(Vec<String>),
}

impl Value {
    pub(super) fn text(self) -> Result<String, String> {
        if let Self::Text(text) = self { Ok(text) } else { Err("a text in quotes is expected".to_owned()) }
    }

    pub(super) fn truth(self) -> Result<bool, String> {
        if let Self::Truth(truth) = self { Ok(truth) } else { Err("true or false is expected".to_owned()) }
    }

    /// One text is a list of one.
    pub(super) fn texts(self) -> Result<Vec<String>, String> {
        match self {
            Self::Text(text) => Ok(vec![text]),
            Self::Texts(texts) => Ok(texts),
            Self::Truth(_) => Err("a text or a list of texts is expected".to_owned()),
        }
    }
}

/// All settings with the numbers of their lines, and what is wrong with those that are none.
pub(super) fn entries(text: &str) -> Vec<(usize, Result<Entry, String>)> {
    let mut table = String::new();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            match rest.split_once(']') {
                Some((name, behind)) if is_end(behind) => name.trim().clone_into(&mut table),
                _ => found.push((number + 1, Err("a table is written as `[name]`".to_owned()))),
            }
        } else {
            found.push((number + 1, entry(&table, line)));
        }
    }
    found
}

fn entry(table: &str, line: &str) -> Result<Entry, String> {
    let Some((key, value)) = line.split_once('=') else {
        return Err("a setting is written as `name = value`".to_owned());
    };
    let key = key.trim().trim_matches('"').to_owned();
    Ok(Entry { table: table.to_owned(), key, value: value_of(value.trim())? })
}

fn value_of(text: &str) -> Result<Value, String> {
    for (word, truth) in [("true", true), ("false", false)] {
        if text.strip_prefix(word).is_some_and(is_end) {
            return Ok(Value::Truth(truth));
        }
    }
    let list = text.strip_prefix('[').and_then(list);
    let quoted = || quoted(text).filter(|(_, behind)| is_end(behind)).map(|(text, _)| Value::Text(text));
    list.or_else(quoted).ok_or_else(|| {
        let shown = text.split('#').next().unwrap_or_default().trim_end();
        format!("`{shown}` is neither a text in quotes, nor true or false, nor a list of texts in one line")
    })
}

/// The rest of a list behind its bracket.
fn list(mut rest: &str) -> Option<Value> {
    let mut texts = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix(']') {
            return is_end(behind).then_some(Value::Texts(texts));
        }
        let (text, behind) = quoted(rest)?;
        texts.push(text);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
}

/// A text in quotes of either kind, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split_once('\'').map(|(text, behind)| (text.to_owned(), behind));
    }
    let rest = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut letters = rest.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, &rest[place + 1..])),
            '\\' => match letters.next()?.1 {
                't' => out.push('\t'),
                letter @ ('"' | '\\') => out.push(letter),
                _ => return None,
            },
            letter => out.push(letter),
        }
    }
    None
}

fn is_end(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let cases = [
            ("\"a # b\" # c", text("a # b")),
            (r#""\"q\" \\ \t""#, text("\"q\" \\ \t")),
            (r"'C:\x'", text(r"C:\x")),
            ("true", Some(Value::Truth(true))),
            ("false#", Some(Value::Truth(false))),
            ("[]", Some(Value::Texts(Vec::new()))),
            ("[ \"a\" , 'b', ] # c", Some(Value::Texts(vec!["a".to_owned(), "b".to_owned()]))),
            ("truer", None),
            ("\"open", None),
            ("\"a\" b", None),
            (r#""\x""#, None),
            ("[\"a\" \"b\"]", None),
            ("[\"a\",", None),
            ("", None),
            ("12", None),
        ];
        for (given, expected) in cases {
            assert_eq!(value_of(given).ok(), expected, "{given}");
        }
    }

    #[test]
    fn lines_that_are_none() {
        let found = entries("\n# c\n[a] # d\nb = true\n[a\nc\n\"d\" = 'e'\n");
        let lines: Vec<(usize, bool)> = found.iter().map(|(line, entry)| (*line, entry.is_ok())).collect();
        assert_eq!(lines, [(4, true), (5, false), (6, false), (7, true)]);
        assert_eq!(found[3].1.as_ref().map(|entry| (entry.table.as_str(), entry.key.as_str())), Ok(("a", "d")));
    }
}

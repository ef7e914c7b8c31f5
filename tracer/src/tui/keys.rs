//! Keys as written in settings and help, and which action a key stands for.

use std::collections::HashMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, BINDINGS};

/// A key with what is held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(KeyCode, KeyModifiers);

/// Names of keys that are no letters.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Key {
    /// Of a key press. Shift is in the letter already, and terminals differ in whether they say so.
    pub fn of(event: KeyEvent) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT;
        Self(event.code, event.modifiers & kept)
    }

    /// `ctrl-d`, `alt-x`, `pageup`, `f5`, `G`; `None` where no key is called so.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut modifiers) = (text, KeyModifiers::NONE);
        loop {
            let known = [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT)];
            let Some((prefix, modifier)) = known.into_iter().find(|(prefix, _)| rest.starts_with(prefix)) else {
                break;
            };
            modifiers |= modifier;
            rest = &rest[prefix.len()..];
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) => KeyCode::Char(letter),
            _ => named(rest)?,
        };
        Some(Self(code, modifiers))
    }
}

fn named(name: &str) -> Option<KeyCode> {
    let function =
        name.strip_prefix('f').and_then(|number| number.parse().ok()).filter(|number| (1..=12).contains(number));
    let found = NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
    found.or_else(|| function.map(KeyCode::F))
}

/// What keys do.
#[derive(Clone, Debug)]
pub struct Keymap {
    actions: HashMap<Key, Action>,
    /// The keys of each action, as written.
    texts: HashMap<Action, Vec<String>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut map = Self { actions: HashMap::new(), texts: HashMap::new() };
        for binding in BINDINGS {
            map.bind(binding.action, &binding.keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        }
        map
    }
}

impl Keymap {
    /// What a key stands for.
    pub fn action(&self, event: KeyEvent) -> Option<Action> {
        self.actions.get(&Key::of(event)).copied()
    }

    /// The key to show for an action.
    pub fn key(&self, action: Action) -> &str {
        self.texts.get(&action).and_then(|keys| keys.first()).map_or("", String::as_str)
    }

    /// All keys of an action.
    pub fn keys(&self, action: Action) -> &[String] {
        self.texts.get(&action).map_or(&[], Vec::as_slice)
    }

    /// Gives an action these keys, and takes them from all others. The first text that is no key is given back.
    pub fn rebind(&mut self, action: Action, keys: &[String]) -> Result<(), String> {
        if let Some(bad) = keys.iter().find(|key| Key::parse(key).is_none()) {
            return Err(bad.clone());
        }
        self.actions.retain(|_, other| *other != action);
        for texts in self.texts.values_mut() {
            texts.retain(|text| !keys.contains(text));
        }
        self.bind(action, keys);
        Ok(())
    }

    fn bind(&mut self, action: Action, keys: &[String]) {
        for key in keys.iter().filter_map(|key| Key::parse(key)) {
            self.actions.insert(key, action);
        }
        self.texts.insert(action, keys.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_one_and_stands_once() {
        let mut seen = HashMap::new();
        for binding in BINDINGS {
            for key in binding.keys {
                let parsed = Key::parse(key).unwrap_or_else(|| panic!("{key} is no key"));
                assert_eq!(seen.insert(parsed, binding.name), None, "{key}");
            }
        }
    }

    #[test]
    fn names_of_keys() {
        let press = |code, modifiers| Key::of(KeyEvent::new(code, modifiers));
        for (text, key) in [
            ("G", press(KeyCode::Char('G'), KeyModifiers::SHIFT)),
            ("ctrl-d", press(KeyCode::Char('d'), KeyModifiers::CONTROL)),
            ("-", press(KeyCode::Char('-'), KeyModifiers::NONE)),
            ("alt-enter", press(KeyCode::Enter, KeyModifiers::ALT)),
            ("f12", press(KeyCode::F(12), KeyModifiers::NONE)),
        ] {
            assert_eq!(Key::parse(text), Some(key), "{text}");
        }
        for text in ["", "f13", "ctrl-", "nonsense"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn keys_can_be_given_away() {
        let mut map = Keymap::default();
        map.rebind(Action::Quit, &["x".to_owned()]).unwrap();
        let press = |letter| map.action(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
        assert_eq!((press('x'), press('q')), (Some(Action::Quit), None));
        assert_eq!((map.key(Action::Quit), map.key(Action::Stack)), ("x", ""));
        assert_eq!(map.clone().rebind(Action::Quit, &["nope".to_owned()]), Err("nope".to_owned()));
    }
}

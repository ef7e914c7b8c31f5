//! Keys while a line is typed.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::App;
use crate::tui::{message::Wish, prompt::Prompt};

impl App<'_> {
    pub(super) fn paste(&mut self, text: &str) {
        if let Some(prompt) = &mut self.state.prompt {
            prompt.insert(text);
            prompt.check(self.state.known.filters.as_ref());
        }
    }

    pub(super) fn typed(&mut self, key: KeyEvent) {
        let Some(prompt) = &mut self.state.prompt else { return };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return self.state.prompt = None,
            KeyCode::Char('c') if control => return self.state.prompt = None,
            KeyCode::Char('z') if control => return self.wishes.push(Wish::Suspend),
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab | KeyCode::BackTab => return self.complete(key.code == KeyCode::Tab),
            code if control => edit_with_control(prompt, code),
            code => edit(prompt, code),
        }
        prompt.check(self.state.known.filters.as_ref());
    }

    fn complete(&mut self, forward: bool) {
        let Some(mut prompt) = self.state.prompt.take() else { return };
        prompt.complete(&|key| self.state.names_for(key), forward);
        prompt.check(self.state.known.filters.as_ref());
        self.state.prompt = Some(prompt);
    }

    fn enter(&mut self) {
        // A line with a fault stays, with what is wrong below it.
        let Some(prompt) = self.state.prompt.take_if(|prompt| prompt.fault().is_none()) else { return };
        let (question, text) = (prompt.question, prompt.text().to_owned());
        self.histories.insert(question, prompt.remembered());
        self.answered(question, &text);
    }
}

fn edit(prompt: &mut Prompt, code: KeyCode) {
    match code {
        KeyCode::Char(letter) => prompt.insert(letter.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => prompt.erase(),
        KeyCode::Delete => prompt.delete(),
        KeyCode::Left => prompt.step(false),
        KeyCode::Right => prompt.step(true),
        KeyCode::Home => prompt.jump(false),
        KeyCode::End => prompt.jump(true),
        KeyCode::Up => prompt.recall(true),
        KeyCode::Down => prompt.recall(false),
        _ => {}
    }
}

fn edit_with_control(prompt: &mut Prompt, code: KeyCode) {
    match code {
        KeyCode::Char('a') => prompt.jump(false),
        KeyCode::Char('e') => prompt.jump(true),
        KeyCode::Char('u') => prompt.erase_line(),
        KeyCode::Char('w') => prompt.erase_word(),
        KeyCode::Char('h') => prompt.erase(),
        _ => {}
    }
}

//! The last lines: a message or the keys that work here; or the line that is typed, with what is wrong with it.

use ratatui::{Frame, layout::Rect};

use crate::tui::{
    action::{Action, Place},
    hunt::Hunt,
    prompt::Prompt,
    state::{Mode, State},
    tabs::Tab,
    theme::Role,
    widget::text::{fit, put, put_right, width},
};

/// Lines that it takes.
pub(super) fn lines(state: &State<'_>) -> u16 {
    if state.prompt.is_some() { 3 } else { 1 }
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, tab: &dyn Tab, state: &State<'_>) {
    match (&state.prompt, &state.message) {
        (Some(prompt), _) => draw_prompt(frame, area, prompt, state),
        (None, _) if state.hunt.is_some() && tab.title() == "Packets" => {
            let share = state.hunt.as_ref().map_or(0, Hunt::share);
            let text = format!(
                "searching for `{}`: {share} %, {} stops",
                state.search,
                pretty(state.keymap.key(Action::Back))
            );
            put(frame.buffer_mut(), area, 0, 1, &text, state.theme.style(Role::Warn));
        }
        (None, Some(message)) => {
            let text = fit(&message.text, area.width.saturating_sub(2), state.theme.signs.more, false);
            put(frame.buffer_mut(), area, 0, 1, &text, state.theme.style(message.role));
        }
        (None, None) => draw_keys(frame, area, tab, state),
    }
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, tab: &dyn Tab, state: &State<'_>) {
    let buffer = frame.buffer_mut();
    let theme = &state.theme;
    let standing = tab.title() == "Packets" && !state.list.follows() && matches!(state.mode, Mode::Live { .. });
    let follows = if standing { "G follows" } else { "" };
    let always = [Action::Help, Action::Quit];
    let reserved: u16 =
        always.iter().filter_map(|action| piece(*action, None, state)).map(|(key, word)| room(&key, word)).sum();
    let mut at = 1;
    let put_piece = |buffer: &mut ratatui::buffer::Buffer, at: u16, key: &str, word: &str| {
        let taken = put(buffer, area, 0, at, key, theme.style(Role::Key));
        taken + 1 + put(buffer, area, 0, at + taken + 1, word, theme.style(Role::Plain)) + 2
    };
    for action in tab.actions().iter().filter(|action| applies(**action, state)) {
        let own = tab.word(*action);
        let Some((key, word)) = piece(*action, own, state) else { continue };
        if at + room(&key, word) + reserved > area.width {
            break;
        }
        at += put_piece(buffer, at, &key, word);
    }
    for (key, word) in always.iter().filter_map(|action| piece(*action, None, state)) {
        at += put_piece(buffer, at, &key, word);
    }
    if at + width(follows) + 1 < area.width {
        put_right(buffer, Rect { width: area.width - 1, ..area }, 0, follows, theme.style(Role::Faint));
    }
}

/// It means something in this mode.
fn applies(action: Action, state: &State<'_>) -> bool {
    let replay = matches!(state.mode, Mode::Replay(_));
    match action.binding().map(|binding| binding.place) {
        Some(Place::Live) => !replay,
        Some(Place::Replay) => replay,
        _ => true,
    }
}

/// The key and the word of an action; nothing where no key is left for it.
fn piece(action: Action, own: Option<&'static str>, state: &State<'_>) -> Option<(String, &'static str)> {
    let key = state.keymap.key(action);
    let word = match (action, &state.mode, &state.status.tape) {
        _ if own.is_some() => own?,
        (Action::Pause, Mode::Live { held: Some(_) }, _) => "go on",
        (Action::Pause, Mode::Replay(playback), _) => {
            if playback.plays() {
                "stop"
            } else {
                "play"
            }
        }
        (Action::Record, _, Some(_)) => "end recording",
        _ => action.binding()?.short,
    };
    (!key.is_empty() && !word.is_empty()).then(|| (pretty(key), word))
}

/// A key as people write it.
pub(super) fn pretty(key: &str) -> String {
    let mut letters = key.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(_)) => first.to_uppercase().collect::<String>() + &key[first.len_utf8()..],
        _ => key.to_owned(),
    }
}

fn room(key: &str, word: &str) -> u16 {
    width(key) + width(word) + 3
}

fn draw_prompt(frame: &mut Frame<'_>, area: Rect, prompt: &Prompt, state: &State<'_>) {
    let theme = &state.theme;
    let label = format!(" {} ", prompt.question.label());
    let buffer = frame.buffer_mut();
    let start = put(buffer, area, 0, 0, &label, theme.style(Role::Active)) + 1;
    let room = area.width.saturating_sub(start + 1);
    // A line that is longer than the screen is shown around the cursor.
    let cursor = prompt.cursor() as u16;
    let skipped = cursor.saturating_sub(room);
    let shown: String = prompt.text().chars().skip(usize::from(skipped)).collect();
    put(buffer, area, 0, start, &shown, theme.style(Role::Plain));
    if let Some(fault) = prompt.fault() {
        let first = (fault.letters.start as u16).saturating_sub(skipped);
        let length = (fault.letters.end - fault.letters.start) as u16;
        let carets = "^".repeat(usize::from(length.clamp(1, room.saturating_sub(first).max(1))));
        put(buffer, area, 1, start + first, &carets, theme.style(Role::Bad));
        put(buffer, area, 2, 1, &fault.text, theme.style(Role::Bad));
    } else if let Some((words, at)) = prompt.words() {
        let mut place = 1;
        let skip = at.saturating_sub(4);
        for (number, word) in words.iter().enumerate().skip(skip) {
            let role = if number == at { Role::Selected } else { Role::Plain };
            place += put(buffer, area, 1, place, word, theme.style(role)) + 2;
        }
    } else {
        put(buffer, area, 2, 1, hint(prompt), theme.style(Role::Faint));
    }
    frame.set_cursor_position((area.x + start + cursor - skipped, area.y));
}

fn hint(prompt: &Prompt) -> &'static str {
    use crate::tui::prompt::Question;
    match prompt.question {
        Question::Filter => {
            "Enter puts it in force at once, Tab completes, Up and Down: earlier ones, Esc leaves it as it was"
        }
        Question::Display => "Enter shows only packets with a matching hit; empty shows all; Tab completes",
        Question::Search => "a text in any column; n and N go on",
        Question::Seek => "seconds from the beginning, such as 12.5",
        Question::Export => "the ending says what is written: .pcapng, .json, .txt",
        Question::Record => "a file that must not exist yet; skbtrail and Wireshark read it",
    }
}

//! What keys do that mean the same in all tabs.

use std::path::PathBuf;

use super::App;
use crate::tui::{
    action::Action,
    engine::Order,
    export::Format,
    message::Wish,
    prompt::{Prompt, Question},
    state::Mode,
    tabs::{Kind, NUMBERED},
    theme::Role,
};

impl App<'_> {
    pub(super) fn act(&mut self, action: Action) {
        if self.help.is_some() {
            return self.act_in_help(action);
        }
        let outcome = self.tabs[self.current].1.act(action, &mut self.state);
        if self.conclude(outcome) {
            return;
        }
        match action {
            Action::Quit => self.wishes.push(Wish::Quit),
            Action::Suspend => self.wishes.push(Wish::Suspend),
            Action::Redraw => self.wishes.push(Wish::Redraw),
            Action::Help => self.help = Some(0),
            Action::Back => self.back(),
            Action::NextTab => self.show((self.current.min(NUMBERED) + 1) % NUMBERED),
            Action::PreviousTab => self.show((self.current.min(NUMBERED) + NUMBERED - 1) % NUMBERED),
            Action::Tab(number) => self.show(usize::from(number).clamp(1, NUMBERED) - 1),
            Action::Filter => self.ask_filter(),
            Action::DisplayFilter => {
                let now = self.state.listing.filter().map_or(String::new(), |filter| filter.text().to_owned());
                self.ask(Question::Display, &now);
            }
            Action::Pause => self.pause(),
            Action::Record => self.record(),
            Action::Export => self.ask_export(),
            Action::Slower | Action::Faster => self.change_speed(if action == Action::Faster { 1 } else { -1 }),
            Action::StepOn | Action::StepBack => self.step(action == Action::StepOn),
            Action::Seek if matches!(self.state.mode, Mode::Replay(_)) => self.ask(Question::Seek, ""),
            _ => {}
        }
    }

    fn act_in_help(&mut self, action: Action) {
        let Some(top) = &mut self.help else { return };
        match action {
            Action::Down => *top = top.saturating_add(1),
            Action::Up => *top = top.saturating_sub(1),
            Action::PageDown => *top = top.saturating_add(10),
            Action::PageUp => *top = top.saturating_sub(10),
            Action::First => *top = 0,
            Action::Last => *top = u16::MAX,
            Action::Redraw => self.wishes.push(Wish::Redraw),
            Action::Suspend => self.wishes.push(Wish::Suspend),
            // What ends the program elsewhere only closes the help.
            _ => self.help = None,
        }
    }

    fn back(&mut self) {
        if self.state.hunt.take().is_some() {
            return self.state.say("no longer searching", Role::Faint);
        }
        if self.state.message.take().is_some() {
            return;
        }
        if !self.state.search.is_empty() {
            // So that another text can be searched for.
            self.state.search.clear();
        } else if self.kind() == Kind::Packets && self.state.listing.filter().is_some() {
            self.state.listing.set_filter(None);
        } else {
            self.go(Kind::Packets);
        }
    }

    pub(super) fn ask(&mut self, question: Question, text: &str) {
        let history = self.histories.entry(question).or_default();
        let mut prompt = Prompt::new(question, text, history);
        prompt.check(self.state.known.filters.as_ref());
        self.state.prompt = Some(prompt);
    }

    fn ask_filter(&mut self) {
        match self.state.mode {
            Mode::Live { .. } => {
                let now = self.state.filter.clone();
                self.ask(Question::Filter, &now);
            }
            // What was recorded was filtered when it was; all that can be asked is which of it to show.
            Mode::Replay(_) => {
                let now = self.state.listing.filter().map_or(String::new(), |filter| filter.text().to_owned());
                self.ask(Question::Display, &now);
            }
        }
    }

    fn pause(&mut self) {
        let (now, end) = (self.state.now, self.state.store.seqs().end);
        match &mut self.state.mode {
            Mode::Live { held } => {
                *held = if held.is_some() { None } else { Some(end) };
                if let Some(watched) = &mut self.state.watched {
                    watched.held = held.map(|_| watched.store.seqs().end);
                }
            }
            Mode::Replay(playback) => {
                playback.toggle(now);
                self.state.list.act(Action::Last, self.state.listing.len());
            }
        }
    }

    fn change_speed(&mut self, steps: i32) {
        if let Mode::Replay(playback) = &mut self.state.mode {
            playback.faster(steps);
        }
    }

    fn step(&mut self, forward: bool) {
        if let Mode::Replay(playback) = &mut self.state.mode {
            playback.step(&self.state.store, forward);
            self.state.list.act(Action::Last, self.state.listing.len());
            self.state.read_missing();
        }
    }

    fn record(&mut self) {
        match (&self.state.mode, &self.state.status.tape) {
            (Mode::Replay(_), _) => {
                self.state.say("this is a recording already; `e` exports from it", Role::Warn);
            }
            (_, Some(_)) => self.state.order(Order::EndRecording),
            (_, None) => {
                let name = jiff::Zoned::now().strftime("skbtrail-%Y%m%d-%H%M%S.pcapng").to_string();
                self.ask(Question::Record, &name);
            }
        }
    }

    /// What was typed is meant.
    pub(super) fn answered(&mut self, question: Question, text: &str) {
        match question {
            Question::Filter => match self.state.known.filters.compile(text) {
                Ok(filter) => self.state.order(Order::Filter(Box::new(filter))),
                Err(error) => self.state.say(&first_line(&error.to_string()), Role::Bad),
            },
            Question::Display => self.show_only(text),
            Question::Search => {
                text.clone_into(&mut self.state.search);
                self.act(Action::NextMatch);
            }
            Question::Seek => self.seek(text),
            Question::Record => self.state.order(Order::Record(PathBuf::from(text))),
            Question::Export => self.export(text),
        }
    }

    fn ask_export(&mut self) {
        match self.tabs[self.current].1.export(Format::Text, &self.state) {
            None => self.state.say("there is nothing here to write to a file", Role::Warn),
            Some((name, _)) => {
                let is_packet = matches!(self.kind(), Kind::Packets | Kind::Path);
                let ending = if is_packet { "pcapng" } else { "txt" };
                self.ask(Question::Export, &format!("{name}.{ending}"));
            }
        }
    }

    fn export(&mut self, name: &str) {
        let Ok(format) = Format::of(name) else { return };
        let Some((_, bytes)) = self.tabs[self.current].1.export(format, &self.state) else { return };
        let sent = match (bytes, &self.state.files) {
            (Err(sentence), _) => Err(sentence),
            (Ok(bytes), Some(files)) => {
                files.send((PathBuf::from(name.trim()), bytes)).map_err(|_| "files can no longer be written".to_owned())
            }
            (Ok(_), None) => Err("files cannot be written here".to_owned()),
        };
        if let Err(sentence) = sent {
            self.state.say(&sentence, Role::Bad);
        }
    }

    fn show_only(&mut self, text: &str) {
        if text.trim().is_empty() {
            return self.state.listing.set_filter(None);
        }
        match self.state.known.filters.compile_display(text) {
            Ok(filter) => self.state.listing.set_filter(Some(crate::tui::store::DisplayFilter::new(filter))),
            Err(error) => self.state.say(&first_line(&error.to_string()), Role::Bad),
        }
    }

    fn seek(&mut self, text: &str) {
        let Ok(seconds) = text.trim().parse::<f64>() else { return };
        if let Mode::Replay(playback) = &mut self.state.mode {
            playback.seek((seconds.max(0.0) * 1e9) as u64);
        }
        self.state.read_missing();
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

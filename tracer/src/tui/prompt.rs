//! A line that is typed: with history, completion, and what is wrong with it so far.

use super::{export::Format, state::Filters};
use crate::filter;

/// Letters of a line that are taken.
const LONGEST: usize = 4000;
/// Lines of a history.
const HISTORY: usize = 100;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The filter in force.
    Filter,
    /// The filter over what is there.
    Display,
    /// A text to look for.
    Search,
    /// A time of the recording.
    Seek,
    /// A file to write.
    Export,
    /// A file to record into.
    Record,
}

impl Question {
    /// What stands before the line.
    pub fn label(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Display => "show only",
            Self::Search => "search",
            Self::Seek => "go to second",
            Self::Export => "export to",
            Self::Record => "record into",
        }
    }

    fn is_filter(self) -> bool {
        matches!(self, Self::Filter | Self::Display)
    }
}

/// What is wrong with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In a sentence.
    pub text: String,
    /// The letters that it is about.
    pub letters: std::ops::Range<usize>,
}

/// The line.
#[derive(Debug)]
pub struct Prompt {
    /// What is asked for.
    pub question: Question,
    text: String,
    /// Byte before which the next letter goes.
    cursor: usize,
    fault: Option<Fault>,
    /// Lines typed before, oldest first, and which one is shown.
    history: Vec<String>,
    shown: Option<usize>,
    /// What was typed before the history was looked through.
    typed: String,
    completion: Option<Completion>,
}

#[derive(Debug)]
struct Completion {
    /// Where the word begins.
    start: usize,
    words: Vec<String>,
    at: usize,
}

impl Prompt {
    /// Asks, with a text to begin with.
    pub fn new(question: Question, text: &str, history: &[String]) -> Self {
        Self {
            question,
            text: text.to_owned(),
            cursor: text.len(),
            fault: None,
            history: history.to_vec(),
            shown: None,
            typed: String::new(),
            completion: None,
        }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Letters before the cursor.
    pub fn cursor(&self) -> usize {
        self.text[..self.cursor].chars().count()
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Words that could stand here, and which of them does.
    pub fn words(&self) -> Option<(&[String], usize)> {
        self.completion.as_ref().map(|completion| (completion.words.as_slice(), completion.at))
    }

    /// Puts letters in; what steers terminals is left out.
    pub fn insert(&mut self, letters: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        let kept: String = letters.chars().filter(|letter| !letter.is_control()).take(room).collect();
        self.text.insert_str(self.cursor, &kept);
        self.cursor += kept.len();
        self.changed();
    }

    /// Takes the letter before the cursor away.
    pub fn erase(&mut self) {
        if let Some(letter) = self.text[..self.cursor].chars().next_back() {
            self.cursor -= letter.len_utf8();
            self.text.remove(self.cursor);
            self.changed();
        }
    }

    /// Takes the letter behind the cursor away.
    pub fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
            self.changed();
        }
    }

    /// Takes the word before the cursor away.
    pub fn erase_word(&mut self) {
        let before = self.text[..self.cursor].trim_end();
        let start = before.rfind(' ').map_or(0, |place| place + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
        self.changed();
    }

    /// Takes all before the cursor away.
    pub fn erase_line(&mut self) {
        self.text.drain(..self.cursor);
        self.cursor = 0;
        self.changed();
    }

    /// Moves the cursor by a letter.
    pub fn step(&mut self, forward: bool) {
        let (before, behind) = self.text.split_at(self.cursor);
        let letter = if forward { behind.chars().next() } else { before.chars().next_back() };
        let length = letter.map_or(0, char::len_utf8);
        self.cursor = if forward { self.cursor + length } else { self.cursor - length };
    }

    /// Moves the cursor to the beginning or to the end.
    pub fn jump(&mut self, to_end: bool) {
        self.cursor = if to_end { self.text.len() } else { 0 };
    }

    /// Shows an older line, or a younger one.
    pub fn recall(&mut self, older: bool) {
        let newest = self.history.len();
        let now = self.shown.unwrap_or(newest);
        let to = if older { now.checked_sub(1) } else { (now < newest).then_some(now + 1) };
        let Some(to) = to else { return };
        if self.shown.is_none() {
            self.typed.clone_from(&self.text);
        }
        self.shown = (to < newest).then_some(to);
        self.text = self.history.get(to).unwrap_or(&self.typed).clone();
        self.cursor = self.text.len();
        self.completion = None;
    }

    /// Checks the line as far as it can be checked without doing anything.
    pub fn check(&mut self, filters: &dyn Filters) {
        self.fault = match self.question {
            Question::Filter => filters.compile(&self.text).err().map(|error| fault(&error)),
            Question::Display => filters.compile_display(&self.text).err().map(|error| fault(&error)),
            Question::Seek if self.text.trim().parse::<f64>().is_err() && !self.text.trim().is_empty() => {
                let text = "a time in seconds is expected, such as 12.5".to_owned();
                Some(Fault { text, letters: 0..self.text.chars().count() })
            }
            Question::Export => Format::of(&self.text).err().map(|text| {
                let letters = self.text.chars().count();
                Fault { text, letters: letters.saturating_sub(1)..letters.max(1) }
            }),
            _ => None,
        };
    }

    /// Puts in the first word that could stand here, or the next one.
    pub fn complete(&mut self, names: &dyn Fn(&str) -> Vec<String>, forward: bool) {
        if !self.question.is_filter() {
            return;
        }
        let mut completion = if let Some(mut known) = self.completion.take() {
            let words = known.words.len();
            known.at = if forward { known.at + 1 } else { known.at + words - 1 } % words;
            known
        } else {
            let (start, words) = candidates(&self.text[..self.cursor], names);
            if words.is_empty() {
                return;
            }
            Completion { start, words, at: 0 }
        };
        let word = &completion.words[completion.at.min(completion.words.len() - 1)];
        self.text.replace_range(completion.start..self.cursor, word);
        self.cursor = completion.start + word.len();
        if completion.words.len() == 1 {
            completion.words.clear();
        }
        self.completion = (!completion.words.is_empty()).then_some(completion);
    }

    /// The history with this line in it.
    pub fn remembered(self) -> Vec<String> {
        let mut history = self.history;
        if !self.text.trim().is_empty() {
            history.retain(|line| *line != self.text);
            history.push(self.text);
            let surplus = history.len().saturating_sub(HISTORY);
            history.drain(..surplus);
        }
        history
    }

    fn changed(&mut self) {
        self.shown = None;
        self.completion = None;
    }
}

fn fault(error: &filter::Error) -> Fault {
    let text = error.to_string();
    // The lines below the first are the expression with carets, for those who cannot see where they typed.
    let sentence = text.lines().next().unwrap_or_default().to_owned();
    let letters = |bytes: usize| error.expression.get(..bytes).map_or(0, |text| text.chars().count());
    let start = letters(error.place.start);
    Fault { text: sentence, letters: start..letters(error.place.end).max(start + 1) }
}

/// Words of the language that are worth completing, beside its keys.
const WORDS: &[&str] = &[
    "and",
    "arp",
    "broadcast",
    "dst",
    "ether",
    "greater",
    "host",
    "icmp",
    "icmp6",
    "ip",
    "ip6",
    "less",
    "multicast",
    "net",
    "not",
    "or",
    "port",
    "portrange",
    "proto",
    "sctp",
    "src",
    "tcp",
    "udp",
    "vlan",
];

/// Where the word before the cursor begins, and what it could become.
fn candidates(before: &str, names: &dyn Fn(&str) -> Vec<String>) -> (usize, Vec<String>) {
    let start = before.rfind([' ', '(', '!']).map_or(0, |place| place + 1);
    let word = &before[start..];
    let key = before[..start].split_whitespace().next_back().unwrap_or_default().trim_start_matches(['(', '!']);
    let mut words = names(key);
    if words.is_empty() {
        words = filter::keys().map(|(name, ..)| name.to_owned()).filter(|name| !name.contains(['→', '…'])).collect();
        words.extend(WORDS.iter().map(|word| (*word).to_owned()));
    }
    words.retain(|candidate| candidate.starts_with(word) && candidate != word);
    words.sort();
    words.dedup();
    (start, words)
}

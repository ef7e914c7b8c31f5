//! Colours and signs, for terminals that have many of them and for those that have none.

use ratatui::style::{Color, Modifier, Style};

use crate::view::packets::Signs;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// Headings.
    Title,
    /// Detail that should stand back.
    Faint,
    /// A packet was dropped, hits were lost.
    Bad,
    /// A packet reached whom it was for.
    Good,
    /// To be looked at.
    Warn,
    /// The most of all.
    Mark,
    /// What changed on the way.
    Change,
    /// The line at hand.
    Selected,
    /// Lines above and below the tab.
    Frame,
    /// The tab that is shown.
    Active,
    /// A key.
    Key,
    /// What is going on: LIVE, REPLAY.
    Badge,
    /// What is going on and should not be overlooked: PAUSED, RECORDING.
    Alarm,
}

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Palette {
    /// None at all.
    None,
    /// The sixteen of the terminal, whatever it makes of them.
    #[default]
    Terminal,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
}

impl Palette {
    /// All, as settings name them.
    pub const NAMES: [(&'static str, Self); 4] =
        [("terminal", Self::Terminal), ("dark", Self::Dark), ("light", Self::Light), ("none", Self::None)];

    /// The palette of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, palette)| *palette)
    }
}

/// Colours and signs.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    palette: Palette,
    /// Signs of lists.
    pub signs: Signs,
    /// Signs of drawings.
    pub strokes: Strokes,
}

/// Signs of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strokes {
    /// A line down.
    pub down: &'static str,
    /// A line across.
    pub across: &'static str,
    /// A line begins.
    pub begin: &'static str,
    /// A line goes on, with something beside it.
    pub beside: &'static str,
    /// The end of a line.
    pub end: &'static str,
    /// Between pieces of a line of text.
    pub dot: &'static str,
    /// The line at hand.
    pub here: &'static str,
    /// Something can be unfolded.
    pub folded: &'static str,
    /// Something can be folded.
    pub unfolded: &'static str,
    /// Ascending and descending.
    pub orders: [&'static str; 2],
    /// Bars from an eighth of a letter on; the last one is full.
    pub bars: &'static [&'static str],
    /// Columns of a graph, from the lowest on.
    pub levels: &'static [&'static str],
    /// Played, at hand, to come; a drop.
    pub track: [&'static str; 4],
}

impl Strokes {
    const UNICODE: Self = Self {
        down: "│",
        across: "─",
        begin: "┬",
        beside: "├",
        end: "└",
        dot: "·",
        here: "▶",
        folded: "+",
        unfolded: "-",
        orders: ["▲", "▼"],
        bars: &["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
        levels: &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        track: ["━", "╸", "─", "✗"],
    };
    const ASCII: Self = Self {
        down: "|",
        across: "-",
        begin: "+",
        beside: "+",
        end: "+",
        dot: "-",
        here: ">",
        folded: "+",
        unfolded: "-",
        orders: ["^", "v"],
        bars: &["#"],
        levels: &["_", ".", "-", "=", "#"],
        track: ["=", ">", "-", "X"],
    };
}

impl Theme {
    /// With these colours, and with signs beyond ASCII or without.
    pub fn new(palette: Palette, ascii: bool) -> Self {
        let (signs, strokes) = if ascii { (Signs::ASCII, Strokes::ASCII) } else { (Signs::UNICODE, Strokes::UNICODE) };
        Self { palette, signs, strokes }
    }

    /// How text of this meaning looks. Without colours, what matters differs by weight, and says so in words anyway.
    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        let (bold, faint) = (plain.add_modifier(Modifier::BOLD), plain.add_modifier(Modifier::DIM));
        let reversed = plain.add_modifier(Modifier::REVERSED);
        let Some(colours) = self.colours() else {
            return match role {
                Role::Plain | Role::Good | Role::Frame => plain,
                Role::Title | Role::Bad | Role::Warn | Role::Change | Role::Key => bold,
                Role::Faint => faint,
                Role::Selected | Role::Active | Role::Badge | Role::Mark => reversed,
                Role::Alarm => reversed.add_modifier(Modifier::BOLD),
            };
        };
        match role {
            Role::Plain => plain,
            Role::Title => bold,
            Role::Faint => plain.fg(colours.faint),
            Role::Bad => bold.fg(colours.bad),
            Role::Good => plain.fg(colours.good),
            Role::Warn => plain.fg(colours.warn),
            Role::Mark => plain.fg(colours.warn).add_modifier(Modifier::REVERSED),
            Role::Change => plain.fg(colours.change),
            Role::Selected => match colours.selected {
                Some(colour) => plain.bg(colour),
                None => reversed,
            },
            Role::Frame => plain.fg(colours.frame),
            Role::Active => bold.fg(colours.key).add_modifier(Modifier::REVERSED),
            Role::Key => bold.fg(colours.key),
            Role::Badge => bold.fg(colours.good).add_modifier(Modifier::REVERSED),
            Role::Alarm => bold.fg(colours.bad).add_modifier(Modifier::REVERSED),
        }
    }

    /// Signs are of ASCII alone.
    pub fn is_ascii(&self) -> bool {
        self.signs == Signs::ASCII
    }

    fn colours(&self) -> Option<Colours> {
        match self.palette {
            Palette::None => None,
            Palette::Terminal => Some(Colours {
                faint: Color::DarkGray,
                bad: Color::Red,
                good: Color::Green,
                warn: Color::Yellow,
                change: Color::Magenta,
                frame: Color::Cyan,
                key: Color::Cyan,
                selected: None,
            }),
            Palette::Dark => Some(Colours {
                faint: Color::Indexed(245),
                bad: Color::Indexed(203),
                good: Color::Indexed(114),
                warn: Color::Indexed(221),
                change: Color::Indexed(183),
                frame: Color::Indexed(110),
                key: Color::Indexed(117),
                selected: Some(Color::Indexed(237)),
            }),
            Palette::Light => Some(Colours {
                faint: Color::Indexed(243),
                bad: Color::Indexed(160),
                good: Color::Indexed(28),
                warn: Color::Indexed(130),
                change: Color::Indexed(90),
                frame: Color::Indexed(24),
                key: Color::Indexed(25),
                selected: Some(Color::Indexed(253)),
            }),
        }
    }
}

struct Colours {
    faint: Color,
    bad: Color,
    good: Color,
    warn: Color,
    change: Color,
    frame: Color,
    key: Color,
    /// Background of the line at hand; `None` turns its colours round.
    selected: Option<Color>,
}

//! What keys do, the one table of keys, and what the help says of them.

/// Something that a user can want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// End the program.
    Quit,
    /// Show or hide the help.
    Help,
    /// Close what is open, go back.
    Back,
    /// Stop and give the terminal back to the shell.
    Suspend,
    /// Draw all anew.
    Redraw,
    /// The next tab.
    NextTab,
    /// The tab before.
    PreviousTab,
    /// The tab of this number.
    Tab(u8),
    /// A row up.
    Up,
    /// A row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row, and on with what comes.
    Last,
    /// To the left: what is beside, or a step back.
    Left,
    /// To the right: what is beside, or a step on.
    Right,
    /// Open what is selected.
    Open,
    /// Edit the filter.
    Filter,
    /// Edit the filter over what is there.
    DisplayFilter,
    /// Go on to the next packet that holds a text; the first time it is asked for.
    NextMatch,
    /// The same backwards.
    PreviousMatch,
    /// To the next dropped packet.
    NextDrop,
    /// To the dropped packet before.
    PreviousDrop,
    /// Hold the view, or play a recording.
    Pause,
    /// Start or stop recording.
    Record,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    Invert,
    /// Write what is selected to a file.
    Export,
    /// Copy what is selected.
    Copy,
    /// Mark for a comparison.
    Mark,
    /// Compare what is marked.
    Compare,
    /// Fold or unfold all.
    Fold,
    /// Show or hide the packet's bytes.
    Bytes,
    /// Show or hide the stack.
    Stack,
    /// Show or hide the programs at the devices.
    Programs,
    /// Play slower.
    Slower,
    /// Play faster.
    Faster,
    /// Go to a time of the recording.
    Seek,
    /// Go on by a packet of the recording.
    StepOn,
    /// Go back by a packet of the recording.
    StepBack,
    /// Read again.
    Refresh,
}

/// Where a key has its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In all tabs.
    Everywhere,
    /// In lists.
    Lists,
    /// In the path of one packet.
    Path,
    /// In a running trace.
    Live,
    /// In a recording.
    Replay,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// As settings name it.
    pub name: &'static str,
    /// The keys, as settings write them.
    pub keys: &'static [&'static str],
    /// In a word, for the last line of the screen.
    pub short: &'static str,
    /// In a sentence, for the help.
    pub help: &'static str,
    /// Where.
    pub place: Place,
}

const fn binding(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    short: &'static str,
    help: &'static str,
    place: Place,
) -> Binding {
    Binding { action, name, keys, short, help, place }
}

use Action as A;
use Place::{Everywhere, Lists, Live, Path, Replay};

/// All keys. Help, the last line of the screen and settings read this table.
pub const BINDINGS: &[Binding] = &[
    binding(A::Help, "help", &["?", "f1"], "help", "this help", Everywhere),
    binding(A::Quit, "quit", &["q", "ctrl-c"], "quit", "end", Everywhere),
    binding(A::Back, "back", &["esc", "backspace"], "back", "close what is open, go back", Everywhere),
    binding(A::Suspend, "suspend", &["ctrl-z"], "suspend", "back to the shell; `fg` goes on", Everywhere),
    binding(A::Redraw, "redraw", &["ctrl-l"], "redraw", "draw the screen anew", Everywhere),
    binding(A::NextTab, "next-tab", &["tab"], "next", "the next tab", Everywhere),
    binding(A::PreviousTab, "previous-tab", &["backtab"], "previous", "the tab before", Everywhere),
    binding(A::Tab(1), "tab-1", &["1"], "", "Packets", Everywhere),
    binding(A::Tab(2), "tab-2", &["2"], "", "Paths", Everywhere),
    binding(A::Tab(3), "tab-3", &["3"], "", "Functions", Everywhere),
    binding(A::Tab(4), "tab-4", &["4"], "", "Drops", Everywhere),
    binding(A::Tab(5), "tab-5", &["5"], "", "Net", Everywhere),
    binding(A::Tab(6), "tab-6", &["6"], "", "Programs", Everywhere),
    binding(A::Tab(7), "tab-7", &["7"], "", "Maps", Everywhere),
    binding(A::Tab(8), "tab-8", &["8"], "", "Dataplane", Everywhere),
    binding(A::Tab(9), "tab-9", &["9"], "", "System", Everywhere),
    binding(A::Filter, "filter", &["/"], "filter", "change the filter, in force at once", Everywhere),
    binding(
        A::DisplayFilter,
        "display-filter",
        &["f"],
        "display filter",
        "show only some of what is here, in the same language",
        Everywhere,
    ),
    binding(A::Export, "export", &["e"], "export", "write the selection to a file", Everywhere),
    binding(A::Copy, "copy", &["y"], "copy", "copy the selected line or packet", Everywhere),
    binding(A::Refresh, "refresh", &["ctrl-r"], "refresh", "read again", Everywhere),
    binding(A::Up, "up", &["up", "k"], "up", "a line up", Lists),
    binding(A::Down, "down", &["down", "j"], "down", "a line down", Lists),
    binding(A::PageUp, "page-up", &["pageup", "ctrl-u", "ctrl-b"], "page up", "a page up", Lists),
    binding(A::PageDown, "page-down", &["pagedown", "ctrl-d", "ctrl-f"], "page down", "a page down", Lists),
    binding(A::First, "first", &["home", "g"], "first", "to the first line", Lists),
    binding(A::Last, "last", &["end", "G"], "follow", "to the last line, and on with what comes", Lists),
    binding(A::Open, "open", &["enter"], "open", "what is selected: the path of a packet", Lists),
    binding(A::NextDrop, "next-drop", &["D"], "next drop", "to the next dropped packet", Lists),
    binding(A::PreviousDrop, "previous-drop", &["U"], "drop before", "to the dropped packet before", Lists),
    binding(A::NextMatch, "next-match", &["n"], "search", "search; again: the next match", Lists),
    binding(A::PreviousMatch, "previous-match", &["N"], "", "the match before", Lists),
    binding(A::Sort, "sort", &["s"], "sort", "sort by the next column", Lists),
    binding(A::Invert, "invert", &["S"], "invert", "sort the other way round", Lists),
    binding(A::Mark, "mark", &["m"], "mark", "mark for a comparison", Lists),
    binding(A::Compare, "compare", &["d"], "compare", "compare the two that are marked", Lists),
    binding(A::Fold, "fold", &["+", "-"], "unfold", "unfold or fold all hops", Path),
    binding(A::Bytes, "bytes", &["b"], "bytes", "headers and bytes", Path),
    binding(A::Stack, "stack", &["x"], "stack", "all of the kernel's stack at the drop", Path),
    binding(A::Programs, "programs", &["p"], "programs", "BPF programs at the devices of the way", Path),
    binding(A::Left, "left", &["left", "h"], "", "the packet before", Path),
    binding(A::Right, "right", &["right", "l"], "", "the next packet", Path),
    binding(A::Pause, "pause", &["space"], "pause", "hold the view, capture goes on; a recording: play", Everywhere),
    binding(A::Record, "record", &["r"], "record", "start or stop recording", Live),
    binding(A::Slower, "slower", &["["], "slower", "play at half the speed", Replay),
    binding(A::Faster, "faster", &["]"], "faster", "play at twice the speed", Replay),
    binding(A::StepOn, "step", &["."], "step", "on by a packet", Replay),
    binding(A::StepBack, "step-back", &[","], "", "back by a packet", Replay),
    binding(A::Seek, "seek", &["t"], "time", "go to a time, in seconds from the beginning", Replay),
];

impl Action {
    /// Its line in the table.
    pub fn binding(self) -> Option<&'static Binding> {
        BINDINGS.iter().find(|binding| binding.action == self)
    }
}

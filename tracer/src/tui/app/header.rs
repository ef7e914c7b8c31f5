//! The first lines: what is going on, and the tabs; and in a recording the position.

use ratatui::{Frame, layout::Rect};

use crate::{
    tui::{
        action::Action,
        state::{Mode, State},
        tabs::{Kind, NUMBERED, Tab},
        theme::Role,
        widget::text::{fit, put, width},
    },
    view::phrase::thousands,
};

/// A piece of a line.
type Piece = (String, Role);

/// The first line: on the left what is traced, on the right how much, of which the right side is never cut.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State<'_>) {
    let buffer = frame.buffer_mut();
    let right = right(state);
    let needed: u16 = right.iter().map(|(text, _)| width(text) + 2).sum();
    let mut at = area.width.saturating_sub(needed);
    let room = at;
    for (text, role) in &right {
        at += put(buffer, area, 0, at, text, state.theme.style(*role)) + 2;
    }
    let mut at = 1;
    for (text, role) in left(state) {
        let text = fit(&text, room.saturating_sub(at + 1), state.theme.signs.more, false);
        if text.is_empty() {
            break;
        }
        at += put(buffer, area, 0, at, &text, state.theme.style(role)) + 1;
    }
}

fn left(state: &State<'_>) -> Vec<Piece> {
    let mut pieces = vec![("skbtrail".to_owned(), Role::Title)];
    let (badge, role) = match &state.mode {
        Mode::Live { held: Some(_) } => (" PAUSED ", Role::Alarm),
        Mode::Live { .. } => (" LIVE ", Role::Badge),
        Mode::Replay(playback) if playback.plays() => (" PLAYING ", Role::Badge),
        Mode::Replay(_) => (" REPLAY ", Role::Badge),
    };
    pieces.push((badge.to_owned(), role));
    if state.status.tape.is_some() {
        pieces.push((" RECORDING ".to_owned(), Role::Alarm));
    }
    if !state.filter.is_empty() {
        pieces.push((format!("/ {}", state.filter), Role::Plain));
    }
    if let Some(filter) = state.listing.filter() {
        let undecided = match filter.undecided() {
            0 => String::new(),
            packets => format!(" ({packets} not judged)"),
        };
        pieces.push((format!("f {}{undecided}", filter.label()), Role::Warn));
    }
    pieces.push((state.known.headline.clone(), Role::Faint));
    pieces
}

fn right(state: &State<'_>) -> Vec<Piece> {
    let status = &state.status;
    let mut pieces = Vec::new();
    if let Mode::Replay(_) = state.mode {
        pieces.push((format!("{} packets", thousands(status.packets)), Role::Plain));
        pieces.push((format!("{} hits", thousands(status.hits)), Role::Plain));
        pieces.push(match &status.counts {
            Some(counts) => lost(counts.lost() + state.store.gone().left_out_hops),
            None => ("losses not recorded".to_owned(), Role::Faint),
        });
    } else {
        let (hits, packets) = status.rates;
        pieces.push((format!("{} ev/s", thousands(hits)), Role::Plain));
        pieces.push((format!("{} pkt/s", thousands(packets)), Role::Plain));
        pieces.push(match status.attaching {
            Some((done, all)) => (format!("attaching {done}/{all}"), Role::Warn),
            None => (format!("{} functions", status.attached), Role::Faint),
        });
        let counts = status.counts.as_ref();
        let hits = counts.map_or(0, |counts| counts.ring_full + counts.undecodable) + state.store.gone().left_out_hops;
        pieces.push(lost(hits));
        let of_drops = state.watched.as_ref().and_then(|watched| watched.status.cost);
        if let Some(cost) = status.cost.map(|cost| cost + of_drops.unwrap_or(0.0)) {
            pieces.push((format!("cost {:.1}%", cost * 100.0), Role::Plain));
        }
    }
    pieces
}

fn lost(hits: u64) -> Piece {
    (format!("lost {}", thousands(hits)), if hits > 0 { Role::Alarm } else { Role::Good })
}

/// The second line: the tabs. Returns where their titles are, for the mouse.
pub(super) fn draw_titles(
    frame: &mut Frame<'_>,
    area: Rect,
    tabs: &[(Kind, Box<dyn Tab>)],
    current: usize,
    state: &State<'_>,
) -> Vec<(Rect, usize)> {
    let buffer = frame.buffer_mut();
    let titles: Vec<(usize, String)> =
        tabs.iter().enumerate().map(|(number, (_, tab))| (number, title(number, tab.title()))).collect();
    let needed: u16 = titles.iter().map(|(_, title)| width(title) + 1).sum();
    // Where there is no room for all, the beginnings of the others do.
    let short = needed > area.width;
    let own = titles.get(current).map_or(0, |(_, title)| width(title));
    let each = usize::from(area.width.saturating_sub(own)) / NUMBERED.max(1);
    let (mut at, mut places) = (0, Vec::new());
    for (number, text) in titles {
        if number == NUMBERED && current != NUMBERED {
            continue;
        }
        let text = if short && number != current { text.chars().take(each).collect() } else { text };
        let role = if number == current { Role::Active } else { Role::Frame };
        let taken = put(buffer, area, 0, at, &text, state.theme.style(role));
        places.push((Rect { x: area.x + at, width: taken, ..area }, number));
        at += taken + u16::from(!short);
    }
    places
}

fn title(number: usize, title: &str) -> String {
    if number < NUMBERED { format!(" {} {title} ", number + 1) } else { format!(" {title} ") }
}

/// The line of the position in a recording, with marks where packets were dropped.
pub(super) fn draw_position(frame: &mut Frame<'_>, area: Rect, state: &State<'_>) {
    let Mode::Replay(playback) = &state.mode else { return };
    let buffer = frame.buffer_mut();
    let theme = &state.theme;
    let (at, length) = playback.position();
    let seconds = |nanoseconds: u64| format!("{:.3}", nanoseconds as f64 / 1e9);
    let key = state.keymap.key(Action::Pause);
    let verb = if playback.plays() { "stop" } else { "play" };
    let before = format!(" {} / {} s  x{} ", seconds(at), seconds(length), playback.speed());
    let behind = format!(" {} drops  {key} {verb} ", playback.drops());
    let start = put(buffer, area, 0, 0, &before, theme.style(Role::Plain));
    let room = area.width.saturating_sub(start + width(&behind));
    let marks = playback.marks(usize::from(room));
    let played = if length == 0 { room } else { (u128::from(at) * u128::from(room) / u128::from(length)) as u16 };
    for (place, dropped) in marks.into_iter().enumerate() {
        let place = place as u16;
        let [done, here, to_come, drop] = theme.strokes.track;
        let sign = match place {
            _ if dropped => drop,
            place if place < played => done,
            place if place == played => here,
            _ => to_come,
        };
        let role = match place {
            _ if dropped => Role::Bad,
            place if place <= played => Role::Key,
            _ => Role::Faint,
        };
        put(buffer, area, 0, start + place, sign, theme.style(role));
    }
    put(buffer, area, 0, start + room, &behind, theme.style(Role::Faint));
}

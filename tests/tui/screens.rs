//! Every tab, at two sizes.

use std::time::Duration;

use ratatui::crossterm::event::{MouseButton, MouseEventKind};
use skbtrail::tui::theme::{Palette, Theme};

use super::view::{bounded, fixture, themed, view};

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];

/// Snapshots after these keys, at both sizes.
pub(super) fn screens(name: &str, keys: &str) {
    for size in SIZES {
        view(&[fixture("6.12-path.pcapng")], size, |view| {
            let screen = view.press(keys).screen();
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), screen);
        });
    }
}

#[test]
fn packets() {
    screens("packets", "");
}

#[test]
fn help() {
    screens("help", "?");
}

#[test]
fn path() {
    screens("path", "<enter>");
}

/// Where a packet died, in plain words.
#[test]
fn path_of_a_drop() {
    screens("path-drop", "gD<enter>");
    screens("path-unfolded", "gD<enter>+xb");
}

#[test]
fn system() {
    screens("system", "9");
}

#[test]
fn keys_move_and_open() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        assert!(view.line("▶").contains("51784 t"));
        assert!(view.press("gD").line("▶").contains("NETFILTER_DROP"));
        assert!(view.press("D").line("▶").contains("NO_SOCKET"));
        assert!(view.press("D").line("dropped").contains("no packet was dropped behind this one"));
        assert!(view.press("<enter>").line("packet 5").contains("10.77.2.2:9999"));
        assert!(view.line("▶").contains("DROP  NO_SOCKET at "));
        assert!(view.screen().contains("No socket listens at this address"), "{}", view.screen());
        assert!(view.press("<left>").line("packet 4").contains("NETFILTER_DROP"));
        assert!(view.press("<right>D").line("no packet was").contains("behind this one"));
        assert!(view.press("<esc><esc>").line("▶").contains("NO_SOCKET"));
        view.press("q");
        assert_eq!(view.app.take_wishes(), [skbtrail::tui::message::Wish::Quit]);
    });
}

#[test]
fn what_is_shown_can_be_narrowed_and_sorted() {
    view(&[fixture("6.12-path.pcapng")], (120, 24), |view| {
        let rows = |screen: String| screen.lines().filter(|line| line.contains("20:22:2")).count();
        assert_eq!(rows(view.press("fudp<enter>").screen()), 1);
        assert!(view.line("REPLAY").contains("f udp"));
        assert_eq!(rows(view.press("<esc>").screen()), 5);
        let screen = view.press("fudp adn<enter>").screen();
        assert!(screen.contains("unexpected `adn`"), "{screen}");
        assert!(view.line("^^^").starts_with("                ^^^"), "{}", view.line("^^^"));
        assert_eq!(rows(view.press("<esc>").screen()), 5);
        view.press("sssssss");
        assert!(view.line("VERDICT").contains("VERDICT▲"));
        assert!(view.press("g").line("▶").contains("DROPPED"));
        assert!(view.press("Sg").line("▶").contains("delivered"));
    });
}

#[test]
fn a_recording_plays() {
    view(&[fixture("6.12-path.pcapng")], (100, 24), |view| {
        view.press("t0.2<enter>");
        assert!(view.line("0.200 / 0.939 s").contains("2 drops"));
        assert_eq!(view.screen().matches("20:22:2").count(), 2);
        assert!(!view.press(" ").line("PLAYING").contains("REPLAY"));
        view.wait(Duration::from_millis(600));
        assert_eq!(view.screen().matches("20:22:2").count(), 3);
        view.press("]").wait(Duration::from_millis(600));
        assert!(view.line("0.939 / 0.939 s").contains("x2"));
        assert_eq!(view.screen().matches("20:22:2").count(), 5);
    });
}

#[test]
fn a_recording_goes_on_packet_by_packet() {
    view(&[fixture("6.12-path.pcapng")], (100, 24), |view| {
        let shown = |view: &mut super::view::View<'_>| view.screen().matches("20:22:2").count();
        view.press("t0.2<enter>");
        assert_eq!(shown(view), 2);
        for expected in [3, 4, 5, 5] {
            view.press(".");
            assert_eq!(shown(view), expected);
        }
        for expected in [4, 3, 2, 1, 0, 0] {
            view.press(",");
            assert_eq!(shown(view), expected, "{}", view.screen());
        }
        view.press(".");
        assert_eq!(shown(view), 1);
    });
}

#[test]
fn any_size_will_do() {
    view(&[fixture("6.12-path.pcapng")], (80, 24), |view| {
        for keys in ["", "<enter>", "9", "?", "<esc>1/"] {
            view.press(keys);
            for (width, height) in [(300, 100), (1, 1), (40, 10), (39, 9), (80, 3), (120, 12)] {
                view.resize(width, height).screen();
            }
        }
    });
}

/// What the store has no room for is read again when the position gets there.
#[test]
fn a_recording_larger_than_the_store() {
    bounded(&[fixture("6.12-path.pcapng")], (160, 24), 270, |view| {
        let packets = |screen: String| -> Vec<String> {
            let rows = screen.lines().filter(|line| line.contains("20:22:2")).map(str::to_owned);
            rows.map(|row| row.split_whitespace().filter(|word| *word != "▶").nth(1).unwrap().to_owned()).collect()
        };
        assert_eq!(packets(view.screen()), ["5", "6"]);
        assert_eq!(packets(view.press("t0.1<enter>").screen()), ["1"]);
        assert!(view.line("0.100 / 0.939 s").contains("2 drops"));
        assert_eq!(packets(view.press("t0.2<enter>").screen()), ["1", "2"]);
        assert_eq!(packets(view.press("t0.92<enter>").screen()), ["5"]);
        assert_eq!(packets(view.press("t9<enter>").screen()), ["5", "6"]);
        assert!(view.press("9G").line("made room").contains("packets"));
    });
}

#[test]
fn words_are_completed_and_lines_come_back() {
    view(&[fixture("6.12-path.pcapng")], (120, 24), |view| {
        assert!(view.press("fifname r<tab>").line("show only").ends_with("ifname ra"));
        assert!(view.screen().contains(" ra  rb"), "{}", view.screen());
        assert!(view.press("<tab>").line("show only").ends_with("ifname rb"));
        assert!(view.press(" and dr<tab>").line("show only").ends_with("and drop"));
        view.press("<enter>");
        assert!(view.press("<esc>f<up>").line("show only").ends_with("ifname rb and drop"));
        assert!(view.press("<ctrl-w>").line("show only").ends_with("ifname rb and"));
        assert!(view.line("unexpected end").contains("expected a condition"), "{}", view.screen());
        view.press("<esc>");
        assert!(!view.screen().contains("show only"));
    });
}

#[test]
fn the_mouse() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        let click = MouseEventKind::Down(MouseButton::Left);
        view.mouse(click, 20, 4);
        assert!(view.line("▶").contains("echo-reply"));
        view.mouse(MouseEventKind::ScrollUp, 20, 4);
        view.mouse(click, 20, 5).mouse(click, 20, 5);
        assert!(view.line("packet 4").contains("DROPPED"));
        // The title of a tab.
        view.mouse(click, 5, 1);
        assert!(view.line("▶").contains("NETFILTER_DROP"));
    });
}

#[test]
fn without_colours_or_signs() {
    let theme = Theme::new(Palette::None, true);
    themed(&[fixture("6.12-path.pcapng")], (100, 30), &theme, |view| {
        for keys in ["", "gD<enter>", "<esc>9", "?"] {
            let screen = view.press(keys).screen();
            // The name of the unit is the one sign beyond ASCII that is left.
            assert!(screen.replace('µ', "u").is_ascii(), "{screen}");
        }
        insta::assert_snapshot!("path-ascii", view.press("<esc>1<enter>").screen());
    });
}

#[test]
fn other_files() {
    for file in ["7.2-path.pcapng", "captures/ethernet.pcap", "captures/raw.pcap"] {
        view(&[fixture(file)], (100, 30), |view| {
            for keys in ["g<enter>", "<right><right>", "+", "<esc>", "23456789"] {
                view.press(keys);
            }
            assert!(view.line("ended").trim_end().chars().last().unwrap().is_ascii_digit());
        });
    }
}

/// A search goes through all rows, a slice of time at each frame, and can be called off.
#[test]
fn what_is_searched_for_is_found() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        assert!(view.press("gn").line("search").contains("search"));
        assert!(view.press("no_sock<enter>").line("▶").contains("NO_SOCKET"), "{}", view.screen());
        let row = view.line("▶");
        assert!(view.press("n").line("no other line").contains("`no_sock`"));
        assert_eq!(view.line("▶"), row);
        assert!(view.press("<esc><esc>Gn").press("icmp<enter>").line("no other line").contains("icmp"));
        assert!(view.press("N").line("▶").contains("icmp"));
    });
}

/// Hits before the headers are written have no ports that a filter could ask for.
#[test]
fn what_a_display_filter_cannot_judge_is_counted() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        view.press("fether src 02:00:00:00:00:01<enter>");
        assert!(view.line("REPLAY").contains("(5 not judged)"), "{}", view.screen());
        view.press("f<ctrl-u>udp<enter>");
        assert!(!view.line("REPLAY").contains("not judged"), "{}", view.screen());
    });
}

/// What was lost while a recording was made is lost in it too.
#[test]
fn losses_of_a_recording_are_in_its_first_line() {
    use skbtrail::{
        collect::counts::Counts,
        tui::engine::{Batch, Status},
        tui::message::Message,
    };
    view(&[fixture("6.12-path.pcapng")], (120, 50), |view| {
        assert!(view.line("REPLAY").ends_with("lost 0"));
        let counts = Counts { seen: 590, shown: 581, ring_full: 9, ..Counts::default() };
        let status = Status { counts: Some(counts), ..view.app.state.status.clone() };
        view.app.handle(Message::News(Box::new(Batch::news(Some(status), Vec::new()))));
        assert!(view.line("REPLAY").ends_with("lost 9"));
        assert!(view.press("9").line("ring full").ends_with(" 9"));
    });
    view(&[fixture("captures/raw.pcap")], (120, 50), |view| {
        assert!(view.line("REPLAY").ends_with("losses not recorded"));
    });
}

/// Before all is attached the view is there, and says how far that has got.
#[test]
fn attaching_is_seen() {
    use skbtrail::{
        tui::engine::{Batch, Status},
        tui::{message::Message, state::Mode},
    };
    view(&[fixture("captures/raw.pcap")], (120, 24), |view| {
        view.app.state.mode = Mode::Live { held: None };
        let status = Status { attaching: Some((600, 1602)), ..Status::default() };
        view.app.handle(Message::News(Box::new(Batch::news(Some(status), Vec::new()))));
        assert!(view.line("LIVE").contains("attaching 600/1602"));
    });
}

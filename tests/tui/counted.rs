//! The tabs that count over all packets: paths, functions, drops.

use super::{
    screens::screens,
    view::{fixture, view},
};

#[test]
fn paths() {
    screens("paths", "2");
}

#[test]
fn functions() {
    screens("functions", "3");
}

#[test]
fn drops() {
    screens("drops", "4");
}

#[test]
fn two_paths_differ() {
    view(&[fixture("6.12-path.pcapng")], (120, 40), |view| {
        view.press("2md");
        assert!(view.line("mark two paths").contains("`m`"));
        view.press("jd");
        insta::assert_snapshot!("paths-difference-120x40", view.screen());
        // Marks go away step by step.
        assert!(!view.press("<esc><esc>").screen().contains(" A "), "{}", view.screen());
    });
}

#[test]
fn a_row_opens_its_packets() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        let packets = |screen: String| screen.lines().filter(|line| line.contains("20:22:2")).count();
        view.press("4j");
        let row = view.line("▶");
        let screen = view.press("<enter>").screen();
        assert!(view.line("REPLAY").contains("f dropped"), "{screen}");
        assert_eq!(packets(screen), 1);
        assert!(row.contains(if view.line("▶").contains("NO_SOCKET") { "NO_SOCKET" } else { "NETFILTER_DROP" }));
        view.press("<esc>2");
        let hops: usize = view.line("▶").split_whitespace().nth(1).unwrap().parse().unwrap();
        assert_eq!(packets(view.press("<enter>").screen()), hops);
        assert!(view.line("REPLAY").contains("f path "));
        view.press("<esc>3n").press("nf_hook_slow<enter>");
        assert!(view.line("▶").contains("nf_hook_slow"));
        let of_all: usize = view.line("▶").split_whitespace().nth(5).unwrap().parse().unwrap();
        assert_eq!(packets(view.press("<enter>").screen()), of_all);
        assert!(view.line("REPLAY").contains("f func nf_hook_slow"));
    });
}

#[test]
fn what_is_counted_is_what_is_shown() {
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        assert!(view.press("4").line("drops of").contains("3 drops of 3 kinds among 5 packets"));
        view.press("fudp<enter>");
        assert!(view.line(" of 1 kind").contains("1 drop of 1 kind among 1 packet"), "{}", view.screen());
        assert!(view.press("2").line("on 1 path").contains("1 packet on 1 path"));
        assert!(view.press("3").line("functions hit").contains("by 1 packet"));
        view.press("f<ctrl-u>tcp port 9<enter>");
        for (tab, words) in [("2", "0 packets on 0 paths"), ("3", "0 functions"), ("4", "0 drops")] {
            assert!(view.press(tab).screen().contains(words), "{}", view.screen());
        }
        // A recording that is played back counts up to where it is.
        view.press("1<esc>t0.2<enter>2");
        assert!(view.line("on 2 paths").contains("2 packets"), "{}", view.screen());
        view.press("t100<enter>");
        assert!(view.line(" paths").contains("5 packets"));
    });
}

#[test]
fn rows_are_sorted_and_copied() {
    use skbtrail::tui::message::Wish;
    view(&[fixture("6.12-path.pcapng")], (160, 24), |view| {
        view.press("3sg");
        assert!(view.line("FUNCTION").contains("FUNCTION▲"));
        let first = view.line("▶");
        view.press("Sg");
        assert!(view.line("FUNCTION").contains("FUNCTION▼") && view.line("▶") > first);
        view.press("y");
        let wishes = view.app.take_wishes();
        let [Wish::Copy(text)] = wishes.as_slice() else { panic!("{wishes:?}") };
        assert!(view.line("▶").contains(text.split_whitespace().next().unwrap()), "{text}");
    });
}

//! Paths for people.

use super::{
    super::{
        Style, Tone, duration,
        phrase::{append, plural},
    },
    Profile, names,
};
use crate::track::{Histogram, Path, Step, Verdict};

/// Letters of a column of times.
const TIME_WIDTH: usize = 11;

/// Appends the paths of most packets, `top` of them, and what is not among them.
pub fn text(profile: &Profile<'_>, top: usize, style: Style, out: &mut Vec<u8>) {
    let mut page = Page { profile, style, text: String::new() };
    let paths = profile.paths.by_packets();
    page.summary(paths.len());
    for path in paths.iter().take(top) {
        page.text.push('\n');
        page.path(path);
    }
    if let Some(rest) = paths.get(top..).filter(|rest| !rest.is_empty()) {
        let packets: u64 = rest.iter().map(|path| path.packets).sum();
        page.line(
            Tone::Plain,
            &format!("\n{} more paths of {} (--top 0 shows all)", rest.len(), plural(packets, "packet")),
        );
    }
    out.extend_from_slice(page.text.as_bytes());
}

/// Appends one path: how it ends, and its hops with the time before each.
pub fn hops(profile: &Profile<'_>, path: &Path, style: Style, out: &mut String) {
    let mut page = Page { profile, style, text: String::new() };
    page.steps(path);
    out.push_str(&page.text);
}

struct Page<'a> {
    profile: &'a Profile<'a>,
    style: Style,
    text: String,
}

impl Page<'_> {
    fn summary(&mut self, paths: usize) {
        let all = self.profile.paths;
        let mut line = format!("{} on {}", plural(all.packets(), "packet"), plural(paths as u64, "path"));
        if all.partial() > 0 {
            append(format_args!("; {} not seen whole", all.partial()), &mut line);
        }
        if all.others() > 0 {
            append(format_args!("; {} on paths there was no room for", all.others()), &mut line);
        }
        self.line(Tone::Plain, &line);
    }

    fn path(&mut self, path: &Path) {
        let mut title = String::new();
        append(format_args!("{}  ", plural(path.packets, "packet")), &mut title);
        names::percent(self.profile.share(path.packets), &mut title);
        title.push_str("  p50 ");
        quantile(&path.total, 0.5, &mut title);
        title.push_str("  p99 ");
        quantile(&path.total, 0.99, &mut title);
        self.line(Tone::Title, &title);
        self.steps(path);
    }

    fn steps(&mut self, path: &Path) {
        let mut end = String::from("  ");
        names::end(self.profile, path, &mut end);
        let tone = if matches!(path.verdict, Verdict::Dropped { .. }) { Tone::Drop } else { Tone::Title };
        self.line(tone, &end);
        self.line(Tone::Faint, &format!("{:>TIME_WIDTH$}{:>TIME_WIDTH$}", "p50", "p99"));
        let slowest = slowest(path);
        for index in 0..path.steps.len() {
            self.step(path, index, slowest == Some(index));
        }
    }

    fn step(&mut self, path: &Path, index: usize, slowest: bool) {
        let (step, place) = (&path.steps[index], path.places[index]);
        let before = index.checked_sub(1).map(|before| (&path.steps[before], path.places[before]));
        let mut name = String::new();
        match step {
            Step::End(_) => return,
            Step::Branch { .. } => return self.branch(step),
            Step::Hop { moved, .. } => {
                let first = !matches!(before, Some((Step::Hop { .. }, _)));
                if *moved || first {
                    let mut line = String::from("  ");
                    self.profile.words().place(place.netns, place.device, &mut line);
                    if place.mixed {
                        line.push_str(" and others");
                    }
                    self.line(Tone::Plain, &line);
                }
                names::short_step(self.profile, step, &mut name);
            }
        }
        let mut line = column(&path.gaps[index], 0.5);
        line.push_str(&column(&path.gaps[index], 0.99));
        line.push_str("  ");
        line.push_str(&name);
        if slowest {
            line.push_str("  <- slowest");
        }
        self.line(if slowest { Tone::Title } else { Tone::Plain }, &line);
    }

    fn branch(&mut self, step: &Step) {
        let Step::Branch { number, parent, after, how } = step else { return };
        let mut line = format!("  + branch {number}, {}", names::branch(*how));
        if let Some(parent) = parent {
            let parent = if *parent == 0 { "the packet".to_owned() } else { format!("branch {parent}") };
            append(format_args!(" of {parent} after {after} hops"), &mut line);
        }
        self.line(Tone::Title, &line);
    }

    fn line(&mut self, tone: Tone, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.style.paint(tone, start, &mut self.text);
        self.text.push('\n');
    }
}

/// The step before which most time passes.
fn slowest(path: &Path) -> Option<usize> {
    let median = |index: &usize| path.gaps[*index].quantile(0.5);
    let slowest = (0..path.gaps.len()).rev().max_by_key(median)?;
    median(&slowest).filter(|_| path.steps.len() > 3).map(|_| slowest)
}

fn quantile(histogram: &Histogram, share: f64, out: &mut String) {
    match histogram.quantile(share) {
        Some(time) => duration::write(time, out),
        None => out.push('-'),
    }
}

fn column(histogram: &Histogram, share: f64) -> String {
    let mut text = String::new();
    quantile(histogram, share, &mut text);
    let missing = TIME_WIDTH.saturating_sub(text.chars().count());
    text.insert_str(0, &" ".repeat(missing));
    text
}

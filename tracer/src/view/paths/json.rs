//! A JSON object for each path, and one for all (`assets/output-json.md`).

use super::{
    super::{Object, journey::word, json::VERSION},
    Profile, names,
};
use crate::track::{Histogram, Path, Step};

/// Appends the lines: paths of most packets first, then the sum.
pub fn json(profile: &Profile<'_>, out: &mut Vec<u8>) {
    let paths = profile.paths.by_packets();
    let mut line = String::new();
    for path in &paths {
        let mut object = begin(&mut line, "path");
        write_path(profile, path, &mut object);
        object.end();
        line.push('\n');
    }
    let mut object = begin(&mut line, "paths");
    object.number("packets", profile.paths.packets());
    object.number("paths", paths.len() as u64);
    object.number("hops", profile.paths.hops());
    object.number("partial", profile.paths.partial());
    object.number("others", profile.paths.others());
    object.end();
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

fn begin<'a>(line: &'a mut String, kind: &str) -> Object<'a> {
    let mut object = Object::begin(line);
    object.number("v", VERSION);
    object.text("type", |out| out.push_str(kind));
    object
}

fn write_path(profile: &Profile<'_>, path: &Path, object: &mut Object<'_>) {
    object.number("packets", path.packets);
    object.fraction("share", profile.share(path.packets));
    object.text("what", |out| out.push_str(&word(path.verdict).replace(' ', "-")));
    object.text("end", |out| names::end(profile, path, out));
    object.number("example", path.example);
    times(&path.total, object);
    object.objects(
        "steps",
        path.steps.iter().enumerate().filter(|(_, step)| !matches!(step, Step::End(_))),
        |step, inner| {
            write_step(profile, path, step, inner);
        },
    );
}

fn write_step(profile: &Profile<'_>, path: &Path, (index, step): (usize, &Step), object: &mut Object<'_>) {
    match step {
        Step::Hop { .. } => {
            object.text("func", |out| names::step(profile, step, out));
            let place = path.places[index];
            if place.mixed {
                object.truth("mixed", true);
            } else {
                if let Some(netns) = profile.tables.netns_of(place.netns) {
                    object.number("netns", netns);
                }
                if let Some(device) = profile.tables.device_of(place.device) {
                    object.number("ifindex", device.ifindex);
                    object.foreign("ifname", device.name.bytes());
                }
            }
            times(&path.gaps[index], object);
        }
        Step::Branch { number, parent, after, how } => {
            object.number("branch", *number);
            object.text("how", |out| out.push_str(names::branch(*how)));
            if let Some(parent) = parent {
                object.number("parent", *parent);
                object.number("after", *after);
            }
        }
        Step::End(_) => {}
    }
}

fn times(histogram: &Histogram, object: &mut Object<'_>) {
    for (key, share) in [("p50_ns", 0.5), ("p99_ns", 0.99)] {
        if let Some(time) = histogram.quantile(share) {
            object.number(key, time);
        }
    }
    if let Some((least, most)) = histogram.range() {
        object.number("min_ns", least);
        object.number("max_ns", most);
    }
}

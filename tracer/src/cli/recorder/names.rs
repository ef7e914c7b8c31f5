//! The names of files that take turns, as `tcpdump -C -G -W` gives them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use super::Rotation;

/// The files of a recording.
pub(super) struct Series {
    base: PathBuf,
    rotation: Rotation,
    /// Files begun.
    begun: u64,
}

impl Series {
    pub(super) fn new(base: &Path, rotation: Rotation) -> Self {
        Self { base: base.to_owned(), rotation, begun: 1 }
    }

    /// Files begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// It is time for another file.
    pub(super) fn is_due(&self, written: u64, age: Duration) -> bool {
        self.rotation.bytes.is_some_and(|most| written >= most) || self.rotation.time.is_some_and(|most| age >= most)
    }

    /// The number of the next file; `None` where there is to be no other. Files by time end after the last of them, files by
    /// size alone begin anew with the first.
    pub(super) fn next(&mut self) -> Option<u64> {
        let last = self.rotation.time.and(self.rotation.files);
        if last.is_some_and(|last| self.begun >= last) {
            return None;
        }
        self.begun += 1;
        Some(self.begun - 1)
    }

    /// The name of a file. With a time, what `strftime` knows is filled in; a number tells files of the same name apart.
    pub(super) fn path(&self, part: u64) -> anyhow::Result<PathBuf> {
        let Rotation { bytes, time, files } = self.rotation;
        if time.is_some()
            && let Some(pattern) = self.base.to_str().filter(|path| path.contains('%'))
        {
            let now = jiff::Zoned::now();
            let name = jiff::fmt::strtime::format(pattern, &now)
                .with_context(|| format!("bad pattern for a time in `{pattern}`"))?;
            let numbered = bytes.is_some() && part > 0;
            return Ok(if numbered { format!("{name}{part}") } else { name }.into());
        }
        Ok(match files {
            _ if bytes.is_none() && time.is_none() => self.base.clone(),
            // Numbers of equal width, so that names sort by time until they begin anew.
            Some(files) => self.numbered(part % files.max(1), digits(files)),
            None if part == 0 => self.base.clone(),
            None => self.numbered(part, 0),
        })
    }

    fn numbered(&self, number: u64, width: usize) -> PathBuf {
        let mut name = self.base.clone().into_os_string();
        name.push(format!("{number:0width$}"));
        name.into()
    }
}

/// Digits of the largest number of so many files.
fn digits(files: u64) -> usize {
    files.saturating_sub(1).checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rotation: Rotation, count: usize) -> Vec<String> {
        let mut series = Series::new(Path::new("out"), rotation);
        let mut names = vec![series.path(0).unwrap().display().to_string()];
        while names.len() < count
            && let Some(part) = series.next()
        {
            names.push(series.path(part).unwrap().display().to_string());
        }
        names
    }

    #[test]
    fn names_are_those_of_tcpdump() {
        let (bytes, time) = (Some(1), Some(Duration::from_secs(1)));
        let cases = [
            (Rotation::default(), vec!["out", "out", "out"]),
            (Rotation { bytes, ..Rotation::default() }, vec!["out", "out1", "out2"]),
            (Rotation { bytes, files: Some(2), ..Rotation::default() }, vec!["out0", "out1", "out0"]),
            (Rotation { bytes, files: Some(11), ..Rotation::default() }, vec!["out00", "out01", "out02"]),
            (Rotation { time, files: Some(2), ..Rotation::default() }, vec!["out0", "out1"]),
            (Rotation { time, ..Rotation::default() }, vec!["out", "out1", "out2"]),
        ];
        for (rotation, expected) in cases {
            assert_eq!(names(rotation, 3), expected, "{rotation:?}");
        }
    }

    #[test]
    fn times_are_filled_in() {
        let rotation = Rotation { time: Some(Duration::from_secs(1)), bytes: Some(1), files: None };
        let series = Series::new(Path::new("out-%Y"), rotation);
        let year = jiff::Zoned::now().year();
        assert_eq!(series.path(0).unwrap(), Path::new(&format!("out-{year}")));
        assert_eq!(series.path(2).unwrap(), Path::new(&format!("out-{year}2")));
        assert!(Series::new(Path::new("out-%!"), rotation).path(0).is_err());
    }

    #[test]
    fn size_and_age_end_a_file() {
        let rotation = Rotation { time: Some(Duration::from_secs(5)), bytes: Some(100), files: None };
        let series = Series::new(Path::new("out"), rotation);
        assert!(!series.is_due(99, Duration::from_secs(4)));
        assert!(series.is_due(100, Duration::ZERO));
        assert!(series.is_due(0, Duration::from_secs(5)));
        assert!(!Series::new(Path::new("out"), Rotation::default()).is_due(u64::MAX, Duration::MAX));
    }
}

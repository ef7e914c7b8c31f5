//! Which functions the kernel can trace, and which it refuses to kprobes.
//!
//! The list comes from tracefs. Since 6.5 it can be had with addresses, which saves reading `/proc/kallsyms`.
//! Those addresses are of the patch site: on x86 with IBT it lies 4 bytes behind the symbol, after `endbr64`. The
//! kernel takes either for attaching, but `bpf_get_func_ip` then gives the symbol's.
//! <https://docs.kernel.org/trace/ftrace.html>, <https://docs.kernel.org/trace/kprobes.html>.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
};

use super::{Root, kallsyms};

const DIRECTORIES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
const WITH_ADDRESSES: &str = "available_filter_functions_addrs";
const NAMES_ONLY: &str = "available_filter_functions";
const BLACKLIST: &str = "/sys/kernel/debug/kprobes/blacklist";
/// Holds the list of a kernel with 60 000 functions without growing.
const CAPACITY: usize = 4 << 20;

/// The list cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("failed to read `{}`", path.display())]
pub struct Error {
    /// The file that was tried.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The functions that can be traced.
#[derive(Debug)]
pub struct List {
    text: String,
    /// Its lines hold addresses.
    pub has_addresses: bool,
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// As written; most lines are not asked for it.
    address: &'a str,
    /// Name, with what the compiler appended (`.isra.0`).
    pub name: &'a str,
    /// The module that holds it.
    pub module: Option<&'a str>,
}

/// A list that can be read, not read yet.
#[derive(Debug)]
pub struct Opened {
    file: File,
    path: PathBuf,
    /// Its lines hold addresses.
    pub has_addresses: bool,
}

/// Opens the best list there is. Of several errors, a refusal says more than an absence.
pub fn open(root: &Root) -> Result<Opened, Error> {
    let mut refusal: Option<Error> = None;
    for directory in DIRECTORIES {
        for (name, has_addresses) in [(WITH_ADDRESSES, true), (NAMES_ONLY, false)] {
            let path = root.path(format!("{directory}/{name}"));
            match File::open(&path) {
                Ok(file) => return Ok(Opened { file, path, has_addresses }),
                Err(_) if refusal.as_ref().is_some_and(|first| !is_absence(first)) => {}
                Err(source) => refusal = Some(Error { path, source }),
            }
        }
    }
    Err(refusal.unwrap_or_else(|| Error { path: root.path(DIRECTORIES[0]), source: io::ErrorKind::NotFound.into() }))
}

impl Opened {
    /// Reads it whole; the kernel takes its time.
    pub fn read(self) -> Result<List, Error> {
        let Self { mut file, path, has_addresses } = self;
        let mut bytes = Vec::with_capacity(CAPACITY);
        match file.read_to_end(&mut bytes).map(|_| String::from_utf8(bytes)) {
            Ok(Ok(text)) => Ok(List { text, has_addresses }),
            Ok(Err(error)) => Err(Error { path, source: io::Error::other(error) }),
            Err(source) => Err(Error { path, source }),
        }
    }
}

impl List {
    /// The lines; those that cannot be understood are left out.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().filter_map(|line| parse(line, self.has_addresses))
    }
}

/// Functions that kprobes may not be set on.
pub fn blacklist(root: &Root) -> io::Result<HashSet<String>> {
    let text = root.text(BLACKLIST)?;
    Ok(text.lines().filter_map(|line| line.split_ascii_whitespace().nth(1)).map(str::to_owned).collect())
}

impl Line<'_> {
    /// Address of the patch site; 0 if the list holds none.
    pub fn address(&self) -> u64 {
        // 6.12 prints plain digits; a prefix is taken too.
        let digits = self.address.strip_prefix("0x").unwrap_or(self.address);
        kallsyms::hexadecimal(digits.as_bytes()).unwrap_or_default()
    }
}

fn is_absence(error: &Error) -> bool {
    error.source.kind() == io::ErrorKind::NotFound
}

/// `[address ]name[ [module]]`
fn parse(line: &str, has_addresses: bool) -> Option<Line<'_>> {
    let (address, rest) = if has_addresses { line.split_once(' ')? } else { ("", line) };
    let (name, module) = match rest.split_once(' ') {
        Some((name, module)) => (name, Some(module.trim_matches(['[', ']']))),
        None => (rest, None),
    };
    (!name.is_empty()).then_some(Line { address, name, module })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        for (path, text) in files {
            let path = root.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        (directory, root)
    }

    fn lines(root: &Root) -> Vec<String> {
        let list = open(root).unwrap().read().unwrap();
        list.lines().map(|line| format!("{:#x} {} {:?}", line.address(), line.name, line.module)).collect()
    }

    #[test]
    fn the_list_with_addresses_is_preferred() {
        let (_directory, root) = root(&[
            ("/sys/kernel/tracing/available_filter_functions", "ip_rcv\n"),
            (
                "/sys/kernel/tracing/available_filter_functions_addrs",
                "ffffffff81000004 ip_rcv\n0xffffffffc0000000 br_dev.isra.0 [bridge]\nnonsense\n",
            ),
        ]);
        assert_eq!(
            lines(&root),
            ["0xffffffff81000004 ip_rcv None", "0xffffffffc0000000 br_dev.isra.0 Some(\"bridge\")"]
        );
    }

    #[test]
    fn the_second_place_serves_too() {
        let (_directory, root) =
            root(&[("/sys/kernel/debug/tracing/available_filter_functions", "ip_rcv\nbr_dev [bridge]\n\n")]);
        assert_eq!(lines(&root), ["0x0 ip_rcv None", "0x0 br_dev Some(\"bridge\")"]);
    }

    #[test]
    fn without_a_list_the_error_names_a_file() {
        let error = open(&Root::at("/nonexistent-root")).unwrap_err();
        assert!(error.path.ends_with("available_filter_functions"), "{error}");
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_blacklist_gives_names() {
        let (_directory, root) = root(&[(
            "/sys/kernel/debug/kprobes/blacklist",
            "0xffffffff81000000-0xffffffff81000010\tdo_int3\n0x0-0x1\n",
        )]);
        assert_eq!(blacklist(&root).unwrap(), HashSet::from(["do_int3".to_owned()]));
    }
}

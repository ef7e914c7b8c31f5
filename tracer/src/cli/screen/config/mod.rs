//! The file of settings, `~/.config/skbtrail/config.toml`: how the view looks, which keys do what, which filter is in force where
//! none is given. An entry that is wrong is named with its line and ignored; all others count.

mod value;

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use self::value::{Entry, Value};
use crate::{
    tui::{action::BINDINGS, keys::Keymap, theme::Palette},
    view::packets::{self, PACKET_COLUMNS, PacketColumn},
};

/// Bytes of a file that are read.
const MOST: u64 = 64 << 10;

/// What the file says.
#[derive(Default)]
pub(super) struct Config {
    pub(super) palette: Option<Palette>,
    pub(super) ascii: Option<bool>,
    pub(super) mouse: Option<bool>,
    pub(super) columns: Option<Vec<&'static dyn PacketColumn>>,
    /// The filter, with the line that it stands in.
    pub(super) filter: Option<(usize, String)>,
    pub(super) keys: Keymap,
    /// What is wrong with it, a sentence each.
    pub(super) faults: Vec<String>,
    path: PathBuf,
}

impl Config {
    /// Reads the file, if there is one.
    pub(super) fn read() -> Self {
        let Some(path) = path() else { return Self::default() };
        match contents(&path) {
            Ok(Some(text)) => Self::parse(&path, &text),
            Ok(None) => Self::default(),
            Err(error) => {
                let fault = format!("settings are not read: `{}`: {error}", path.display());
                Self { faults: vec![fault], ..Self::default() }
            }
        }
    }

    fn parse(path: &Path, text: &str) -> Self {
        let mut config = Self { path: path.to_owned(), ..Self::default() };
        for (line, entry) in value::entries(text) {
            let outcome = entry.and_then(|entry| config.set(line, entry));
            if let Err(why) = outcome {
                config.fault(line, &why);
            }
        }
        config
    }

    /// Notes that something in this line cannot be used.
    pub(super) fn fault(&mut self, line: usize, why: &str) {
        self.faults.push(format!("`{}` line {line}: {why}; this entry is ignored", self.path.display()));
    }

    fn set(&mut self, line: usize, Entry { table, key, value }: Entry) -> Result<(), String> {
        match (table.as_str(), key.as_str()) {
            ("keys", _) => return self.bind(&key, value),
            ("", "theme") => self.palette = Some(palette(&value.text()?)?),
            ("", "ascii") => self.ascii = Some(value.truth()?),
            ("", "mouse") => self.mouse = Some(value.truth()?),
            ("", "columns") => self.columns = Some(columns(&value.texts()?)?),
            ("", "filter") => self.filter = Some((line, value.text()?)),
            ("", _) => {
                let known = "theme, ascii, mouse, columns, filter and the table [keys]";
                return Err(format!("unknown setting `{key}`; there are {known}"));
            }
            _ => return Err(format!("unknown table `[{table}]`; there is [keys]")),
        }
        Ok(())
    }

    fn bind(&mut self, name: &str, value: Value) -> Result<(), String> {
        let Some(binding) = BINDINGS.iter().find(|binding| binding.name == name) else {
            let names: Vec<&str> = BINDINGS.iter().map(|binding| binding.name).collect();
            return Err(format!("unknown action `{name}`; there are {}", names.join(", ")));
        };
        let bad =
            |key: String| format!("`{key}` is no key; keys are written as `x`, `ctrl-x`, `alt-x`, `f5`, `pageup`");
        self.keys.rebind(binding.action, &value.texts()?).map_err(bad)
    }
}

fn path() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configs = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))?;
    Some(configs.join("skbtrail/config.toml"))
}

fn contents(path: &Path) -> io::Result<Option<String>> {
    let file = match fs::File::open(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    file.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other(format!("it has more than {MOST} bytes")));
    }
    Ok(Some(text))
}

fn palette(name: &str) -> Result<Palette, String> {
    let names = Palette::NAMES.map(|(name, _)| name).join(", ");
    Palette::named(name).ok_or_else(|| format!("unknown theme `{name}`; there are {names}"))
}

fn columns(names: &[String]) -> Result<Vec<&'static dyn PacketColumn>, String> {
    if names.is_empty() {
        return Err("at least one column is needed".to_owned());
    }
    let known = || PACKET_COLUMNS.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ");
    let find =
        |name: &String| packets::find(name).ok_or_else(|| format!("unknown column `{name}`; there are {}", known()));
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::Action;

    #[test]
    fn what_is_right_counts_and_what_is_wrong_is_named() {
        let text = "\
# how it looks
theme = \"light\"   # on paper
ascii = yes
mouse = false
columns = [\"flow\", 'verdict']
colour = \"red\"
filter = \"not port 22\"
[keys]
quit = \"ctrl-q\"
next-drop = [\"D\", \"ctrl-n\"]
jump = \"x\"
help = \"nonsense\"
[more]
a = 1
";
        let config = Config::parse(Path::new("c.toml"), text);
        assert_eq!((config.palette, config.ascii, config.mouse), (Some(Palette::Light), None, Some(false)));
        let names: Vec<&str> = config.columns.iter().flatten().map(|column| column.name()).collect();
        assert_eq!(names, ["flow", "verdict"]);
        assert_eq!(config.filter, Some((7, "not port 22".to_owned())));
        assert_eq!(config.keys.keys(Action::Quit), ["ctrl-q"]);
        assert_eq!(config.keys.keys(Action::NextDrop), ["D", "ctrl-n"]);
        assert_eq!(config.keys.keys(Action::Help), ["?", "f1"]);
        let faults: Vec<&str> = config.faults.iter().filter_map(|fault| fault.split(';').next()).collect();
        assert_eq!(
            faults,
            [
                "`c.toml` line 3: `yes` is neither a text in quotes, nor true or false, nor a list of texts in one line",
                "`c.toml` line 6: unknown setting `colour`",
                "`c.toml` line 11: unknown action `jump`",
                "`c.toml` line 12: `nonsense` is no key",
                "`c.toml` line 14: `1` is neither a text in quotes, nor true or false, nor a list of texts in one line",
            ]
        );
    }
}

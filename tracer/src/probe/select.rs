//! Which functions the user wants.

use regex::Regex;

/// A regular expression that must match a whole name; all names without one.
#[derive(Clone, Debug, Default)]
pub struct Selection(Option<Regex>);

impl Selection {
    /// Takes the expression as typed.
    pub fn new(pattern: Option<&str>) -> Result<Self, regex::Error> {
        // Compiled alone first: an unbalanced `)` must not pair with ours.
        let pattern = pattern.map(|pattern| Regex::new(pattern).map(|_| pattern)).transpose()?;
        Ok(Self(pattern.map(|pattern| Regex::new(&format!("^(?:{pattern})$"))).transpose()?))
    }

    /// Whether the name is wanted.
    pub fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_must_match() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(Selection::new(Some(pattern)).unwrap().matches(name), expected, "{pattern} {name}");
        };
        check("ip_rcv", "ip_rcv", true);
        check("ip_rcv", "ip_rcv_core", false);
        check("ip_.*|tcp_ack", "ip_output", true);
        check("ip_.*|tcp_ack", "tcp_ack_update", false);
        check("", "ip_rcv", false);
        assert!(Selection::new(None).unwrap().matches("anything"));
    }

    #[test]
    fn broken_expressions_are_errors() {
        for pattern in ["(", "a)(b", "[", "*"] {
            assert!(Selection::new(Some(pattern)).is_err(), "{pattern}");
        }
    }
}

//! What speaks for or against something being at work.

use crate::{
    model::finding::{State, Status},
    view::{
        Tone,
        table::{Cell, Column, Table},
    },
};

/// A sentence, and what it rests on.
pub fn findings(status: &Status) -> [Table; 2] {
    let mut verdict = Table::new(
        "verdict",
        [Column::text("summary", "VERDICT").wrapping(), Column::hidden("verdict"), Column::hidden("works")],
    );
    verdict.headless = true;
    let tone = if status.works { Tone::Title } else { Tone::Drop };
    verdict.push([Cell::text(&status.summary).toned(tone), Cell::text(status.verdict), Cell::json(status.works)]);
    let columns = [
        Column::text("state", ""),
        Column::text("mark", " "),
        Column::text("subject", "WHAT"),
        Column::text("seen", "SEEN").wrapping(),
        Column::hidden("remedy"),
    ];
    let mut evidence = Table::new("evidence", columns);
    for finding in &status.findings {
        let (word, mark, tone) = match finding.state {
            State::Good => ("good", "+", Tone::Plain),
            State::Bad => ("bad", "!", Tone::Drop),
            State::Note => ("note", "·", Tone::Plain),
            State::Unknown => ("unknown", "?", Tone::Faint),
        };
        let remedy = finding.remedy.as_ref();
        let seen = match remedy {
            None => finding.seen.clone(),
            Some(remedy) => format!("{} -> {remedy}", finding.seen),
        };
        evidence.push([
            Cell::text(word),
            Cell::json(serde_json::Value::Null).shown(mark).toned(tone),
            Cell::text(finding.subject),
            Cell::text(&finding.seen).shown(seen),
            remedy.map_or_else(Cell::nothing, Cell::text),
        ]);
    }
    [verdict, evidence]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::finding::Finding,
        view::{Style, table},
    };

    #[test]
    fn remedies_follow_what_is_wrong() {
        let status = Status {
            verdict: "inactive",
            works: false,
            summary: "it does not work".to_owned(),
            findings: vec![
                Finding::new(State::Good, "maps", "3 pinned"),
                Finding::new(State::Bad, "programs", "none").with_remedy("load them"),
            ],
        };
        let (mut text, mut json) = (String::new(), String::new());
        for one in &findings(&status) {
            table::text(one, Style::Plain, Some(80), &mut text);
            table::json(one, &mut json);
        }
        let expected = "\
it does not work
   WHAT      SEEN
+  maps      3 pinned
!  programs  none -> load them
";
        assert_eq!(text, expected);
        assert!(json.contains(r#""subject":"programs","seen":"none","remedy":"load them""#), "{json}");
        assert!(
            json.starts_with(r#"{"table":"verdict","summary":"it does not work","verdict":"inactive","works":false}"#)
        );
    }
}

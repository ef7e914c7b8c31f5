use super::*;
use crate::view::{Style, Tone};

fn sample() -> Table {
    let columns = [
        Column::text("name", "NAME"),
        Column::number("id", "ID"),
        Column::hidden("tag"),
        Column::text("owner", "OWNER").optional(),
        Column::text("maps", "MAPS").wrapping(),
    ];
    let mut table = Table::new("progs", columns).titled("programs:").or_else("none");
    table.push([Cell::text("a"), Cell::number(7_u32), Cell::text("x"), Cell::none(), Cell::text("1,22,333,4444")]);
    table.push([Cell::foreign(b"b\x1b[31m"), Cell::unknown("?"), Cell::nothing(), Cell::nothing(), Cell::none()]);
    table
}

fn text_of(table: &Table, style: Style, width: Option<usize>) -> String {
    let mut out = String::new();
    text(table, style, width, &mut out);
    out
}

#[test]
fn text_is_aligned_and_leaves_out_what_is_empty() {
    let expected = "\
programs:
NAME       ID  MAPS
a           7  1,22,333,4444
b\\x1b[31m   ?  -
";
    assert_eq!(text_of(&sample(), Style::Plain, None), expected);
}

#[test]
fn a_column_that_may_wrap_gives_way() {
    let mut table = sample();
    table.columns[4].title = "";
    table.columns[3].optional = false;
    table.columns[3].wraps = true;
    table.rows[0][3] = Cell::text("one two three four five six seven eight");
    let expected = "\
programs:
NAME       ID  OWNER
a           7  one two three
               four five six
               seven eight
b\\x1b[31m   ?
";
    assert_eq!(text_of(&table, Style::Plain, Some(20)), expected);
}

#[test]
fn colours_do_not_change_the_places() {
    let mut table = Table::new("", [Column::text("a", "A"), Column::text("b", "B")]);
    table.push([Cell::text("x").toned(Tone::Drop), Cell::text("y")]);
    table.headless = true;
    assert_eq!(text_of(&table, Style::Colour, None), "\x1b[1;31mx\x1b[0m  y\n");
}

#[test]
fn a_table_without_rows_says_so() {
    let mut table = sample();
    table.rows.clear();
    assert_eq!(text_of(&table, Style::Plain, None), "programs:\nnone\n");
    let mut out = String::new();
    json(&table, &mut out);
    assert_eq!(out, "");
}

#[test]
fn json_has_every_column() {
    let mut out = String::new();
    let mut table = sample();
    table.rows[0][4] = Cell::json(vec![1, 22]).shown("1,22");
    json(&table, &mut out);
    let expected = r#"{"table":"progs","name":"a","id":7,"tag":"x","owner":null,"maps":[1,22]}
{"table":"progs","name":"b\\x1b[31m","id":null,"tag":null,"owner":null,"maps":null}
"#;
    assert_eq!(out, expected);
}

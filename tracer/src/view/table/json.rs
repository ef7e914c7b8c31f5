//! JSON lines: an object for each row, with every column.

use super::Table;
use crate::view::Object;

/// Appends a line for each row.
pub fn write(table: &Table, out: &mut String) {
    for row in 0..table.rows.len() {
        let mut object = Object::begin(out);
        if !table.key.is_empty() {
            object.text("table", |out| out.push_str(table.key));
        }
        for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| !column.key.is_empty()) {
            object.value(column.key, table.cell(row, place).as_json());
        }
        object.end();
        out.push('\n');
    }
}

//! What skbtrail's lists say, and what the ordinary tools say of the same, both as JSON.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::net::sh;

/// Rows of JSON lines; `command` goes into a shell.
pub(crate) fn rows(command: &str) -> Result<Vec<Value>> {
    let text = sh(command)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not a JSON line: {line}"))).collect()
}

/// One JSON document.
pub(crate) fn document(command: &str) -> Result<Value> {
    let text = sh(command)?;
    serde_json::from_str(&text).with_context(|| format!("`{command}` printed no JSON: {text}"))
}

/// The rows of one of several tables.
pub(crate) fn table(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().filter(|row| row["table"] == name).cloned().collect()
}

/// Every key that the tool's rows have says the same in ours, row by row: same rows, same order.
pub(crate) fn covers(ours: &[Value], theirs: &[Value]) -> Result<()> {
    ensure!(ours.len() == theirs.len(), "{} rows instead of {}:\n{ours:#?}\n{theirs:#?}", ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let Some(keys) = theirs.as_object() else { bail!("no row: {theirs}") };
        for (key, value) in keys {
            ensure!(
                ours.get(key) == Some(value),
                "`{key}` is {:?} instead of {value}:\n{ours}\n{theirs}",
                ours.get(key)
            );
        }
    }
    Ok(())
}

/// Keys of the tool that are not compared, taken out of its rows.
pub(crate) fn without(mut rows: Vec<Value>, keys: &[&str]) -> Vec<Value> {
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|key, _| !keys.contains(&key.as_str()));
    }
    rows
}

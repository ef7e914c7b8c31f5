//! Programs at control groups and at maps of sockets.

use crate::{
    model::{CgroupRow, Container, SockMapRow},
    view::table::{Cell, Column, Table},
};

/// Group by group, as `bpftool cgroup tree` has them.
pub fn cgroups(rows: &[CgroupRow]) -> Table {
    let columns = [
        Column::words("CGROUP"),
        Column::hidden("cgroup"),
        Column::number("id", "ID"),
        Column::text("attach_type", "ATTACHED"),
        Column::number("order", "ORDER"),
        Column::text("attach_flags", "FLAGS").optional(),
        Column::text("name", "NAME"),
        Column::number("link_id", "LINK").optional(),
        Column::text("owner", "OWNER").optional(),
        Column::text("attach_btf_name", "FUNCTION").optional(),
        Column::hidden("attach_btf_obj_id"),
        Column::hidden("attach_btf_id"),
    ];
    let mut table = Table::new("cgroups", columns).or_else("no program is attached to a control group");
    let mut last: Option<&[u8]> = None;
    for row in rows {
        let path = Cell::foreign(&row.path);
        // Said once for all programs of a group.
        let shown = if last == Some(&row.path) { Cell::nothing() } else { path.clone() };
        last = Some(&row.path);
        table.push([
            shown,
            path,
            Cell::number(row.program),
            Cell::text(&row.hook),
            Cell::number(row.order),
            flags(row.flags),
            if row.name.is_empty() { Cell::none() } else { Cell::foreign(&row.name) },
            row.link.map_or_else(Cell::none, Cell::number),
            row.container.as_ref().map(Container::label).map_or_else(Cell::none, Cell::text),
            // Empty where there is none, as bpftool has it.
            Cell::text(row.function.as_deref().unwrap_or_default()),
            Cell::number(row.target.0),
            Cell::number(row.target.1),
        ]);
    }
    table
}

/// As bpftool writes them.
fn flags(flags: u32) -> Cell {
    match flags {
        0 => Cell::text(""),
        1 => Cell::text("override"),
        2 => Cell::text("multi"),
        other => Cell::text(format!("unknown({other:x})")),
    }
}

/// Map by map.
pub fn sock_maps(rows: &[SockMapRow]) -> Table {
    let columns = [
        Column::number("map_id", "MAP"),
        Column::text("map_name", "MAP NAME"),
        Column::number("id", "ID"),
        Column::text("attach_type", "ATTACHED"),
        Column::text("name", "NAME"),
        Column::number("link_id", "LINK").optional(),
    ];
    let mut table = Table::new("sock_maps", columns).titled("maps of sockets:");
    for row in rows {
        table.push([
            Cell::number(row.map),
            Cell::foreign(&row.map_name),
            Cell::number(row.program),
            Cell::text(row.hook),
            if row.name.is_empty() { Cell::none() } else { Cell::foreign(&row.name) },
            row.link.map_or_else(Cell::none, Cell::number),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Style, table};

    #[test]
    fn a_group_is_named_once() {
        let row = CgroupRow {
            path: b"/sys/fs/cgroup/a".to_vec(),
            container: None,
            hook: "cgroup_inet4_connect".to_owned(),
            order: 1,
            flags: 2,
            program: 31,
            name: b"connect4".to_vec(),
            link: None,
            target: (0, 0),
            function: None,
        };
        let rows = [row.clone(), CgroupRow { order: 2, program: 32, link: Some(4), ..row }];
        let mut out = String::new();
        table::text(&cgroups(&rows), Style::Plain, None, &mut out);
        let expected = "\
CGROUP            ID  ATTACHED              ORDER  FLAGS  NAME      LINK
/sys/fs/cgroup/a  31  cgroup_inet4_connect      1  multi  connect4     -
                  32  cgroup_inet4_connect      2  multi  connect4     4
";
        assert_eq!(out, expected);
        let mut out = String::new();
        table::json(&cgroups(&rows), &mut out);
        let expected = r#"{"table":"cgroups","cgroup":"/sys/fs/cgroup/a","id":32,"attach_type":"cgroup_inet4_connect","order":2,"attach_flags":"multi","name":"connect4","link_id":4,"owner":null,"attach_btf_name":"","attach_btf_obj_id":0,"attach_btf_id":0}"#;
        assert_eq!(out.lines().nth(1), Some(expected));
    }
}

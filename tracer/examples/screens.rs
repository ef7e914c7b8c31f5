//! Writes the pictures of the view's screens: `cargo run --example screens`. A test fails when they are out of date.

#![expect(clippy::unwrap_used, reason = "a picture that cannot be made is none")]

#[expect(dead_code, reason = "tests of maps read more of it")]
#[path = "../../tests/maps/fixture.rs"]
mod dumps;
#[path = "../../tests/tui/machine.rs"]
mod machine;
#[path = "../../tests/tui/picture.rs"]
mod picture;
#[expect(dead_code, reason = "tests press keys in more ways")]
#[path = "../../tests/tui/view.rs"]
mod view;

use std::fs;

fn main() {
    for (name, svg) in picture::all() {
        let path = picture::path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, svg).unwrap();
    }
}

//! Documents that are made from the program: compared here, written anew with `UPDATE_DOCS=1`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::agent::FakeAgent;
use super::session::Session;
use super::svg;
use crate::tui::keys::{self, Context};

#[test]
fn the_page_of_keys_is_the_key_table() {
    compare("keys.md", &page_of_keys());
}

#[test]
fn the_picture_in_the_readme_is_the_view() {
    let mut session = Session::on(FakeAgent::hybrid_service().with_a_stall(), 120, 34);
    // The worst finding on top; below it the tree, longest poll first, the connections unfolded, and the details of the task that holds up a worker.
    session
        .press("Tab s j j j j j j j j Enter j j j j j j j Enter g j d")
        .expect_selected("reports");
    session.pass(Duration::from_secs(1));
    compare("tui.svg", &svg::render(&session.buffer()));
}

fn page_of_keys() -> String {
    let mut page = String::from(
        "# Keys of the terminal view\n\n\
         Made from `crates/stallscope-cli/src/tui/keys/table.rs` by `UPDATE_DOCS=1 cargo test -p stallscope-cli`; a test compares.\n",
    );
    for context in Context::ALL {
        page.extend(["\n## ", context.title(), "\n\n| key | does |\n|---|---|\n"]);
        for binding in keys::bindings(context) {
            let keys: Vec<String> = binding.names().map(|name| format!("`{name}`")).collect();
            page.extend(["| ", &keys.join(" "), " | ", binding.help, " |\n"]);
        }
    }
    page
}

fn compare(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, made).expect("docs/ can be written to");
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "docs/{name} is old: UPDATE_DOCS=1 cargo test -p stallscope-cli writes it anew"
    );
}

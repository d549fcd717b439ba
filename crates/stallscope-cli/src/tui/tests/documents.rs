//! Documents that are made from the program: compared here, written anew with `UPDATE_DOCS=1`.

use std::fs;
use std::path::Path;

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
    let mut session = Session::on(FakeAgent::hybrid_service(), 120, 30);
    session.press("j j Enter j j j d");
    session.pass(std::time::Duration::from_millis(500));
    compare("tui.svg", &svg::render(&session.buffer()));
}

fn page_of_keys() -> String {
    let mut page = String::from(
        "# Keys of the terminal view\n\n\
         Made from `crates/stallscope-cli/src/tui/keys.rs` by `UPDATE_DOCS=1 cargo test -p stallscope-cli`; a test compares.\n",
    );
    for context in Context::ALL {
        page.push_str(&format!("\n## {}\n\n| key | does |\n|---|---|\n", context.title()));
        for binding in keys::bindings(context) {
            let keys: Vec<String> = binding.names().map(|name| format!("`{name}`")).collect();
            page.push_str(&format!("| {} | {} |\n", keys.join(" "), binding.help));
        }
    }
    page
}

fn compare(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, made).expect("docs/ can be written to");
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/{name} is old: UPDATE_DOCS=1 cargo test -p stallscope-cli writes it anew");
}

//! What the real `stallscope` client says of a session.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Session, Task, Tree, binary, eventually, in_session};

impl Session {
    /// The answer of `stallscope COMMAND --json`.
    ///
    /// # Panics
    ///
    /// If the client fails, or answers something else.
    pub fn ask<T: DeserializeOwned>(&self, command: &str) -> T {
        self.try_ask(command).unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`ask`](Session::ask); an error says why the client failed.
    pub(super) fn try_ask<T: DeserializeOwned>(&self, command: &str) -> Result<T, String> {
        let client = binary::client_beside(&self.built);
        let output = in_session(client, &self.runtime_dir)
            .args(command.split_whitespace())
            .arg("--json")
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", client.display()));
        if !output.status.success() {
            let (status, why) = (output.status, String::from_utf8_lossy(&output.stderr));
            return Err(format!("`stallscope {command}` ended with {status}: {why}"));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let answer = String::from_utf8_lossy(&output.stdout);
            format!("`stallscope {command}` answered something else ({error}): {answer}")
        })
    }

    /// Whether the bytes that it registers are watched. Where this machine forbids it, the reason is printed: nothing can be shown then.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask); and if it registers none.
    pub fn watches_memory(&self) -> bool {
        #[derive(Deserialize)]
        struct Doctor {
            entries: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            level: String,
            topic: String,
            message: String,
        }
        let entry = eventually(|| {
            let entries = self.ask::<Doctor>("doctor").entries;
            let mut entries = entries.into_iter();
            let entry = entries.find(|entry| entry.topic == "memory watch");
            // That it is refused is known when it was tried.
            let is_known = |entry: &Entry| entry.level != "ok" || !entry.message.ends_with(" 0");
            let entry = entry.filter(is_known);
            entry.ok_or_else(|| "nothing was held yet".to_owned())
        });
        if entry.level != "ok" {
            eprintln!("skipped: {}", entry.message);
        }
        entry.level == "ok"
    }

    /// What `stallscope tree` shows.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask).
    pub fn tree(&self) -> Tree {
        self.ask("tree")
    }

    /// What `stallscope ps` shows.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask).
    pub fn ps(&self) -> Vec<Task> {
        #[derive(Deserialize)]
        struct Listing {
            tasks: Vec<Task>,
        }
        self.ask::<Listing>("ps").tasks
    }

    /// Waits until the tree [looks like](Tree::looks_like) `outline`.
    ///
    /// # Panics
    ///
    /// If it never does.
    pub fn expect_tree(&self, outline: &[String]) -> Tree {
        eventually(|| {
            let tree = self.tree();
            if tree.looks_like(outline) {
                return Ok(tree);
            }
            Err(format!(
                "the tree was to be\n{}\nbut is\n{tree}",
                outline.join("\n")
            ))
        })
    }
}

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
        let client = binary::client_beside(&self.program);
        let output = in_session(client, &self.runtime_dir)
            .args(command.split_whitespace())
            .arg("--json")
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", client.display()));
        assert!(
            output.status.success(),
            "`stallscope {command}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let answer = String::from_utf8_lossy(&output.stdout);
            panic!("`stallscope {command}` answered something else ({error}): {answer}")
        })
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

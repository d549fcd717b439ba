//! Tasks as the client prints them, and the tree they make.

use std::fmt;

use serde::Deserialize;

/// A task, with the fields that tests look at.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// Its number, unique in its process.
    pub id: u64,
    /// The number of the task that spawned it.
    pub parent: Option<u64>,
    /// The name it was given.
    pub name: Option<String>,
    /// `root`, `task`, `blocking` or `local`.
    pub kind: String,
    /// `running`, `scheduled`, `idle` or `ended`.
    pub state: String,
    /// `file:line:column` of the call that spawned it.
    pub spawned_at: Option<String>,
    /// How often it was polled.
    pub polls: Option<u64>,
    /// Those that it spawned; empty in a flat listing.
    #[serde(default)]
    pub children: Vec<Task>,
}

/// All live tasks, each below the one that spawned it. Displayed as its outline.
#[derive(Clone, Debug, Deserialize)]
pub struct Tree {
    tasks: Vec<Task>,
}

impl Task {
    /// Where it was spawned. The path of a crate from a registry begins with the crate.
    pub fn place(&self) -> &str {
        let place = self.spawned_at.as_deref().unwrap_or("?");
        place
            .split_once("/registry/src/")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or(place, |(_, from_crate)| from_crate)
    }

    fn collect<'a>(&'a self, depth: usize, into: &mut Vec<(usize, &'a Task)>) {
        into.push((depth, self));
        for child in &self.children {
            child.collect(depth + 1, into);
        }
    }
}

impl Tree {
    /// All tasks, parents before their children.
    pub fn all(&self) -> impl Iterator<Item = &Task> {
        self.with_depth().into_iter().map(|(_, task)| task)
    }

    /// Those spawned at `place`.
    pub fn at(&self, place: &str) -> Vec<&Task> {
        self.all().filter(|task| task.place() == place).collect()
    }

    /// How many tasks there are as tokio counts them: without the root future and without the blocking pool.
    pub fn spawned(&self) -> u64 {
        self.all().filter(|task| task.kind == "task").count() as u64
    }

    /// Whether its lines are those of `outline`, where a line that ends in `…` stands for any that begins like it.
    pub fn looks_like(&self, outline: &[String]) -> bool {
        let lines = self.outline();
        let is_like = |(line, wanted): (&String, &String)| match wanted.strip_suffix('…') {
            Some(beginning) => line.starts_with(beginning),
            None => line == wanted,
        };
        lines.len() == outline.len() && lines.iter().zip(outline).all(is_like)
    }

    /// A line per task: two blanks for each level, its name or else its kind, where it was spawned.
    fn outline(&self) -> Vec<String> {
        let line = |(depth, task): (usize, &Task)| {
            let label = task.name.as_deref().unwrap_or(&task.kind);
            format!("{}{label} {}", "  ".repeat(depth), task.place())
        };
        self.with_depth().into_iter().map(line).collect()
    }

    fn with_depth(&self) -> Vec<(usize, &Task)> {
        let mut all = Vec::new();
        for top in &self.tasks {
            top.collect(0, &mut all);
        }
        all
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outline().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let child = r#"{"id":7,"parent":0,"name":null,"kind":"task","state":"idle","polls":3,
            "spawned_at":"/home/me/.cargo/registry/src/index-1/shop-1.2.3/src/lib.rs:8:5","children":[]}"#;
        let tree = format!(
            r#"{{"process":{{}},"tasks":[{{"id":0,"parent":null,"name":null,"kind":"root","state":"idle","polls":1,
            "spawned_at":"src/main.rs:2:1","children":[{child},{child}]}}]}}"#
        );
        serde_json::from_str(&tree).expect("a tree as the client prints it")
    }

    #[test]
    fn the_outline_shows_who_spawned_whom_and_where() {
        assert_eq!(
            tree().to_string(),
            "root src/main.rs:2:1\n  task shop-1.2.3/src/lib.rs:8:5\n  task shop-1.2.3/src/lib.rs:8:5"
        );
        assert_eq!(tree().spawned(), 2);
    }

    #[test]
    fn a_line_may_be_left_open_but_not_missing() {
        let looks_like = |lines: &[&str]| {
            tree().looks_like(&lines.iter().map(|&line| line.into()).collect::<Vec<_>>())
        };
        assert!(looks_like(&[
            "root …",
            "  task shop-…",
            "  task shop-1.2.3/src/lib.rs:8:5"
        ]));
        assert!(!looks_like(&["root …", "  task shop-…"]));
        assert!(!looks_like(&["root …", "task shop-…", "  task shop-…"]));
        assert!(!looks_like(&[
            "root …",
            "  task shop-…",
            "  task shop-1.2.3/src/lib.rs:8"
        ]));
    }
}

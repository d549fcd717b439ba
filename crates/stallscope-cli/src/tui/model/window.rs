//! The part of the task tree that the agent sent last: rows by their number in the whole tree.

use std::collections::HashMap;

use stallscope_wire::message::{
    Group, NodeKey, Site, Task, TreeRow, TreeWindow, node_key, tree_row,
};

/// Names a row across updates, whatever its number is then.
pub(crate) type NodeId = node_key::Node;

/// What a subscription to the tree answered. Rows outside of it exist, but have not been asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Rows of the whole tree as it is unfolded now.
    pub(crate) total: u64,
    /// Number of the first row in here.
    offset: u64,
    /// `None` for a row of a kind that this client does not know: it takes its place all the same.
    rows: Vec<Option<Row>>,
    /// Tasks that match the filter; all live ones without a filter.
    pub(crate) matched: u64,
    /// Where the task asked for by `follow` is, if it is anywhere.
    pub(crate) follow_row: Option<u64>,
}

/// One row, with everything that is needed to draw it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: NodeId,
    pub(crate) depth: u32,
    /// Bit d: a line is to be drawn down column d. See `TreeRow.guides`.
    pub(crate) guides: u64,
    pub(crate) expanded: bool,
    /// 0: nothing to unfold.
    pub(crate) children: u64,
    /// Where it was spawned; `None` if the agent does not know.
    pub(crate) site: Option<Site>,
    pub(crate) node: Node,
}

/// What stands in a row.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Task(Task),
    Group(Group),
}

impl Window {
    /// Takes over an answer. Numbers that contradict its rows are corrected, never trusted.
    pub(crate) fn new(answer: TreeWindow) -> Self {
        let sites: HashMap<u32, Site> = answer
            .sites
            .into_iter()
            .map(|site| (site.id, site))
            .collect();
        let rows: Vec<_> = answer
            .rows
            .into_iter()
            .map(|row| Row::new(row, &sites))
            .collect();
        let count = rows.len() as u64;
        let offset = answer.offset.min(u64::MAX - count);
        Self {
            total: if rows.is_empty() {
                answer.total_rows
            } else {
                answer.total_rows.max(offset + count)
            },
            offset,
            rows,
            matched: answer.matched,
            follow_row: answer.follow_row,
        }
    }

    /// The row with that number, if it was sent.
    pub(crate) fn row(&self, number: u64) -> Option<&Row> {
        let index = usize::try_from(number.checked_sub(self.offset)?).ok()?;
        self.rows.get(index)?.as_ref()
    }

    /// The number of the row that shows `id`, if it was sent.
    pub(crate) fn position(&self, id: NodeId) -> Option<u64> {
        let index = self
            .rows
            .iter()
            .position(|row| row.as_ref().is_some_and(|row| row.id == id))?;
        Some(self.offset + index as u64)
    }

    /// The number of the row that `number` hangs below; `None` at the top level or if that row was not sent.
    pub(crate) fn parent_of(&self, number: u64) -> Option<u64> {
        let depth = self.row(number)?.depth;
        (self.offset..number)
            .rev()
            .find(|&above| self.row(above).is_some_and(|row| row.depth < depth))
    }

    /// The task with that id, if one of the rows shows it.
    pub(crate) fn task(&self, id: u64) -> Option<&Row> {
        self.row(self.position(NodeId::Task(id))?)
    }
}

impl Row {
    fn new(row: TreeRow, sites: &HashMap<u32, Site>) -> Option<Self> {
        let (id, site, node) = match row.node? {
            tree_row::Node::Task(task) => (NodeId::Task(task.id), task.site, Node::Task(task)),
            tree_row::Node::Group(group) => {
                let key = group.key?;
                (NodeId::Group(key), key.site, Node::Group(group))
            }
        };
        Some(Self {
            id,
            depth: row.depth,
            guides: row.guides,
            expanded: row.expanded,
            children: row.children,
            site: sites.get(&site).cloned(),
            node,
        })
    }

    /// The task in this row; `None` for a group.
    pub(crate) fn as_task(&self) -> Option<&Task> {
        match &self.node {
            Node::Task(task) => Some(task),
            Node::Group(_) => None,
        }
    }
}

/// As it goes into a `TreeQuery`.
pub(crate) fn to_wire(id: NodeId) -> NodeKey {
    NodeKey { node: Some(id) }
}

//! Which rows of the tree the user has unfolded or folded, against what the agent does by itself.

use std::collections::VecDeque;

use stallscope_wire::message::NodeKey;

use super::window::{NodeId, to_wire};

/// Both lists travel with every query, and a query must fit into the 65 536 bytes of a frame towards the agent:
/// this many keys of some twenty bytes do. The oldest choice is forgotten first.
const REMEMBERED: usize = 1_000;

/// Rows whose fold was changed by hand, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folds {
    expanded: VecDeque<NodeId>,
    collapsed: VecDeque<NodeId>,
}

impl Folds {
    /// Shows what is below `id`.
    pub(crate) fn expand(&mut self, id: NodeId) {
        self.collapsed.retain(|&other| other != id);
        remember(&mut self.expanded, id);
    }

    /// Hides what is below `id`.
    pub(crate) fn collapse(&mut self, id: NodeId) {
        self.expanded.retain(|&other| other != id);
        remember(&mut self.collapsed, id);
    }

    /// For `TreeQuery.expanded`.
    pub(crate) fn expanded(&self) -> Vec<NodeKey> {
        self.expanded.iter().copied().map(to_wire).collect()
    }

    /// For `TreeQuery.collapsed`.
    pub(crate) fn collapsed(&self) -> Vec<NodeKey> {
        self.collapsed.iter().copied().map(to_wire).collect()
    }
}

fn remember(list: &mut VecDeque<NodeId>, id: NodeId) {
    if list.contains(&id) {
        return;
    }
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(id);
}

#[cfg(test)]
mod tests {
    use stallscope_wire::frame::{Limit, encode};
    use stallscope_wire::message::subscribe::Topic;
    use stallscope_wire::message::{ClientMessage, GroupKey, Subscribe, TreeQuery, client_message};

    use super::*;

    #[test]
    fn the_last_choice_wins() {
        let mut folds = Folds::default();
        folds.expand(NodeId::Task(7));
        folds.collapse(NodeId::Task(7));
        assert_eq!(folds.expanded(), []);
        assert_eq!(folds.collapsed(), [to_wire(NodeId::Task(7))]);
    }

    #[test]
    fn a_query_fits_into_a_frame_after_any_number_of_choices() {
        let mut folds = Folds::default();
        for n in 0..10_000 {
            let far = u64::MAX - n;
            folds.expand(NodeId::Group(GroupKey {
                parent: Some(far),
                site: u32::MAX,
            }));
            folds.collapse(NodeId::Group(GroupKey {
                parent: Some(far - 100_000),
                site: u32::MAX,
            }));
        }
        let query = TreeQuery {
            expanded: folds.expanded(),
            collapsed: folds.collapsed(),
            ..TreeQuery::default()
        };
        let subscribe = Subscribe {
            topic: Some(Topic::Tree(query)),
            ..Subscribe::default()
        };
        let message = ClientMessage {
            body: Some(client_message::Body::Subscribe(subscribe)),
        };
        assert!(encode(&message, Limit::TO_AGENT).is_ok());
    }
}

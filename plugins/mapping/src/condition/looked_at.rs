//! What a condition depends on: for explaining its answer and for telling that it always gives the same one.

use std::cell::Cell;

use super::predicate::Predicate;
use super::{Filter, Operand};
use crate::json::{Doc, Value};
use crate::path::{BUDGET, Path, Scope};

impl Filter {
    /// The paths it reads, in the order they are written; those inside of other paths' filters are not among them.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect(&mut paths);
        paths
    }

    fn collect<'f>(&'f self, paths: &mut Vec<&'f Path>) {
        match self {
            Self::Or(operands) | Self::And(operands) => operands.iter().for_each(|operand| operand.collect(paths)),
            Self::Not(inner) => inner.collect(paths),
            Self::Exists(path, _) | Self::Predicate(Predicate::ValidEmail(path) | Predicate::Prefix { path, .. }) => paths.push(path),
            Self::Predicate(Predicate::RegularGroup | Predicate::ApplicationSpecificGroup(_)) => {}
            Self::Compare(left, _, right) => {
                for operand in [left, right] {
                    if let Operand::Path(path) = operand {
                        paths.push(path);
                    }
                }
            }
        }
    }

    /// The answer, if it is the same for every entity. Recursion is bounded by the parser's depth.
    pub(crate) fn always(&self, constants: &Doc<'_>) -> Option<bool> {
        match self {
            Self::Or(operands) => {
                let answers: Vec<Option<bool>> = operands.iter().map(|operand| operand.always(constants)).collect();
                if answers.contains(&Some(true)) { Some(true) } else { answers.iter().all(Option::is_some).then_some(false) }
            }
            Self::And(operands) => {
                let answers: Vec<Option<bool>> = operands.iter().map(|operand| operand.always(constants)).collect();
                if answers.contains(&Some(false)) { Some(false) } else { answers.iter().all(Option::is_some).then_some(true) }
            }
            Self::Not(inner) => inner.always(constants).map(|answer| !answer),
            Self::Exists(..) | Self::Predicate(_) => None,
            Self::Compare(left, _, right) => {
                if [left, right].iter().any(|operand| matches!(operand, Operand::Path(_) | Operand::Template(_))) {
                    return None;
                }
                let root = Value { doc: constants, at: 0 };
                let scope = Scope { root, item: root, constants, variables: &[], budget: &Cell::new(BUDGET) };
                self.holds(&scope).ok()
            }
        }
    }
}

//! Whether templates refer to what there is where they are rendered.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{Resolved, Whole};
use crate::check::Faults;
use crate::template::{Names, TemplateError, TemplateScope, check_template, templates_of};
use crate::workflow::{Spread, Work};

impl Whole<'_> {
    /// The keys of the nodes that templates read.
    pub(super) fn nodes_in_templates(&self) -> BTreeSet<String> {
        let read = RefCell::new(BTreeSet::new());
        let note = |key: &str| {
            read.borrow_mut().insert(key.to_owned());
            true
        };
        let scope = TemplateScope {
            nodes: Names::These(&note),
            is_called_back: true,
            ..TemplateScope::ALONE
        };
        for (_, resolved) in self.resolved() {
            for template in templates_in(&resolved.spec.work) {
                // What is wrong with it is told when it is checked.
                let _ = check_template(template, &scope);
            }
        }
        read.into_inner()
    }

    /// Tells which references lead nowhere. `comes_before` says whether the node of a key ends before the one at a place begins.
    pub(super) fn check_templates(&self, comes_before: &dyn Fn(&str, u32) -> bool, faults: &mut Faults) {
        self.every_node(faults, |faults, place, resolved| {
            let spread = resolved.spec.spread.as_ref();
            let scope = TemplateScope {
                inputs: if self.inputs.is_empty() {
                    Names::Any
                } else {
                    Names::These(&|name| self.inputs.contains_key(name))
                },
                nodes: Names::These(&|key| comes_before(key, place)),
                is_mapped: matches!(spread, Some(Spread::Map(_))),
                is_sharded: matches!(spread, Some(Spread::Shards(_))),
                is_called_back: matches!(
                    &resolved.spec.work,
                    Work::Endpoint(endpoint) if endpoint.callback.is_some()
                ),
            };
            self.check_node(resolved, &scope, faults);
        });
    }

    /// The templates that the node itself gives are told where they stand; those of its program or endpoint, which stand
    /// elsewhere, at the node.
    fn check_node(&self, resolved: &Resolved<'_>, scope: &TemplateScope<'_>, faults: &mut Faults) {
        let own: Vec<&str> = match &resolved.spec.work {
            Work::Approval(approval) => {
                if let Some(error) = misfit(&approval.question, scope) {
                    let message = self.told(&error);
                    faults.within("approval", |faults| {
                        faults.within("question", |faults| faults.invalid(message));
                    });
                }
                return;
            }
            Work::Program(_) => {
                let arguments = resolved.node.settings.arguments.as_deref().unwrap_or_default();
                faults.within("arguments", |faults| {
                    faults.every(arguments, |faults, argument| {
                        if let Some(error) = misfit(argument, scope) {
                            faults.invalid(self.told(&error));
                        }
                    });
                });
                arguments.iter().map(String::as_str).collect()
            }
            _ => Vec::new(),
        };
        let (noun, key) = match &resolved.spec.work {
            Work::Program(program) => ("program", &program.key),
            Work::Endpoint(endpoint) => ("endpoint", &endpoint.key),
            _ => return,
        };
        let wrong: BTreeSet<String> = templates_of(&resolved.spec.work)
            .into_iter()
            .filter(|template| !own.contains(template))
            .filter_map(|template| check_template(template, scope).err())
            .map(|error| self.told(&error))
            .collect();
        for message in wrong {
            faults.invalid(format!("the {noun} {key:?}, as this node uses it: {message}"));
        }
    }

    /// What is wrong with a template, with what there is instead.
    fn told(&self, error: &TemplateError) -> String {
        match error {
            TemplateError::MissingInput(name) => {
                let declared: Vec<&str> = self.inputs.keys().map(String::as_str).collect();
                format!(
                    "`${{inputs.{name}}}` refers to an input that the workflow does not declare; it declares {}",
                    declared.join(", ")
                )
            }
            error => error.to_string(),
        }
    }
}

/// What a template of the node's own refers to that is not there. That it is no template was told where its form was checked.
fn misfit(template: &str, scope: &TemplateScope<'_>) -> Option<TemplateError> {
    let error = check_template(template, scope).err()?;
    let is_malformed = matches!(error, TemplateError::Unclosed(_) | TemplateError::Unknown(_));
    (!is_malformed).then_some(error)
}

/// Every template of a node's work, those that the service renders itself included.
fn templates_in(work: &Work) -> Vec<&str> {
    match work {
        Work::Approval(approval) => vec![&approval.question],
        work => templates_of(work),
    }
}

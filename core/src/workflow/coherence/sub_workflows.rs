//! Whether sub-workflows exist and take what they are given.
//!
//! A workflow may name itself, and workflows may name each other: how deep runs go is known, and bounded, when they run.

use std::collections::BTreeMap;

use super::Whole;
use crate::check::{Faults, quoted};
use crate::workflow::{InputSpec, SubWorkflowSpec, Work};

impl Whole<'_> {
    /// Tells what the workflows that nodes name do not take.
    pub(super) fn check_sub_workflows(&self, faults: &mut Faults) {
        self.every_node(faults, |faults, _, resolved| {
            let Work::Workflow(given) = &resolved.spec.work else {
                return;
            };
            faults.within("workflow", |faults| {
                if let Some(declared) = self.sub_workflows.get(&given.key) {
                    faults.within("inputs", |faults| check_inputs(given, declared, faults));
                } else {
                    let told = quoted(&given.key);
                    faults.missing(format!(
                        "there is no workflow with the key {told}; create it first"
                    ));
                }
            });
        });
    }
}

/// A workflow that declares no inputs takes any.
fn check_inputs(given: &SubWorkflowSpec, declared: &BTreeMap<String, InputSpec>, faults: &mut Faults) {
    if declared.is_empty() {
        return;
    }
    for name in given.inputs.keys().filter(|name| !declared.contains_key(*name)) {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        faults.invalid(format!(
            "the workflow {:?} declares no input {}; it has {}",
            given.key,
            quoted(name),
            known.join(", ")
        ));
    }
    for (name, spec) in declared {
        if spec.required && spec.default.is_none() && !given.inputs.contains_key(name) {
            faults.invalid(format!(
                "the workflow {:?} cannot start without the input {name:?}; give it one",
                given.key
            ));
        }
    }
}

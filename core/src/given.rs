//! What a schedule or a trigger gives the runs that it starts.
//!
//! Some inputs are values and some are expressions over what causes the run. Both are checked when they are saved, so that what is
//! left to go wrong when a run is due is what its cause brings along.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::check::{Faults, Named, quoted};
use crate::expression::{Bindings, Expression, Scope};

/// The most inputs that are given.
pub const MOST_INPUTS: usize = 100;

/// Checks the number and the names of what is given, and the expressions against what they may read.
pub(crate) fn check_given(
    inputs: &Map<String, Value>,
    computed: &[Named],
    scope: &Scope,
    faults: &mut Faults,
) {
    let given = inputs.len() + computed.len();
    if given > MOST_INPUTS {
        let message = format!("{given} inputs are given; at most {MOST_INPUTS} are taken");
        faults.within("inputs", |faults| faults.exceeded(MOST_INPUTS, message));
    }
    let mut seen = BTreeSet::new();
    faults.within("computedInputs", |faults| {
        for (place, input) in computed.iter().enumerate() {
            faults.within(&place, |faults| {
                if inputs.contains_key(&input.name) || !seen.insert(&input.name) {
                    let message = format!("the input {} is given twice; leave one out", quoted(&input.name));
                    faults.within("name", |faults| faults.invalid(message));
                }
                if let Err(error) = Expression::parse(&input.value, scope) {
                    faults.within("value", |faults| faults.invalid(error.to_string()));
                }
            });
        }
    });
}

/// Expressions that give inputs, by name.
#[derive(Debug)]
pub(crate) struct Computed(Vec<(String, Expression)>);

impl Computed {
    /// Reads expressions that were checked when they were saved.
    pub(crate) fn parse(texts: &BTreeMap<String, String>, scope: &Scope) -> Result<Self, String> {
        let parse = |(name, text): (&String, &String)| {
            let expression = Expression::parse(text, scope).map_err(|error| error.to_string())?;
            Ok((name.clone(), expression))
        };
        texts.iter().map(parse).collect::<Result<_, String>>().map(Self)
    }

    /// `inputs`, with what the expressions come to; or which of them comes to nothing, and why.
    pub(crate) fn give(
        &self,
        mut inputs: Map<String, Value>,
        bindings: impl FnOnce() -> Bindings,
    ) -> Result<Map<String, Value>, String> {
        if self.0.is_empty() {
            return Ok(inputs);
        }
        let bindings = bindings();
        for (name, expression) in &self.0 {
            let value = expression
                .evaluate(&bindings)
                .map_err(|error| format!("the input {name:?} cannot be told: {error}"))?;
            inputs.insert(name.clone(), value);
        }
        Ok(inputs)
    }
}

//! Whether expressions say something about what there is where they are evaluated.

use super::Whole;
use crate::check::{Faults, Severity};
use crate::error::RefusalCode;
use crate::expression::{Expression, Kind, References, Scope};
use crate::workflow::{InputType, MapSpec, NodeSpec, Spread, SubWorkflowSpec, WaitSpec, Work};

/// An expression at its place in the input.
struct Written<'a> {
    path: Vec<String>,
    /// What it is, where its place does not say it.
    about: Option<String>,
    source: &'a str,
    wanted: Kind,
    /// It is evaluated once per item.
    sees_item: bool,
}

/// An expression that has been read, and what it reads.
pub(super) struct Placed {
    path: Vec<String>,
    about: Option<String>,
    /// The node that evaluates it; absent where the run does, behind all its nodes.
    node: Option<u32>,
    references: References,
}

impl Placed {
    /// The keys of the nodes that it reads.
    pub(super) fn nodes(&self) -> impl Iterator<Item = String> {
        self.references.nodes.iter().cloned()
    }
}

impl Whole<'_> {
    /// Reads every expression, and tells everything that is wrong but the order of nodes.
    pub(super) fn parse_expressions(&self, faults: &mut Faults) -> Vec<Placed> {
        let scope = Scope::default()
            .with_inputs(self.inputs)
            .with_run()
            .with_nodes(self.keys.iter().copied());
        let mut placed = Vec::new();
        self.every_node(faults, |faults, place, resolved| {
            for written in self.written_in(&resolved.spec) {
                placed.extend(written.parse(Some(place), &scope, faults));
            }
        });
        for (name, source) in &self.conduct.outputs {
            let output = Written {
                about: Some(format!("the output {name:?}")),
                ..Written::new(["outputs"], source, Kind::Any)
            };
            placed.extend(output.parse(None, &scope, faults));
        }
        placed
    }

    fn written_in<'a>(&self, node: &'a NodeSpec) -> Vec<Written<'a>> {
        let mut written = Vec::new();
        if let Some(condition) = &node.condition {
            written.push(Written::new(["condition"], condition, Kind::Bool));
        }
        if let Some(Spread::Map(MapSpec { items, .. })) = &node.spread {
            written.push(Written::new(["map", "items"], items, Kind::list()));
        }
        match &node.work {
            Work::Branch(branch) => {
                for (place, case) in branch.cases.iter().enumerate() {
                    let place = place.to_string();
                    written.push(Written::new(
                        ["branch", "cases", &place, "when"],
                        &case.when,
                        Kind::Bool,
                    ));
                }
            }
            Work::Wait(WaitSpec::Instant { at }) => {
                written.push(Written::new(["wait", "until"], at, Kind::Any));
            }
            Work::Wait(WaitSpec::Event { key: Some(key), .. }) => {
                written.push(Written::new(["wait", "event", "key"], key, Kind::Any));
            }
            Work::Workflow(spec) => {
                let is_mapped = matches!(node.spread, Some(Spread::Map(_)));
                written.extend(self.written_for(spec, is_mapped));
            }
            _ => {}
        }
        written
    }

    /// The inputs of a sub-workflow: of the kinds that it declares.
    fn written_for<'a>(&self, spec: &'a SubWorkflowSpec, is_mapped: bool) -> Vec<Written<'a>> {
        let declared = self.sub_workflows.get(&spec.key);
        let wanted = |name: &String| match declared.and_then(|declared| declared.get(name)) {
            Some(input) => kind_of(input.r#type),
            None => Kind::Any,
        };
        let written = |(name, source): (&'a String, &'a String)| Written {
            about: Some(format!("the input {name:?}")),
            sees_item: is_mapped,
            ..Written::new(["workflow", "inputs"], source, wanted(name))
        };
        spec.inputs.iter().map(written).collect()
    }
}

fn kind_of(input: InputType) -> Kind {
    match input {
        InputType::String => Kind::String,
        InputType::Integer | InputType::Number => Kind::Number,
        InputType::Boolean => Kind::Bool,
        InputType::Json => Kind::Any,
    }
}

impl<'a> Written<'a> {
    fn new<'p>(path: impl IntoIterator<Item = &'p str>, source: &'a str, wanted: Kind) -> Self {
        Self {
            path: path.into_iter().map(str::to_owned).collect(),
            about: None,
            source,
            wanted,
            sees_item: false,
        }
    }

    fn is_instant(&self) -> bool {
        self.path == ["wait", "until"]
    }

    fn parse(self, node: Option<u32>, scope: &Scope, faults: &mut Faults) -> Option<Placed> {
        let with_item = self.sees_item.then(|| scope.clone().with_item());
        let scope = with_item.as_ref().unwrap_or(scope);
        let mut messages = Vec::new();
        let parsed = Expression::parse_as(self.source, scope, &self.wanted);
        match &parsed {
            Err(error) => messages.extend(error.faults.iter().map(ToString::to_string)),
            Ok(expression) if self.is_instant() && !is_instant(expression.kind()) => {
                messages.push(format!(
                    "an instant is a timestamp, or its text by RFC 3339, and this is of the kind {}; write \
                     timestamp('2026-11-21T08:00:00Z')",
                    expression.kind()
                ));
            }
            Ok(_) => {}
        }
        for message in messages {
            tell(&self.path, self.about.as_deref(), message, faults);
        }
        Some(Placed {
            path: self.path,
            about: self.about,
            node,
            references: parsed.ok()?.references().clone(),
        })
    }
}

fn is_instant(kind: &Kind) -> bool {
    kind.agrees_with(&Kind::Timestamp) || kind.agrees_with(&Kind::String)
}

/// Tells which expressions read nodes that need not have ended. `comes_before` says whether the node of a key ends before the
/// one at a place begins.
pub(super) fn check_order(
    expressions: &[Placed],
    comes_before: &dyn Fn(&str, u32) -> bool,
    faults: &mut Faults,
) {
    for expression in expressions {
        // The run evaluates its outputs when every node has ended.
        let Some(node) = expression.node else { continue };
        let path = ["nodes".to_owned(), node.to_string()];
        let path: Vec<String> = path.into_iter().chain(expression.path.iter().cloned()).collect();
        for key in expression.nodes().filter(|key| !comes_before(key, node)) {
            let message = format!(
                "the node {key:?} is read here and does not come before this one; add an edge, or read one that does"
            );
            tell(&path, expression.about.as_deref(), message, faults);
        }
    }
}

fn tell(path: &[String], about: Option<&str>, message: String, faults: &mut Faults) {
    let message = match about {
        Some(about) => format!("{about}: {message}"),
        None => message,
    };
    faults.tell_below(path.to_vec(), Severity::Error, RefusalCode::InvalidInput, message);
}

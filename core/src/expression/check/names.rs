//! Names: what begins a path, and each step of it.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, SelectExpr};

use super::{Checker, listed, nearest};
use crate::expression::fault::Position;
use crate::expression::kind::{Kind, Record};
use crate::expression::plan::{Form, Node};
use crate::expression::scope::Root;

impl Checker<'_> {
    /// A name by itself.
    pub(super) fn name(&mut self, at: Position, name: &str) -> (Form, Kind) {
        if let Some(place) = self.locals.iter().rposition(|local| local.name == name) {
            return (Form::Local(place), self.locals[place].kind.clone());
        }
        match self.root(name) {
            Some((Root::Nodes, _)) => self.unsupported(
                at,
                "`nodes` is not a value; name the task node, as `nodes.KEY.state`",
            ),
            Some((root, kind)) => {
                self.references.reads_all_inputs |= root == Root::Inputs;
                (Form::Root(root), kind)
            }
            None => {
                let message = self.unknown_name(name);
                self.unsupported(at, message)
            }
        }
    }

    /// What `of.field` is, or whether it is there.
    pub(super) fn select(&mut self, at: Position, select: &SelectExpr) -> (Form, Kind) {
        let (of, kind) = self.step(&select.operand, &select.field);
        let found = self.field(at, &kind, &select.field, select.test);
        let (of, name) = (Box::new(of), select.field.clone());
        if select.test {
            (Form::Has(of, name), Kind::Bool)
        } else {
            (Form::Field(of, name), found)
        }
    }

    /// What `of[key]` is.
    pub(super) fn index(&mut self, at: Position, of: &IdedExpr, key: &IdedExpr) -> (Form, Kind) {
        if let Expr::Literal(LiteralValue::String(name)) = &key.expr {
            let (of, kind) = self.step(of, name.inner());
            let found = self.field(at, &kind, name.inner(), false);
            return (Form::Field(Box::new(of), name.inner().to_owned()), found);
        }
        let (key, key_kind) = self.check(key);
        if self.is_root(of, Root::Nodes) {
            return self.unsupported(
                at,
                "the key of a task node must stand here as text: `nodes[\"KEY\"]`",
            );
        }
        let (of, kind) = self.check(of);
        let (wanted, found) = match &kind {
            Kind::List(item) => (Kind::Number, Kind::clone(item)),
            Kind::Map(value) => (Kind::Any, Kind::clone(value)),
            Kind::Record(_) => (Kind::String, Kind::Any),
            Kind::Any | Kind::Never => (Kind::Any, Kind::Any),
            other => {
                self.fault(
                    at,
                    format!("a {other} has no elements; `[…]` takes one of a list or a map"),
                );
                (Kind::Any, Kind::Any)
            }
        };
        if !key_kind.agrees_with(&wanted) {
            self.fault(
                key.at,
                format!("the element of a {kind} is named by a {wanted}, not by a {key_kind}"),
            );
        }
        (Form::Index(Box::new([of, key])), found)
    }

    /// The value whose field `name` is asked for. Notes what the expression refers to.
    fn step(&mut self, of: &IdedExpr, name: &str) -> (Node, Kind) {
        let at = self.parsed.position(of.id);
        for root in [Root::Nodes, Root::Inputs] {
            if !self.is_root(of, root) {
                continue;
            }
            let Some(kind) = self.scope.kind(root) else {
                break;
            };
            let read = match root {
                Root::Nodes => &mut self.references.nodes,
                _ => &mut self.references.inputs,
            };
            read.insert(name.to_owned());
            let form = Form::Root(root);
            return (Node { at, form }, kind.clone());
        }
        self.check(of)
    }

    fn is_root(&self, expr: &IdedExpr, root: Root) -> bool {
        match &expr.expr {
            Expr::Ident(name) => name == root.as_str() && self.locals.iter().all(|local| local.name != *name),
            _ => false,
        }
    }

    fn root(&self, name: &str) -> Option<(Root, Kind)> {
        let root = Root::named(name)?;
        Some((root, self.scope.kind(root)?.clone()))
    }

    /// The kind of a field of something of `kind`. A field that is only asked about may be missing from a map, but must
    /// be known of a record like any other.
    fn field(&mut self, at: Position, kind: &Kind, name: &str, is_test: bool) -> Kind {
        match kind {
            Kind::Any | Kind::Never => Kind::Any,
            Kind::Map(value) => Kind::clone(value),
            Kind::Record(record) => {
                let known = record.fields.get(name).cloned();
                known.unwrap_or_else(|| {
                    self.fault(at, unknown_field(record, name));
                    Kind::Any
                })
            }
            Kind::List(_) => {
                self.fault(
                    at,
                    format!("a list has no field `{name}`; an item is taken by its place, as `[0]`"),
                );
                Kind::Any
            }
            other => {
                let asked = if is_test { "to ask about" } else { "to take" };
                self.fault(at, format!("a {other} has no field `{name}` {asked}"));
                Kind::Any
            }
        }
    }

    fn unknown_name(&self, name: &str) -> String {
        let roots = || self.scope.roots().map(Root::as_str);
        if let Some(Kind::Record(inputs)) = self.scope.kind(Root::Inputs)
            && inputs.fields.contains_key(name)
        {
            return format!("there is no `{name}` here; did you mean `inputs.{name}`?");
        }
        if Root::named(name).is_some() {
            return format!("`{name}` cannot be read here; {}", known(&listed(roots())));
        }
        let mut names: Vec<&str> = roots().collect();
        names.extend(self.locals.iter().map(|local| local.name.as_str()));
        match nearest(name, names) {
            Some(near) => format!("there is no `{name}` here; did you mean `{near}`?"),
            None => format!("there is no `{name}` here; {}", known(&listed(roots()))),
        }
    }
}

fn known(names: &str) -> String {
    if names.is_empty() {
        "nothing but constants and functions can be used".to_owned()
    } else {
        format!("what can be read is {names}")
    }
}

fn unknown_field(record: &Record, name: &str) -> String {
    let noun = record.noun;
    let names = || record.fields.keys().map(String::as_str);
    // `nodes.clean-up` reads as a difference, and `nodes.a.b` as a field.
    let whole = names().find(|known| {
        let rest = known.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['-', '.']))
    });
    if let Some(whole) = whole {
        return format!("there is no {noun} `{name}`; if you mean `{whole}`, write `[{whole:?}]`");
    }
    match nearest(name, names()) {
        Some(near) => format!("there is no {noun} `{name}`; did you mean `{near}`?"),
        None => format!("there is no {noun} `{name}`; there is {}", listed(names())),
    }
}

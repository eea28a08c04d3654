//! Completes the data of an operation of which something failed.
//!
//! async-graphql leaves a field that failed out of its object, whatever the schema says about null. A client that was
//! promised a field, or at least a null in its place, breaks on that. So where there are errors, the data is walked along
//! the selection once more: a failed field becomes null, a null that the schema forbids takes the nearest object or list
//! around it that may be null, and fields stand in the order in which they were asked for. The schema's own printed form
//! says which fields may be null, since async-graphql keeps its registry to itself.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, FieldDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{self, parse_query, parse_schema};
use async_graphql::{Name, PathSegment, Positioned, Response, Value};

use super::document;

/// The types of the fields of a schema.
#[derive(Debug)]
pub(super) struct FieldTypes {
    fields: HashMap<Name, HashMap<Name, Type>>,
    query: Name,
    mutation: Option<Name>,
    subscription: Option<Name>,
}

/// The text of a document and the operation that was meant, to be read again when something failed.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) document: Arc<str>,
    pub(super) operation: Option<String>,
}

impl Default for FieldTypes {
    /// No type of a schema whose queries are called as they mostly are.
    fn default() -> Self {
        Self {
            fields: HashMap::new(),
            query: Name::new("Query"),
            mutation: None,
            subscription: None,
        }
    }
}

impl FieldTypes {
    /// Reads the printed form of a schema.
    pub(super) fn read(sdl: &str) -> Result<Self, parser::Error> {
        let mut types = Self::default();
        for definition in parse_schema(sdl)?.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    types.query = schema.node.query.map_or(types.query, |name| name.node);
                    types.mutation = schema.node.mutation.map(|name| name.node);
                    types.subscription = schema.node.subscription.map(|name| name.node);
                }
                TypeSystemDefinition::Type(definition) => match definition.node.kind {
                    TypeKind::Object(object) => types.learn(definition.node.name.node, object.fields),
                    TypeKind::Interface(interface) => {
                        types.learn(definition.node.name.node, interface.fields);
                    }
                    _ => {}
                },
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(types)
    }

    fn learn(&mut self, name: Name, fields: Vec<Positioned<FieldDefinition>>) {
        let fields = fields
            .into_iter()
            .map(|field| (field.node.name.node, field.node.ty.node));
        self.fields.insert(name, fields.collect());
    }

    /// Puts nulls where fields failed. A response without errors of execution is left as it is.
    pub(super) fn complete(&self, response: &mut Response, asked: &Asked) {
        if response.errors.iter().all(|error| error.path.is_empty()) {
            return;
        }
        let Ok(document) = parse_query(&*asked.document) else {
            return;
        };
        let Ok(operation) = document::operation(&document, asked.operation.as_deref()) else {
            return;
        };
        let failures = response
            .errors
            .iter()
            .map(|error| error.path.as_slice())
            .collect();
        let walk = Walk {
            types: self,
            document: &document,
            failures,
        };
        let data = std::mem::take(&mut response.data);
        response.data = walk.operation(operation, data);
    }

    fn root(&self, operation: OperationType) -> Option<&Name> {
        match operation {
            OperationType::Query => Some(&self.query),
            OperationType::Mutation => self.mutation.as_ref(),
            OperationType::Subscription => self.subscription.as_ref(),
        }
    }
}

/// A null that the schema forbids where it would stand.
struct Forbidden;

/// A field that may stand in an object, with everything selected below it.
struct Selected<'a> {
    key: &'a str,
    field_type: Option<&'a Type>,
    below: Vec<&'a SelectionSet>,
}

/// One walk along data and selection.
struct Walk<'a> {
    types: &'a FieldTypes,
    document: &'a ExecutableDocument,
    failures: Vec<&'a [PathSegment]>,
}

impl<'a> Walk<'a> {
    fn operation(&self, operation: &'a OperationDefinition, data: Value) -> Value {
        let Some(root) = self.types.root(operation.ty) else {
            return data;
        };
        let root = Type {
            base: BaseType::Named(root.clone()),
            nullable: true,
        };
        let selected = [&operation.selection_set.node];
        self.value(data, Some(&root), &selected, &mut Vec::new())
            .unwrap_or(Value::Null)
    }

    fn value(
        &self,
        value: Value,
        expected: Option<&Type>,
        selected: &[&'a SelectionSet],
        path: &mut Vec<PathSegment>,
    ) -> Result<Value, Forbidden> {
        // Introspection has types that the printed schema does not show; nothing of it fails.
        let Some(expected) = expected else {
            return Ok(value);
        };
        let completed = match (&expected.base, value) {
            (BaseType::Named(name), Value::Object(fields)) if !selected.is_empty() => {
                self.object(fields, name, selected, path)
            }
            // An object of which every field failed arrives as null.
            (BaseType::Named(name), Value::Null) if !selected.is_empty() && self.fails_below(path) => {
                self.object(IndexMap::new(), name, selected, path)
            }
            (BaseType::List(of), Value::List(items)) => self.list(items, of, selected, path),
            (_, Value::Null) => Err(Forbidden),
            (_, value) => Ok(value),
        };
        match completed {
            Err(Forbidden) if expected.nullable => Ok(Value::Null),
            completed => completed,
        }
    }

    fn object(
        &self,
        mut fields: IndexMap<Name, Value>,
        object_type: &'a Name,
        selected: &[&'a SelectionSet],
        path: &mut Vec<PathSegment>,
    ) -> Result<Value, Forbidden> {
        let mut completed = IndexMap::with_capacity(fields.len());
        for field in self.selected(object_type, selected) {
            path.push(PathSegment::Field(field.key.to_owned()));
            let value = match fields.swap_remove(field.key) {
                Some(value) => Some(value),
                None => self.fails_at_or_below(path).then_some(Value::Null),
            };
            if let Some(value) = value {
                let value = self.value(value, field.field_type, &field.below, path)?;
                completed.insert(Name::new(field.key), value);
            }
            path.pop();
        }
        Ok(Value::Object(completed))
    }

    fn list(
        &self,
        items: Vec<Value>,
        of: &Type,
        selected: &[&'a SelectionSet],
        path: &mut Vec<PathSegment>,
    ) -> Result<Value, Forbidden> {
        let mut completed = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            path.push(PathSegment::Index(index));
            completed.push(self.value(item, Some(of), selected, path)?);
            path.pop();
        }
        Ok(Value::List(completed))
    }

    /// The fields of selections, those of one key together. Whether a fragment applies shows in what is there.
    fn selected(&self, object_type: &'a Name, sets: &[&'a SelectionSet]) -> Vec<Selected<'a>> {
        let mut fields = Vec::new();
        for set in sets {
            self.gather(object_type, set, &mut fields);
        }
        fields
    }

    fn gather(&self, object_type: &'a Name, set: &'a SelectionSet, fields: &mut Vec<Selected<'a>>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    let below = &field.node.selection_set.node;
                    let below = if below.items.is_empty() { None } else { Some(below) };
                    let field_type = self
                        .types
                        .fields
                        .get(object_type)
                        .and_then(|types| types.get(&field.node.name.node));
                    match fields.iter_mut().find(|selected| selected.key == key) {
                        Some(selected) => selected.below.extend(below),
                        None => fields.push(Selected {
                            key,
                            field_type,
                            below: below.into_iter().collect(),
                        }),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map(|condition| &condition.node.on.node);
                    self.gather(
                        condition.unwrap_or(object_type),
                        &fragment.node.selection_set.node,
                        fields,
                    );
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let condition = &fragment.node.type_condition.node.on.node;
                        self.gather(condition, &fragment.node.selection_set.node, fields);
                    }
                }
            }
        }
    }

    fn fails_at_or_below(&self, path: &[PathSegment]) -> bool {
        self.failures.iter().any(|failure| failure.starts_with(path))
    }

    fn fails_below(&self, path: &[PathSegment]) -> bool {
        self.failures
            .iter()
            .any(|failure| failure.len() > path.len() && failure.starts_with(path))
    }
}

#[cfg(test)]
#[expect(
    clippy::unused_async,
    reason = "resolvers are async, whether they wait or not"
)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Error, Interface, Object, Result, Schema};
    use serde_json::json;

    use super::*;

    struct Leaf(bool);

    #[Object]
    impl Leaf {
        async fn name(&self) -> &str {
            "leaf"
        }

        async fn certain(&self) -> Result<i32> {
            if self.0 { Ok(1) } else { Err(Error::new("failed")) }
        }

        async fn perhaps(&self) -> Result<Option<i32>> {
            if self.0 {
                Ok(Some(1))
            } else {
                Err(Error::new("failed"))
            }
        }
    }

    #[derive(Interface)]
    #[graphql(field(name = "certain", ty = "i32"))]
    enum Thing {
        Leaf(Leaf),
    }

    struct Query;

    #[Object]
    impl Query {
        async fn slow(&self) -> i32 {
            tokio::task::yield_now().await;
            7
        }

        async fn leaf(&self) -> Leaf {
            Leaf(false)
        }

        async fn maybe(&self) -> Option<Leaf> {
            Some(Leaf(false))
        }

        async fn thing(&self) -> Option<Thing> {
            Some(Thing::Leaf(Leaf(false)))
        }

        async fn list(&self) -> Vec<Option<Leaf>> {
            vec![Some(Leaf(true)), Some(Leaf(false)), None]
        }

        async fn strict(&self) -> Option<Vec<Leaf>> {
            Some(vec![Leaf(true), Leaf(false)])
        }
    }

    async fn data(query: &str) -> String {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let types = FieldTypes::read(&schema.sdl()).expect("the printed schema");
        let mut response = schema.execute(query).await;
        types.complete(
            &mut response,
            &Asked {
                document: query.into(),
                operation: None,
            },
        );
        serde_json::to_string(&response.data).expect("JSON")
    }

    #[tokio::test]
    async fn a_field_that_failed_is_null_where_it_may_be() {
        for query in [
            "{ leaf { name perhaps } slow }",
            "query Q { leaf { ...F } slow } fragment F on Leaf { name perhaps }",
        ] {
            assert_eq!(
                data(query).await,
                r#"{"leaf":{"name":"leaf","perhaps":null},"slow":7}"#
            );
        }
        assert_eq!(
            data("{ maybe { perhaps } }").await,
            r#"{"maybe":{"perhaps":null}}"#
        );
        assert_eq!(
            data("{ m: maybe { p: perhaps name @skip(if: true) } }").await,
            r#"{"m":{"p":null}}"#
        );
    }

    #[tokio::test]
    async fn a_null_that_is_forbidden_takes_what_is_around_it() {
        assert_eq!(
            data("{ slow maybe { name certain } }").await,
            r#"{"slow":7,"maybe":null}"#
        );
        assert_eq!(data("{ slow leaf { name certain } }").await, "null");
        assert_eq!(
            data("{ slow thing { ... on Leaf { certain } } }").await,
            r#"{"slow":7,"thing":null}"#
        );
        assert_eq!(
            data("{ list { certain } }").await,
            json!({ "list": [{ "certain": 1 }, null, null] }).to_string()
        );
        assert_eq!(
            data("{ slow strict { certain } }").await,
            r#"{"slow":7,"strict":null}"#
        );
    }

    #[tokio::test]
    async fn introspection_passes_unchanged() {
        let answer = data("{ __typename __schema { queryType { name } } leaf { perhaps } }").await;
        assert_eq!(
            answer,
            r#"{"__typename":"Query","__schema":{"queryType":{"name":"Query"}},"leaf":{"perhaps":null}}"#
        );
    }
}

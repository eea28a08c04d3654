//! Finding and changing what a tenant has registered, whatever its kind.

use graphql_client::GraphQLQuery;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Api, ClientError};
use crate::apply::Kind;

#[expect(clippy::upper_case_acronyms, reason = "the scalar's name in the schema")]
type JSON = Value;
type Date = String;
type DateTime = String;
type Duration = String;
type TimeOfDay = String;
type TimeZone = String;

macro_rules! operations {
    ($($name:ident in $path:tt;)+) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../schema.graphql",
            query_path = $path,
            variables_derives = "Clone, Debug, Deserialize",
            response_derives = "Clone, Debug, Serialize"
        )]
        struct $name;
    )+};
}

// A file for each: a client sends the whole file of an operation.
operations! {
    FindProgram in "src/client/operations/find_program.graphql";
    FindEndpoint in "src/client/operations/find_endpoint.graphql";
    FindTaskNode in "src/client/operations/find_task_node.graphql";
    FindWorkflow in "src/client/operations/find_workflow.graphql";
    CreateProgram in "src/client/operations/create_program.graphql";
    UpdateProgram in "src/client/operations/update_program.graphql";
    CreateEndpoint in "src/client/operations/create_endpoint.graphql";
    UpdateEndpoint in "src/client/operations/update_endpoint.graphql";
    CreateTaskNode in "src/client/operations/create_task_node.graphql";
    UpdateTaskNode in "src/client/operations/update_task_node.graphql";
    CreateWorkflow in "src/client/operations/create_workflow.graphql";
    UpdateWorkflow in "src/client/operations/update_workflow.graphql";
    ValidateWorkflow in "src/client/operations/validate_workflow.graphql";
    FindAlertChannel in "src/client/operations/find_alert_channel.graphql";
    FindAlertRule in "src/client/operations/find_alert_rule.graphql";
    CreateAlertChannel in "src/client/operations/create_alert_channel.graphql";
    UpdateAlertChannel in "src/client/operations/update_alert_channel.graphql";
    CreateAlertRule in "src/client/operations/create_alert_rule.graphql";
    UpdateAlertRule in "src/client/operations/update_alert_rule.graphql";
    FindCalendar in "src/client/operations/find_calendar.graphql";
    FindSchedule in "src/client/operations/find_schedule.graphql";
    CreateCalendar in "src/client/operations/create_calendar.graphql";
    UpdateCalendar in "src/client/operations/update_calendar.graphql";
    CreateSchedule in "src/client/operations/create_schedule.graphql";
    UpdateSchedule in "src/client/operations/update_schedule.graphql";
    FindTrigger in "src/client/operations/find_trigger.graphql";
    CreateTrigger in "src/client/operations/create_trigger.graphql";
    UpdateTrigger in "src/client/operations/update_trigger.graphql";
    FindPackage in "src/client/operations/find_package.graphql";
}

/// What is registered under a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) revision: i64,
    /// Everything that can be asked of it.
    #[serde(flatten)]
    pub(crate) fields: Value,
}

/// What became of a change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made {
    pub(crate) object: Option<MadeObject>,
    pub(crate) user_errors: Vec<UserError>,
}

/// What was changed.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeObject {
    pub(crate) revision: i64,
}

/// What is wrong with an input.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserError {
    pub(crate) message: String,
    /// Begins with the argument's name.
    pub(crate) path: Vec<String>,
}

/// Something in a workflow that is wrong, or worth a remark.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Problem {
    severity: String,
    code: String,
    #[serde(flatten)]
    pub(crate) error: UserError,
}

impl Problem {
    /// Whether the workflow would be taken all the same.
    pub(crate) fn is_remark(&self) -> bool {
        self.severity == "REMARK"
    }

    /// Whether something is referred to that does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        self.code == "NOT_FOUND"
    }
}

#[derive(Deserialize)]
struct Checked {
    problems: Vec<Problem>,
}

impl Api {
    /// Everything that would be wrong with a workflow if it were saved as `input` says.
    pub(crate) async fn validate(&self, input: Value) -> Result<Vec<Problem>, ClientError> {
        let variables = json!({ "input": input });
        let checked = self.ask_for::<ValidateWorkflow>(variables, "checked").await?;
        Ok(read::<Checked>(checked).problems)
    }

    /// What is registered under `key`, if anything.
    pub(crate) async fn find(&self, kind: Kind, key: &str) -> Result<Option<Found>, ClientError> {
        let variables = json!({ "key": key });
        let found = match kind {
            Kind::Program => self.ask_for::<FindProgram>(variables, "found").await?,
            Kind::Endpoint => self.ask_for::<FindEndpoint>(variables, "found").await?,
            Kind::TaskNode => self.ask_for::<FindTaskNode>(variables, "found").await?,
            Kind::Workflow => self.ask_for::<FindWorkflow>(variables, "found").await?,
            Kind::AlertChannel => self.ask_for::<FindAlertChannel>(variables, "found").await?,
            Kind::AlertRule => self.ask_for::<FindAlertRule>(variables, "found").await?,
            Kind::Calendar => self.ask_for::<FindCalendar>(variables, "found").await?,
            Kind::Schedule => self.ask_for::<FindSchedule>(variables, "found").await?,
            Kind::Trigger => self.ask_for::<FindTrigger>(variables, "found").await?,
        };
        Ok(read(found))
    }

    /// Registers what `input` says, which fits the schema.
    pub(crate) async fn create(&self, kind: Kind, input: Value) -> Result<Made, ClientError> {
        let variables = json!({ "input": input });
        let made = match kind {
            Kind::Program => self.ask_for::<CreateProgram>(variables, "made").await?,
            Kind::Endpoint => self.ask_for::<CreateEndpoint>(variables, "made").await?,
            Kind::TaskNode => self.ask_for::<CreateTaskNode>(variables, "made").await?,
            Kind::Workflow => self.ask_for::<CreateWorkflow>(variables, "made").await?,
            Kind::AlertChannel => self.ask_for::<CreateAlertChannel>(variables, "made").await?,
            Kind::AlertRule => self.ask_for::<CreateAlertRule>(variables, "made").await?,
            Kind::Calendar => self.ask_for::<CreateCalendar>(variables, "made").await?,
            Kind::Schedule => self.ask_for::<CreateSchedule>(variables, "made").await?,
            Kind::Trigger => self.ask_for::<CreateTrigger>(variables, "made").await?,
        };
        Ok(read(made))
    }

    /// Replaces what is registered by what `input` says, which fits the schema.
    pub(crate) async fn update(&self, kind: Kind, input: Value) -> Result<Made, ClientError> {
        let variables = json!({ "input": input });
        let made = match kind {
            Kind::Program => self.ask_for::<UpdateProgram>(variables, "made").await?,
            Kind::Endpoint => self.ask_for::<UpdateEndpoint>(variables, "made").await?,
            Kind::TaskNode => self.ask_for::<UpdateTaskNode>(variables, "made").await?,
            Kind::Workflow => self.ask_for::<UpdateWorkflow>(variables, "made").await?,
            Kind::AlertChannel => self.ask_for::<UpdateAlertChannel>(variables, "made").await?,
            Kind::AlertRule => self.ask_for::<UpdateAlertRule>(variables, "made").await?,
            Kind::Calendar => self.ask_for::<UpdateCalendar>(variables, "made").await?,
            Kind::Schedule => self.ask_for::<UpdateSchedule>(variables, "made").await?,
            Kind::Trigger => self.ask_for::<UpdateTrigger>(variables, "made").await?,
        };
        Ok(read(made))
    }

    /// Whether the package was uploaded already.
    pub(crate) async fn has_package(&self, digest: String) -> Result<bool, ClientError> {
        let found = self
            .ask::<FindPackage>(find_package::Variables { digest })
            .await?;
        Ok(found.package.is_some())
    }

    async fn ask_for<Q>(&self, variables: Value, name: &str) -> Result<Value, ClientError>
    where
        Q: GraphQLQuery<Variables: DeserializeOwned, ResponseData: Serialize>,
    {
        let data = self.ask::<Q>(read(variables)).await?;
        let mut data = serde_json::to_value(data).expect("what was read from JSON is written as JSON");
        Ok(data[name].take())
    }
}

/// Reads what this file's own queries, or a checked input, have given a shape.
fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the queries and the schema were compared when this was built")
}

//! Queries and mutations over HTTP.

use graphql_client::{GraphQLQuery, Response};
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::Value;
use url::Url;

use super::ClientError;
use crate::args::ClientArgs;

const ANSWERS: &str = "application/graphql-response+json, application/json;q=0.9";
/// How much of a strange answer is shown.
const SHOWN: usize = 200;

/// The API, and the right to ask it.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: Url,
    token: String,
}

impl Api {
    /// The API that `args` name. Reaches nobody yet.
    pub(crate) fn new(args: &ClientArgs) -> Result<Self, ClientError> {
        let token = args.token.clone().ok_or(ClientError::NoToken)?;
        Ok(Self::at(args.url.clone(), token))
    }

    /// The API at `url`, asked with `token`.
    pub(crate) fn at(url: Url, token: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            url,
            token: token.trim().to_owned(),
        }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Asks `Q`, and gives its data when the answer has no errors.
    pub(crate) async fn ask<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
    ) -> Result<Q::ResponseData, ClientError> {
        let answer = self
            .http
            .post(self.url.clone())
            .bearer_auth(&self.token)
            .header(ACCEPT, ANSWERS)
            .json(&Q::build_query(variables))
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| self.unreachable(error))?;
        let answer: Response<Q::ResponseData> = serde_json::from_slice(&body).map_err(|error| {
            let text = String::from_utf8_lossy(&body);
            self.not_graphql(status, &error.to_string(), &text)
        })?;
        match (answer.errors, answer.data) {
            (Some(errors), _) if !errors.is_empty() => Err(ClientError::of_answer(errors)),
            (_, Some(data)) => Ok(data),
            _ => Err(self.not_graphql(status, "no data and no errors", "")),
        }
    }

    /// Sends `bytes` with PUT to `path` beside the GraphQL address, and gives the JSON that is answered.
    pub(crate) async fn put(&self, path: &str, bytes: bytes::Bytes) -> Result<Value, ClientError> {
        let url = self.url.join(path).map_err(|error| ClientError::NotGraphql {
            url: self.url.clone(),
            reason: error.to_string(),
        })?;
        let answer = self
            .http
            .put(url)
            .bearer_auth(&self.token)
            .body(bytes)
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.unreachable(error))?;
        if !status.is_success() {
            return Err(self.not_graphql(status, "the upload was refused", &text));
        }
        serde_json::from_str(&text).map_err(|error| self.not_graphql(status, &error.to_string(), &text))
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        ClientError::Unreachable {
            url: self.url.clone(),
            source: Box::new(error.without_url()),
        }
    }

    fn not_graphql(&self, status: StatusCode, problem: &str, text: &str) -> ClientError {
        if status == StatusCode::UNAUTHORIZED {
            return ClientError::Unauthenticated(text.chars().take(SHOWN).collect());
        }
        let shown: String = text.chars().take(SHOWN).collect();
        ClientError::NotGraphql {
            url: self.url.clone(),
            reason: format!("{status}, {problem}: {shown}"),
        }
    }
}

//! Queries and mutations over HTTP.

use bytes::Bytes;
use graphql_client::{GraphQLQuery, Response};
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
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
        let token = args.token.as_deref().ok_or(ClientError::NoToken)?;
        Ok(Self::at(args.url.clone(), token))
    }

    /// The API at `url`, asked with `token`.
    pub(crate) fn at(url: Url, token: &str) -> Self {
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

    /// Uploads a package: bytes, beside the GraphQL address, since they are no GraphQL.
    pub(crate) async fn upload(
        &self,
        digest: &str,
        file_name: &str,
        content: Bytes,
    ) -> Result<(), ClientError> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().extend(["packages", digest]);
        }
        url.query_pairs_mut().append_pair("fileName", file_name);
        let answer = self
            .http
            .put(url)
            .bearer_auth(&self.token)
            .body(content)
            .send()
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await.map_err(|error| self.unreachable(error))?;
        Err(self.not_graphql(status, "the package was refused", &text))
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

//! The schema, as far as the transport knows it.

use async_graphql::{Executor, Request, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

/// Executes operations. Every `async_graphql` schema is one; the transport needs no more of it.
pub trait Engine: Send + Sync + 'static {
    /// Executes a query or mutation.
    fn execute(&self, request: Request) -> BoxFuture<'static, Response>;

    /// Executes a subscription.
    fn subscribe(&self, request: Request) -> BoxStream<'static, Response>;
}

impl<E: Executor> Engine for E {
    fn execute(&self, request: Request) -> BoxFuture<'static, Response> {
        let executor = self.clone();
        async move { Executor::execute(&executor, request).await }.boxed()
    }

    fn subscribe(&self, request: Request) -> BoxStream<'static, Response> {
        self.execute_stream(request, None)
    }
}

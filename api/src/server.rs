//! Puts the API on the network: GraphQL, the pages beside it, and the probes.

//! What a workflow version holds: task nodes as they were when it was published, and the edges between them.
//!
//! A version is immutable and complete. It repeats the program or endpoint of every node, so that a run does tomorrow what
//! it was started to do, whatever has been edited since; and whoever has read a version once need never read it again.

mod behaviour;
mod coherence;
mod definition;
mod difference;
mod draft;
pub mod graph;
mod input_schema;
mod limits;
mod pinned;
mod proposal;
mod version;

pub use behaviour::{
    Answer, ApprovalSpec, BranchCase, BranchMode, BranchSpec, Deadline, FailureStrategy, MapSpec, Overdue,
    ShardingSpec, ShardingStrategy, Spread, SubWorkflowSpec, TriggerRule, WaitSpec,
};
pub use coherence::SubWorkflows;
pub use definition::{
    CallbackSpec, Conduct, Definition, Digest, DigestError, EndpointSpec, InputSpec, InputType, NodeSpec,
    PackageRef, ProgramSpec, Runtime, StatusRange, Work,
};
pub use difference::{Change, Difference, EdgeChange, FieldChange, NamedChange};
pub use draft::{Catalogue, DEFAULT_PRIORITY, Draft, DraftNode, NodeWork, Workflow};
pub use graph::{Edge, Graph};
pub use input_schema::{InputFault, InputSchema, InputSchemaError, InputSchemas};
pub use limits::WorkflowLimits;
pub use pinned::PinnedVersion;
pub use proposal::{
    ConductProposal, EdgeProposal, InputProposal, NodeProposal, NodeWorkProposal, ProposedDraft,
    ShardingProposal, SpreadProposal, SubWorkflowProposal, TaskNodes, WorkflowProposal,
};
pub use version::WorkflowVersion;

//! An executor as the service sees it: given work by a source, with real processes and real connections.

mod call;
mod killed;
mod life;
mod outputs;
mod packages;
mod program;
mod promises;
mod source;
mod tree;
mod witness;
mod work;

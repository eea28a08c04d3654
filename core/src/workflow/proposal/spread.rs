//! How a node runs more than once, as a caller proposes it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::node_work::check_expression;
use crate::check::{Faults, check_range, check_text, quoted};
use crate::workflow::{MapSpec, ShardingSpec, ShardingStrategy, Spread};

/// The most shards.
const MOST_SHARDS: i32 = 1_000;
/// The most items that may run at once.
const MOST_AT_ONCE: i64 = 10_000;
/// The most bytes of all shards' parameters.
const LONGEST_PARAMETERS: usize = 64 * 1024;

/// A way to run more than once that a caller wants.
#[derive(Clone, Debug, Serialize)]
pub enum SpreadProposal {
    /// Once for each item of a list.
    Map(MapSpec),
    /// Once for each shard.
    Sharding(ShardingProposal),
    /// Once on every executor.
    Broadcast,
}

/// Shards as a caller gives them.
#[derive(Clone, Debug, Serialize)]
pub struct ShardingProposal {
    /// How many there are.
    pub count: i32,
    /// Which executor gets which of them.
    pub strategy: ShardingStrategy,
    /// What each is given: `0=Beijing,1=Shanghai`.
    pub parameters: String,
}

impl SpreadProposal {
    /// The field of the node that it is given in.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Map(_) => "map",
            Self::Sharding(_) => "sharding",
            Self::Broadcast => "broadcast",
        }
    }

    pub(super) fn check(&self, faults: &mut Faults) -> Spread {
        faults.within(self.field(), |faults| match self {
            Self::Map(map) => {
                check_map(map, faults);
                Spread::Map(map.clone())
            }
            Self::Sharding(sharding) => Spread::Shards(sharding.check(faults)),
            Self::Broadcast => Spread::Broadcast,
        })
    }
}

fn check_map(map: &MapSpec, faults: &mut Faults) {
    faults.within("items", |faults| check_expression(faults, &map.items));
    if let Some(parallelism) = map.parallelism {
        faults.within("parallelism", |faults| {
            check_range(faults, "the parallelism", parallelism.into(), 1..=MOST_AT_ONCE);
        });
    }
    if !(0.0..=1.0).contains(&map.tolerated_failures) {
        let message = format!(
            "the share of the items that may fail is 0 to 1, not {}",
            map.tolerated_failures
        );
        faults.within("toleratedFailures", |faults| faults.invalid(message));
    }
}

impl ShardingProposal {
    fn check(&self, faults: &mut Faults) -> ShardingSpec {
        faults.within("count", |faults| {
            check_range(
                faults,
                "the number of shards",
                self.count.into(),
                1..=MOST_SHARDS.into(),
            );
        });
        ShardingSpec {
            count: self.count,
            strategy: self.strategy,
            parameters: faults.within("parameters", |faults| self.check_parameters(faults)),
        }
    }

    /// Reads `0=Beijing,1=Shanghai`. A parameter holds no comma, since a comma ends it.
    fn check_parameters(&self, faults: &mut Faults) -> BTreeMap<i32, String> {
        let mut parameters = BTreeMap::new();
        check_text(faults, &self.parameters, LONGEST_PARAMETERS);
        for entry in self
            .parameters
            .split(',')
            .filter(|entry| !entry.trim().is_empty())
        {
            let parsed = entry
                .split_once('=')
                .and_then(|(index, value)| Some((index.trim().parse::<i32>().ok()?, value.trim())));
            let Some((index, value)) = parsed else {
                let told = quoted(entry.trim());
                faults.invalid(format!(
                    "{told} is not a shard's parameter; write them as 0=Beijing,1=Shanghai"
                ));
                continue;
            };
            if !(0..self.count.min(MOST_SHARDS)).contains(&index) {
                faults.invalid(format!(
                    "there is no shard {index}: {} shards have the indexes 0 to {}",
                    self.count,
                    self.count - 1
                ));
            } else if parameters.insert(index, value.to_owned()).is_some() {
                faults.invalid(format!("the shard {index} is given two parameters"));
            }
        }
        parameters
    }
}

impl ShardingSpec {
    /// The parameters as a caller writes them: `0=Beijing,1=Shanghai`.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        let entries: Vec<String> = self
            .parameters
            .iter()
            .map(|(index, value)| format!("{index}={value}"))
            .collect();
        entries.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CommandError;

    fn read(count: i32, parameters: &str) -> Result<ShardingSpec, Vec<String>> {
        let proposal = ShardingProposal {
            count,
            strategy: ShardingStrategy::default(),
            parameters: parameters.to_owned(),
        };
        let mut faults = Faults::default();
        let spec = proposal.check(&mut faults);
        match faults.into_result() {
            Err(CommandError::Refused(refusals)) => {
                Err(refusals.into_iter().map(|refusal| refusal.message).collect())
            }
            _ => Ok(spec),
        }
    }

    #[test]
    fn parameters_are_read_and_written_by_index() {
        let spec = read(3, "2=Guangzhou, 0=Beijing,1=a=b").unwrap();
        assert_eq!(spec.parameters_text(), "0=Beijing,1=a=b,2=Guangzhou");
        assert_eq!(read(1, "").unwrap().parameters, BTreeMap::new());
    }

    #[test]
    fn parameters_of_no_shard_are_refused() {
        assert_eq!(
            read(2, "0=a,0=b,2=c,x").unwrap_err(),
            [
                "the shard 0 is given two parameters",
                "there is no shard 2: 2 shards have the indexes 0 to 1",
                r#""x" is not a shard's parameter; write them as 0=Beijing,1=Shanghai"#,
            ]
        );
        assert_eq!(read(1_001, "").unwrap_err().len(), 1);
    }
}

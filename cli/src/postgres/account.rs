//! The account that the private cluster runs under.
//!
//! PostgreSQL refuses to run as root. When root starts us, the cluster belongs to the distribution's `postgres` account, or
//! to `nobody` where there is none; a cluster that exists already keeps the owner it has.

use nix::unistd::{Gid, Uid, User};

/// Who the programs of the cluster run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Whoever started us.
    Own,
    /// An unprivileged account, since we are root.
    Other { uid: Uid, gid: Gid },
}

impl Account {
    /// The account for a cluster that is to be made; `None` when we are root and the machine has no account to use.
    pub(crate) fn for_cluster_to_make() -> Option<Self> {
        if !Uid::effective().is_root() {
            return Some(Self::Own);
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other {
                uid: user.uid,
                gid: user.gid,
            })
    }

    /// The account for a cluster that belongs to `uid`; `None` when we may not act for it.
    pub(crate) fn of_owner(uid: Uid) -> Option<Self> {
        let own = Uid::effective();
        if own.is_root() {
            let user = User::from_uid(uid).ok().flatten();
            (!uid.is_root()).then(|| Self::Other {
                uid,
                gid: user.map_or(Gid::from_raw(uid.as_raw()), |user| user.gid),
            })
        } else {
            (uid == own).then_some(Self::Own)
        }
    }
}

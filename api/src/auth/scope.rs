//! What a caller may do, in words that a token carries.
//!
//! Four scopes form a ladder, each allowing all that the one below does: `viewer`, `operator`, `developer`, `admin`. Two
//! stand beside it and open other doors: `platform` is for whoever keeps the tenants themselves, `executor` for
//! executors outside the trust boundary. Neither allows anything on the ladder.

use std::fmt;

/// One word of a token's `scope` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Sees everything of the tenant, secrets' values excepted.
    Viewer,
    /// Starts, cancels and reruns as well.
    Operator,
    /// Registers and edits what can run as well.
    Developer,
    /// Changes the tenant's own settings as well.
    Admin,
    /// Creates and closes tenants.
    Platform,
    /// Takes assigned work and reports on it.
    Executor,
}

impl Scope {
    /// Every scope, the ladder first.
    pub const ALL: [Self; 6] = [
        Self::Viewer,
        Self::Operator,
        Self::Developer,
        Self::Admin,
        Self::Platform,
        Self::Executor,
    ];

    /// The word that stands for this scope in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Platform => "platform",
            Self::Executor => "executor",
        }
    }

    /// The scope that a word stands for, if any.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Viewer => 1,
            Self::Operator => 1 << 1,
            Self::Developer => 1 << 2,
            Self::Admin => 1 << 3,
            Self::Platform => 1 << 4,
            Self::Executor => 1 << 5,
        }
    }

    /// This scope and those below it on the ladder.
    const fn granted(self) -> u8 {
        match self {
            Self::Viewer | Self::Operator | Self::Developer | Self::Admin => (self.bit() << 1) - 1,
            Self::Platform | Self::Executor => self.bit(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scopes of one caller, with all that they imply.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes {
    granted: u8,
}

impl Scopes {
    /// Scopes that allow nothing.
    pub const NONE: Self = Self { granted: 0 };

    /// Reads words separated by spaces. A word that is not a scope grants nothing.
    #[must_use]
    pub fn from_words(words: &str) -> Self {
        words.split(' ').filter_map(Scope::from_word).collect()
    }

    /// Whether these scopes contain `scope` or one above it.
    #[must_use]
    pub const fn allows(self, scope: Scope) -> bool {
        self.granted & scope.bit() != 0
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self {
            granted: scope.granted(),
        }
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self {
            granted: scopes
                .into_iter()
                .fold(0, |granted, scope| granted | scope.granted()),
        }
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(Scope::ALL.into_iter().filter(|scope| self.allows(*scope)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_those_below_it_and_none_above() {
        let developer = Scopes::from(Scope::Developer);
        assert!(developer.allows(Scope::Viewer));
        assert!(developer.allows(Scope::Operator));
        assert!(developer.allows(Scope::Developer));
        assert!(!developer.allows(Scope::Admin));
    }

    #[test]
    fn the_doors_beside_the_ladder_open_nothing_on_it() {
        for beside in [Scope::Platform, Scope::Executor] {
            let scopes = Scopes::from(beside);
            assert!(scopes.allows(beside));
            for other in Scope::ALL.into_iter().filter(|other| *other != beside) {
                assert!(!scopes.allows(other), "{beside} allows {other}");
            }
        }
        assert!(!Scopes::from(Scope::Admin).allows(Scope::Platform));
        assert!(!Scopes::from(Scope::Admin).allows(Scope::Executor));
    }

    #[test]
    fn an_unknown_word_grants_nothing_and_spoils_nothing() {
        assert_eq!(Scopes::from_words("root sudo Viewer"), Scopes::NONE);
        assert_eq!(Scopes::from_words("openid  viewer"), Scopes::from(Scope::Viewer));
        assert_eq!(
            Scopes::from_words("executor operator"),
            [Scope::Executor, Scope::Operator].into_iter().collect()
        );
    }
}

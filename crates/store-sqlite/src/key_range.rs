//! The range of keys in a scope, for comparisons in SQL.

use store_core::Scope;

/// The bounds of a scope's keys, the lower one inclusive, the upper one exclusive: `;` is the
/// character after `:`.
pub(crate) fn of_scope(scope: &Scope) -> [String; 2] {
    [format!("{scope}:"), format!("{scope};")]
}

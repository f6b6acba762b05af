//! Settings that a recipe need not write down.

/// Whether a setting is what it is without a word.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

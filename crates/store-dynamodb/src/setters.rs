//! The `with_*` methods of options.

/// Methods that set a field: `constant` ones take its type, `into` ones whatever becomes it.
macro_rules! setters {
    (constant: $($with:ident $field:ident: $type:ty),+ $(,)?) => {$(
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub const fn $with(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )+};
    (into: $($with:ident $field:ident: $type:ty),+ $(,)?) => {$(
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $with(mut self, $field: impl Into<$type>) -> Self {
            self.$field = $field.into();
            self
        }
    )+};
    (shared: $($with:ident $field:ident: $trait:ident),+ $(,)?) => {$(
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub fn $with(mut self, $field: impl $trait) -> Self {
            self.$field = std::sync::Arc::new($field);
            self
        }
    )+};
}

pub(crate) use setters;

//! The macros that declare models and kinds of resource, a line for each field.

/// Declares a model: a struct whose fields are read from a JSON object by their names, or by the aliases in
/// parentheses. The first value wins. What has no field, or is of another type than its field, is in `extra`.
macro_rules! model {
    (
        $(#[$doc:meta])*
        $name:ident ($object_type:ident, $list_type:ident) {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident $(($($alias:literal),*))? : $type:ty;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[doc = $field_doc])*
                pub $field: $type,
            )*
            /// The other fields, and values of another type than their field.
            pub extra: $crate::model::Extra,
        }

        impl $crate::model::object::Model for $name {
            const OBJECT_TYPE: $crate::model::FieldType = $crate::model::FieldType::$object_type;
            const LIST_TYPE: $crate::model::FieldType = $crate::model::FieldType::$list_type;

            fn empty() -> Self {
                Self {
                    $($field: $crate::model::field::FieldValue::absent(),)*
                    extra: $crate::model::Extra::new(),
                }
            }

            fn read_field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                entries: &mut A,
            ) -> Result<$crate::model::object::Placed, A::Error> {
                use $crate::model::field::FieldValue;
                match name {
                    $(
                        stringify!($field) $($(| $alias)*)? if self.$field.is_absent() => {
                            $crate::model::object::place(&mut self.$field, entries)
                        }
                    )*
                    _ => Ok($crate::model::object::Placed::Unread),
                }
            }

            fn extra(&mut self) -> &mut $crate::model::Extra {
                &mut self.extra
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            /// From an object; a value of another type than its field never fails.
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match <Self as $crate::model::field::Readable>::read(deserializer)? {
                    $crate::model::field::Read::Value(model) => Ok(model),
                    $crate::model::field::Read::Absent | $crate::model::field::Read::Odd(_) => {
                        Err(serde::de::Error::custom("not an object with an `id`"))
                    }
                }
            }
        }

        impl serde::Serialize for $name {
            /// As an object with the names of the fields, then those of `extra`.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut object = serializer.serialize_map(None)?;
                $(object.serialize_entry(stringify!($field), &self.$field)?;)*
                for (name, value) in &self.extra {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    };
}
pub(crate) use model;

/// Declares a kind of resource: its models as one resource and as a row of a list, its id, its paths, and its
/// fields with their documentation. A field with `[sort]` can be sorted by, one with `[filter]` filtered by.
macro_rules! resource {
    (
        $(#[$detail_doc:meta])*
        $detail:ident,
        $(#[$row_doc:meta])*
        $row:ident,
        $(#[$id_doc:meta])*
        $id:ident,
        paths: $path:ident / $list:ident;
        prefix: $prefix:literal;
        both {
            $(
                $(#[doc = $doc:literal])*
                $field:ident $(($($alias:literal),*))? : $type:ty $([$($flag:ident)*])?;
            )*
        }
        detail {
            $(
                $(#[doc = $of_detail_doc:literal])*
                $of_detail:ident $(($($of_detail_alias:literal),*))? : $of_detail_type:ty;
            )*
        }
        row {
            $(
                $(#[doc = $of_row_doc:literal])*
                $of_row:ident : $of_row_type:ty;
            )*
        }
    ) => {
        $crate::id::typed_id! { $(#[$id_doc])* $id, $crate::kind::ResourceKind::$detail }

        $crate::model::model! {
            $(#[$detail_doc])*
            $detail (Resource, Resources) {
                $($(#[doc = $doc])* $field $(($($alias),*))? : $type;)*
                $($(#[doc = $of_detail_doc])* $of_detail $(($($of_detail_alias),*))? : $of_detail_type;)*
            }
        }

        $crate::model::model! {
            $(#[$row_doc])*
            $row (Resource, Resources) {
                $($(#[doc = $doc])* $field $(($($alias),*))? : $type;)*
                $($(#[doc = $of_row_doc])* $of_row : $of_row_type;)*
            }
        }

        $crate::model::resource_model! { $detail, $id, $crate::kind::ResourceKind::$detail }
        $crate::model::resource_model! { $row, $id, $crate::kind::ResourceKind::$detail }

        pub(crate) static ENTRY: $crate::kind::Entry = $crate::kind::Entry {
            kind: $crate::kind::ResourceKind::$detail,
            detail_path: stringify!($path),
            list_path: stringify!($list),
            prefix: $prefix,
            fields: &[
                $(
                    $crate::kind::Field::new::<$type>(
                        stringify!($field),
                        &[$($($alias),*)?],
                        $crate::kind::Place::Both,
                        concat!($($doc),*),
                    )
                    $($(.$flag())*)?,
                )*
                $(
                    $crate::kind::Field::new::<$of_detail_type>(
                        stringify!($of_detail),
                        &[$($($of_detail_alias),*)?],
                        $crate::kind::Place::Detail,
                        concat!($($of_detail_doc),*),
                    ),
                )*
                $(
                    $crate::kind::Field::new::<$of_row_type>(
                        stringify!($of_row),
                        &[],
                        $crate::kind::Place::Row,
                        concat!($($of_row_doc),*),
                    ),
                )*
            ],
        };

        impl $crate::client::ComicVine {
            #[doc = concat!("A request for one resource of `", stringify!($path), "`.")]
            pub fn $path(&self, id: $id) -> $crate::request::DetailRequest<$detail> {
                self.get($id::KIND, id)
            }

            #[doc = concat!("A request for the list `", stringify!($list), "`.")]
            pub fn $list(&self) -> $crate::request::ListRequest<$row> {
                self.list($id::KIND)
            }
        }
    };
}
pub(crate) use resource;

/// Makes a model one of a resource: it needs an id, which its URL may have.
macro_rules! resource_model {
    ($model:ident, $id:ident, $kind:expr) => {
        impl $crate::model::object::Complete for $model {
            fn complete(&mut self) -> bool {
                if self.id.number() == 0
                    && let Some(id) = $crate::id::id_in(self.api_detail_url.as_deref())
                {
                    self.id = id.into();
                }
                self.id.number() != 0
            }
        }

        impl $crate::model::Resource for $model {
            const KIND: $crate::kind::ResourceKind = $kind;
        }
    };
}
pub(crate) use resource_model;

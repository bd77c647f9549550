//! The schema, as migrations.

use sqlite_database::{Component, Migration};

/// The tables and views of the HTTP cache: the component `http_cache`.
pub static HTTP_CACHE: Component = Component {
    name: "http_cache",
    migrations: &[
        Migration::new(
            1,
            "tables",
            include_str!("../../migrations/http_cache/0001_tables.up.sql"),
            include_str!("../../migrations/http_cache/0001_tables.down.sql"),
        ),
        Migration::new(
            2,
            "checksums",
            include_str!("../../migrations/http_cache/0002_checksums.up.sql"),
            include_str!("../../migrations/http_cache/0002_checksums.down.sql"),
        ),
        Migration::new(
            3,
            "dictionaries",
            include_str!("../../migrations/http_cache/0003_dictionaries.up.sql"),
            include_str!("../../migrations/http_cache/0003_dictionaries.down.sql"),
        ),
        Migration::new(
            4,
            "deltas",
            include_str!("../../migrations/http_cache/0004_deltas.up.sql"),
            include_str!("../../migrations/http_cache/0004_deltas.down.sql"),
        ),
        Migration::new(
            5,
            "tags",
            include_str!("../../migrations/http_cache/0005_tags.up.sql"),
            include_str!("../../migrations/http_cache/0005_tags.down.sql"),
        ),
        Migration::new(
            6,
            "values",
            include_str!("../../migrations/http_cache/0006_values.up.sql"),
            include_str!("../../migrations/http_cache/0006_values.down.sql"),
        ),
        Migration::new(
            7,
            "hit_for_miss",
            include_str!("../../migrations/http_cache/0007_hit_for_miss.up.sql"),
            include_str!("../../migrations/http_cache/0007_hit_for_miss.down.sql"),
        ),
        Migration::new(
            8,
            "target_changes",
            include_str!("../../migrations/http_cache/0008_target_changes.up.sql"),
            include_str!("../../migrations/http_cache/0008_target_changes.down.sql"),
        ),
        Migration::new(
            9,
            "equivalent_targets",
            include_str!("../../migrations/http_cache/0009_equivalent_targets.up.sql"),
            include_str!("../../migrations/http_cache/0009_equivalent_targets.down.sql"),
        ),
        Migration::new(
            10,
            "validations",
            include_str!("../../migrations/http_cache/0010_validations.up.sql"),
            include_str!("../../migrations/http_cache/0010_validations.down.sql"),
        ),
    ],
};

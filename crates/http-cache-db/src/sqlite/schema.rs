//! The schema, as migrations.

use sqlite_database::{Component, Migration};

/// The tables and views of the HTTP cache: the component `http_cache`.
pub static HTTP_CACHE: Component = Component {
    name: "http_cache",
    migrations: &[
        Migration {
            version: 1,
            name: "tables",
            up: include_str!("../../migrations/http_cache/0001_tables.up.sql"),
            down: include_str!("../../migrations/http_cache/0001_tables.down.sql"),
        },
        Migration {
            version: 2,
            name: "checksums",
            up: include_str!("../../migrations/http_cache/0002_checksums.up.sql"),
            down: include_str!("../../migrations/http_cache/0002_checksums.down.sql"),
        },
    ],
};

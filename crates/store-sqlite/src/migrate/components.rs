//! The migrations of each store.

use sqlite_database::{Component, Migration};

macro_rules! migration {
    ($version:literal, $component:literal, $name:literal) => {
        Migration::new(
            $version,
            $name,
            include_str!(concat!(
                "../../migrations/",
                $component,
                "/000",
                $version,
                "_",
                $name,
                ".up.sql"
            )),
            include_str!(concat!(
                "../../migrations/",
                $component,
                "/000",
                $version,
                "_",
                $name,
                ".down.sql"
            )),
        )
    };
}

pub(crate) static CACHE: Component = Component {
    name: "cache",
    migrations: &[
        migration!(1, "cache", "seed"),
        migration!(2, "cache", "fill_tokens"),
        migration!(3, "cache", "checksums"),
        migration!(4, "cache", "hidden"),
        migration!(5, "cache", "lookup"),
        migration!(6, "cache", "changes"),
    ],
};

pub(crate) static DEDUPE: Component = Component {
    name: "dedupe",
    migrations: &[
        migration!(1, "dedupe", "seed"),
        migration!(2, "dedupe", "leases"),
        migration!(3, "dedupe", "checksums"),
        migration!(4, "dedupe", "tokens"),
        migration!(5, "dedupe", "job_tokens"),
    ],
};

pub(crate) static RATE_LIMIT: Component = Component {
    name: "rate_limit",
    migrations: &[
        migration!(1, "rate_limit", "seed"),
        migration!(2, "rate_limit", "shared_rules"),
        migration!(3, "rate_limit", "one_tree"),
        migration!(4, "rate_limit", "cooldown_set_at"),
    ],
};

pub(crate) static WRITE_QUEUE: Component = Component {
    name: "write_queue",
    migrations: &[migration!(1, "write_queue", "writes")],
};

/// The components of the schema, in the order cache, dedupe, rate limit, queue of writes. Each store migrates its own on
/// first use.
pub static COMPONENTS: [&Component; 4] = [&CACHE, &DEDUPE, &RATE_LIMIT, &WRITE_QUEUE];

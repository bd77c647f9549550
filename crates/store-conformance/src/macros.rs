//! The macros that make tests of the case lists.

/// Makes a test of every case, in modules `cache`, `dedupe`, `rate_limit` and
/// `pipeline`.
///
/// Takes an expression that makes a fresh [`Harness`](crate::Harness), and for each role the cases to
/// ignore, with the reason:
///
/// ```text
/// mod sqlite_file {
///     use super::SqliteFile;
///     store_conformance::conformance!(
///         SqliteFile::new(),
///         cache: { expired_entry_is_gone: "the backend keeps whole seconds" },
///     );
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    (
        $harness:expr
        $(, cache: { $($cache:tt)* })?
        $(, dedupe: { $($dedupe:tt)* })?
        $(, rate_limit: { $($rate_limit:tt)* })?
        $(, pipeline: { $($pipeline:tt)* })?
        $(,)?
    ) => {
        mod cache {
            use super::*;
            $crate::cache_conformance!($harness, ignore: { $($($cache)*)? });
        }
        mod dedupe {
            use super::*;
            $crate::dedupe_conformance!($harness, ignore: { $($($dedupe)*)? });
        }
        mod rate_limit {
            use super::*;
            $crate::rate_limit_conformance!($harness, ignore: { $($($rate_limit)*)? });
        }
        mod pipeline {
            use super::*;
            $crate::pipeline_conformance!($harness, ignore: { $($($pipeline)*)? });
        }
    };
}

/// Makes a test of every cache case: `cache_conformance!(harness, ignore: { case: "why" })`.
#[macro_export]
macro_rules! cache_conformance {
    ($harness:expr $(, ignore: { $($case:ident: $why:literal),* $(,)? })? $(,)?) => {
        $crate::cache_cases! { [$harness] [$($($case: $why),*)?] }
    };
}

/// Makes a test of every de-duplication case:
/// `dedupe_conformance!(harness, ignore: { case: "why" })`.
#[macro_export]
macro_rules! dedupe_conformance {
    ($harness:expr $(, ignore: { $($case:ident: $why:literal),* $(,)? })? $(,)?) => {
        $crate::dedupe_cases! { [$harness] [$($($case: $why),*)?] }
    };
}

/// Makes a test of every rate-limit case:
/// `rate_limit_conformance!(harness, ignore: { case: "why" })`.
#[macro_export]
macro_rules! rate_limit_conformance {
    ($harness:expr $(, ignore: { $($case:ident: $why:literal),* $(,)? })? $(,)?) => {
        $crate::rate_limit_cases! { [$harness] [$($($case: $why),*)?] }
    };
}

/// Makes a test of every case of the pipeline over the stores of the backend:
/// `pipeline_conformance!(harness, ignore: { case: "why" })`.
#[macro_export]
macro_rules! pipeline_conformance {
    ($harness:expr $(, ignore: { $($case:ident: $why:literal),* $(,)? })? $(,)?) => {
        $crate::pipeline_cases! { [$harness] [$($($case: $why),*)?] }
    };
}

/// Makes a test of every case of the queue of writes, with a [`WriteQueueHarness`](crate::WriteQueueHarness):
/// `write_queue_conformance!(harness, ignore: { case: "why" })`.
#[macro_export]
macro_rules! write_queue_conformance {
    ($harness:expr $(, ignore: { $($case:ident: $why:literal),* $(,)? })? $(,)?) => {
        $crate::write_queue_cases! { [$harness] [$($($case: $why),*)?] }
    };
}

/// Makes a model-based test of each role, in a module `models`: `models!(harness)`.
///
/// Random sequences of calls are checked against a plain in-memory model. The expression makes a
/// fresh [`Harness`](crate::Harness) for every sequence.
///
/// The sequences are the same in every run; the variable `PROPTEST_CASES` asks for more of them.
#[macro_export]
macro_rules! models {
    ($harness:expr $(,)?) => {
        mod models {
            use super::*;

            // covers("F48", "F50", "F59", "F63", "T14")
            #[test]
            fn cache_matches_its_model() {
                $crate::models::cache(|| $harness);
            }

            // covers("F31", "F32", "F33", "F35", "F39", "F40")
            #[test]
            fn jobs_match_their_model() {
                $crate::models::dedupe(|| $harness);
            }

            // covers("F1", "F5", "F6", "F11", "F12", "F13", "F15", "F21", "F23", "F24", "F25")
            #[test]
            fn limits_match_their_model() {
                $crate::models::rate_limit(|| $harness);
            }
        }
    };
}

/// Makes a test of every cache case and of the model through three compositions of layers over the cache of a backend,
/// in a module `compositions`: `compositions!(harness, copies)`, where `copies` makes an empty cache in memory from a
/// [`Setup`](crate::Setup).
#[macro_export]
macro_rules! compositions {
    ($harness:expr, $copies:expr $(,)?) => {
        mod compositions {
            use super::*;

            $crate::compositions!(@ copies_before_a_breaker, $harness, $copies);
            $crate::compositions!(@ a_scope_of_copies_of_a_form, $harness, $copies);
            $crate::compositions!(@ all_layers_over_replicas, $harness, $copies);
        }
    };
    (@ $layers:ident, $harness:expr, $copies:expr) => {
        mod $layers {
            use super::*;

            fn layered() -> impl $crate::Harness {
                $crate::Layered::new($harness, |store, setup| {
                    $crate::compositions::$layers($copies(setup), store, setup)
                })
            }

            $crate::cache_conformance!(layered());

            #[test]
            fn matches_the_model() {
                $crate::models::cache(layered);
            }
        }
    };
}

/// Declares the case list of one role, one `NAME: covers("ROW", …),` a line. `cargo xtask features`
/// reads the covered rows from the source.
macro_rules! cases {
    (($d:tt) $list:ident of $role:ident; $($case:ident: covers($($row:literal),*),)+) => {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $list {
            ($d($d context:tt)*) => {
                $crate::tests! { ($d) $role [$($case)+] $d($d context)* }
            };
        }
    };
}

/// Makes the tests. The arms of the local macro are the names of the ignored cases.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    (
        ($d:tt) $role:ident [$($case:ident)+] [$harness:expr] [$($ignored:ident: $why:literal),*]
    ) => {
        $(const _: () = { use $crate::cases::$role::$ignored as _; };)*

        macro_rules! conformance_test {
            $(($ignored) => {
                #[test]
                #[ignore = $why]
                fn $ignored() -> $crate::CaseResult<()> {
                    $crate::run($crate::cases::$role::$ignored(&$harness))
                }
            };)*
            ($d case:ident) => {
                #[test]
                fn $d case() -> $crate::CaseResult<()> {
                    $crate::run($crate::cases::$role::$d case(&$harness))
                }
            };
        }

        $(conformance_test! { $case })+
    };
}

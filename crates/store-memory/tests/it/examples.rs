//! The examples of this crate run to their end.

use store_memory::BoxError;

#[path = "../../examples/cache.rs"]
mod cache;
#[path = "../../examples/pipeline.rs"]
mod pipeline;

#[test]
fn the_cache_example_runs() -> Result<(), BoxError> {
    cache::main()
}

/// Its server answers two requests, and its limit admits two: the third is a hit.
#[test]
fn the_pipeline_example_runs() -> Result<(), BoxError> {
    pipeline::main()
}

//! The examples of this crate run to their end.

use store_memory::BoxError;

#[path = "../../examples/memory_cache.rs"]
mod memory_cache;
#[path = "../../examples/memory_pipeline.rs"]
mod memory_pipeline;

#[test]
fn the_cache_example_runs() -> Result<(), BoxError> {
    memory_cache::main()
}

/// Its server answers two requests, and its limit admits two: the third is a hit.
#[test]
fn the_pipeline_example_runs() -> Result<(), BoxError> {
    memory_pipeline::main()
}

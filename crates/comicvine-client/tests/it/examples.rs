//! The examples of this crate run to their end.

#[cfg(feature = "tls")]
#[path = "../../examples/pipeline_reqwest.rs"]
mod pipeline_reqwest;
#[path = "../../examples/shared_budget.rs"]
mod shared_budget;

#[cfg(feature = "tls")]
#[test]
fn pipeline_around_reqwest_example_runs() -> Result<(), store_memory::BoxError> {
    pipeline_reqwest::main()
}

#[test]
fn shared_budget_example_runs() -> Result<(), store_memory::BoxError> {
    shared_budget::main()
}

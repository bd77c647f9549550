//! The example of this crate runs to its end.

#[path = "../../examples/shared_budget.rs"]
mod shared_budget;

#[test]
fn shared_budget_example_runs() -> Result<(), store_memory::BoxError> {
    shared_budget::main()
}

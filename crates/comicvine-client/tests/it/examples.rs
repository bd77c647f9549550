//! The examples of this crate run to their end.

#[path = "../../examples/decoding.rs"]
mod decoding;
#[cfg(feature = "tls")]
#[path = "../../examples/pipeline_reqwest.rs"]
mod pipeline_reqwest;
#[path = "../../examples/shared_budget.rs"]
mod shared_budget;
#[path = "../../examples/untyped_fields.rs"]
mod untyped_fields;

#[cfg(feature = "tls")]
#[test]
fn pipeline_around_reqwest_example_runs() -> Result<(), store_memory::BoxError> {
    pipeline_reqwest::main()
}

#[test]
fn shared_budget_example_runs() -> Result<(), store_memory::BoxError> {
    shared_budget::main()
}

#[test]
fn untyped_fields_example_names_what_the_models_lack() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/recorded");
    let (files, untyped) = untyped_fields::check_all(folder.as_ref()).unwrap();
    assert_eq!(files, 1);
    assert_eq!(untyped.len(), 1);
    assert!(
        untyped[0].ends_with("issue: `cover_price` is \"12c\""),
        "{untyped:?}"
    );
}

#[tokio::test]
async fn decoding_example_measures() -> Result<(), store_memory::BoxError> {
    decoding::measure(20).await
}

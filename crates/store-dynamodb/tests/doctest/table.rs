// Included by doctests, hidden: a table on the emulator for the example to use.

/// Runs `example` on a new table.
fn on_emulator(
    example: impl AsyncFnOnce(store_dynamodb::DynamoDbTable) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    use store_core::Random as _;
    use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};

    let endpoint = dynamodb_local::endpoint()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let name = format!("doctest-{:016x}", store_core::SystemRandom.next_u64());
        let options = store_dynamodb::TableOptions::default()
            .with_table(name)
            .with_endpoint_url(endpoint);
        let table = store_dynamodb::DynamoDbTable::from_env(options.clone()).await;
        let spec = TableSpec::of(&options);
        create_or_verify(table.client(), &spec, &SetupOptions::default()).await?;
        example(table).await
    })
}

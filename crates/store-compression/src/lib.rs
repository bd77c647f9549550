//! Compresses the values of a cache with Zstandard: a [`ValueTransform`](store_core::layer::ValueTransform) for
//! [`Transformed`](store_core::layer::Transformed).
//!
//! Values of a store that compresses by itself, such as the DynamoDB cache, or that hold images, gain nothing.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store_compression::Compression;
//! use store_core::layer::Transformed;
//! use store_core::{CacheStore, CacheStoreExt, Key, NewEntry, PageRequest};
//! use store_memory::MemoryCacheStore;
//!
//! let cache = Transformed::new(MemoryCacheStore::new(), Compression::default());
//! let key = Key::new("comics:1")?;
//! let value = r#"{"name":"Saga"},"#.repeat(100);
//! cache.set(NewEntry::unconditional(key.clone(), value.clone())).await?;
//! assert_eq!(cache.value(&key).await?.as_deref(), Some(value.as_bytes()));
//!
//! let stored = cache.list(&PageRequest::default()).await?.items;
//! assert!(stored[0].size_bytes < 100);
//! # Ok(())
//! # }
//! ```

mod compression;

pub use compression::{Compression, MAX_OVERHEAD_BYTES};

//! The suite of the cache through each layer of `store_core::layer`, and what a layer promises beyond it.

mod circuit_breaker;
mod metrics;
mod traced;

use std::sync::Arc;
use std::time::Duration;

use store_conformance::{Harness, Layered, Setup};
use store_core::PageRequest;
use store_core::layer::read_through::Loaded;
use store_core::layer::{ReadThrough, ReadThroughOptions, Scoped, WriteBehind};
use store_memory::{
    CacheStore, CacheStoreExt, ErrorKind, Key, MemoryCacheStore, MemoryDedupeStore,
    MemoryWriteQueue, NewEntry, Result, Scope, Selection, Tag,
};

use crate::conformance::Memory;

fn copies(setup: &Setup) -> Arc<dyn CacheStore> {
    Arc::new(MemoryCacheStore::with_options(setup.cache_options()))
}

store_conformance::compositions!(Memory::default(), copies);

mod scoped {
    use super::*;

    fn harness() -> impl Harness {
        Layered::new(Memory::default(), |store, _| {
            Ok(Arc::new(Scoped::new(store, Scope::new("acme")?)))
        })
    }

    store_conformance::cache_conformance!(harness());

    #[test]
    fn matches_the_model() {
        store_conformance::models::cache(harness);
    }

    // covers("D4")
    #[tokio::test]
    async fn a_scope_reaches_nothing_of_another() -> Result<()> {
        let shared = MemoryCacheStore::new();
        let [acme, other] = ["acme", "acme2"].map(|name| {
            let scope = Scope::new(name).expect("a scope");
            Scoped::new(shared.clone(), scope)
        });
        let key = Key::new("issue:1")?;
        let tag = Tag::new("volume:1")?;
        let entry = NewEntry::unconditional(key.clone(), "a").with_tags([tag.clone()]);
        acme.set(entry).await?;
        assert!(other.value(&key).await?.is_none());
        assert!(other.list(&PageRequest::default()).await?.items.is_empty());

        other.delete(&key).await?;
        other.invalidate_tags(std::slice::from_ref(&tag)).await?;
        other.clear(&Selection::Scope(Scope::new("issue")?)).await?;
        other.clear(&Selection::All).await?;
        other.close().await?;
        let refused = other.get(&key).await.map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::Closed));

        assert!(acme.value(&key).await?.is_some());
        let listed = acme.list(&PageRequest::default()).await?.items;
        assert_eq!((&listed[0].key, &listed[0].tags), (&key, &vec![tag]));
        assert!(shared.value(&Key::new("acme:issue:1")?).await?.is_some());
        Ok(())
    }

    #[tokio::test]
    async fn parts_that_share_jobs_do_not_get_each_others_loads() -> Result<()> {
        let (shared, jobs) = (MemoryCacheStore::new(), MemoryDedupeStore::new());
        // What is not cached travels from the owner of the job to those who joined it.
        let options = ReadThroughOptions::default().with_ttl(Duration::ZERO);
        let [acme, other] = ["acme", "other"].map(|name| {
            let scope = Scope::new(name).expect("a scope");
            ReadThrough::<String>::builder(Scoped::new(shared.clone(), scope))
                .with_dedupe(jobs.clone())
                .with_options(options.clone())
                .build()
        });
        let load = |value: &'static str| {
            async move |_previous| {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                Ok::<_, std::io::Error>(Loaded::new(value.to_owned()))
            }
        };
        let key = Key::new("issue:1")?;
        let (one, two) = tokio::join!(
            acme.get(&key, load("of acme")),
            other.get(&key, load("of other"))
        );
        let values = [one, two].map(|answer| answer.expect("a value").value);
        assert_eq!(
            values,
            [Some("of acme".to_owned()), Some("of other".to_owned())]
        );
        Ok(())
    }
}

mod write_behind {
    use super::*;

    fn harness() -> impl Harness {
        Layered::new(Memory::default(), |store, _| {
            let queue = MemoryWriteQueue::new();
            Ok(Arc::new(WriteBehind::start(
                store,
                queue,
                async |_| Ok(()),
            )?))
        })
    }

    store_conformance::cache_conformance!(harness());

    #[test]
    fn matches_the_model() {
        store_conformance::models::cache(harness);
    }
}

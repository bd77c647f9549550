//! The suite of the queue of writes.

use std::sync::{Arc, OnceLock};

use store_conformance::{Boxed, WriteQueueHarness, async_trait};
use store_memory::{MemoryWriteQueue, Result, WriteQueue, WriteQueueOptions};

/// A queue of one process: a further handle is a clone.
#[derive(Debug, Default)]
struct Memory(OnceLock<MemoryWriteQueue>);

#[async_trait]
impl WriteQueueHarness for Memory {
    async fn write_queue(&self, options: WriteQueueOptions) -> Result<Arc<dyn WriteQueue>> {
        let open = || MemoryWriteQueue::with_options(options);
        Ok(Arc::new(self.0.get_or_init(open).clone()))
    }
}

mod direct {
    use super::*;

    store_conformance::write_queue_conformance!(Memory::default());
}

mod boxed {
    use super::*;

    store_conformance::write_queue_conformance!(Boxed(Memory::default()));
}

//! Activity of this process that is not in the file yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store_core::Resource;
use store_core::backend::{Activity, Denials};

/// The activity that a status has read and that no decision has written yet, besides that which
/// [`Denials`] collect.
#[derive(Debug)]
pub(super) struct UnwrittenActivity {
    denials: Arc<Denials>,
    read: Mutex<HashMap<Resource, Activity>>,
}

impl UnwrittenActivity {
    pub(super) fn new(denials: Arc<Denials>) -> Self {
        Self {
            denials,
            read: Mutex::default(),
        }
    }

    /// The activity of `resource`, which stays unwritten.
    pub(super) fn get(&self, resource: &Resource) -> Activity {
        let mut read = self.read();
        let activity = self.remove(&mut read, resource);
        if !activity.is_empty() {
            read.insert(resource.clone(), activity);
        }
        activity
    }

    /// Takes the activity of `resource` in order to write it.
    pub(super) fn take(&self, resource: &Resource) -> Activity {
        self.remove(&mut self.read(), resource)
    }

    /// Removes the activity and the cached denials of all resources.
    pub(super) fn clear(&self) {
        let mut read = self.read();
        read.clear();
        self.denials.clear();
    }

    fn remove(&self, read: &mut HashMap<Resource, Activity>, resource: &Resource) -> Activity {
        let mut activity = self.denials.take_activity(resource);
        if let Some(Activity { user, background }) = read.remove(resource) {
            activity.user += user;
            activity.background += background;
        }
        activity
    }

    fn read(&self) -> MutexGuard<'_, HashMap<Resource, Activity>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Reports of events that official SDKs refuse: a handler that uses such an SDK fails on each of them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    event::Envelope,
    runtime::{Notice, Observer},
    transport::Delivery,
};

/// Reports the first event of a consumer with an attribute that official SDKs refuse. Clones share the state; the default
/// reports nothing.
#[derive(Clone, Default)]
pub struct RefusedAttributes(Option<Arc<Watch>>);

struct Watch {
    is_reported: AtomicBool,
    observer: Arc<dyn Observer>,
}

impl RefusedAttributes {
    /// Reports to this observer.
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self(Some(Arc::new(Watch {
            is_reported: AtomicBool::new(false),
            observer,
        })))
    }

    /// Checks a stored event that is about to be handed over.
    pub fn check(&self, delivery: &Delivery, envelope: &Envelope<'_>) {
        let watch = self.0.as_deref();
        let Some(watch) = watch.filter(|watch| !watch.is_reported.load(Ordering::Relaxed)) else {
            return;
        };
        if let Some(error) = envelope.refused_attribute()
            && !watch.is_reported.swap(true, Ordering::Relaxed)
        {
            let notice = Notice::RefusedAttribute(delivery, &error);
            watch.observer.notice(notice);
        }
    }
}

impl fmt::Debug for RefusedAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusedAttributes")
    }
}

//! What was counted: one number per series, and fixed buckets for durations, so that memory does not grow with what is counted.
//!
//! The recorder of `metrics-exporter-prometheus` keeps every single duration until the next scrape, and brings twenty crates.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// The upper bounds of durations, in seconds, that OpenTelemetry's conventions for messaging advise.
pub const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Durations by bucket.
#[derive(Debug, Default)]
pub struct Buckets {
    /// How many are in each bucket; the last has those beyond all bounds.
    counts: [AtomicU64; BOUNDS.len() + 1],
    /// Their sum, in nanoseconds.
    sum: AtomicU64,
}

impl Buckets {
    /// Returns how many are up to each bound, and how many there are.
    pub fn cumulated(&self) -> ([u64; BOUNDS.len()], u64) {
        let (mut upto, mut total) = ([0; BOUNDS.len()], 0);
        for (number, count) in self.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            if let Some(upto) = upto.get_mut(number) {
                *upto = total;
            }
        }
        (upto, total)
    }

    /// Returns their sum, in nanoseconds.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

impl HistogramFn for Buckets {
    fn record(&self, seconds: f64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a duration; the cast saturates"
        )]
        let nanos = (seconds * 1e9) as u64;
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// The value of a series.
#[derive(Debug)]
pub enum Value {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<AtomicU64>),
    Histogram(Arc<Buckets>),
}

/// A metric and its series, by their labels.
#[derive(Debug, Default)]
pub struct Family {
    pub unit: Option<Unit>,
    pub help: String,
    pub series: BTreeMap<Vec<(String, String)>, Value>,
}

/// All metrics by name.
#[derive(Debug, Default)]
pub struct Registry(std::sync::Mutex<BTreeMap<String, Family>>);

impl Registry {
    /// Looks at, or changes, the metrics.
    pub fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Family>) -> T) -> T {
        let mut families = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&mut families)
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, help: &SharedString) {
        self.with(|families| {
            let family = families.entry(name.as_str().to_owned()).or_default();
            (family.unit, family.help) = (unit, help.to_string());
        });
    }

    /// Returns what `known` finds in a series, or adds what `new` creates.
    fn register<T>(
        &self,
        key: &Key,
        known: impl FnOnce(&Value) -> Option<T>,
        new: impl FnOnce() -> (T, Value),
    ) -> T {
        let labels = key.labels();
        let labels: Vec<_> = labels
            .map(|label| (label.key().to_owned(), label.value().to_owned()))
            .collect();
        self.with(|families| {
            let family = families.entry(key.name().to_owned()).or_default();
            if let Some(found) = family.series.get(&labels).and_then(known) {
                return found;
            }
            let (handle, value) = new();
            family.series.insert(labels, value);
            handle
        })
    }
}

impl Recorder for Registry {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, &help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, &help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let known = |value: &Value| match value {
            Value::Counter(number) => Some(Arc::clone(number)),
            _ => None,
        };
        let new = || {
            let number = Arc::new(AtomicU64::new(0));
            (Arc::clone(&number), Value::Counter(number))
        };
        self.register(key, known, new).into()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let known = |value: &Value| match value {
            Value::Gauge(number) => Some(Arc::clone(number)),
            _ => None,
        };
        let new = || {
            let number = Arc::new(AtomicU64::new(0));
            (Arc::clone(&number), Value::Gauge(number))
        };
        self.register(key, known, new).into()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let known = |value: &Value| match value {
            Value::Histogram(buckets) => Some(Arc::clone(buckets)),
            _ => None,
        };
        let new = || {
            let buckets = Arc::new(Buckets::default());
            (Arc::clone(&buckets), Value::Histogram(buckets))
        };
        self.register(key, known, new).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_each_bound() {
        let buckets = Buckets::default();
        for seconds in [0.0, 0.005, 0.006, 3.0, 60.0] {
            buckets.record(seconds);
        }
        let (upto, total) = buckets.cumulated();
        assert_eq!((upto[0], upto[1], upto[10], upto[11]), (2, 3, 3, 4));
        assert_eq!((upto[13], total), (4, 5));
        assert_eq!(buckets.sum(), 63_011_000_000);
    }
}

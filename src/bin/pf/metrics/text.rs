//! Metrics as Prometheus reads them: the text format, version 0.0.4.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use metrics::Unit;

use super::recorder::{BOUNDS, Buckets, Family, Registry, Value};

/// Returns all metrics.
pub fn all(registry: &Registry) -> String {
    registry.with(|families| {
        let mut text = String::new();
        for (name, family) in families.iter() {
            // Writing to a string cannot fail.
            let _ = write_family(&mut text, name, family);
        }
        text
    })
}

fn write_family(text: &mut String, name: &str, family: &Family) -> std::fmt::Result {
    let Some(first) = family.series.values().next() else {
        return Ok(());
    };
    let mut name = sanitized(name);
    if family.unit == Some(Unit::Seconds) {
        name += "_seconds";
    }
    let kind = match first {
        Value::Counter(_) => "counter",
        Value::Gauge(_) => "gauge",
        Value::Histogram(_) => "histogram",
    };
    if kind == "counter" {
        name += "_total";
    }
    writeln!(text, "# HELP {name} {}", family.help)?;
    writeln!(text, "# TYPE {name} {kind}")?;
    for (labels, value) in &family.series {
        match value {
            Value::Counter(number) => {
                writeln!(text, "{name}{} {}", braced(labels, None), whole(number))?;
            }
            Value::Gauge(number) => {
                let number = f64::from_bits(whole(number));
                writeln!(text, "{name}{} {number}", braced(labels, None))?;
            }
            Value::Histogram(buckets) => write_buckets(text, &name, labels, buckets)?,
        }
    }
    Ok(())
}

fn write_buckets(
    text: &mut String,
    name: &str,
    labels: &[(String, String)],
    buckets: &Buckets,
) -> std::fmt::Result {
    let (upto, total) = buckets.cumulated();
    for (bound, count) in BOUNDS.iter().zip(upto) {
        let bound = bound.to_string();
        writeln!(
            text,
            "{name}_bucket{} {count}",
            braced(labels, Some(&bound))
        )?;
    }
    writeln!(
        text,
        "{name}_bucket{} {total}",
        braced(labels, Some("+Inf"))
    )?;
    let (seconds, nanos) = (buckets.sum() / 1_000_000_000, buckets.sum() % 1_000_000_000);
    writeln!(
        text,
        "{name}_sum{} {seconds}.{nanos:09}",
        braced(labels, None)
    )?;
    writeln!(text, "{name}_count{} {total}", braced(labels, None))
}

fn whole(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}

/// Returns a name of OpenTelemetry as one of Prometheus.
fn sanitized(name: &str) -> String {
    let allowed = |one: char| one.is_ascii_alphanumeric() || one == '_';
    name.chars()
        .map(|one| if allowed(one) { one } else { '_' })
        .collect()
}

fn braced(labels: &[(String, String)], bound: Option<&str>) -> String {
    let mut text = String::new();
    let labels = labels
        .iter()
        .map(|(name, value)| (sanitized(name), value.as_str()));
    let bound = bound.map(|bound| ("le".to_owned(), bound));
    for (name, value) in labels.chain(bound) {
        text.push(if text.is_empty() { '{' } else { ',' });
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = write!(text, "{name}=\"{value}\"");
    }
    if !text.is_empty() {
        text.push('}');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_and_labels_are_those_of_prometheus() {
        let registry = Registry::default();
        metrics::with_local_recorder(&registry, || {
            metrics::describe_counter!("messaging.a", Unit::Count, "What is counted");
            metrics::counter!("messaging.a", "b.c" => "x\"\\\n").increment(3);
            metrics::gauge!("age").set(1.5);
            metrics::describe_histogram!("took", Unit::Seconds, "Time");
            metrics::histogram!("took").record(Duration::from_millis(7));
        });
        let text = all(&registry);
        let counted = "# HELP messaging_a_total What is counted\n# TYPE messaging_a_total counter\n\
             messaging_a_total{b_c=\"x\\\"\\\\\\n\"} 3\n";
        assert!(text.contains(counted), "{text}");
        assert!(
            text.contains("\nage 1.5\n") || text.contains("age 1.5\n"),
            "{text}"
        );
        for line in [
            "# TYPE took_seconds histogram",
            "took_seconds_bucket{le=\"0.005\"} 0",
            "took_seconds_bucket{le=\"0.01\"} 1",
            "took_seconds_bucket{le=\"+Inf\"} 1",
            "took_seconds_sum 0.007000000",
            "took_seconds_count 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
    }
}

//! Fail points: named places between an effect and its acknowledgement at which a test can kill the process.
//!
//! Built only with the feature `failpoints`. `PF_FAILPOINT=name` or `name:n` kills the process, with no
//! chance to clean up, when the point is reached for the n-th time.

/// Kills the process here if the test asked for it.
#[inline]
pub(crate) fn reach(name: &'static str) {
    #[cfg(feature = "failpoints")]
    armed::reach(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };

    struct Point {
        name: String,
        left: AtomicU32,
    }

    static POINT: OnceLock<Option<Point>> = OnceLock::new();

    pub(super) fn reach(name: &str) {
        let Some(point) = POINT.get_or_init(configured) else {
            return;
        };
        if point.name == name && point.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            die();
        }
    }

    fn configured() -> Option<Point> {
        let text = std::env::var("PF_FAILPOINT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some(Point {
            name: name.to_owned(),
            left: AtomicU32::new(count.parse().unwrap_or(1)),
        })
    }

    fn die() -> ! {
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-KILL", &pid])
            .status();
        loop {
            std::thread::park();
        }
    }
}

//! An application that uses `tracing`, with `multibind` as it is by default: what that logs is heard through the bridge.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multibind::{Bind, Harness};

#[derive(Clone, Debug, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    fn has(&self, line: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock().unwrap()).lines().any(|printed| printed.trim().starts_with(line))
    }
}

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_subscriber_with_the_bridge_hears_what_multibind_and_r2d2_log() -> multibind::Result<()> {
    let printed = Printed::default();
    let writer = printed.clone();
    tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || writer.clone()).init();

    let auth = Bind::temp_file().schema("CREATE TABLE user (username TEXT)").echo(true);
    let db = Harness::builder().bind("auth", auth).start()?;
    db.connection("auth")?.execute("DELETE FROM user", []).unwrap();
    assert!(printed.has("INFO multibind::echo: [auth] DELETE FROM user"), "{printed:?}");

    // Without its folder the database opens no more. r2d2 tries it on a thread of its own.
    let _open = db.connection("auth")?;
    std::fs::remove_dir_all(db.path("auth")?.unwrap().parent().unwrap()).unwrap();
    let begun = Instant::now();
    while !printed.has("ERROR r2d2: unable to open database file") {
        assert!(db.pool("auth")?.get_timeout(Duration::from_millis(50)).is_err());
        assert!(begun.elapsed() < Duration::from_secs(60), "{printed:?}");
    }
    Ok(())
}

//! Ten thousand tests of three binds each, for `benches/ten_thousand`.

use multibind::{row, Bind, Harness};

/// Writes to each bind through a pool or a session and finds its own rows only.
fn one_test(name: &str) -> multibind::Result<()> {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
        .bind("auth", Bind::memory().schema_path("fixtures/auth"))
        .bind("meta", Bind::temp_file().schema_path("fixtures/meta.sql"))
        .start()?;
    my_app::sign_up(&*db.connection("auth")?, name);
    my_app::audit(&*db.connection("meta")?, name);
    let mut session = db.session();
    session.table("post")?.insert(row! { title: name })?;
    session.commit()?;
    drop(session);
    db.assert_landed(None, "post", row! { id: 1, title: name });
    db.assert_landed("auth", "user", row! { id: 1, username: name });
    db.assert_landed("meta", "log", row! { id: 1, event: name });
    db.assert_not_landed("auth", "user", row! { id: 2 });
    db.assert_not_landed("meta", "log", row! { id: 2 });
    db.close()
}

macro_rules! ones {
    ($($digit:ident)*) => {$(
        #[test]
        fn $digit() -> multibind::Result<()> {
            crate::one_test(concat!(module_path!(), "::", stringify!($digit)))
        }
    )*};
}
macro_rules! tens {
    ($($digit:ident)*) => { $( mod $digit { ones!(n0 n1 n2 n3 n4 n5 n6 n7 n8 n9); } )* };
}
macro_rules! hundreds {
    ($($digit:ident)*) => { $( mod $digit { tens!(n0 n1 n2 n3 n4 n5 n6 n7 n8 n9); } )* };
}
macro_rules! thousands {
    ($($digit:ident)*) => { $( mod $digit { hundreds!(n0 n1 n2 n3 n4 n5 n6 n7 n8 n9); } )* };
}
thousands!(n0 n1 n2 n3 n4 n5 n6 n7 n8 n9);

//! What `flask db upgrade --sql` writes, and what `flask db upgrade` makes of the same revisions.

use std::path::Path;
use std::process::Command;

use crate::compare::{contents, FAMILY, REBUILD};
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};

const APPLICATION: &str = r#"
import flask, flask_migrate, flask_sqlalchemy

app = flask.Flask(__name__, instance_path=__import__("os").environ["INSTANCE"])
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///main.db"
app.config["SQLALCHEMY_BINDS"] = {"auth": "sqlite:///auth.db"}
db = flask_sqlalchemy.SQLAlchemy(app)
flask_migrate.Migrate(app, db)
"#;

/// A revision with the SQL of each bind's upgrade.
fn revision(name: &str, before: Option<&str>, of_default: &str, of_auth: &str) -> String {
    let before = before.map_or("None".to_string(), |before| format!("'{before}'"));
    let statements = |sql: &str| {
        let statements = sql.split_inclusive(";\n").map(|one| format!("    op.execute('''{one}''')\n"));
        format!("    pass\n{}", statements.collect::<String>())
    };
    format!(
        "from alembic import op\nrevision = '{name}'\ndown_revision = {before}\n\
         def upgrade(engine_name):\n    globals()['upgrade_%s' % engine_name]()\n\
         def upgrade_():\n{}\ndef upgrade_auth():\n{}\n",
        statements(of_default),
        statements(of_auth)
    )
}

fn flask(python: &Path, folder: &Path, application: &Path, arguments: &[&str]) {
    let output = Command::new(python)
        .args(["-m", "flask", "--app"])
        .arg(application.join("application.py"))
        .arg("db")
        .args(arguments)
        .arg("--directory")
        .arg(application.join("migrations"))
        .current_dir(folder)
        .env("INSTANCE", application)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

#[test]
fn each_bind_has_what_flask_migrate_makes_of_its_revisions() {
    let Some(python) = std::env::var_os("MULTIBIND_FLASK_PYTHON") else {
        eprintln!("skipped: MULTIBIND_FLASK_PYTHON names no Python");
        return;
    };
    let (python, folder) = (Path::new(&python), tempfile::tempdir().unwrap());
    let application = folder.path();
    std::fs::write(application.join("application.py"), APPLICATION).unwrap();
    flask(python, application, application, &["init", "--multidb"]);
    let versions = application.join("migrations/versions");
    let posts = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT);\nINSERT INTO post VALUES (1, 'a');\n";
    std::fs::write(versions.join("one.py"), revision("one", None, posts, FAMILY)).unwrap();
    let more = "ALTER TABLE post ADD COLUMN tag TEXT DEFAULT 'b';\n";
    std::fs::write(versions.join("two.py"), revision("two", Some("one"), more, REBUILD)).unwrap();

    let written = application.join("written");
    std::fs::create_dir(&written).unwrap();
    flask(python, &written, application, &["upgrade", "--sql"]);
    flask(python, application, application, &["upgrade"]);

    let bind = || Bind::memory().schema_path(&written);
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    for (key, file) in [(None, "main.db"), (Some("auth"), "auth.db")] {
        let here = contents(&db.connection(key).unwrap(), &[]);
        let mut there = contents(&Connection::open(application.join(file)).unwrap(), &[]);
        // Alembic's own table is laid out with tabs in a database and with blanks in a file.
        let blanks = |lines: &mut Vec<String>| lines.iter_mut().for_each(|line| *line = line.replace('\t', "    "));
        blanks(&mut there);
        assert_eq!(here, there, "{file}");
        assert!(here.len() >= 7, "{file}: {here:?}");
    }
    for file in [".sql", "auth.sql"] {
        let key = if file == ".sql" { None } else { Some("auth") };
        let alone = Bind::memory().schema_path(written.join(file));
        let one = match key {
            None => Harness::builder().default_bind(alone).start().unwrap(),
            Some(key) => Harness::builder().bind(key, alone).start().unwrap(),
        };
        assert_eq!(contents(&one.connection(key).unwrap(), &[]), contents(&db.connection(key).unwrap(), &[]));
    }
}

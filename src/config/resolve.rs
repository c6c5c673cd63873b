//! From what the user wrote to the databases to start: keys checked, URLs read, defaults applied, the binds of one
//! database joined.

use std::path::{Path, PathBuf};

use super::bind::Bind;
use super::draft::Draft;
use super::mirror;
use super::options::EngineOptions;
use super::origin::Origin;
use super::paths::resolve_path;
use super::reference::ReferenceText;
use super::settle::Settled;
use super::source::SchemaSource;
#[cfg(test)]
use super::spec::DatabaseSpec;
use super::spec::{Replica, Resolved};
use super::stand_in;
use super::table::Table;
use super::variables::{expand, Expanded};
use super::written::ImageFolder;
use crate::error::{Error, Result};
use crate::key::{BindKey, Keys, PerBind};
use crate::list::mapped;
use crate::order::sort_by_key;
use crate::say;

impl Settled {
    /// Returns the databases to start.
    pub(crate) fn resolve(&self) -> Result<Resolved> {
        let binds = self.ordered();
        let configured = Keys::of(keys(&binds)).ok_or(Error::NoBind { at: None })?;
        check_keys(&binds)?;
        if self.written.default_options != EngineOptions::default() && !binds.iter().any(|(key, _)| key.is_default()) {
            say::warn(format_args!(
                "`SQLALCHEMY_ENGINE_OPTIONS` has no effect: it is for the default bind, and none is configured; \
                 `[engine_options]` is for every bind"
            ));
        }
        let mut drafts: Vec<Draft> = Vec::new();
        for (key, bind) in &binds {
            mirror::check(key, bind)?;
            if bind.mirror.is_some() {
                continue;
            }
            let draft = self.draft(key, bind)?;
            match drafts.iter_mut().find(|known| known.identity.is_some() && known.identity == draft.identity) {
                Some(known) => known.join(draft, &bind.origin)?,
                None => drafts.push(draft),
            }
        }
        for (key, bind) in &binds {
            let Some(mirror) = &bind.mirror else { continue };
            let source = mirror::source(&binds, key, mirror)?;
            let draft = self.draft(key, bind)?;
            if let Some(known) = drafts.iter_mut().find(|draft| draft.keys.contains(source)) {
                known.mirror(draft, bind, &mirror.1)?;
            }
        }
        // A mirror may be the default bind.
        sort_by_key(&mut drafts, |draft| !draft.keys.iter().any(BindKey::is_default));
        for table in &self.written.tables {
            self.add_table(&mut drafts, table)?;
        }
        let (mut sources, mut replicas, mut ways) = (PerBind::default(), Vec::new(), Vec::new());
        for draft in drafts {
            let finished = draft.finish(&configured, self.written.storage)?;
            let source = sources.push(finished.source);
            for lagging in finished.lagging {
                replicas.push((Replica { source, lags: true }, lagging));
            }
            if let Some(way) = finished.way {
                ways.push((Replica { source, lags: false }, way));
            }
        }
        replicas.extend(ways);
        Ok(Resolved { sources, replicas })
    }

    /// Returns the binds, the default one first, the others in the order configured.
    fn ordered(&self) -> Vec<(&BindKey, &Bind)> {
        let mut binds = mapped(&self.written.binds, |(key, bind)| (key, bind));
        sort_by_key(&mut binds, |(key, _)| !key.is_default());
        binds
    }

    /// Returns a bind on its own: its options checked, its URL read, its paths made absolute.
    fn draft(&self, key: &BindKey, bind: &Bind) -> Result<Draft> {
        if let Some(problem) = bind.options.problem() {
            return Err(bind.origin.error(key, problem));
        }
        if let (Some(url), Some(_)) = (&bind.url, &bind.dynamic) {
            let problem =
                format!("it is dynamic, so its callback chooses its databases, and it has the URL `{url}` too");
            return Err(url.origin().error(key, problem));
        }
        let (mut identity, mut asked) = (None, None);
        // A variable may name production's replica, of which a mirror takes the place.
        if let (Some(url), None) = (&bind.url, &bind.mirror) {
            let Expanded { url, unset } = match url.origin() {
                // What a variable holds is what is meant.
                Origin::Variable(_) => Expanded { url: url.clone(), unset: Vec::new() },
                Origin::Code | Origin::Toml { .. } => expand(key, url, &self.variables)?,
            };
            let url = stand_in::read(key, &url, &unset)?;
            asked = stand_in::storage(&url);
            identity = url.named;
        }
        let own = if key.is_default() {
            bind.options.clone().or(&self.written.default_options)
        } else {
            bind.options.clone()
        };
        let options = own.clone().or(&self.written.options);
        for name in &options.not_applied {
            say::warn_of(
                key,
                format_args!("bind `{key}`: the engine option `{name}` is not applied: SQLite has no use for it"),
            );
        }
        let mut schema = Vec::with_capacity(bind.schema.len());
        for source in &bind.schema {
            let source = match source {
                SchemaSource::Path(path) => SchemaSource::Path(resolve_path(path)),
                SchemaSource::UpTo(path, version) => SchemaSource::UpTo(resolve_path(path), version.clone()),
                source => source.clone(),
            };
            schema.push((key.clone(), source));
        }
        let mut data = Vec::with_capacity(bind.data.len());
        for path in &bind.data {
            data.push((key.clone(), resolve_path(path)));
        }
        Ok(Draft {
            keys: Keys::one(key.clone()),
            identity,
            urls: bind.url.iter().map(|url| (key.clone(), url.clone())).collect(),
            storage: bind.storage.map(|storage| (key.clone(), storage)),
            asked,
            read_only: if bind.read_only == Some(true) { vec![key.clone()] } else { Vec::new() },
            lagging: Vec::new(),
            is_mirrored: false,
            own_options: vec![(key.clone(), own)],
            options: vec![(key.clone(), options)],
            copy_of: bind.copy_of.as_ref().map(|(path, origin)| (key.clone(), resolve_path(path), origin.clone())),
            schema,
            data,
            allow_missing_parents: bind.allow_missing_parents,
            dynamic: bind.dynamic.clone(),
            origin: bind.origin.clone(),
            origins: vec![(key.clone(), bind.origin.clone())],
        })
    }

    /// Adds a registered table to the database of the bind it names.
    fn add_table(&self, drafts: &mut [Draft], table: &Table) -> Result<()> {
        let key = table.key.clone().unwrap_or(BindKey::DEFAULT);
        let lags = |draft: &&mut Draft| draft.lagging.iter().any(|(lagging, _)| *lagging == key);
        if let Some(draft) = drafts.iter_mut().find(lags) {
            let source = draft.keys.first();
            let problem = format!("the bind is a replica: give the table the bind key of its source, `{source}`");
            return Err(Error::Schema { bind: key, file: None, line: None, problem, at: None });
        }
        match drafts.iter_mut().find(|draft| draft.keys.contains(&key)) {
            Some(draft) => {
                draft.add_schema(key, SchemaSource::Sql(table.sql.clone()));
                Ok(())
            }
            None => {
                let configured = keys(&self.ordered());
                if key.is_default() {
                    let first_line = table.sql.trim().lines().next().unwrap_or_default();
                    let what = Some(format!("the registered table `{first_line}`"));
                    return Err(Error::NoDefaultBind { what, configured, at: None });
                }
                Err(Error::UnknownBind { bind: key, configured, at: None })
            }
        }
    }

    /// Returns the folder set for files.
    pub(crate) fn chosen_folder(&self) -> Option<&Path> {
        self.written.temp_dir.as_deref()
    }

    /// Returns the place set for stored images.
    pub(crate) fn chosen_images(&self) -> Option<&ImageFolder> {
        self.written.images.as_ref()
    }

    /// Returns the words for what refuses connections to what is no bind, if that is written.
    pub(crate) fn deny_outside(&self) -> Option<&str> {
        self.written.deny_outside.as_ref().filter(|outside| outside.denies).map(|outside| outside.by.as_str())
    }

    /// Returns the data files whose tables may be in any bind, by absolute paths.
    pub(crate) fn shared_data(&self) -> Vec<PathBuf> {
        mapped(&self.written.data, |path| resolve_path(path))
    }

    /// Returns the references declared between binds.
    pub(crate) fn references(&self) -> &[ReferenceText] {
        &self.written.references
    }
}

/// Returns the keys alone.
fn keys(binds: &[(&BindKey, &Bind)]) -> Vec<BindKey> {
    mapped(binds, |(key, _)| (*key).clone())
}

/// Refuses keys that cannot be one, and keys that SQL cannot tell apart.
fn check_keys(binds: &[(&BindKey, &Bind)]) -> Result<()> {
    for (at, (key, bind)) in binds.iter().enumerate() {
        if let Some(problem) = key.problem() {
            return Err(bind.origin.locate(key, Error::BindKey { key: (*key).clone(), problem, at: None }));
        }
        let same = |known: &BindKey| match (known.as_str(), key.as_str()) {
            (Some(known), Some(key)) => known.eq_ignore_ascii_case(key),
            (known, key) => known == key,
        };
        if let Some((first, _)) = binds[..at].iter().find(|(known, _)| same(known)) {
            let error = Error::DuplicateBind { bind: (*key).clone(), first: (*first).clone(), at: None };
            return Err(bind.origin.locate(key, error));
        }
        // What begins like that could be one of its databases.
        let dynamic =
            binds.iter().find(|(dynamic, bind)| bind.dynamic.is_some() && dynamic.is_start_of(&key.to_string()));
        if let Some((dynamic, _)) = dynamic {
            let problem = format!(
                "its key begins like those of the databases of bind `{dynamic}`, which is dynamic: `{dynamic}[…]`; \
                 rename one of the two"
            );
            return Err(bind.origin.error(key, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;
    use rusqlite::types::Value;

    use super::*;
    use crate::config::{Config, Storage};

    fn databases(config: Config) -> Vec<DatabaseSpec> {
        config.settle().unwrap().resolve().unwrap().sources.values().to_vec()
    }

    /// Returns the databases of a TOML text.
    fn resolved(text: &str) -> Vec<DatabaseSpec> {
        databases(Config::from_toml(text, "/base").unwrap())
    }

    #[test]
    fn engine_options_have_the_units_of_sqlalchemy_and_sqlite() {
        let specs = resolved(
            r#"
            [default]
            pool_size = 5
            pool_timeout = 1.5
            pool_recycle = 3600
            echo = "debug"
            busy_timeout = 250
            schema_timeout = 90
            foreign_keys = false
            pragmas = { cache_size = -2_000, synchronous = "OFF", recursive_triggers = true, ratio = 0.5 }
            "#,
        );
        let pragma = |name: &str, value: Value| (name.to_string(), value);
        let expected = EngineOptions {
            pool_size: Some(5),
            pool_timeout: Some(Duration::from_millis(1500)),
            pool_recycle: Some(Duration::from_secs(3600)),
            echo: Some(true),
            busy_timeout: Some(Duration::from_millis(250)),
            foreign_keys: Some(false),
            schema_timeout: Some(Duration::from_secs(90)),
            pragmas: vec![
                pragma("cache_size", Value::Integer(-2000)),
                pragma("synchronous", Value::Text("OFF".to_string())),
                pragma("recursive_triggers", Value::Integer(1)),
                pragma("ratio", Value::Real(0.5)),
            ],
            csv_empty_as_text: None,
            on_connect: vec![],
            not_applied: vec![],
            refused: None,
        };
        assert_eq!(specs[0].options, expected);
    }

    #[test]
    fn defaults_are_for_every_bind_and_a_binds_own_win() {
        let specs = resolved(
            r#"
            SQLALCHEMY_ECHO = true
            SQLALCHEMY_POOL_TIMEOUT = 20
            engine_options = { pool_size = 5, pool_recycle = 280, max_overflow = 2, pragmas = { a = 1, b = 1 } }
            SQLALCHEMY_DATABASE_URI = "postgresql:///main"
            SQLALCHEMY_BINDS.auth = { url = "mysql://h/users", pool_size = 2, pool_recycle = -1, charset = "utf8mb4" }
            SQLALCHEMY_BINDS.meta = { url = "sqlite://", echo = false, pragmas = { b = 2 } }
            "#,
        );
        let options = specs.iter().map(|spec| &spec.options).collect::<Vec<_>>();
        let sizes = options.iter().map(|options| options.pool_size).collect::<Vec<_>>();
        let ages = options.iter().map(|options| options.pool_recycle).collect::<Vec<_>>();
        let echoes = options.iter().map(|options| options.echo).collect::<Vec<_>>();
        assert_eq!(sizes, [Some(5), Some(2), Some(5)]);
        assert_eq!(ages, [Some(Duration::from_secs(280)), None, Some(Duration::from_secs(280))]);
        assert_eq!(echoes, [Some(true), Some(true), Some(false)]);
        assert!(options.iter().all(|options| options.pool_timeout == Some(Duration::from_secs(20))));
        assert_eq!(options[1].not_applied, ["charset", "max_overflow"]);
        let pragma = |name: &str, value| (name.to_string(), Value::Integer(value));
        assert_eq!(options[2].pragmas, [pragma("b", 2), pragma("a", 1)]);
    }

    #[test]
    fn a_recycle_age_of_duration_max_is_no_limit() {
        let config = Config::new().default_bind(Bind::memory().pool_recycle(Duration::MAX));
        assert_eq!(databases(config)[0].options.pool_recycle, None);
    }

    #[test]
    fn keys_of_one_url_share_a_database_and_merge_settings() {
        let url = "postgres://db.example/app";
        let migrate = |_: &mut rusqlite::Connection| Ok::<(), rusqlite::Error>(());
        let migrator = Bind::url(url).schema_with(migrate);
        let config = Config::new()
            .bind("second", migrator.clone().schema("A").schema("B").schema_path("/s.sql").data("/d.csv").pool_size(3))
            .bind("alone", Bind::url("postgres://db.example/other"))
            .bind("third", migrator.schema_path("/s.sql").schema("C").data("/d.csv").data("/e.csv").echo(true))
            .default_bind(Bind::url(url).schema("A").storage(Storage::TempFile))
            .table(Table::new("C"))
            .table(Table::new("D").bind_key("third"));
        let specs = databases(config);

        let keys = |spec: &DatabaseSpec| spec.keys.iter().map(BindKey::to_string).collect::<Vec<_>>();
        assert_eq!(specs.iter().map(keys).collect::<Vec<_>>(), [vec!["default", "second", "third"], vec!["alone"]]);
        let spec = &specs[0];
        assert_eq!(spec.storage, Storage::TempFile);
        assert_eq!((spec.options.pool_size, spec.options.echo), (Some(3), Some(true)));
        assert_eq!(
            format!("{:?}", spec.schema),
            r#"[Sql("A"), With(|conn| …), Sql("B"), Path("/s.sql"), Sql("C"), Sql("D")]"#
        );
        assert_eq!(spec.data, [PathBuf::from("/d.csv"), PathBuf::from("/e.csv")]);
        assert_eq!(specs[1].storage, Storage::Memory);
    }

    #[test]
    fn a_source_that_one_key_has_twice_stays_twice() {
        let bind = Bind::memory().schema("A").schema("A").data("/d.csv").data("/d.csv");
        let specs = databases(Config::new().default_bind(bind));
        assert_eq!((specs[0].schema.len(), specs[0].data.len()), (2, 2));
    }

    #[test]
    fn relative_paths_start_at_the_config_or_crate() {
        let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
        let specs = resolved("default = { schema = ['a.sql', '/b.sql'], data = 'c.csv' }");
        assert_eq!(format!("{:?}", specs[0].schema), r#"[Path("/base/a.sql"), Path("/b.sql")]"#);
        assert_eq!(specs[0].data, [PathBuf::from("/base/c.csv")]);

        let config = Config::new().default_bind(Bind::memory().data("c.csv").schema_path("a.sql")).data("d");
        let config = config.settle().unwrap();
        let specs = config.resolve().unwrap().sources.values().to_vec();
        assert_eq!(specs[0].data, [folder.join("c.csv")]);
        assert_eq!(format!("{:?}", specs[0].schema), format!("[Path({:?})]", folder.join("a.sql")));
        assert_eq!(config.shared_data(), [folder.join("d")]);
        let config = Config::from_toml("data = ['d']\ndefault = {}", "relative").unwrap().settle().unwrap();
        assert_eq!(config.shared_data(), [folder.join("relative/d")]);
    }

    #[rstest]
    #[case::number(Value::Integer(0), Some(false))]
    #[case::on(Value::Text("On".to_string()), Some(true))]
    #[case::no(Value::Text("NO".to_string()), Some(false))]
    fn the_foreign_keys_pragma_is_the_option(#[case] value: Value, #[case] enforced: Option<bool>) {
        let bind = Bind::memory().pragma("Foreign_Keys", value).pragma("busy_timeout", 7);
        let specs = databases(Config::new().default_bind(bind));
        let options = &specs[0].options;
        assert_eq!(options.foreign_keys, enforced);
        assert_eq!(options.busy_timeout, Some(Duration::from_millis(7)));
        assert_eq!(options.pragmas, []);
    }

    #[test]
    fn the_names_that_are_not_applied_are_sorted_and_not_applied() {
        use super::super::options::{APPLIED, NOT_APPLIED};
        assert!(NOT_APPLIED.is_sorted());
        assert!(APPLIED.iter().all(|name| !NOT_APPLIED.contains(name)));
    }
}

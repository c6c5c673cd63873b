//! Engine options: how a bind's connections and pool behave.

use std::fmt;
use std::time::Duration;

use rusqlite::types::Value;
use toml::de::DeValue;

use super::value::{boolean, entries, integer, number, table, Fit, Misfit, Placed};
use crate::error::is_identifier;
use crate::list::retain;
use crate::sqlite::OnConnect;
use crate::url::is_secret;

/// Engine options, each unset until the user sets it.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct EngineOptions {
    pub(crate) pool_size: Option<u32>,
    pub(crate) pool_timeout: Option<Duration>,
    pub(crate) pool_recycle: Option<Duration>,
    pub(crate) echo: Option<bool>,
    pub(crate) busy_timeout: Option<Duration>,
    pub(crate) foreign_keys: Option<bool>,
    pub(crate) schema_timeout: Option<Duration>,
    /// Set where an empty field of CSV is an empty text.
    pub(crate) csv_empty_as_text: Option<bool>,
    /// Pragmas in the order set, a name once.
    pub(crate) pragmas: Vec<(String, Value)>,
    /// The application's own code for each connection, in order.
    pub(crate) on_connect: Vec<OnConnect>,
    /// Options that only a server or another toolkit has, kept and logged as not applied.
    pub(crate) not_applied: Vec<String>,
    /// The problem of a value from code that no option can hold; an error at start.
    pub(crate) refused: Option<String>,
}

/// Options for reading a bind's data files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataOptions {
    /// The time that they may take.
    pub(crate) limit: Duration,
    /// Set where an empty field of CSV is an empty text.
    pub(crate) csv_empty_as_text: bool,
}

/// The options that have an effect.
pub(crate) const APPLIED: [&str; 9] = [
    "busy_timeout",
    "csv_empty_as_text",
    "echo",
    "foreign_keys",
    "pool_recycle",
    "pool_size",
    "pool_timeout",
    "pragmas",
    "schema_timeout",
];

/// Options of SQLAlchemy's engines and dialects, of libpq and of the MySQL drivers that an SQLite stand-in has no use
/// for. Sorted.
#[rustfmt::skip]
pub(crate) const NOT_APPLIED: [&str; 100] = [
    "application_name", "auth_plugin", "autocommit", "cached_statements", "channel_binding", "charset",
    "check_same_thread", "client_encoding", "client_flag", "collation", "compress", "connect_args",
    "connect_timeout", "conv", "convert_unicode", "creator", "cursorclass", "detect_types", "echo_pool",
    "enable_from_linting", "encoding", "executemany_batch_page_size", "executemany_mode",
    "executemany_values_page_size", "execution_options", "fallback_application_name", "future", "gssencmode",
    "hide_parameters", "implicit_returning", "init_command", "insertmanyvalues_page_size", "isolation_level",
    "json_deserializer", "json_serializer", "keepalives", "keepalives_count", "keepalives_idle",
    "keepalives_interval", "krbsrvname", "label_length", "local_infile", "lock_timeout", "logging_name",
    "max_allowed_packet", "max_identifier_length", "max_overflow", "module", "native_datetime", "native_inet_types",
    "options", "paramstyle", "passfile", "plugins", "pool", "pool_events", "pool_logging_name", "pool_pre_ping",
    "pool_reset_on_return", "pool_use_lifo", "poolclass", "prepared_statement_cache_size",
    "prepared_statement_name_func", "query_cache_size", "read_default_file", "read_default_group", "read_timeout",
    "search_path", "server_side_cursors", "service", "skip_autocommit_rollback", "sql_mode", "ssl", "ssl_ca",
    "ssl_cert", "ssl_disabled", "ssl_key", "ssl_verify_cert", "ssl_verify_identity", "sslcert", "sslcompression",
    "sslcrl", "sslkey", "sslmode", "sslpassword", "sslrootcert", "statement_timeout", "strategy",
    "supports_native_boolean", "target_session_attrs", "tcp_user_timeout", "time_zone", "unix_socket",
    "use_batch_mode", "use_insertmanyvalues", "use_native_hstore", "use_native_unicode", "use_pure", "use_unicode",
    "write_timeout",
];

/// The longest wait of a pool: a limit that no test means, far below what overflows a clock.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

/// The time that a script of the schema may run unless the user says otherwise: many times what a large dump takes, and less
/// than people wait before they look for what hangs.
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(60);

/// The value of `pool_recycle = -1` until defaults are applied, so that a bind can set it against a default.
const NEVER: Duration = Duration::MAX;

impl EngineOptions {
    /// Returns whether an option of this name is known, with or without an effect.
    pub(crate) fn knows(name: &str) -> bool {
        APPLIED.contains(&name) || NOT_APPLIED.binary_search(&name).is_ok()
    }

    /// Sets an option from a file by its name, which is a known one.
    pub(crate) fn set(&mut self, name: &str, value: &Placed<'_>) -> Fit<()> {
        match name {
            "pool_size" => {
                let size = integer(value).and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
                self.pool_size = Some(size.ok_or_else(|| Misfit::wanted(name, "an integer of at least 1", value))?);
            }
            "pool_timeout" => {
                self.pool_timeout =
                    Some(seconds(value).ok_or_else(|| Misfit::wanted(name, "a number of seconds above 0", value))?);
            }
            "pool_recycle" => {
                let age = if number(value) == Some(-1.0) { Some(NEVER) } else { seconds(value) };
                let wanted = "a number of seconds above 0, or -1 for never";
                self.pool_recycle = Some(age.ok_or_else(|| Misfit::wanted(name, wanted, value))?);
            }
            "busy_timeout" => {
                let timeout = integer(value).and_then(milliseconds);
                let wanted = "a number of milliseconds from 0 to 2147483647";
                self.busy_timeout = Some(timeout.ok_or_else(|| Misfit::wanted(name, wanted, value))?);
            }
            "schema_timeout" => {
                let wanted = "a number of seconds above 0";
                self.schema_timeout = Some(seconds(value).ok_or_else(|| Misfit::wanted(name, wanted, value))?);
            }
            // SQLAlchemy's `echo = "debug"` also shows the rows.
            "echo" => self.echo = Some(value.get_ref().as_str() == Some("debug") || boolean(name, value)?),
            "foreign_keys" => self.foreign_keys = Some(boolean(name, value)?),
            "csv_empty_as_text" => self.csv_empty_as_text = Some(boolean(name, value)?),
            "pragmas" => self.set_pragmas(value)?,
            // The callers ask `knows` first, since what else is known depends on the place.
            _ => self.not_applied.push(name.to_string()),
        }
        Ok(())
    }

    fn set_pragmas(&mut self, pragmas: &Placed<'_>) -> Fit<()> {
        for (name, value) in entries(table("pragmas", pragmas)?) {
            let setting = match value.get_ref() {
                DeValue::String(text) => Some(Value::Text(text.to_string())),
                DeValue::Boolean(flag) => Some(Value::Integer((*flag).into())),
                DeValue::Integer(_) => integer(value).map(Value::Integer),
                DeValue::Float(_) => number(value).map(Value::Real),
                _ => None,
            };
            let name = name.get_ref().as_ref();
            let wanted = || Misfit::wanted(name, "a number, a string, true or false", value);
            let setting = setting.ok_or_else(wanted)?;
            if let Some(problem) = pragma_problem(name, &setting) {
                return Err(Misfit::new(value.span(), problem));
            }
            let twice = match name.to_ascii_lowercase().as_str() {
                "foreign_keys" => self.foreign_keys.is_some(),
                "busy_timeout" => self.busy_timeout.is_some(),
                name => self.pragmas.iter().any(|(set, _)| set.eq_ignore_ascii_case(name)),
            };
            if twice {
                return Err(Misfit::new(value.span(), format!("`{name}` is set twice, here among the pragmas")));
            }
            self.set_pragma(name.to_string(), setting);
        }
        Ok(())
    }

    /// Sets a pragma; `foreign_keys` and `busy_timeout` among them are the options of those names.
    pub(crate) fn set_pragma(&mut self, name: String, value: Value) {
        retain(&mut self.pragmas, |(set, _)| !set.eq_ignore_ascii_case(&name));
        match (name.to_ascii_lowercase().as_str(), truth(&value), &value) {
            ("foreign_keys", Some(enforced), _) => self.foreign_keys = Some(enforced),
            ("busy_timeout", _, Value::Integer(timeout)) if milliseconds(*timeout).is_some() => {
                self.busy_timeout = milliseconds(*timeout);
            }
            // Where the value is not one of theirs, it is kept for `problem` to tell.
            _ => self.pragmas.push((name, value)),
        }
    }

    /// Notes a value from code that no option can hold.
    pub(super) fn refuse(&mut self, problem: String) {
        self.refused.get_or_insert(problem);
    }

    /// Returns what is wrong with options that were set from code.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.refused.is_some() {
            return self.refused.clone();
        }
        if self.pool_size == Some(0) {
            return Some("`pool_size` must be at least 1, not 0".to_string());
        }
        let times = [
            ("pool_timeout", self.pool_timeout),
            ("pool_recycle", self.pool_recycle.filter(|time| *time != NEVER)),
            ("schema_timeout", self.schema_timeout),
        ];
        for (name, time) in &times {
            if let Some(time) = time
                && (time.is_zero() || *time > LONGEST)
            {
                return Some(format!("`{name}` must be above 0 and at most {LONGEST:?}, not {time:?}"));
            }
        }
        if let Some(time) = self.busy_timeout.filter(|time| time.as_millis() > i32::MAX as u128) {
            return Some(format!("`busy_timeout` must be at most 2147483647 milliseconds, not {time:?}"));
        }
        self.pragmas.iter().find_map(|(name, value)| pragma_problem(name, value))
    }

    /// Returns these options, with `defaults` where nothing is set.
    pub(crate) fn or(mut self, defaults: &EngineOptions) -> EngineOptions {
        self.pool_size = self.pool_size.or(defaults.pool_size);
        self.pool_timeout = self.pool_timeout.or(defaults.pool_timeout);
        self.pool_recycle = self.pool_recycle.or(defaults.pool_recycle);
        self.echo = self.echo.or(defaults.echo);
        self.busy_timeout = self.busy_timeout.or(defaults.busy_timeout);
        self.foreign_keys = self.foreign_keys.or(defaults.foreign_keys);
        self.schema_timeout = self.schema_timeout.or(defaults.schema_timeout);
        self.csv_empty_as_text = self.csv_empty_as_text.or(defaults.csv_empty_as_text);
        self.refused = self.refused.or_else(|| defaults.refused.clone());
        for (name, value) in &defaults.pragmas {
            if !self.pragmas.iter().any(|(set, _)| set.eq_ignore_ascii_case(name)) {
                self.pragmas.push((name.clone(), value.clone()));
            }
        }
        let own = std::mem::take(&mut self.on_connect);
        for connect in defaults.on_connect.iter().chain(&own) {
            if !self.on_connect.contains(connect) {
                self.on_connect.push(connect.clone());
            }
        }
        for name in &defaults.not_applied {
            if !self.not_applied.contains(name) {
                self.not_applied.push(name.clone());
            }
        }
        self
    }

    /// Returns the first option that both set and set differently.
    pub(crate) fn conflict(&self, other: &EngineOptions) -> Option<String> {
        fn differ<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            matches!((one, other), (Some(one), Some(other)) if one != other)
        }
        let named = [
            ("pool_size", differ(&self.pool_size, &other.pool_size)),
            ("pool_timeout", differ(&self.pool_timeout, &other.pool_timeout)),
            ("pool_recycle", differ(&self.pool_recycle, &other.pool_recycle)),
            ("echo", differ(&self.echo, &other.echo)),
            ("busy_timeout", differ(&self.busy_timeout, &other.busy_timeout)),
            ("foreign_keys", differ(&self.foreign_keys, &other.foreign_keys)),
            ("schema_timeout", differ(&self.schema_timeout, &other.schema_timeout)),
            ("csv_empty_as_text", differ(&self.csv_empty_as_text, &other.csv_empty_as_text)),
        ];
        for (name, differs) in named {
            if differs {
                return Some(name.to_string());
            }
        }
        for (name, value) in &self.pragmas {
            if other.pragmas.iter().any(|(set, to)| set.eq_ignore_ascii_case(name) && to != value) {
                return Some(format!("pragmas.{name}"));
            }
        }
        None
    }

    /// Returns how long a script of the schema, or a bind's data, may run.
    pub(crate) fn schema_limit(&self) -> Duration {
        self.schema_timeout.unwrap_or(SCHEMA_TIMEOUT)
    }

    /// Returns the journal mode that the pragmas set.
    pub(crate) fn journal_mode(&self) -> Option<&str> {
        self.pragmas.iter().find_map(|(name, value)| match value {
            Value::Text(mode) if name.eq_ignore_ascii_case("journal_mode") => Some(mode.as_str()),
            _ => None,
        })
    }

    /// Returns how the bind's data files are read.
    pub(crate) fn reading(&self) -> DataOptions {
        DataOptions { limit: self.schema_limit(), csv_empty_as_text: self.csv_empty_as_text.unwrap_or(false) }
    }

    /// Returns the options to start with, once all defaults are in.
    pub(crate) fn settled(mut self) -> EngineOptions {
        self.pool_recycle = self.pool_recycle.filter(|age| *age != NEVER);
        self
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EngineOptions {
            pool_size,
            pool_timeout,
            pool_recycle,
            echo,
            busy_timeout,
            foreign_keys,
            schema_timeout,
            ..
        } = self;
        // SQLCipher is given its key by a pragma.
        let hidden = Value::Text("***".to_string());
        let mut pragmas = Vec::with_capacity(self.pragmas.len());
        for (name, value) in &self.pragmas {
            pragmas.push((name, if is_secret(name) { &hidden } else { value }));
        }
        f.debug_struct("EngineOptions")
            .field("pool_size", pool_size)
            .field("pool_timeout", pool_timeout)
            .field("pool_recycle", pool_recycle)
            .field("echo", echo)
            .field("busy_timeout", busy_timeout)
            .field("foreign_keys", foreign_keys)
            .field("schema_timeout", schema_timeout)
            .field("pragmas", &pragmas)
            .field("not_applied", &self.not_applied)
            .finish()
    }
}

/// Returns a time in seconds, as SQLAlchemy has it, that a pool can wait.
fn seconds(value: &Placed<'_>) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(number(value)?).ok()?;
    (!time.is_zero() && time <= LONGEST).then_some(time)
}

/// Returns a time in milliseconds, as SQLite's pragma has it, that SQLite can wait: it has an `int` for it.
fn milliseconds(value: i64) -> Option<Duration> {
    i32::try_from(value).ok().and_then(|value| u64::try_from(value).ok()).map(Duration::from_millis)
}

/// Reads a [boolean as SQLite does](https://sqlite.org/pragma.html#pragma_foreign_keys).
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Integer(number) => Some(*number != 0),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "yes" | "true" => Some(true),
            "0" | "off" | "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the problem of a pragma that changes something for all connections of the process, other tests' among them, and for
/// good; `None` for any other.
///
/// See <https://sqlite.org/pragma.html#pragma_temp_store_directory>, which also takes no lock, and
/// <https://sqlite.org/pragma.html#pragma_hard_heap_limit>, which cannot be taken back.
pub(crate) fn process_wide(pragma: &str) -> Option<String> {
    let pragma = pragma.to_ascii_lowercase();
    let instead = match pragma.as_str() {
        "temp_store_directory" | "data_store_directory" => {
            "where every connection of the process keeps its files: set `temp_dir`"
        }
        "hard_heap_limit" => {
            "how much memory all connections of the process may use: limit a bind's own with `max_page_count`"
        }
        _ => return None,
    };
    Some(format!("pragma `{pragma}` changes {instead} instead"))
}

/// Returns the problem of a pragma. Its name is written into SQL as it is, so it must be an identifier.
fn pragma_problem(name: &str, value: &Value) -> Option<String> {
    if !is_identifier(name) {
        return Some(format!("`{name}` is not the name of a pragma: it must be an identifier"));
    }
    if let Some(problem) = process_wide(name) {
        return Some(problem);
    }
    match (name.to_ascii_lowercase().as_str(), value) {
        ("foreign_keys", value) if truth(value).is_none() => {
            Some("pragma `foreign_keys` must be true or false".to_string())
        }
        ("busy_timeout", Value::Integer(timeout)) if milliseconds(*timeout).is_some() => None,
        ("busy_timeout", _) => {
            Some("pragma `busy_timeout` must be a number of milliseconds from 0 to 2147483647".to_string())
        }
        (_, Value::Real(number)) if !number.is_finite() => Some(format!("pragma `{name}` must be a finite number")),
        (_, Value::Null | Value::Blob(_)) => Some(format!("pragma `{name}` must be a number or a string")),
        _ => None,
    }
}

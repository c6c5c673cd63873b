//! URLs without their passwords, to be shown.
//!
//! Broken URLs are shown too, in the errors about them, so this does not rely on a URL being one. Where a password is
//! possible it is taken for one: hiding too much costs a reader a guess, hiding too little costs a secret.

use std::ops::Range;

use super::authority::read_hosts;
use super::text::{has_letters_of_a_scheme, is_secret};
use crate::order::sort_by_key;

/// Returns the URL with `***` where it has, or may have, a password.
pub(crate) fn redacted(text: &str) -> String {
    let mut secrets = parameters(text);
    secrets.extend(userinfo_and_port(text));
    sort_by_key(&mut secrets, |range| range.start);
    let mut shown = String::new();
    let mut end = 0;
    for secret in &secrets {
        if secret.is_empty() {
            continue;
        }
        // One that starts within the last, or right where it ended, goes on hiding.
        if end == 0 || secret.start > end {
            shown.push_str(&text[end..secret.start]);
            shown.push_str("***");
        }
        end = end.max(secret.end);
    }
    shown.push_str(&text[end..]);
    shown
}

/// Returns the name of a file with `***` where it may have a password: a server's URL is opened as a file of that name.
pub(crate) fn redacted_file(name: &str) -> String {
    if name.contains(['@', '=']) {
        redacted(name)
    } else {
        name.to_string()
    }
}

/// Returns values of parameters like `password=…`, in a URL's query or in a `key=value key=value` list.
fn parameters(text: &str) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    for (equals, _) in text.match_indices('=') {
        let before = text[..equals].trim_end();
        let name = before.rsplit(|c: char| c.is_whitespace() || "?&;".contains(c)).next();
        if name.is_some_and(is_secret) {
            let start = equals + 1;
            let end = text[start..].find('&').map_or(text.len(), |end| start + end);
            secrets.push(start..end);
        }
    }
    secrets
}

/// Returns the range from the first `:` to the last `@`, and a port that is no number: `user:password` without a
/// host.
fn userinfo_and_port(text: &str) -> Vec<Range<usize>> {
    let (scheme, start) = body(text);
    let mut secrets = Vec::new();
    let mut host = start;
    if let Some(at) = text[start..].rfind('@').map(|at| start + at) {
        if let Some(password) = password(&text[start..at]) {
            secrets.push(start + password..at);
        }
        host = at + 1;
    }
    let local = is_local(&scheme) || text.starts_with(":memory:");
    let hosts = &text[host..];
    let hosts = &hosts[..hosts.find(['/', '?']).unwrap_or(hosts.len())];
    if let (false, None, Some(colon)) = (local, read_hosts(hosts), hosts.find(':')) {
        secrets.push(host + colon + 1..text.len());
    }
    secrets
}

/// Returns where the password starts in what stands before the `@`: after the first colon, or after a variable, which may hold
/// one.
fn password(userinfo: &str) -> Option<usize> {
    let variable = userinfo.find("${").and_then(|start| userinfo[start..].find('}').map(|end| start + end + 1));
    let colon = userinfo.find(':').map(|colon| colon + 1);
    let variable = variable.filter(|end| !userinfo[*end..].starts_with(':'));
    match (variable, colon) {
        (Some(variable), Some(colon)) => Some(variable.min(colon)),
        (variable, colon) => variable.or(colon),
    }
}

/// Returns the scheme, lower-cased and empty where there is none, and where what follows it starts.
fn body(text: &str) -> (String, usize) {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let rest = text.get(scheme.len() + 1..).unwrap_or_default();
    let lower = scheme.to_ascii_lowercase();
    let like_one = !scheme.is_empty() && has_letters_of_a_scheme(scheme);
    match rest.strip_prefix("//") {
        Some(_) if like_one => (lower, scheme.len() + 3),
        // `sqlite:app.db`; of others it is not known whether the first part is a scheme or a user.
        _ if is_local(&lower) => (lower, scheme.len() + 1),
        _ => (String::new(), 0),
    }
}

/// Returns whether a lower-case scheme is of files: then a colon is part of a name.
fn is_local(scheme: &str) -> bool {
    scheme == "file" || scheme.split('+').next() == Some("sqlite")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{redacted, redacted_file};

    #[rstest]
    #[case::none("postgresql://localhost/main", "postgresql://localhost/main")]
    #[case::user_alone("postgresql://ann@localhost/main", "postgresql://ann@localhost/main")]
    #[case::plain("mysql+pymysql://user:pw@host:3306/db", "mysql+pymysql://user:***@host:3306/db")]
    #[case::no_user("redis://:pw@host/0", "redis://:***@host/0")]
    #[case::at_sign("postgres://u:p@w@host/db", "postgres://u:***@host/db")]
    #[case::slash("postgres://u:p/w@host/db", "postgres://u:***@host/db")]
    #[case::at_sign_then_slash("postgres://u:p@x/w@host/db", "postgres://u:***@host/db")]
    #[case::colon("postgres://u:p:w@host:5432/db", "postgres://u:***@host:5432/db")]
    #[case::question_mark("postgres://u:p@x?w@host/db", "postgres://u:***@host/db")]
    #[case::hash("postgres://u:p#w@host/db", "postgres://u:***@host/db")]
    #[case::space("postgres://u:p w@host/db", "postgres://u:***@host/db")]
    #[case::unicode("postgres://ü:pä%zzß@hóst/db", "postgres://ü:***@hóst/db")]
    #[case::parameter("postgres://h/db?user=u&password=pw&x=1", "postgres://h/db?user=u&password=***&x=1")]
    #[case::passwd("mysql://h/db?passwd=pw", "mysql://h/db?passwd=***")]
    #[case::pwd("mysql://h/db?PWD=pw", "mysql://h/db?PWD=***")]
    #[case::sslpassword("postgres://h/db?sslpassword=pw;w#w", "postgres://h/db?sslpassword=***")]
    #[case::encoded_name("postgres://h/db?p%61ssword=pw", "postgres://h/db?p%61ssword=***")]
    #[case::at_sign_in_parameter("postgres://u:pw@h/db?password=a@b&x=1", "postgres://u:***&x=1")]
    #[case::parameter_in_password("postgres://u:p&password=x@h/db", "postgres://u:***")]
    #[case::two_parameters("postgres://h/db?password=a&pwd=b", "postgres://h/db?password=***&pwd=***")]
    #[case::forgotten_host("postgres://user:pw/db", "postgres://user:***")]
    #[case::forgotten_host_and_digits("postgres://user:1234567/db", "postgres://user:***")]
    #[case::bad_port("postgres://u:pw@host:54x2/db", "postgres://u:***@host:***")]
    #[case::several_hosts("postgres://u:pw@a:1,b:2/db", "postgres://u:***@a:1,b:2/db")]
    #[case::ipv6("postgres://u:pw@[::1]:5432/db", "postgres://u:***@[::1]:5432/db")]
    #[case::broken_ipv6("postgres://u:pw@[::1/db", "postgres://u:***@[:***")]
    #[case::no_scheme("u:pw@host/db", "u:***@host/db")]
    #[case::no_slashes("mysql:u:pw@host/db", "mysql:***@host/db")]
    #[case::empty_scheme("://u:pw@host/db", ":***@host/db")]
    #[case::space_in_scheme("post gres://u:pw@host/db", "post gres:***@host/db")]
    #[case::nearly_sqlite("sqlite3:pw@host/db", "sqlite3:***@host/db")]
    #[case::jdbc("jdbc:mysql://host/db?user=u&password=pw", "jdbc:***")]
    #[case::key_value_list("host=h password = 'p w' dbname=d", "host=h password =***")]
    #[case::cipher(
        "sqlite+pysqlcipher://:pw@/app.db?kdf_iter=64000",
        "sqlite+pysqlcipher://:***@/app.db?kdf_iter=64000"
    )]
    #[case::cipher_key("file:app.db?key=pw", "file:app.db?key=***")]
    #[case::odbc("mssql+pyodbc:///?odbc_connect=DSN%3Dx%3BPWD%3Dpw", "mssql+pyodbc:///?odbc_connect=***")]
    #[case::memory(":memory:", ":memory:")]
    #[case::memory_sqlx("sqlite::memory:", "sqlite::memory:")]
    #[case::file_name("sqlite:///file:app.db?uri=true", "sqlite:///file:app.db?uri=true")]
    #[case::bare_file("app.db", "app.db")]
    #[case::empty("", "")]
    #[case::colons(":::", ":***")]
    #[case::variables("mysql://${USER}:${PW}@${HOST}/db", "mysql://${USER}:***@${HOST}/db")]
    #[case::variable_alone("${DATABASE_URL}", "${DATABASE_URL}")]
    #[case::variable_for_a_user("mysql://${USER}@host/db", "mysql://${USER}@host/db")]
    #[case::variable_with_the_start("${START}pw@host/db", "${START}***@host/db")]
    #[case::variable_and_a_colon("${START}pw:x@host/db", "${START}***@host/db")]
    #[case::variable_for_a_scheme("${SCHEME}://user:pw@host/db", "${SCHEME}:***@host/db")]
    #[case::variable_for_a_port("mysql://host:${PORT}/db", "mysql://host:***")]
    #[case::variable_in_a_parameter("mysql://host/db?password=${PW}&x=1", "mysql://host/db?password=***&x=1")]
    fn a_url_is_shown_without_its_password(#[case] url: &str, #[case] shown: &str) {
        assert_eq!(redacted(url), shown);
    }

    #[rstest]
    #[case::plain("/home/ann/app:1.db", "/home/ann/app:1.db")]
    #[case::of_a_server("/home/ann/postgres:/u:pw@host/db", "/home/ann/postgres:***@host/db")]
    #[case::cipher("/home/ann/app.db?key=pw", "/home/ann/app.db?key=***")]
    fn a_file_is_shown_without_the_password_of_a_url(#[case] name: &str, #[case] shown: &str) {
        assert_eq!(redacted_file(name), shown);
    }
}

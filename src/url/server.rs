//! URLs of servers.

use super::authority::{read_hosts, read_ports, Authority};
use super::escape::percent_decoded;
use super::named::{DatabaseUrl, Family, Named};
use super::text::{is_secret, normalised, pairs};

/// Reads the rest of a server's URL, after `//`.
pub(super) fn parse_server(family: Family, text: &str) -> Result<DatabaseUrl, String> {
    let no_port = || "has a port that is not a number from 0 to 65535".to_string();
    let Authority { user, hosts, rest } = Authority::read(text);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));

    let mut database = percent_decoded(path.strip_prefix('/').unwrap_or(path)).into_owned();
    let mut hosts = read_hosts(hosts).ok_or_else(no_port)?;
    let mut host_parameters = Vec::new();
    let mut ports = Vec::new();
    let mut socket = None;
    let mut more = Vec::new();
    for (name, value) in pairs(query) {
        match (name, &family) {
            (name, Family::Other(_)) if !name.is_empty() && !is_secret(name) => more.push(format!("{name}={value}")),
            (_, Family::Other(_)) => {}
            // SQLAlchemy repeats the parameter for several hosts, libpq has a list.
            ("host", _) => {
                for host in value.split(',') {
                    host_parameters.push(host);
                }
            }
            ("port", _) => ports = read_ports(value).ok_or_else(no_port)?,
            ("dbname", Family::Postgres) => database = percent_decoded(value).into_owned(),
            ("unix_socket" | "socket", Family::MySql) => socket = Some(percent_decoded(value).into_owned()),
            _ => {}
        }
    }
    more.sort_unstable();
    let more = more.join("&");
    if database.is_empty() && family == Family::Postgres {
        // PostgreSQL's database is then the one with the user's name.
        database = percent_decoded(user).into_owned();
    }
    let of = |hosts: Vec<String>, database: String| {
        let named = Named::Server { family: family.clone(), hosts, database, more: more.clone() };
        DatabaseUrl { named: Some(named), sharing: None }
    };
    if let Some(socket) = socket {
        return Ok(of(vec![normalised(&socket)], database));
    }
    if !host_parameters.is_empty() {
        hosts.clear();
        for host in host_parameters {
            if host.starts_with('/') {
                // A folder with a socket in it; its name may have a colon.
                hosts.push((host, None));
            } else {
                hosts.extend(read_hosts(host).ok_or_else(no_port)?);
            }
        }
    }
    let mut named = Vec::with_capacity(hosts.len());
    for (at, (host, port)) in hosts.into_iter().enumerate() {
        let host = match percent_decoded(host).as_ref() {
            "" => "localhost".to_string(),
            folder if folder.starts_with('/') => normalised(folder),
            host => host.to_lowercase(),
        };
        let parameter = if let [one] = ports[..] { one } else { ports.get(at).copied().flatten() };
        named.push(match port.or(parameter).or_else(|| family.port()) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        });
    }
    Ok(of(named, database))
}

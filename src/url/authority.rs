//! The part of a server's URL that says which server: user, hosts and ports.

/// `USER:PASSWORD@HOST:PORT,HOST:PORT`, and what follows it.
#[derive(Debug)]
pub(crate) struct Authority<'u> {
    pub(crate) user: &'u str,
    pub(crate) hosts: &'u str,
    /// From the `/` or the `?` on.
    pub(crate) rest: &'u str,
}

impl<'u> Authority<'u> {
    /// Reads what stands after `//`.
    ///
    /// A password with an `@`, a `/` or a `?` should have them percent-encoded; people write them plainly, and drivers
    /// take it.
    pub(crate) fn read(text: &'u str) -> Authority<'u> {
        let (head, _) = split_before(text, ['/', '?']);
        let userinfo_end = match head.rfind('@') {
            // A port cannot be the start of a password.
            None if read_hosts(head).is_none() => text.find('@'),
            end => end,
        };
        let (userinfo, text) = match userinfo_end {
            Some(end) => (&text[..end], &text[end + 1..]),
            None => ("", text),
        };
        let (hosts, rest) = split_before(text, ['/', '?']);
        let user = userinfo.split_once(':').map_or(userinfo, |(user, _)| user);
        Authority { user, hosts, rest }
    }
}

/// Ports, `None` where one is not; a port that is empty is `None` inside.
pub(crate) fn read_ports(text: &str) -> Option<Vec<Option<u16>>> {
    let mut ports = Vec::new();
    for port in text.split(',') {
        ports.push(read_port(port)?);
    }
    Some(ports)
}

/// Hosts with the ports they have, `None` where what follows a host is no port.
pub(crate) fn read_hosts(text: &str) -> Option<Vec<(&str, Option<u16>)>> {
    let mut hosts = Vec::new();
    for host in text.split(',') {
        hosts.push(read_host(host)?);
    }
    Some(hosts)
}

fn read_host(text: &str) -> Option<(&str, Option<u16>)> {
    // `[::1]:5432`: the colons of an IPv6 address are in brackets.
    let host_end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, port) = text.split_at(host_end);
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        None => None,
        Some(port) => Some((host, read_port(port)?)),
    }
}

/// Reads a port: `Some(None)` for an empty one, `None` for a text that is no port.
fn read_port(text: &str) -> Option<Option<u16>> {
    match text {
        "" => Some(None),
        // `u16` would also read `+1`.
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    }
}

/// Splits before the first of the characters.
fn split_before(text: &str, ends: [char; 2]) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

//! Addresses of services that are written into a text where a setting belongs.

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An `http` or `https` address of a host.
    HardWired,
    /// This computer, or one of a private network, with a port, and nothing that a setting could put in its place.
    Local,
}

impl Kind {
    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::HardWired => "hard-wired address",
            Self::Local => "local address without a fallback",
        }
    }
}

/// An address that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What is wrong with it.
    pub kind: Kind,
    /// The line it stands in, from 1.
    pub line: usize,
    /// It, without what stands behind the host.
    pub shown: String,
}

/// Adds the addresses in `line`, which has the number `number`, to `found`: at most one of a kind. None in a comment,
/// in documents' namespaces and schemas, of documentation's own hosts (`example.com`, `test.com`), or that is looked up
/// in the environment.
pub fn find_in_line(line: &[u8], number: usize, found: &mut Vec<Address>) {
    if is_comment(line) {
        return;
    }
    let text = String::from_utf8_lossy(line);
    let code = code(&text);
    let has_port = code.contains(':');
    if !has_port || looks_up(code) {
        return;
    }
    if let Some(host) = code.match_indices("://").find_map(|(at, _)| hard_wired(code, at)) {
        found.push(Address { kind: Kind::HardWired, line: number, shown: host });
    }
    let falls_back = [":-", "||", "??", "unwrap_or"].iter().any(|fallback| code.contains(fallback));
    if !falls_back && let Some(host) = code.match_indices(':').find_map(|(at, _)| local(code, at)) {
        found.push(Address { kind: Kind::Local, line: number, shown: host });
    }
}

/// Whether the whole line is a comment in one of the usual languages.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    [&b"#"[..], b"//", b"*", b"/*", b"<!--", b"--", b";", b"%", b"\"\"\"", b"'''", b"REM "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The line up to a comment behind its code.
fn code(line: &str) -> &str {
    let end = line
        .match_indices([' ', '\t'])
        .find(|(at, _)| {
            let rest = line[*at..].trim_start();
            rest.starts_with("//") || rest.starts_with("# ") || rest.starts_with("/*") || rest.starts_with("<!--")
        })
        .map_or(line.len(), |(at, _)| at);
    &line[..end]
}

fn looks_up(line: &str) -> bool {
    ["process.env", "os.environ", "getenv", "import.meta.env", "env::var", "ENV[", "env(", "Deno.env"]
        .iter()
        .any(|source| line.contains(source))
}

/// The address whose `://` stands at `at`, when it is one of a host that a setting should name.
fn hard_wired(line: &str, at: usize) -> Option<String> {
    let before = line.get(..at)?;
    let scheme = ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme))?;
    let rest = line.get(at + 3..)?;
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>)]},;\\".contains(c)).unwrap_or(rest.len());
    let address = &rest[..end];
    let authority = address.split(['/', '?', '#']).next()?;
    let host = host_of(authority);
    let is = |name: &str| host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    // A host that is put together when the program runs has no name here. A single word is one of a network's own
    // names, which is told from a made-up one by its port.
    let fixed =
        host.starts_with(|c: char| c.is_ascii_alphanumeric()) && (host.contains('.') || authority.contains(':'));
    let documentation = ["example.com", "example.org", "example.net", "test.com"].iter().any(|name| is(name));
    let reserved = ["example", "test", "invalid", "localhost"].iter().any(|name| is(name));
    let name = line.to_ascii_lowercase().contains("schema") || line.contains("xmlns");
    let namespace = address.split_once(".org/").is_some_and(|(_, path)| path.starts_with(|c: char| c.is_ascii_digit()));
    (fixed && !documentation && !reserved && !name && !namespace && !is_private(host))
        .then(|| format!("{scheme}://{host}"))
}

/// The host of `USER@HOST:PORT`.
fn host_of(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

/// The local address whose port's colon stands at `at`.
fn local(line: &str, at: usize) -> Option<String> {
    let port = line.get(at + 1..)?.bytes().take_while(u8::is_ascii_digit).count();
    let behind = line.as_bytes().get(at + 1 + port);
    if !(2..=5).contains(&port) || behind.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let before = line.get(..at)?;
    let length = before.bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(byte)).count();
    let host = before.get(at - length..)?;
    // 0.0.0.0 is where a server listens, not where it is found.
    let is_local = host == "localhost" || host != "0.0.0.0" && is_private(host);
    is_local.then(|| format!("{host}:{}", &line[at + 1..at + 1 + port]))
}

/// Whether `host` is an address of this computer or of a private network (RFC 1918).
fn is_private(host: &str) -> bool {
    let mut parts = [0_u8; 4];
    let mut given = host.split('.');
    for part in &mut parts {
        match given.next().and_then(|text| text.parse().ok()) {
            Some(number) => *part = number,
            None => return false,
        }
    }
    given.next().is_none() && matches!(parts, [127 | 10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [0, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(line: &str) -> Vec<Kind> {
        let mut found = Vec::new();
        find_in_line(line.as_bytes(), 1, &mut found);
        found.into_iter().map(|address| address.kind).collect()
    }

    #[test]
    fn hard_wired_addresses() {
        for line in [
            r#"const api = "https://api.shop.io/v1";"#,
            "base_url: http://shop.internal.net:8080/x",
            "fetch('https://shop.io') // the shop",
            "api = 'http://backend:8080/x'",
            r#"url = "https://93.184.216.34/x""#,
        ] {
            assert_eq!(kinds(line), [Kind::HardWired], "{line}");
        }
        for line in [
            "// see https://api.shop.io/v1",
            "# https://api.shop.io/v1",
            " * https://api.shop.io/v1",
            "<!-- https://api.shop.io -->",
            "call() // see https://api.shop.io",
            "const a = 'https://example.com/x'",
            "const a = 'https://api.example.com/x'",
            "const a = 'https://www.test.com/x'",
            r#""$schema": "https://json.shop.io/x""#,
            r#"xmlns="http://www.w3.org/2000/svg""#,
            "const a = process.env.API || 'https://api.shop.io'",
            "const a = `https://${host}/x`",
            "const a = 'https://' + host",
            "const a = 'http://localhost'",
            "const a = 'http://backend/'",
        ] {
            assert_eq!(kinds(line), [], "{line}");
        }
    }

    #[test]
    fn local_addresses() {
        for line in [
            "const a = 'http://localhost:3000'",
            "host = 127.0.0.1:8080",
            "connect('192.168.1.4:5432')",
            "x: 10.0.0.1:80",
            "'172.20.0.2:6379'",
        ] {
            assert_eq!(kinds(line), [Kind::Local], "{line}");
        }
        for line in [
            "url=${URL:-http://localhost:3000}",
            "const a = url || 'http://localhost:3000'",
            "# http://localhost:3000",
            "localhost",
            "x = '8.8.8.8:53'",
            "version 10.0.0.1",
            "mylocalhost:3000",
            "listen('0.0.0.0:3000')",
            r#"env.get("URL").unwrap_or("localhost:3000")"#,
            "172.15.0.1:80",
            "localhost:x",
        ] {
            assert_eq!(kinds(line), [], "{line}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        let mut found = Vec::new();
        find_in_line(b"x = 'https://al:hunter2@api.shop.io/p?token=1'", 7, &mut found);
        assert_eq!((found[0].line, found[0].shown.as_str()), (7, "https://api.shop.io"));
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in r"(https?://|localhost|:-|//|[a-z0-9.:/ 'é@#]){0,40}") {
            let _ = kinds(&line);
        }
    }
}

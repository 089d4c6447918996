//! Addresses of remotes, in the forms of git-clone(1).

/// `url` without the user's name and password where it is an http address: they would end in files that others read.
pub(crate) fn without_secret(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return url.to_owned();
    }
    let host_end = rest.find('/').unwrap_or(rest.len());
    let host_begin = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host_begin..])
}

/// `https://github.com/OWNER/REPO` of a remote on GitHub, in any of the forms of its address.
pub(crate) fn github_url(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let known = ["https", "http", "ssh", "git", "git+ssh"];
            if !known.contains(&scheme.to_ascii_lowercase().as_str()) {
                return None;
            }
            rest.split_once('/')?
        }
        None => url.split_once(':')?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _port)| host).to_ascii_lowercase();
    if !matches!(host.as_str(), "github.com" | "www.github.com" | "ssh.github.com") {
        return None;
    }
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, name) = path.split_once('/')?;
    let fine = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(allowed)
    };
    (fine(owner) && fine(name)).then(|| format!("https://github.com/{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_on_github() {
        for (url, wanted) in [
            ("git@github.com:acme/web-app.git", Some("acme/web-app")),
            ("github.com:acme/web", Some("acme/web")),
            ("org-123@github.com:acme/web", Some("acme/web")),
            ("https://github.com/acme/next.js.git", Some("acme/next.js")),
            ("https://github.com/acme/next.js", Some("acme/next.js")),
            ("https://github.com/acme/web/", Some("acme/web")),
            ("https://user:token@GitHub.com/acme/web.git", Some("acme/web")),
            ("ssh://git@github.com/acme/tool_kit", Some("acme/tool_kit")),
            ("ssh://git@ssh.github.com:443/acme/web.git", Some("acme/web")),
            ("git://github.com/acme/web.git", Some("acme/web")),
            ("https://gitlab.com/acme/web.git", None),
            ("https://github.com.evil.example/acme/web", None),
            ("https://example.com/github.com/acme/web", None),
            ("https://github.com/acme", None),
            ("https://github.com/acme/web/issues", None),
            ("git@github.com:acme/a'b", None),
            ("/srv/git/web.git", None),
            ("file:///github.com/acme/web", None),
            ("", None),
        ] {
            let wanted = wanted.map(|path| format!("https://github.com/{path}"));
            assert_eq!(github_url(url), wanted, "{url}");
        }
    }

    #[test]
    fn a_password_does_not_travel_on() {
        assert_eq!(without_secret("https://me:s@cret@example.com/a@b"), "https://example.com/a@b");
        for url in ["https://example.com/a@b", "git@github.com:a/b", "ssh://git@github.com/a/b", "../x"] {
            assert_eq!(without_secret(url), url);
        }
    }
}

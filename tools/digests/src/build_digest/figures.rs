//! The figures of a successful build: next's routes and shared bundle, the time that next and vite took.

use serde::Serialize;

/// Figures; empty where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Figures {
    /// Entries of next's route tables.
    pub(super) routes: usize,
    /// What all routes load first, without blanks.
    pub(super) bundle_size: String,
    /// How long it took, as printed.
    pub(super) build_time: String,
}

/// Reads the figures of both tools.
#[derive(Debug, Default)]
pub(super) struct FigureReader {
    in_table: bool,
    routes: usize,
    bundle_size: String,
    compiled: String,
    ready: String,
    built: String,
}

impl FigureReader {
    /// One more line.
    pub(super) fn line(&mut self, line: &str) {
        let text = line.trim();
        if self.in_table {
            self.in_table = !text.is_empty() && !text.starts_with('+');
            if self.in_table && is_route(line) {
                self.routes += 1;
            }
        } else if text.starts_with("Route (") || (text.starts_with("Page ") && text.contains("First Load JS")) {
            self.in_table = true;
        }
        if let Some(rest) = text.strip_prefix("+ First Load JS shared by all") {
            self.bundle_size = rest.split_whitespace().collect();
        }
        for (word, place) in
            [("Compiled", &mut self.compiled), ("Ready", &mut self.ready), ("built in", &mut self.built)]
        {
            if place.is_empty()
                && let Some(at) = line.find(word)
            {
                *place = up_to_time(&line[at..]).unwrap_or_default();
            }
        }
    }

    /// The figures of `framework`; those of none are empty.
    pub(super) fn figures(self, framework: &str) -> Figures {
        match framework {
            "nextjs" => {
                let build_time = if self.compiled.is_empty() { self.ready } else { self.compiled };
                Figures { routes: self.routes, bundle_size: self.bundle_size, build_time }
            }
            "vite" => Figures { build_time: self.built, ..Figures::default() },
            _ => Figures::default(),
        }
    }
}

/// Whether a line of the table is a route, not a path made from one nor a chunk.
fn is_route(line: &str) -> bool {
    let Some(rest) = line.trim_end().strip_prefix(['┌', '├', '└']) else { return false };
    let rest = rest.trim_start();
    let path = match rest.chars().next() {
        None | Some('┌' | '├' | '└' | '│') => return false,
        Some('/') => rest,
        // The sign for how a route is rendered.
        Some(sign) => rest[sign.len_utf8()..].trim_start(),
    };
    path.starts_with('/')
}

/// `text` up to the first time in it, all of its units included: `Compiled successfully in 12.4s`, `built in 1m 3s`.
fn up_to_time(text: &str) -> Option<String> {
    let mut end = None;
    let mut at = 0;
    let mut number_before = false;
    for word in text.split(' ') {
        let digits = word.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let unit = word[digits..].trim_end_matches([',', ')', '.']);
        let is_unit = matches!(unit, "ms" | "s" | "m" | "min" | "h" | "sec" | "seconds" | "minutes");
        let is_time = (digits > 0 || number_before) && is_unit;
        if is_time {
            end = Some(at + digits + unit.len());
        } else if end.is_some() && digits == 0 {
            break;
        }
        number_before = digits > 0 && digits == word.len();
        at += word.len() + 1;
    }
    end.map(|end| text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(text: &str, framework: &str) -> Figures {
        let mut reader = FigureReader::default();
        text.lines().for_each(|line| reader.line(line));
        reader.figures(framework)
    }

    #[test]
    fn times_end_with_their_whole_unit() {
        for (text, wanted) in [
            ("Compiled successfully in 12.4s", Some("Compiled successfully in 12.4s")),
            ("Compiled successfully in 1000ms (12 modules)", Some("Compiled successfully in 1000ms")),
            ("Compiled in 2.1 s", Some("Compiled in 2.1 s")),
            ("built in 834ms", Some("built in 834ms")),
            ("built in 1m 3s.", Some("built in 1m 3s")),
            ("Compiled client and server in 3 files", None),
        ] {
            assert_eq!(up_to_time(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn routes_are_counted_and_nothing_else() {
        let table = "Route (app)          Size  First Load JS\n┌ ○ /    134 B  103 kB\n├   /_app  0 B 80 kB\n├   └ css/a.css 3 kB\n└ ● /blog/[slug]  134 B\n    ├ /blog/p1\n    └ [+2 more paths]\n+ First Load JS shared by all   103 kB\n  ├ chunks/2.js 46 kB\n\nRoute (pages)\n┌ ƒ /api\n";
        let found = figures(&format!(" ✓ Ready in 2s\n{table}"), "nextjs");
        assert_eq!(found, Figures { routes: 4, bundle_size: "103kB".into(), build_time: "Ready in 2s".into() });
        assert_eq!(figures(table, "generic"), Figures::default());
        assert_eq!(figures("✓ built in 1.2s", "vite").build_time, "built in 1.2s");
    }
}

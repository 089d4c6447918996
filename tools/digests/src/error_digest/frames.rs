//! Places in stack traces: which line of which file, and whether that file is the project's own.

use std::path::Path;

/// A line of a stack trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// In a file of the project.
    Own(Place),
    /// In a dependency or in the runtime; with its place where the trace gives one.
    Foreign(Option<Place>),
}

/// A file and a line in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As printed, without `file://`.
    pub(super) file: String,
    /// From 1.
    pub(super) line: u32,
}

impl Place {
    fn new(file: &str, line: u32) -> Self {
        Self { file: file.to_owned(), line }
    }
}

/// Parts of paths of dependencies and of runtimes.
const FOREIGN: [&str; 16] = [
    "node_modules/",
    "node_modules\\",
    "site-packages/",
    "dist-packages/",
    "/lib/python",
    "\\Lib\\",
    "/gems/",
    "/lib/ruby/",
    "/rustc/",
    "/.cargo/registry/",
    "/.rustup/",
    "/usr/local/go/src/",
    "/usr/lib/go",
    "/src/runtime/",
    "/pkg/mod/",
    "/.npm/_npx/",
];

/// Beginnings of what stands for a file in frames of a runtime.
const RUNTIME: [&str; 8] = ["node:", "internal/", "bun:", "ext:", "deno:", "native", "webpack/", "<"];

/// Packages of Java's runtime, and of libraries that stand between it and nearly every program.
const JAVA: [&str; 21] = [
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "org.springframework.",
    "org.junit.",
    "org.apache.",
    "org.gradle.",
    "org.hibernate.",
    "org.eclipse.",
    "com.google.common.",
    "com.fasterxml.",
    "io.netty.",
    "reactor.",
    "ch.qos.logback.",
];

/// Whether `file` belongs neither to a dependency nor to a runtime.
pub(super) fn is_own(file: &str) -> bool {
    !file.is_empty()
        && !RUNTIME.iter().any(|start| file.starts_with(start))
        && !FOREIGN.iter().any(|part| file.contains(part))
}

/// The place at the end of `text`: `path:line` or `path:line:column`.
pub(super) fn located(text: &str) -> Option<Place> {
    let text = text.trim().trim_end_matches(':');
    let (head, last) = numbered(text)?;
    let (file, line) = numbered(head).unwrap_or((head, last));
    let file = file.strip_prefix("file://").unwrap_or(file);
    // A time of day is no place.
    let is_path = file.contains(['.', '/', '\\', '<']);
    (is_path && !file.is_empty()).then(|| Place::new(file, line))
}

fn numbered(text: &str) -> Option<(&str, u32)> {
    let (head, digits) = text.rsplit_once(':')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((head, digits.parse().ok().filter(|_| is_number)?))
}

fn judge(place: Place) -> Frame {
    if is_own(&place.file) { Frame::Own(place) } else { Frame::Foreign(Some(place)) }
}

/// A frame of JavaScript, Java, .NET, Ruby or a Rust backtrace.
pub(super) fn frame(line: &str) -> Option<Frame> {
    let text = line.trim();
    if let Some(rest) = text.strip_prefix("from ") {
        let (place, _) = rest.split_once(":in ")?;
        return located(place).map(judge);
    }
    let rest = text.strip_prefix("at ")?;
    if let Some((_, place)) = rest.rsplit_once(" in ")
        && let Some((file, digits)) = place.rsplit_once(":line ")
        && let Ok(line) = digits.parse()
    {
        return Some(judge(Place::new(file, line)));
    }
    if let Some(inner) = rest.strip_suffix(')') {
        if let Some((_, inner)) = inner.split_once(" (") {
            // An evaluated text has no file.
            let place = located(inner).filter(|_| !inner.contains("<anonymous>"));
            return Some(place.map_or(Frame::Foreign(None), judge));
        }
        let (method, inner) = inner.rsplit_once('(')?;
        return java(method, inner);
    }
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    if rest == "<anonymous>" || rest == "native" {
        return Some(Frame::Foreign(None));
    }
    located(rest).map(judge)
}

/// A frame such as `app.Main.run(Main.java:12)`.
fn java(method: &str, inner: &str) -> Option<Frame> {
    if inner == "Native Method" || inner == "Unknown Source" {
        return Some(Frame::Foreign(None));
    }
    let place = located(inner)?;
    // A module (`java.base/`) or a class loader (`app//`) may stand before the class.
    let class = method.rsplit('/').next().unwrap_or(method);
    let is_runtime = JAVA.iter().any(|package| class.starts_with(package));
    Some(if is_runtime { Frame::Foreign(Some(place)) } else { judge(place) })
}

/// A frame of Python: `File "path", line 3, in name`.
pub(super) fn python(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let place = Place::new(file, rest[..digits].parse().ok()?);
    // What is read from standard input or given as an argument is the caller's own, though no file.
    let is_text = matches!(file, "<string>" | "<stdin>");
    Some(if is_text { Frame::Own(place) } else { judge(place) })
}

/// The line of a Go stack that names a file: a tab, the path, the line, an offset.
pub(super) fn go(line: &str) -> Option<Frame> {
    let rest = line.strip_prefix('\t')?;
    let place = rest.split(" +0x").next().and_then(located)?;
    Path::new(&place.file).extension().is_some_and(|ending| ending == "go").then(|| judge(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_form_are_read() {
        for (line, wanted) in [
            ("    at Object.load (/app/src/load.js:12:20)", Some(("/app/src/load.js", 12))),
            ("at /app/src/anon.js:4:5", Some(("/app/src/anon.js", 4))),
            ("at async run (/app/src/run.js:7:8)", Some(("/app/src/run.js", 7))),
            ("at async file:///app/a.mjs:1:2", Some(("/app/a.mjs", 1))),
            ("at new Foo (file:///app/src/foo.mjs:9:1)", Some(("/app/src/foo.mjs", 9))),
            (r"at f (C:\app\src\a.js:3:4)", Some((r"C:\app\src\a.js", 3))),
            ("at P (/app/(group)/page.js:1:2)", Some(("/app/(group)/page.js", 1))),
            ("at f (http://localhost:3000/x.js:5:2)", Some(("http://localhost:3000/x.js", 5))),
            ("at /my app/x.js:6:2", Some(("/my app/x.js", 6))),
            ("at app.Main.run(Main.java:12)", Some(("Main.java", 12))),
            ("at app//app.Main.run(Main.kt:13)", Some(("Main.kt", 13))),
            ("   at App.Start() in /app/x.cs:line 12", Some(("/app/x.cs", 12))),
            ("\tfrom app.rb:7:in '<main>'", Some(("app.rb", 7))),
            ("at java.base/java.util.List.get(List.java:3)", None),
            ("at Main.x(Native Method)", None),
            ("at Module._compile (node:internal/modules/cjs/loader:1105:14)", None),
            ("at Module._compile (internal/modules/cjs/loader.js:999:30)", None),
            ("at mine (/app/node_modules/x/i.js:1:2)", None),
            ("at async Promise.all (index 0)", None),
            ("at new Promise (<anonymous>)", None),
            ("at eval (eval at f (/app/a.js:1:2), <anonymous>:1:1)", None),
        ] {
            let found = match frame(line) {
                Some(Frame::Own(place)) => Some((place.file, place.line)),
                Some(Frame::Foreign(_)) => None,
                None => panic!("no frame: {line}"),
            };
            assert_eq!(found, wanted.map(|(file, number)| (file.to_owned(), number)), "{line}");
        }
        for line in ["at noon 12:30", "at 12:30", "from here on", "at", "meet me at x (soon)"] {
            assert_eq!(frame(line), None, "{line}");
        }
    }

    #[test]
    fn other_languages_name_their_files_otherwise() {
        assert_eq!(python("  File \"/app/a.py\", line 9, in f"), Some(Frame::Own(Place::new("/app/a.py", 9))));
        assert!(matches!(python("  File \"/usr/lib/python3.11/json.py\", line 9"), Some(Frame::Foreign(Some(_)))));
        assert_eq!(go("\t/app/main.go:8 +0x1d"), Some(Frame::Own(Place::new("/app/main.go", 8))));
        assert!(matches!(go("\t/usr/local/go/src/runtime/panic.go:884 +0x1"), Some(Frame::Foreign(Some(_)))));
        assert_eq!(go("\tsome text"), None);
    }
}

//! Readers of what runners print for people, one file a runner. All of them see every line; each knows its own runner's
//! words and says nothing when they did not come.

mod bats;
mod cargo;
mod go;
mod jest;
mod marks;
mod mocha;
mod nextest;
mod node;
mod panics;
mod playwright;
mod pytest;
mod rustc;
mod tap;
mod unittest;
mod vitest;

use super::report::Report;

pub(crate) use marks::Marks;

/// The message and the place of the first panic of a Rust program in `text`.
pub(crate) fn panic_in(text: &str) -> Option<(String, Option<(String, u32)>)> {
    let mut panics = panics::Panics::default();
    text.lines().for_each(|line| panics.line(line));
    panics.all.into_iter().next().map(|panic| (panic.message(), panic.place))
}

/// A reader of one runner's text.
pub(crate) trait TextReader {
    /// A line of the output, cleaned, without its line end.
    fn line(&mut self, line: &str);

    /// What the runner said; `None` when it did not speak.
    fn report(self: Box<Self>) -> Option<Report>;
}

/// The readers for `framework`, or all of them when it can be any.
pub(crate) fn readers(framework: Option<&str>) -> Vec<Box<dyn TextReader>> {
    let all: Vec<(&str, Box<dyn TextReader>)> = vec![
        ("cargo", Box::<cargo::Cargo>::default()),
        ("nextest", Box::<nextest::Nextest>::default()),
        ("pytest", Box::<pytest::Pytest>::default()),
        ("unittest", Box::<unittest::Unittest>::default()),
        ("go", Box::<go::Go>::default()),
        ("jest", Box::<jest::Jest>::default()),
        ("vitest", Box::<vitest::Vitest>::default()),
        ("mocha", Box::<mocha::Mocha>::default()),
        ("node", Box::<node::Node>::default()),
        ("tap", Box::<tap::Tap>::default()),
        ("bats", Box::<bats::Bats>::default()),
        ("playwright", Box::<playwright::Playwright>::default()),
    ];
    let wanted = |name: &str| match framework {
        None | Some("npm") => true,
        // These two can print the test anything protocol as well.
        Some(framework @ ("node" | "bats")) => name == framework || name == "tap",
        Some(framework) => name == framework,
    };
    all.into_iter().filter(|(name, _)| wanted(name)).map(|(_, reader)| reader).collect()
}

/// What the readers found. A runner that shows another one's output inside its own speaks alone.
pub(crate) fn reports(readers: Vec<Box<dyn TextReader>>) -> Vec<Report> {
    let mut found: Vec<Report> = readers.into_iter().filter_map(TextReader::report).collect();
    let has = |name: &str| found.iter().any(|report| report.framework == name);
    if has("nextest") && has("cargo") {
        // Compile errors alone are those of any call of cargo.
        let is_nextest = found.iter().any(|report| report.framework == "nextest" && (report.ran || report.complete));
        found.retain(|report| report.framework != if is_nextest { "cargo" } else { "nextest" });
    }
    found
}

//! A crew of two scripted agents at work in a scratch folder.
fn main() {}

//! What people wrote in a session.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;

/// How much of a transcript's end is looked through, in bytes.
const END: u64 = 32 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    is_meta: Option<bool>,
    #[serde(default)]
    is_sidechain: Option<bool>,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Content,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

/// The last texts that a person wrote in the session of the transcript `path`, the newest first, at most `most`. Results
/// of tools, subagents' and the program's own lines are not among them; lines that cannot be read are passed over. Of a
/// file over 32 MiB the end is looked through.
///
/// # Errors
/// When the file cannot be read.
pub fn recent_user_texts(path: &Path, most: usize) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let mut texts = Vec::new();
    for line in bytes.rsplit(|byte| *byte == b'\n') {
        if texts.len() == most {
            break;
        }
        if memchr::memmem::find(line, b"\"user\"").is_some() {
            texts.extend(text_of(line));
        }
    }
    Ok(texts)
}

fn text_of(line: &[u8]) -> Option<String> {
    let line: Line = serde_json::from_slice(line).ok()?;
    if line.kind != "user" || line.is_meta == Some(true) || line.is_sidechain == Some(true) {
        return None;
    }
    let text = match line.message.content {
        Content::Text(text) => text,
        Content::Blocks(blocks) => {
            let texts = blocks.into_iter().filter(|block| block.kind == "text").filter_map(|block| block.text);
            texts.collect::<Vec<_>>().join("\n")
        }
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_texts_of_people_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        let lines = [
            json!({"type": "user", "message": {"role": "user", "content": "first"}}).to_string(),
            json!({"type": "assistant", "message": {"role": "assistant", "content": "no"}}).to_string(),
            json!({"type": "user", "message": {"content": [{"type": "text", "text": "second"}, {"type": "image"}]}})
                .to_string(),
            json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": "no"}]}}).to_string(),
            json!({"type": "user", "isMeta": true, "message": {"content": "no"}}).to_string(),
            json!({"type": "user", "isSidechain": true, "message": {"content": "no"}}).to_string(),
            "{\"type\": \"user\" broken".to_owned(),
            json!({"type": "user", "message": {"content": "third"}}).to_string(),
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        assert_eq!(recent_user_texts(&path, 9).unwrap(), ["third", "second", "first"]);
        assert_eq!(recent_user_texts(&path, 2).unwrap(), ["third", "second"]);
        assert!(recent_user_texts(&folder.path().join("none"), 2).is_err());
    }
}

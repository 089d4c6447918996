//! A request with nothing that catches its failure, from five lines above to three below.
//!
//! `.get(` and its kin are methods of much else. A receiver whose name or declaration says that it is a map, a set, headers,
//! parameters and the like makes no request; nor does a router, which declares what it answers to.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::receiver::Receiver;
use super::{Hit, once_a_line};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{is_word, word_end};
use crate::code_pattern_check::source::{Call, Source, mark};

const ABOVE: usize = 5;
const BELOW: usize = 3;

/// What `axios` holds that makes no request.
const AXIOS_OTHER: [&[u8]; 14] = [
    b"create",
    b"defaults",
    b"interceptors",
    b"isAxiosError",
    b"isCancel",
    b"CancelToken",
    b"Cancel",
    b"AxiosError",
    b"AxiosHeaders",
    b"all",
    b"spread",
    b"toFormData",
    b"formToJSON",
    b"getUri",
];

/// Endings of names (in small letters) of what keeps values.
const KEEPERS: [&str; 46] = [
    "map", "set", "dict", "headers", "header", "params", "param", "cache", "cookies", "cookie", "store", "storage",
    "registry", "config", "settings", "options", "opts", "env", "environ", "formdata", "query", "args", "kwargs",
    "data", "lookup", "index", "seen", "visited", "queue", "counts", "state", "props", "meta", "metadata", "attrs",
    "values", "table", "payload", "body", "json", "router", "app", "modules", "vars", "types", "info",
];

/// Names of what makes requests, whatever else is true.
const CLIENTS: [&[u8]; 10] =
    [b"axios", b"http", b"https", b"$http", b"requests", b"httpx", b"api", b"client", b"got", b"ky"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let declared = OnceCell::new();
    let calls = source.calls.iter().filter(|call| is_request(source, call, &declared)).map(|call| call.at);
    let axios = source.axios.iter().copied().filter(|at| {
        let method = at + b"axios.".len();
        let name = &source.code[method..word_end(&source.code, method)];
        source.before(*at) != b'.' && !AXIOS_OTHER.contains(&name)
    });
    let lines = calls.chain(axios).map(|at| source.line_of(at));
    once_a_line(lines.filter(|line| !source.is_marked(*line, ABOVE, BELOW, mark::CATCHES)))
}

fn is_request<'a>(source: &'a Source, call: &Call, declared: &OnceCell<HashSet<&'a [u8]>>) -> bool {
    let name = source.name_of(call);
    match name {
        b"fetch" => !is_declared(source, call),
        b"axios" => source.before(call.at) != b'.',
        b"get" | b"post" | b"put" | b"delete" | b"patch" => match Receiver::of(source, call.at) {
            Some(receiver) => !keeps_values(source, call, &receiver, declared),
            None => false,
        },
        _ => false,
    }
}

/// Whether the call is the head of a function of that name.
fn is_declared(source: &Source, call: &Call) -> bool {
    let before = source.code[..call.at].trim_ascii_end();
    if before.ends_with(b"function") || before.ends_with(b"def") {
        return true;
    }
    let method = before.is_empty() || matches!(before.last(), Some(b'{' | b'}' | b';')) || before.ends_with(b"async");
    let close = source.closing(call.open, 2000);
    method && close.is_some_and(|close| source.code[close + 1..].trim_ascii_start().starts_with(b"{"))
}

fn keeps_values<'a>(
    source: &'a Source,
    call: &Call,
    receiver: &Receiver<'_>,
    declared: &OnceCell<HashSet<&'a [u8]>>,
) -> bool {
    // A decorator of Python says what a function answers to.
    let line = source.bounds(source.line_of(call.at)).0;
    if source.code[line..call.at].trim_ascii_start().starts_with(b"@") {
        return true;
    }
    let name = receiver.last_name();
    if CLIENTS.contains(&name) {
        return false;
    }
    let whole = match receiver {
        Receiver::Names(names) | Receiver::Call(names, _) => *names,
        Receiver::Literal => return true,
        Receiver::Other => &[],
    };
    let lower = String::from_utf8_lossy(name).to_lowercase();
    let by_name = KEEPERS.iter().any(|ending| lower.ends_with(ending)) || whole == b"mock" || whole == b"Reflect";
    let constructed =
        [&b"Map"[..], b"WeakMap", b"Set", b"WeakSet", b"Headers", b"URLSearchParams", b"FormData", b"dict"];
    // What is written in capitals is a table that the file itself holds.
    let table = name.len() > 1 && name.iter().all(|byte| byte.is_ascii_uppercase() || b"_0123456789".contains(byte));
    by_name
        || table
        || matches!(receiver, Receiver::Call(..)) && constructed.contains(&name)
        || source.code[..call.at].ends_with(b"}.")
        || !name.is_empty() && declared.get_or_init(|| keepers(source)).contains(name)
        || source.language == Language::Python && is_lookup(source, call)
}

/// The names that the file itself declares as something that keeps values.
fn keepers(source: &Source) -> HashSet<&[u8]> {
    let script: [&[u8]; 9] = [
        b"new Map",
        b"new WeakMap",
        b"new Set",
        b"new WeakSet",
        b"new Headers",
        b"new URLSearchParams",
        b"new FormData",
        b"useSearchParams",
        b"cookies()",
    ];
    let python: [&[u8]; 8] =
        [b"{", b"dict(", b"defaultdict(", b"OrderedDict(", b"Counter(", b"json.load", b"os.environ", b"vars("];
    let types: [&[u8]; 14] = [
        b"Map<",
        b"WeakMap<",
        b"Set<",
        b"WeakSet<",
        b"ReadonlyMap<",
        b"ReadonlySet<",
        b"Headers",
        b"URLSearchParams",
        b"FormData",
        b"dict",
        b"Dict",
        b"Mapping",
        b"Counter",
        b"defaultdict",
    ];
    let values: &[&[u8]] = if source.language == Language::Python { &python } else { &script };
    let code = &source.code;
    let mut found = HashSet::new();
    let mut at = 0;
    while at < code.len() {
        if !is_word(code[at]) {
            at += 1;
            continue;
        }
        let end = word_end(code, at);
        let rest = code[end..].trim_ascii_start();
        let rest = rest.strip_prefix(b"?").unwrap_or(rest);
        let typed = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        let assigned = rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start);
        let assigned = assigned.map(|value| value.strip_prefix(b"await ").unwrap_or(value));
        if typed.is_some_and(|kind| types.iter().any(|known| kind.starts_with(known)))
            || assigned.is_some_and(|value| values.iter().any(|known| value.starts_with(known)))
        {
            found.insert(&code[at..end]);
        }
        at = end;
    }
    found
}

/// Whether the arguments are those of a look into a dict: a key that is no address, or a key and a default.
fn is_lookup(source: &Source, call: &Call) -> bool {
    let Some(close) = source.closing(call.open, 400) else { return false };
    let first = source.text[call.open + 1..close].trim_ascii();
    let mut depth = 0_usize;
    let comma = source.code[call.open + 1..close].iter().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *byte == b',' && depth == 0
    });
    let second = comma.map(|comma| &source.code[call.open + 2 + comma..close]);
    if second.is_some_and(|second| !second.trim_ascii().is_empty() && !second.contains(&b'=')) {
        return true;
    }
    let Some(quote @ (b'"' | b'\'')) = first.first() else { return false };
    let key = first[1..].split(|byte| byte == quote).next().unwrap_or_default();
    !key.iter().any(|byte| matches!(byte, b'/' | b':'))
}

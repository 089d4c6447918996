//! A request with nothing that catches its failure, from five lines above to three below.
//!
//! `.get(` and its kin are methods of much else. A receiver whose name or declaration says that it is a map, a set, headers,
//! parameters and the like makes no request; nor does a router, which declares what it answers to.

use super::receiver::Receiver;
use super::{Hit, once_a_line};
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{find, is_word, word_end};
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
const KEEPERS: [&str; 42] = [
    "map", "set", "dict", "headers", "header", "params", "param", "cache", "cookies", "cookie", "store", "storage",
    "registry", "config", "settings", "options", "opts", "env", "environ", "formdata", "query", "args", "kwargs",
    "data", "lookup", "index", "seen", "visited", "queue", "counts", "state", "props", "meta", "metadata", "attrs",
    "values", "table", "payload", "body", "json", "router", "app",
];

/// Names of what makes requests, whatever else is true.
const CLIENTS: [&[u8]; 10] =
    [b"axios", b"http", b"https", b"$http", b"requests", b"httpx", b"api", b"client", b"got", b"ky"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let calls = source.calls.iter().filter(|call| is_request(source, call)).map(|call| call.at);
    let axios = source.axios.iter().copied().filter(|at| {
        let method = at + b"axios.".len();
        let name = &source.code[method..word_end(&source.code, method)];
        source.before(*at) != b'.' && !AXIOS_OTHER.contains(&name)
    });
    let lines = calls.chain(axios).map(|at| source.line_of(at));
    once_a_line(lines.filter(|line| !source.is_marked(*line, ABOVE, BELOW, mark::CATCHES)))
}

fn is_request(source: &Source, call: &Call) -> bool {
    let name = source.name_of(call);
    match name {
        b"fetch" => !is_declared(source, call),
        b"axios" => source.before(call.at) != b'.',
        b"get" | b"post" | b"put" | b"delete" | b"patch" => match Receiver::of(source, call.at) {
            Some(receiver) => !keeps_values(source, call, &receiver),
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

fn keeps_values(source: &Source, call: &Call, receiver: &Receiver<'_>) -> bool {
    let name = receiver.last_name();
    if CLIENTS.contains(&name) {
        return false;
    }
    let whole = match receiver {
        Receiver::Names(names) | Receiver::Call(names, _) => *names,
        Receiver::Literal => return true,
        Receiver::Other => &[],
    };
    // A decorator of Python says what a function answers to.
    let decorator = || {
        let line = source.bounds(source.line_of(call.at)).0;
        source.code[line..call.at].trim_ascii_start().starts_with(b"@")
    };
    let lower = String::from_utf8_lossy(name).to_lowercase();
    let by_name = KEEPERS.iter().any(|ending| lower.ends_with(ending)) || whole == b"mock" || whole == b"Reflect";
    let constructed =
        [&b"Map"[..], b"WeakMap", b"Set", b"WeakSet", b"Headers", b"URLSearchParams", b"FormData", b"dict"];
    by_name
        || matches!(receiver, Receiver::Call(..)) && constructed.contains(&name)
        || source.code[..call.at].ends_with(b"}.")
        || decorator()
        || is_declared_as_keeper(source, name)
        || source.language == Language::Python && is_lookup(source, call)
}

/// Whether the file itself declares `name` as something that keeps values.
fn is_declared_as_keeper(source: &Source, name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
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
    let code = &source.code;
    let mut at = 0;
    // A file in which a name stands thousands of times would make the search quadratic.
    for _ in 0..200 {
        let Some(place) = find(code, at, name) else { return false };
        at = place + name.len();
        if is_word(source.before(place)) || code.get(at).is_some_and(|byte| is_word(*byte)) {
            continue;
        }
        let rest = code[at..].trim_ascii_start();
        let rest = rest.strip_prefix(b"?").unwrap_or(rest);
        if let Some(annotated) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
            && types.iter().any(|kind| annotated.starts_with(kind))
        {
            return true;
        }
        if let Some(value) = rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) {
            let known: &[&[u8]] = if source.language == Language::Python { &python } else { &script };
            let value = value.strip_prefix(b"await ").unwrap_or(value);
            if known.iter().any(|kind| value.starts_with(kind)) {
                return true;
            }
        }
    }
    false
}

/// Whether the arguments are those of a look into a dict: a key that is no address, or a key and a default.
fn is_lookup(source: &Source, call: &Call) -> bool {
    let Some(close) = source.closing(call.open, 400) else { return false };
    let first = source.text[call.open + 1..close].trim_ascii();
    let Some(quote @ (b'"' | b'\'')) = first.first() else { return false };
    let key = first[1..].split(|byte| byte == quote).next().unwrap_or_default();
    !key.iter().any(|byte| matches!(byte, b'/' | b':'))
}

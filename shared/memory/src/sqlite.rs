//! SQLite's memory methods (<https://www.sqlite.org/c3ref/mem_methods.html>) on top of Rust's allocator.
//!
//! Each block begins with a header that holds its size, which Rust's allocator wants back and SQLite asks for.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

/// Bytes before what SQLite gets. SQLite wants blocks aligned to 8.
const HEADER: usize = 8;

static INSTALLED: Once = Once::new();

/// Makes SQLite use these methods; only before it is initialised, which its first connection does.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        let methods = ffi::sqlite3_mem_methods {
            xMalloc: Some(allocate),
            xFree: Some(release),
            xRealloc: Some(resize),
            xSize: Some(size),
            xRoundup: Some(round_up),
            xInit: Some(init),
            xShutdown: Some(shut_down),
            pAppData: ptr::null_mut(),
        };
        // SAFETY: the option takes a pointer to these methods and SQLite copies them before it returns. Should SQLite be
        // initialised already it refuses and changes nothing: it then goes on with its own.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods);
        }
    });
}

/// The layout of a block of `bytes` with its header; `None` when there can be none.
fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.checked_add(HEADER)?, HEADER).ok()
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    let Some((bytes, layout)) = usize::try_from(bytes).ok().and_then(|bytes| Some((bytes, layout(bytes)?))) else {
        return ptr::null_mut();
    };
    // SAFETY: the layout is not empty, it has the header.
    let start = unsafe { alloc(layout) };
    // SAFETY: a block that is not null has room for the header, at an address aligned to it.
    unsafe { with_header(start, bytes) }
}

/// Writes the header of the block at `start` and gives what comes after it; null for null.
///
/// # Safety
/// `start` is null or a block of [`layout`]`(bytes)`.
unsafe fn with_header(start: *mut u8, bytes: usize) -> *mut c_void {
    if start.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: by this function's contract; the layout aligns the start to the header.
    #[expect(clippy::cast_ptr_alignment, reason = "the layout aligns it")]
    unsafe {
        start.cast::<usize>().write(bytes);
        start.add(HEADER).cast()
    }
}

/// Start and size of the block whose content is at `content`.
///
/// # Safety
/// `content` came from [`allocate`] or [`resize`] and was not released.
unsafe fn block(content: *mut c_void) -> (*mut u8, usize) {
    // SAFETY: by this function's contract the header stands before it, aligned by the layout.
    #[expect(clippy::cast_ptr_alignment, reason = "the layout aligns it")]
    unsafe {
        let start = content.cast::<u8>().sub(HEADER);
        (start, start.cast::<usize>().read())
    }
}

unsafe extern "C" fn release(content: *mut c_void) {
    if content.is_null() {
        return;
    }
    // SAFETY: SQLite gives back what it got from these methods, once.
    let (start, bytes) = unsafe { block(content) };
    if let Some(layout) = layout(bytes) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(start, layout) };
    }
}

unsafe extern "C" fn resize(content: *mut c_void, bytes: c_int) -> *mut c_void {
    // SAFETY: SQLite resizes what it got from these methods.
    let (start, old) = unsafe { block(content) };
    let new = usize::try_from(bytes).ok().and_then(|bytes| Some((bytes, layout(bytes)?)));
    let (Some(old), Some((bytes, new))) = (layout(old), new) else { return ptr::null_mut() };
    // SAFETY: the block was allocated with the old layout; both layouts have one alignment, neither is empty.
    let start = unsafe { realloc(start, old, new.size()) };
    // SAFETY: it has the new layout now, or is null and the old block stays.
    unsafe { with_header(start, bytes) }
}

unsafe extern "C" fn size(content: *mut c_void) -> c_int {
    // SAFETY: SQLite asks for what it got from these methods.
    let (_, bytes) = unsafe { block(content) };
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn round_up(bytes: c_int) -> c_int {
    bytes.checked_add(7).map_or(bytes, |bytes| bytes & !7)
}

unsafe extern "C" fn init(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shut_down(_: *mut c_void) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_content_and_size() {
        // SAFETY: each block is used within its size and released once.
        unsafe {
            let small = allocate(24);
            assert_eq!((small.align_offset(8), size(small)), (0, 24));
            small.cast::<u8>().write_bytes(7, 24);
            let large = resize(small, 100_000);
            assert_eq!((size(large), large.cast::<u8>().add(23).read()), (100_000, 7));
            release(resize(large, 8));
            release(ptr::null_mut());
            assert!(allocate(-1).is_null());
            assert_eq!((round_up(1), round_up(8), round_up(c_int::MAX)), (8, 8, c_int::MAX));
        }
    }

    #[test]
    fn sqlite_works_on_it() {
        install();
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
                   SELECT length(group_concat(hex(randomblob(i % 300)))) FROM n ORDER BY 1";
        let length: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert!(length > 100_000);
    }
}

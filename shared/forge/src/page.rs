//! The pages of a list.

/// The address of the next page in a Link header (RFC 8288), if there is one.
pub(crate) fn next(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            parameter
                .trim()
                .strip_prefix("rel=")
                .is_some_and(|rel| rel.trim_matches('"').split(' ').any(|rel| rel == "next"))
        };
        parameters.split(';').any(is_next).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_others() {
        let link = "<https://h/r?page=1>; rel=\"prev\", <https://h/r?page=3>; rel=\"next\", <https://h/r?page=9>; rel=\"last\"";
        assert_eq!(next(link), Some("https://h/r?page=3"));
        assert_eq!(next("<https://h/r?page=2>; rel=next"), Some("https://h/r?page=2"));
        for link in
            ["", "<https://h/r>; rel=\"last\"", "https://h/r; rel=\"next\"", "<https://h", "<x>; rel=\"nextish\""]
        {
            assert_eq!(next(link), None, "{link}");
        }
    }
}

use super::*;

fn code(ending: &str, text: &str) -> String {
    let language = Language::of(std::path::Path::new(&format!("x.{ending}"))).unwrap();
    let views = Views::new(text.as_bytes(), language);
    String::from_utf8(views.code).unwrap().replace('\u{1}', "_")
}

#[test]
fn comments_and_strings_of_each_language() {
    for (ending, text, wanted) in [
        ("ts", "a // b\nc", "a     \nc"),
        ("ts", "a /* b\n */ c", "a     \n    c"),
        ("ts", "'a\\'b' \"c\"", "'____' \"_\""),
        ("ts", "`a${b + `c`}d` e", "`_${b + `_`}_` e"),
        ("ts", "`${ {a: 1} }` b", "`${ {a: 1} }` b"),
        ("ts", "x = /a'[/]b/g; c", "x = /______/g; c"),
        ("ts", "return /'/.test(a)", "return /_/.test(a)"),
        ("ts", "a / b / 'c'", "a / b / '_'"),
        ("tsx", "<a>x</a> 'b'", "<a>x</a> '_'"),
        ("tsx", "<br /> // c", "<br />     "),
        ("py", "a # b\nc", "a    \nc"),
        ("py", "x = '''a\n'b''' + c", "x = '''_\n__''' + c"),
        ("py", "f'a{b[\"c\"]}d'", "f'_{b[\"_\"]}_'"),
        ("py", "x = rb'a\\'b'", "x = rb'____'"),
        ("py", "'''doc'''\na", "         \na"),
        ("py", "f(\n'''text'''\n)", "f(\n'''____'''\n)"),
        ("sh", "a # b\n'# c' \"# d\" e#f ${#g} $# # h", "a    \n'# c' \"# d\" e#f ${#g} $#    "),
        ("sh", "cat <<E\n# a\nE\n# b", "cat <<E\n# a\nE\n   "),
        ("sh", "cat <<-'E F'\n\t# a\n\tE F\n# b", "cat <<-'E F'\n\t# a\n\tE F\n   "),
        ("sh", "a=$((1<<2)) # b\n# c", "a=$((1<<2))    \n   "),
        ("sql", "a -- b\n'c''d' /* e */ f", "a     \n'_''_'         f"),
        ("prisma", "a // b\n@default(\"c\")", "a     \n@default(\"_\")"),
    ] {
        assert_eq!(code(ending, text), wanted, "{ending}: {text}");
    }
}

#[test]
fn what_does_not_end_ends_with_the_file_or_line() {
    for (ending, text, wanted) in [
        ("ts", "'a\nb", "'a\nb"),
        ("ts", "/* a\nb", "    \n "),
        ("ts", "`a\nb", "`_\n_"),
        ("py", "x = '''a\nb", "x = '''_\n_"),
        ("py", "f'{a\nb", "f'{a\nb"),
        ("sh", "cat <<E\n# a\n", "cat <<E\n# a\n"),
        ("ts", "'\\", "'\\"),
        ("ts", "`\\", "`_"),
    ] {
        assert_eq!(code(ending, text), wanted, "{ending}: {text}");
    }
}

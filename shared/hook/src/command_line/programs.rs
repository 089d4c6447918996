//! Programs and builtins that mean more to the reading of a line than a program to be run.

/// What a program means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program {
    /// It runs the program named by its arguments.
    Wrapper(&'static Wrapper),
    /// It takes text as commands, or its standard input.
    Shell,
    /// It takes text as commands of another user's shell.
    Su,
    /// What is left of `flock FILE -c TEXT` without its wrapper: `-c`.
    Flocked,
    /// `eval`
    Eval,
    /// `trap`
    Trap,
    /// `find`
    Find,
    /// `cd`
    Change,
    /// `pushd`
    Push,
    /// `popd`
    Pop,
    /// It sets the variables of its arguments.
    Declare,
    /// It changes the variables of its arguments.
    Unset,
}

/// A program that runs the program named by its arguments.
#[derive(Debug)]
pub(super) struct Wrapper {
    /// Whether it is `env`, which can change the directory.
    pub(super) env: bool,
    /// Letters of the options that take a value.
    pub(super) letters: &'static str,
    /// Long options whose value may be the next word.
    pub(super) long: &'static [&'static str],
    /// Letters of the options that make it run nothing.
    pub(super) instead: &'static str,
    /// Whether variables may be set before the program's name.
    pub(super) assignments: bool,
    /// The number of arguments before the program's name.
    pub(super) arguments: usize,
}

const PLAIN: Wrapper = Wrapper { env: false, letters: "", long: &[], instead: "", assignments: false, arguments: 0 };

/// A wrapper with options that take a value.
const fn with(letters: &'static str, long: &'static [&'static str]) -> Wrapper {
    Wrapper { letters, long, ..PLAIN }
}

const PROGRAMS: [(&str, Program); 56] = {
    use Program::{Change, Declare, Eval, Find, Flocked, Pop, Push, Shell, Su, Trap, Unset, Wrapper as Runs};
    [
        (
            "sudo",
            Runs(&Wrapper {
                instead: "lveKk",
                assignments: true,
                ..with(
                    "ugphCrtTUDR",
                    &[
                        "--user",
                        "--group",
                        "--prompt",
                        "--host",
                        "--close-from",
                        "--role",
                        "--type",
                        "--chdir",
                        "--chroot",
                    ],
                )
            }),
        ),
        ("doas", Runs(&Wrapper { assignments: true, ..with("uC", &[]) })),
        ("env", Runs(&Wrapper { env: true, assignments: true, ..with("uC", &["--unset", "--chdir"]) })),
        ("time", Runs(&with("fo", &["--format", "--output"]))),
        ("nice", Runs(&with("n", &["--adjustment"]))),
        ("ionice", Runs(&with("cn", &["--class", "--classdata"]))),
        ("nohup", Runs(&PLAIN)),
        ("setsid", Runs(&PLAIN)),
        ("timeout", Runs(&Wrapper { arguments: 1, ..with("sk", &["--signal", "--kill-after"]) })),
        ("gtimeout", Runs(&Wrapper { arguments: 1, ..with("sk", &["--signal", "--kill-after"]) })),
        ("stdbuf", Runs(&with("ioe", &["--input", "--output", "--error"]))),
        ("command", Runs(&Wrapper { instead: "vV", ..PLAIN })),
        ("builtin", Runs(&PLAIN)),
        ("exec", Runs(&with("a", &[]))),
        (
            "xargs",
            Runs(&with(
                "adEILnPs",
                &[
                    "--arg-file",
                    "--delimiter",
                    "--eof",
                    "--replace",
                    "--max-lines",
                    "--max-args",
                    "--max-procs",
                    "--max-chars",
                    "--process-slot-var",
                ],
            )),
        ),
        ("flock", Runs(&Wrapper { arguments: 1, ..with("wE", &["--timeout", "--wait", "--conflict-exit-code"]) })),
        ("watch", Runs(&with("nq", &["--interval", "--equexit"]))),
        ("chrt", Runs(&Wrapper { arguments: 1, ..with("TPD", &[]) })),
        ("taskset", Runs(&Wrapper { arguments: 1, ..PLAIN })),
        ("strace", Runs(&with("aeEIoOpPsSuX", &[]))),
        ("xvfb-run", Runs(&with("efnpsw", &[]))),
        ("caffeinate", Runs(&with("tw", &[]))),
        ("chronic", Runs(&PLAIN)),
        ("busybox", Runs(&PLAIN)),
        ("toybox", Runs(&PLAIN)),
        ("unbuffer", Runs(&PLAIN)),
        ("arch", Runs(&PLAIN)),
        ("noglob", Runs(&PLAIN)),
        ("nocorrect", Runs(&PLAIN)),
        ("bash", Shell),
        ("sh", Shell),
        ("zsh", Shell),
        ("dash", Shell),
        ("ksh", Shell),
        ("mksh", Shell),
        ("ash", Shell),
        ("fish", Shell),
        ("su", Su),
        ("-c", Flocked),
        ("eval", Eval),
        ("trap", Trap),
        ("find", Find),
        ("cd", Change),
        ("pushd", Push),
        ("popd", Pop),
        ("export", Declare),
        ("local", Declare),
        ("declare", Declare),
        ("typeset", Declare),
        ("readonly", Declare),
        ("read", Unset),
        ("unset", Unset),
        ("mapfile", Unset),
        ("readarray", Unset),
        ("printf", Unset),
        ("getopts", Unset),
    ]
};

/// For each value of [`hash`] the place of the one name that has it, behind the last where there is none.
const PLACES: [usize; 256] = {
    let mut places = [PROGRAMS.len(); 256];
    let mut at = 0;
    while at < PROGRAMS.len() {
        let hash = hash(PROGRAMS[at].0.as_bytes());
        assert!(places[hash] == PROGRAMS.len(), "two names have the same hash: change it");
        places[hash] = at;
        at += 1;
    }
    places
};

/// A number below 256 of a name of at least two bytes; no two of [`PROGRAMS`] have the same.
const fn hash(name: &[u8]) -> usize {
    let (first, second, last) = (name[0] as usize, name[1] as usize, name[name.len() - 1] as usize);
    (first + second * 7 + last * 99 + name.len()) % 256
}

/// What the program that is called by `path` means, if more than a program to be run.
pub(super) fn program(path: &str) -> Option<Program> {
    /// The bytes of the longest name.
    const LONGEST: usize = 10;
    let bytes = path.as_bytes();
    let end = bytes.get(bytes.len().saturating_sub(LONGEST + 1)..).unwrap_or_default();
    let slash = end.iter().rposition(|byte| *byte == b'/');
    let name = slash.map_or(end, |slash| &end[slash + 1..]);
    if !(2..=LONGEST).contains(&name.len()) {
        return None;
    }
    let (known, program) = PROGRAMS.get(PLACES[hash(name)])?;
    (known.as_bytes() == name).then_some(*program)
}

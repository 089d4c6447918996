"""A program in a terminal of its own, with a shell's part played: it is stopped and continued, and its terminal is
resized and closed. Arguments: the program's command line, `--`, steps. What the terminal showed goes to standard output,
with FF SS SS before what came after a change of its size; what happened goes to standard error; the program's exit code
is ours."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

at = sys.argv.index("--")
program, steps = sys.argv[1:at], sys.argv[at + 1 :]
told_r, told_w = os.pipe()
go_r, go_w = os.pipe()
size = struct.pack("HHHH", 24, 40, 0, 0)

pid, terminal = pty.fork()
if pid == 0:
    os.close(told_r)
    os.close(go_w)
    fcntl.ioctl(0, termios.TIOCSWINSZ, size)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.execv(program[0], program)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            try:
                cooked = bool(termios.tcgetattr(0)[3] & termios.ICANON)
            except (termios.error, OSError):
                cooked = None
            os.write(told_w, b"ended %d cooked=%s\n" % (os.waitstatus_to_exitcode(status), str(cooked).encode()))
            os._exit(0)
        os.tcsetpgrp(0, os.getpid())
        cooked = bool(termios.tcgetattr(0)[3] & termios.ICANON)
        os.write(told_w, b"stopped cooked=%s\n" % str(cooked).encode())
        os.read(go_r, 1)
        os.tcsetpgrp(0, child)
        os.killpg(child, signal.SIGCONT)

os.close(told_w)
seen, told = b"", b""
open_ = True


def listen(until, limit):
    """Reads until `until` was shown, or for `limit` seconds."""
    global seen, open_
    end, start = time.time() + limit, len(seen)
    while open_ and time.time() < end:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                open_ = False
                return
            if not data:
                open_ = False
                return
            seen += data
        if until is not None and until in seen[start:]:
            return


def hear(word, limit=5.0):
    """Waits for the shell to tell `word`."""
    global told
    end = time.time() + limit
    while word not in told and time.time() < end:
        listen(None, 0.02)
        if select.select([told_r], [], [], 0.02)[0]:
            data = os.read(told_r, 4096)
            if not data:
                return
            told += data


listen(b"> ", 5.0)
for step in steps:
    what, _, value = step.partition(":")
    if what == "type":
        os.write(terminal, bytes.fromhex(value))
        listen(None, 0.3)
    elif what == "until":
        listen(bytes.fromhex(value), 5.0)
    elif what == "size":
        rows, columns = map(int, value.split("x"))
        listen(None, 0.1)
        seen += b"\xff" + bytes([rows, columns])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        listen(b"> ", 2.0)
    elif what == "post":
        subprocess.run([program[0], "post", "-s", "API", bytes.fromhex(value).decode()], check=True)
    elif what == "stopped":
        hear(b"stopped")
    elif what == "continue":
        os.write(go_w, b".")
        listen(b"> ", 3.0)
    elif what == "close":
        os.close(terminal)
        open_ = False
hear(b"ended", 4.0)
if b"ended" not in told:
    os.kill(pid, signal.SIGKILL)
sys.stdout.buffer.write(seen)
sys.stderr.write(told.decode())
sys.exit(int(told.split(b"ended ")[1].split()[0]) if b"ended" in told else 99)

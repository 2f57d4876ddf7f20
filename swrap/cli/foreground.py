"""A program that this command started and waits for, as if the user had started it.

Owns its signals and its exit status. The program stays in our process group on the terminal: Ctrl-C, Ctrl-\\
and Ctrl-Z reach both of us, so it gets them from the terminal, and we must not die of them (the lab is ours)
nor pass them on (it would get them twice). A signal that somebody sends to us alone is meant for the program,
and is passed on. The kernel tells the two apart (si_code), which signalfd(2) shows. Ctrl-Z stops us both, and
`fg` continues us both.

Called by exec and shell where they own the lab.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import struct
from collections.abc import Iterator, Sequence

from swrap.lab.errors import LabError
from swrap.lab.lab import Lab

_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_SI_KERNEL = 0x80  # si_code of what the terminal sends
_SIGINFO = struct.Struct("<IiiI112x")  # signalfd_siginfo: signo, errno, code, pid, and more
_SIGSET = 128  # bytes of glibc's sigset_t


async def run(lab: Lab, host: str, argv: Sequence[str]) -> int:
    """Run ``argv`` on ``host`` with our own stdin, stdout and stderr. Its exit status; 128+n if a signal n
    ended it.

    LabError where the lab failed under it.
    """
    with _signals() as fd:
        program = await lab.spawn(host, argv, new_session=False, unblock=_SIGNALS)
        loop = asyncio.get_running_loop()

        def pass_on() -> None:
            for number, code in _read(fd):
                if code != _SI_KERNEL and program.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        program.send_signal(number)

        loop.add_reader(fd, pass_on)
        try:
            status = await program.wait()
        finally:
            loop.remove_reader(fd)
    if lab.failed.is_set() and not lab.failed.told:
        raise LabError(f"the lab has failed: {lab.failed.reason}")
    return 128 - status if status < 0 else status


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """Block the signals; an fd that tells of them."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    fd = _signalfd(_SIGNALS)
    try:
        yield fd
    finally:
        _read(fd)  # what came too late for the program is not for us either
        os.close(fd)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _signalfd(numbers: Sequence[signal.Signals]) -> int:
    """signalfd(2), which Python has not: non-blocking, close-on-exec."""
    mask = bytearray(_SIGSET)
    for number in numbers:
        mask[(number - 1) // 8] |= 1 << (number - 1) % 8
    libc = ctypes.CDLL(None, use_errno=True)
    fd: int = libc.signalfd(-1, bytes(mask), os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "signalfd")
    return fd


def _read(fd: int) -> list[tuple[signal.Signals, int]]:
    """(signal, si_code) of all that came."""
    try:
        raw = os.read(fd, _SIGINFO.size * 32)
    except BlockingIOError:
        return []
    return [(signal.Signals(number), code) for number, _, code, _ in _SIGINFO.iter_unpack(raw)]

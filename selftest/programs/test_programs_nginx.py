"""Debian's nginx, unmodified, on port 80 of a host: its workers share a listener, or have one each, and end gracefully."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from selftest.support.network import Network
from selftest.support.service import Service, installed, out

WORKERS = 3
REQUESTS = 50
FILM = 256 << 10

Nginx = Callable[[str], AbstractContextManager[Service]]


@pytest.fixture
def nginx(lab: Network, tmp_path: Path) -> Nginx:
    """Starts nginx on `server` with these words after each `listen`; ready when all its workers are."""
    program = installed("nginx", "nginx-light")

    @contextlib.contextmanager
    def start(options: str = "") -> Iterator[Service]:
        web = tmp_path / "web"
        web.mkdir()
        (web / "film").write_bytes(bytes(FILM))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter root's folders
        (tmp_path / "nginx.conf").write_text(
            f"""{user} daemon off; worker_processes {WORKERS}; pid {tmp_path}/pid; error_log stderr notice;
            events {{ worker_connections 128; }}
            http {{
                access_log off; keepalive_timeout 0; {places}
                server {{
                    listen 80 {options}; listen [::]:80 {options}; root {web};
                    location /worker {{ return 200 "$pid\\n"; }}
                    location /film {{ limit_rate 128k; }}
                }}
            }}"""
        )
        command: list[str | Path] = [program, "-p", tmp_path, "-c", "nginx.conf", "-e", "stderr"]
        with Service.on(lab, "server", command) as service:
            service.says("start worker process ", WORKERS)
            yield service

    return start


def workers(service: Service) -> set[int]:
    """The process ids that its log gives."""
    return {int(pid) for pid in re.findall(r"start worker process (\d+)", service.said)}


def ask(lab: Network, url: str, *options: str) -> list[int]:
    """Who answered each of the requests that `url` stands for, a connection each."""
    curl = [installed("curl", "curl"), "--silent", "--show-error", "--fail", *options]
    return [int(pid) for pid in out(lab.run("laptop", *curl, url)).split()]


@pytest.mark.parametrize("listener", ["shared", "reuseport"])
@pytest.mark.parametrize("family", ["-4", "-6"])
def test_all_workers_take_their_share_of_the_requests(
    lab: Network, nginx: Nginx, listener: str, family: str
) -> None:
    with nginx("reuseport" if listener == "reuseport" else "") as service:
        answered = ask(lab, f"http://server/worker?[1-{REQUESTS}]", family)
        assert len(answered) == REQUESTS
        assert set(answered) == workers(service)


def test_requests_at_the_same_time_are_all_answered(lab: Network, nginx: Nginx) -> None:
    with nginx("") as service:
        answered = ask(lab, f"http://server/worker?[1-{REQUESTS}]", "--parallel", "--parallel-immediate")
        assert len(answered) == REQUESTS
        assert set(answered) <= workers(service)


def test_a_worker_that_dies_is_replaced_and_the_others_answer(lab: Network, nginx: Nginx) -> None:
    with nginx("") as service:
        dead = min(workers(service))
        os.kill(dead, signal.SIGKILL)
        service.says("start worker process ", WORKERS + 1)
        answered = ask(lab, f"http://server/worker?[1-{REQUESTS}]")
        assert len(answered) == REQUESTS
        assert set(answered) == workers(service) - {dead}


def test_asked_to_quit_it_finishes_what_it_has_begun_and_frees_its_port(lab: Network, nginx: Nginx) -> None:
    curl = installed("curl", "curl")
    with nginx("") as service:
        copy = lab.start("laptop", [curl, "--silent", "--no-buffer", "http://server/film"])
        assert copy.stdout is not None
        begun = copy.stdout.read(1)
        service.process.send_signal(signal.SIGQUIT)
        service.says("gracefully shutting down", WORKERS)
        assert copy.poll() is None, "it was to be asked in the middle"
        rest, said = copy.stdout.read(), copy.communicate()[1]
        assert (len(begun + rest), copy.returncode) == (FILM, 0), said
        assert service.ended() == 0, service.said
        assert lab.run("laptop", curl, "--silent", "http://server/worker").returncode == 7

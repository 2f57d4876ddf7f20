"""Benchmarks of the server: beside Debian's smbd and impacket's smbserver, and by itself.

`rivals` starts the servers, `raw` is the client that all of them get, `rows` what it does; `figures` needs no rival.
Run as `python -m selftest.bench server`, which puts all of it into a network namespace of its own.
"""

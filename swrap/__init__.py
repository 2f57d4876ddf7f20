"""swrap: a network in a process, for programs that were never told.

The packages, values first: ``topology``, ``document``, ``events``, ``faults`` ← the mechanisms ``abi``, ``shim``,
``switch``, ``fake`` ← ``lab`` ← ``scenario`` ← ``report`` ← ``cli``. Imports go against the arrows only.
"""

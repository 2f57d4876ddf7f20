"""iptables(8), as far as smbtorture's `torture:iptables_command` goes: chains of each host, and what they drop.

words → `parser` → a command → `table` → another table; `filter` brings what it drops in force.
"""

"""A running network: its directory, its processes, and what is left when one of them dies (nothing).

    errors     what can go wrong here, in words for a person
    runtime    the private directories, each level checked before it is trusted
    record     lab.json: what runs in a lab, and the lock that says whether it still does
    registry   the labs of this user: found by file or directory, dead ones cleared away
    environment  what a program must have in its environment to be inside a host
    target     may this program be wrapped at all; elf is the part that reads the file
    guard      what happens between fork and exec
    proc       /proc, as values
    holders    which process holds which socket; listeners, the same for names
    members    which processes belong to a lab
    reaper     ends them all and removes the directory
    keeper     the process that does so when the owner cannot
    routes     what it answers meanwhile, where there is no switch: rtnetlink
    source     the file that a lab runs from
    trials     what the machine must be able to do, tried
    orphans    the owner as parent of whatever loses its own
    child      waiting for the switch and the keeper to be ready
    lab        all of it together: start, spawn, close
    started    a program that was spawned
    joined     a lab that somebody else runs

Life of a lab: the *owner* (the process that called `Lab.start`) makes the directory and takes the lock,
starts the *keeper* and the *switch*, then spawns programs. Owner and keeper watch each other, and both hold
the lock. Whichever of owner, keeper and switch ends first, and however, the keeper (or, if that was the one,
a new one) ends every program, the switch, and removes the directory. So one of them may be lost at any
instant; should owner and keeper be lost together, the lock is free and the next start of any lab clears up.

The parts below `lab` may be imported by `report` and `cli` too; nothing here knows of scenarios.
"""

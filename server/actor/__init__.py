"""The server and the client as programs that a scenario can drive: verbs in, results and events out.

The protocol is JSON lines on an inherited stream socket (``protocol``); ``schema`` says which verbs and
events there are. Knows the scenario runner by that protocol alone.
"""

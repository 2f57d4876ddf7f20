"""The network as a process: flows between virtual sockets, and the faults that they meet.

The data plane is C (`flow.h` tells the life of a flow); Python drives it (`__main__`), answers the
control socket (`control`, `network`), and offers the other end of that socket to everybody else (`client`).
"""

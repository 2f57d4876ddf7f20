"""The fake network: hosts, programs and failures in one process, in virtual time, the same every time.

Unmodified asyncio programs run on it: TCP, UDP and AF_UNIX sockets, TLS, executors, time-outs, file descriptors
that processes pass to each other. Nothing sleeps; a seed decides all that chance decides::

    import asyncio
    from swrap.fake import Network

    network = Network({"server": {"eth0": "10.0.0.1/24"}, "laptop": {"eth0": "10.0.0.2/24"}}, seed=7)

    async def pong(reader, writer):
        writer.write(b"pong")
        writer.close()

    async def serve():
        async with await asyncio.start_server(pong, port=80) as server:
            await server.serve_forever()

    async def ask():
        reader, writer = await asyncio.wait_for(asyncio.open_connection("server", 80), 5)
        answer = await reader.read()
        writer.close()
        return answer

    async def story():
        network.spawn("server", serve)
        await asyncio.sleep(1)
        assert await network.on("laptop", ask) == b"pong"
        await network.do("cut", ["server", "laptop"])
        return await asyncio.gather(network.on("laptop", ask), return_exceptions=True)

    assert [type(error) for error in network.run(story)] == [TimeoutError]

A map of the package, from the inside out:

* ``kernel``     one host's sockets: no clock, no routes. ``file`` (the open file description), ``tcp`` with
                 ``tcp_receiver``, ``half`` (bytes under way), ``handshake`` and ``urgent``, ``udp`` with ``groups``,
                 ``unix_stream``, ``unix_datagram``, ``options``; ``net`` is what it needs of the network around it
* ``fabric``     between hosts: ``clock``, ``routes``, ``link`` (cable, rate), ``rules``, ``flow``, ``way`` (all of it
                 for one direction between two endpoints); ``fabric`` implements ``kernel.net`` and ``faults.Network``
* ``loop``       asyncio's loop of one process: callbacks, descriptors, executors
* ``process``    a program with a pid, ``descriptors``, an environment, chance (``seeds``) and an end
* ``scheduler``  who has the next turn, and when time jumps; after how many turns there is a look for garbage
                 (``collector``)
* ``world``      all of these together
* ``inside``     what stands in for parts of the standard library inside fake processes
* ``machine``    what a simulated program may ask of its system besides
* ``network``    the library's face; ``swrap.scenario.fake_backend`` is the scenarios'

Time passes only when nobody can do anything: a computation takes none. All processes run the same modules, but
what these keep is each process's own (``inside.globals``); what cannot be copied and is changed brings a
``SharedState`` warning. One process at a time may be in a call that blocks. What is not there raises
NotImplementedError with a sentence: a second such call, signal.signal, fork, pipes, edge-triggered epoll.
"""

from swrap.fake.inside.globals import SharedState
from swrap.fake.network import Network
from swrap.fake.process import Process
from swrap.fake.scheduler import Deadlock
from swrap.fake.world import World

__all__ = ["Deadlock", "Network", "Process", "SharedState", "World"]

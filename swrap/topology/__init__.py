"""The network as values: hosts, interfaces, addresses, limits. Nothing here runs or opens anything."""

from swrap.topology.model import Host, Interface, Limits, Topology, TopologyError

__all__ = ["Host", "Interface", "Limits", "Topology", "TopologyError"]

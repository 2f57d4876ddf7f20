"""The one stream under everything that is shown: events, their kinds, their form as lines of JSON."""

from swrap.events.catalogue import CATALOGUE, NETWORK, RUN, Kind
from swrap.events.event import Event, decode, encode, read_lines

__all__ = ["CATALOGUE", "NETWORK", "RUN", "Event", "Kind", "decode", "encode", "read_lines"]

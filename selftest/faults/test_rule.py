"""What rules decide does not depend on who is asked: the model here, or the switch's C."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from swrap._switch import ffi, lib
from swrap.abi.page import pack_ip
from swrap.faults import Match, Rule, effects
from swrap.faults.draw import Kind, draw
from swrap.faults.match import Hosts, names
from swrap.faults.rule import ALWAYS, End, Packet, Verdict, decide, whole
from swrap.switch import match as indices
from swrap.switch.plane import EFFECTS, pack_effect, packed

HOSTS = ("a", "b", "c", *(f"h{n}" for n in range(10)))
INTERFACES = tuple(f"{host}.{name}" for host in HOSTS[:3] for name in ("eth0", "eth1"))
ADDRESSES = ("10.0.0.1", "10.0.0.2", "fd00::1")
PORTS = (445, 40000, 40001)

hosts: st.SearchStrategy[Hosts] = st.one_of(
    st.sampled_from(HOSTS), st.lists(st.sampled_from(HOSTS), min_size=1, unique=True).map(tuple)
)
matches = st.builds(
    Match,
    host=st.none() | hosts,
    interface=st.none() | st.sampled_from(INTERFACES),
    address=st.none() | st.sampled_from(ADDRESSES),
    port=st.none() | st.sampled_from(PORTS),
    sport=st.none() | st.sampled_from(PORTS),
    dport=st.none() | st.sampled_from(PORTS),
    between=st.none() | st.tuples(hosts, hosts),
    direction=st.sampled_from(("in", "out", "both")),
    flow=st.none() | st.integers(1, 3),
    state=st.sampled_from(("new", "established", "any")),
)
chances = st.floats(1e-9, 1.0)
times = st.floats(0.0, 2.0)
some_effects = st.one_of(
    st.sampled_from((effects.Drop(), effects.Reject(), effects.Hold(), effects.LoseAcks())),
    times.map(lambda time: effects.Delay(time, time / 3)),
    st.builds(effects.Loss, chances),
    st.builds(effects.Corrupt, chances),
    st.builds(effects.Duplicate, chances),
    st.builds(effects.Reorder, chances, st.floats(1e-6, 2.0)),
)
rules = st.builds(Rule, st.just("some"), matches, some_effects)
ends = st.builds(
    End, st.sampled_from(HOSTS), st.sampled_from(ADDRESSES).map(ip_address), st.sampled_from(PORTS)
)
packets = st.builds(
    Packet,
    ends,
    ends,
    st.lists(st.sampled_from(INTERFACES), max_size=3).map(tuple),
    st.lists(st.sampled_from(INTERFACES), max_size=3).map(tuple),
    st.integers(0, 3),
    st.booleans(),
)
FATES = {kind: type_ for type_, kind in EFFECTS.items()}


def in_c(chain: list[Rule], packet: Packet) -> Verdict:
    """The switch's verdict on the same."""
    raw = ffi.new("struct sw_rule[]", len(chain))
    kept = []
    for one, rule in zip(raw, chain, strict=True):
        what = rule.what
        sets = [frozenset(map(HOSTS.index, names(part))) for part in what.between or ()]
        match = indices.Match(
            interface=None if what.interface is None else INTERFACES.index(what.interface),
            hosts=None if what.host is None else frozenset(map(HOSTS.index, names(what.host))),
            address=None if what.address is None else pack_ip(ip_address(what.address)),
            port=what.port,
            sport=what.sport,
            dport=what.dport,
            between=(sets[0], sets[1]) if sets else None,
            flow=what.flow,
            direction=what.direction,
            state=what.state,
        )
        scope = packed(match, len(HOSTS))
        kept.append(scope)
        one.match = scope.__enter__()[0]
        one.effect = pack_effect(rule.effect)[0]
    crossed = [(name, lib.SW_TX) for name in packet.out] + [(name, lib.SW_RX) for name in packet.into]
    traffic = ffi.new(
        "struct sw_packet *",
        {
            "flow": packet.flow,
            "state": lib.SW_ESTABLISHED if packet.established else lib.SW_NEW,
            "host": [HOSTS.index(packet.source.host), HOSTS.index(packet.to.host)],
            "end": [(pack_ip(end.address), end.port) for end in (packet.source, packet.to)],
            "path": (len(crossed), [(INTERFACES.index(name), way) for name, way in crossed]),
        },
    )
    found = ffi.new("struct sw_verdict *")
    lib.sw_decide(raw, len(chain), traffic, found)
    fate = FATES[found.fate]() if found.fate else None
    assert fate is None or isinstance(fate, effects.Drop | effects.Reject | effects.Hold)
    return Verdict(
        fate,
        bool(found.lose_acks),
        found.delay_ns,
        found.jitter_ns,
        found.loss,
        found.corrupt,
        found.duplicate,
        found.reorder,
        found.late_ns,
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(rules, max_size=6), packets)
def test_the_switch_decides_as_the_model_does(chain: list[Rule], packet: Packet) -> None:
    assert in_c(chain, packet) == decide(chain, packet)


@settings(max_examples=100, deadline=None)
@given(st.lists(rules, max_size=6), packets, rules)
def test_no_rule_behind_one_that_ends_a_packet_matters(chain: list[Rule], packet: Packet, last: Rule) -> None:
    before = decide(chain, packet)
    if before.fate is not None:
        assert decide([*chain, last], packet) == before


SERVER = End("b", ip_address("10.0.0.2"), 445)
CLIENT = End("a", ip_address("10.0.0.1"), 40000)
REQUEST = Packet(CLIENT, SERVER, ("a.eth0",), ("b.eth0",), 1)


def test_what_nobody_speaks_of_passes() -> None:
    assert decide([], REQUEST) == Verdict()
    assert decide([Rule("block", Match(port=446), effects.Drop())], REQUEST) == Verdict()


def test_the_first_that_ends_it_counts_and_what_stood_before_it_adds_up() -> None:
    everything = Match(port=445)
    chain = [
        Rule("delay", everything, effects.Delay(0.02, 0.001)),
        Rule("delay", everything, effects.Delay(0.01)),
        Rule("loss", everything, effects.Loss(0.5)),
        Rule("loss", everything, effects.Loss(0.5)),
        Rule("block", everything, effects.Reject()),
        Rule("block", everything, effects.Drop()),
        Rule("delay", everything, effects.Delay(1.0)),
    ]
    verdict = decide(chain, REQUEST)
    assert verdict.fate == effects.Reject()
    assert (verdict.delay, verdict.jitter) == (30_000_000, 1_000_000)
    assert verdict.loss == ALWAYS * 3 // 4


def test_directions_are_seen_from_what_is_named() -> None:
    def hit(**what: object) -> bool:
        return decide([Rule("block", Match(**what), effects.Drop())], REQUEST).fate is not None  # type: ignore[arg-type]

    assert hit(host="a", direction="out")
    assert not hit(host="a", direction="in")
    assert hit(interface="b.eth0", direction="in")
    assert not hit(interface="b.eth0", direction="out")
    assert hit(between=("a", ("b", "c")), direction="out")
    assert not hit(between=(("b", "c"), "a"), direction="out")
    assert hit(port=445, direction="in")
    assert not hit(port=445, direction="in", host="b", state="new")


def test_a_host_outside_the_lab_is_in_no_set() -> None:
    nowhere = replace(REQUEST, to=End("h99", SERVER.address, 445))
    assert decide([Rule("block", Match(host=HOSTS), effects.Drop())], nowhere).fate is not None
    assert decide([Rule("block", Match(host="b"), effects.Drop())], nowhere).fate is None


@given(st.integers(0, 2**64 - 1), st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_both_draw_the_same(seed: int, kind: Kind, key: int, n: int) -> None:
    assert lib.sw_draw(seed, kind, key, n) == draw(seed, kind, key, n)


def test_draws_are_even_and_a_seed_decides_them() -> None:
    def lost(seed: int, key: int) -> int:
        return sum(draw(seed, Kind.LOSS, key, n) < whole(0.1) for n in range(10_000))

    assert 900 < lost(1, 1) < 1100
    assert 900 < lost(1, 2) < 1100
    first = [draw(1, Kind.LOSS, 1, n) for n in range(50)]
    assert first == [draw(1, Kind.LOSS, 1, n) for n in range(50)]
    assert first != [draw(2, Kind.LOSS, 1, n) for n in range(50)]
    assert first != [draw(1, Kind.JITTER, 1, n) for n in range(50)]

"""What the shim, the switch and Python must agree on: the page, the names, the opening message of a flow, the guard.

The C here is compiled into all three; `ffi` and `lib` are its Python side. It knows nothing of scenarios or of SMB.
"""

from swrap._abi import ffi, lib

__all__ = ["ffi", "lib"]

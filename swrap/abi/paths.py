"""Where the compiled parts are."""

from pathlib import Path


def libswrap() -> Path:
    """The shared object for LD_PRELOAD; FileNotFoundError where the package was never built."""
    path = Path(__file__).resolve().parent.parent / "libswrap.so"
    if not path.exists():
        raise FileNotFoundError(f"{path}: not built (pip install . builds it)")
    return path

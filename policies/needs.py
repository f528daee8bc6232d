"""Libraries that only some methods need, imported when they do."""

from typing import Any


def peft(method: str) -> Any:
    """The `peft` library.

    Args:
        method: what needs it.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        import peft
    except ImportError as error:
        raise ImportError(
            f"tune {method} needs the library peft: pip install 'lingym[peft]'"
        ) from error
    return peft

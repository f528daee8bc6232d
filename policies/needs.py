"""Libraries that only some methods need, imported when they do."""

from typing import Any


def peft(method: str) -> Any:
    """The `peft` library.

    Args:
        method: what needs it.

    Raises:
        ImportError: it is not installed, and the message says how to; or it is and cannot be
            imported, and the message says why.
    """
    try:
        import peft
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "peft":
            told = "pip install 'lingym[peft]'"
        else:
            told = f"it is installed, but cannot be imported ({error})"
        raise ImportError(f"tune {method} needs the library peft: {told}") from error
    return peft

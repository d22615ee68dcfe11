"""What long work calls on its way, for whoever shows how far it is."""

from __future__ import annotations

from collections.abc import Callable

OnCount = Callable[[int, int], None]
"""Called with what is done so far and in all: frames, steps."""
OnBytes = Callable[[str, int, int | None], None]
"""Called with the name of a download, its bytes so far, and its size where that is known."""

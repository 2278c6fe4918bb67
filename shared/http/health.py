"""The readiness of a process: the state of each part that it needs, for `/health/ready`.

Promise: a part named at construction is missing until it is set.
"""


class Health:
    """The parts of one process. A loop may call `set` in every round, because it is cheap."""

    def __init__(self, *needs: str) -> None:
        self._parts: dict[str, tuple[bool, str]] = dict.fromkeys(needs, (False, "starting"))

    def set(self, name: str, ok: bool, detail: str = "") -> None:  # noqa: FBT001 - the agreed reading is set("log", True)
        """Store the state of a part; `detail` is a short sentence for people."""
        self._parts[name] = (ok, detail)

    def ready(self) -> tuple[bool, list[str]]:
        """Return whether every part is ready, and "name: detail" of each part that is not."""
        missing = [
            f"{name}: {detail}" if detail else name
            for name, (ok, detail) in self._parts.items()
            if not ok
        ]
        return not missing, missing

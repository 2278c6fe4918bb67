"""What a process needs before it can serve, and whether it has it: the state behind `/health/ready`.

Promise: a part named at construction counts as missing until it is set, so a process is not ready by accident.
"""


class Health:
    """The parts of one process. Cheap to set on every turn of a loop; read by the health route."""

    def __init__(self, *needs: str) -> None:
        self._parts: dict[str, tuple[bool, str]] = dict.fromkeys(needs, (False, "starting"))

    def set(self, name: str, ok: bool, detail: str = "") -> None:  # noqa: FBT001 - the agreed reading is set("log", True)
        """Record the state of a part; `detail` is a short sentence for people."""
        self._parts[name] = (ok, detail)

    def ready(self) -> tuple[bool, list[str]]:
        """Whether every part is there, and "name: detail" of those that are not."""
        missing = [
            f"{name}: {detail}" if detail else name
            for name, (ok, detail) in self._parts.items()
            if not ok
        ]
        return not missing, missing

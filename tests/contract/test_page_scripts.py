"""The scripts of pages: their types are right, they are short, and the policy allows what they do.

The types are checked by the compiler that comes with the lock, without a network.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

STATIC: Final = Path(__file__).resolve().parents[2] / "services/dashboard/static"
MODULES: Final = sorted(STATIC.glob("*.js"))
DENO: Final = Path(sys.executable).parent / "deno"
LINES_MAX: Final = 200
COLUMNS_MAX: Final = 100
# What the content policy refuses, or what would make HTML of a text.
REFUSED: Final = re.compile(
    r"\beval\b|new Function|(?:inner|outer)HTML\s*=(?!=)|insertAdjacentHTML|document\.write"
    r"|setAttribute\(\s*[\"'](?:style|on)|cssText|https?://"
)
OPTIONS: Final = {
    "strict": True,
    "checkJs": True,
    "noUnusedLocals": True,
    "noImplicitReturns": True,
    "lib": ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
}


def check(folder: Path, *modules: Path) -> subprocess.CompletedProcess[str]:
    """Return what the compiler says about modules; `folder` holds its settings and its cache."""
    settings = folder / "deno.json"
    settings.write_text(json.dumps({"compilerOptions": OPTIONS}))
    environment = {"DENO_DIR": str(folder), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}
    return subprocess.run(
        [DENO, "check", "--no-remote", "--quiet", "--config", settings, *modules],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_types_of_every_module_are_right(tmp_path: Path) -> None:
    assert len(MODULES) >= 6
    done = check(tmp_path, *MODULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_type_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.js"
    wrong.write_text(
        "// @ts-check\n/** @param {string} text */\nconst f = (text) => text;\nf(1);\n"
    )
    done = check(tmp_path, wrong)
    assert done.returncode != 0
    assert "not assignable to parameter of type 'string'" in done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_and_asks_for_the_check(module: Path) -> None:
    lines = module.read_text().splitlines()
    assert len(lines) <= LINES_MAX
    assert max(map(len, lines)) <= COLUMNS_MAX
    assert lines[1] == "// @ts-check"
    assert not REFUSED.search("\n".join(lines)), "the policy of pages refuses this"


def test_the_one_script_loads_every_other() -> None:
    loaded = re.findall(r'^import "\./(.+)";$', (STATIC / "main.js").read_text(), re.MULTILINE)
    assert sorted([*loaded, "main.js"]) == [path.name for path in MODULES]
    base = (STATIC.parent / "layout/base.html").read_text()
    assert not [name for name in loaded if f'"{name.removesuffix(".js")}"' not in base]

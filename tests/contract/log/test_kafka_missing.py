"""Without Java or Maven the Kafka program says what to install, and does nothing else."""

import subprocess
import sys
from pathlib import Path

import deploy


def test_it_says_what_to_install(tmp_path: Path) -> None:
    project = Path(deploy.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.kafka.server", "start", "--folder", str(tmp_path / "kafka")],
        cwd=project,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "java and mvn" in done.stderr
    assert "apt-get install" in done.stderr
    assert not (tmp_path / "kafka").exists()

"""A flipped bit on the mirror is refused on the target, where the old program stays."""

from __future__ import annotations

import pytest

from tests.support.site import on_host, run_playbook

STORED = "/srv/biomax-platform/bundle/files/etcdutl"
FLIP = """
file=$(find {stored} -type f | head -n 1); cp -a "$file" /root/etcdutl.aside; echo "$file"
python3 - "$file" <<'PY'
import sys
with open(sys.argv[1], "r+b") as stream:
    stream.seek(4096); byte = stream.read(1)[0]
    stream.seek(4096); stream.write(bytes([byte ^ 1]))
PY
"""


@pytest.mark.lab
def test_flipped_bit_is_refused_on_the_target(site: str) -> None:
    target = on_host("cp2", "command -v etcdutl").strip()
    on_host("cp2", f"cp -a {target} /root/etcdutl.good && printf x >> {target}")
    damaged = on_host("cp2", f"sha256sum < {target}")
    stored = on_host("mirror1", FLIP.format(stored=STORED)).strip()
    try:
        run = run_playbook("site.yml", "--limit", "cp2")
        assert run.returncode != 0, run.output[-3000:]
        assert "sha256" in run.output
        assert "etcdutl" in run.output
        assert on_host("cp2", f"sha256sum < {target}") == damaged, "the old file was replaced"
    finally:
        on_host("mirror1", f"mv /root/etcdutl.aside {stored}")
        on_host("cp2", f"mv /root/etcdutl.good {target}")
    assert run_playbook("site.yml").returncode == 0

"""The end of real runs of ansible-playbook on this machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.support.bundles import make_signer, write_bundle
from tests.support.site import ROOT, command, environment

PLAY = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"


def run(folder: Path, tasks: str, **variables: object) -> list[str]:
    """Run tasks on this machine and return the printed lines after the recap."""
    playbook = folder / "play.yml"
    playbook.write_text(PLAY + tasks)
    argv = command(str(playbook), "-e", json.dumps(variables), inventory="localhost,")
    done = subprocess.run(
        [*argv, "-c", "local"],
        cwd=ROOT,
        env=environment() | {"ANSIBLE_ROLES_PATH": "tests/integration/host_state/roles"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    _, mark, end = done.stdout.partition("\nFIRST CAUSE ")
    assert bool(mark) == (done.returncode != 0), done.stdout
    return end.splitlines()[1:]


def test_a_good_run_says_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "    - ansible.builtin.debug: {msg: fine}\n") == []


def test_an_ignored_failure_is_none(tmp_path: Path) -> None:
    tasks = "    - ansible.builtin.fail: {msg: no}\n      ignore_errors: true\n"
    assert run(tmp_path, tasks) == []


def test_a_rescued_failure_is_none(tmp_path: Path) -> None:
    tasks = (
        "    - block:\n        - ansible.builtin.fail: {msg: no}\n"
        "      rescue:\n        - ansible.builtin.debug: {msg: saved}\n"
    )
    assert run(tmp_path, tasks) == []


def test_undefined_in_a_plain_task(tmp_path: Path) -> None:
    end = run(tmp_path, "    - ansible.builtin.debug: {msg: '{{ site_nam }}'}\n", site_name="lab")
    assert end[0].startswith("controller: variable site_nam is not defined for localhost; 'msg' of")
    assert end[-1].endswith("Did you mean site_name?")


def test_undefined_in_a_role_whose_template_uses_it(tmp_path: Path) -> None:
    entries = [{"file": "/etc/x.conf", "template": "probe.conf.j2"}]
    tasks = (
        "    - ansible.builtin.import_role: {name: probe, tasks_from: declare}\n"
        "    - biomax.platform.host_state: {roles: [probe]}\n"
        "      check_mode: true\n"
    )
    end = run(tmp_path, tasks, probe_entries=entries, probe_text="{{ nobody_knows }}")
    assert end[0].startswith("controller: variable nobody_knows is not defined for localhost")


def test_no_log_hides_the_secret_and_not_the_reason(tmp_path: Path) -> None:
    key, public = "A" * 24, "not a key"
    tasks = (
        "    - name: Send images\n      biomax.platform.registry_images:\n"
        f"        path: {tmp_path}\n        public_key: {public}\n"
        f"        url: http://operator:{key}@127.0.0.1:1\n"
        "      no_log: true\n"
    )
    end = run(tmp_path, tasks)
    assert str(tmp_path) in end[0]
    assert end[1].startswith("  task  Send images (")
    assert "no_log" in end[-1]
    assert key not in "\n".join(end)


def test_registry_down(tmp_path: Path) -> None:
    signer = make_signer(tmp_path)
    write_bundle(tmp_path / "bundle", signer, {}, image_layer=b"layer")
    tasks = (
        "    - biomax.platform.registry_images:\n"
        f"        path: {tmp_path}/bundle\n        public_key: {signer.public}\n"
        "        url: http://127.0.0.1:1\n"
    )
    end = run(tmp_path, tasks)
    assert end[0].startswith(
        "controller: the registry does not answer: HEAD http://127.0.0.1:1/v2/"
    )
    assert end[2] == "  see   systemctl status --no-pager -n 20 biomax-registry"


def test_an_unreachable_host_and_the_line_that_reaches_it(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(
        "w1 ansible_host=127.0.0.1 ansible_port=1 ansible_user=root"
        f" ansible_ssh_private_key_file={tmp_path}/key\n"
    )
    (tmp_path / "play.yml").write_text(
        PLAY.replace("localhost", "w1") + "    - ansible.builtin.ping:\n"
    )
    done = subprocess.run(
        command(str(tmp_path / "play.yml"), inventory=str(tmp_path / "hosts")),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    end = done.stdout.partition("\nFIRST CAUSE ")[2].splitlines()[1:]
    assert end[0] == "w1: it does not answer over SSH: Connection refused"
    assert end[2] == f"  see   ssh -i {tmp_path}/key -p 1 root@127.0.0.1 true"

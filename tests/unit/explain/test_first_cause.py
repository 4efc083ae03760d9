"""Of several failures the cause is named and not its consequence."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Failure,
    Site,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.judge import lines

from tests.unit.explain import recorded

SITE = Site(
    addresses={"192.0.2.10": "mirror1", "192.0.2.101": "w1", "192.0.2.102": "w2"},
    mirrors=["mirror1"],
)
FULL = {"file_systems": [{"path": "/var", "free_mib": 0, "total_mib": 64, "free_inodes": 9}]}
NO_MIRROR = (
    "No mirror answered and this host has no copy of the bundle's index: "
    "https://mirror1.example.org/bundle/index.json: Connection refused. Converge the mirror host "
    "first, or correct `mirrors`."
)
PORT = recorded.PORT_NGINX.replace("PORT", "443")


def shown(*failures: Failure) -> list[str]:
    return lines(failures, SITE, lambda host, told: f"[{host}] {told}")


def failed(host: str, text: str, number: int = 1, **more: object) -> Failure:
    return Failure(host=host, task="Converge", text=text, number=number, **more)  # type: ignore[arg-type] # values of any field


def test_nothing_failed() -> None:
    assert shown() == []


def test_the_earlier_task_counts() -> None:
    late = failed("w1", "no space: No space left on device", number=9)
    assert shown(late, failed("w2", PORT, number=2))[0].startswith("w2: port 443 is taken")


@pytest.mark.parametrize("turned", [False, True])
def test_of_one_task_the_deeper_cause_counts(turned: bool) -> None:
    rows = [failed("w1", recorded.PACKAGE), failed("w2", PORT)]
    found = shown(*(reversed(rows) if turned else rows))
    assert found[0].startswith("w2: port 443 is taken")
    assert found[-1] == "  also  w1 failed, at this task or later"


def test_what_the_mirror_itself_says_counts_for_those_who_miss_it() -> None:
    members = [failed("w1", NO_MIRROR), failed("w2", NO_MIRROR)]
    found = shown(*members, failed("mirror1", PORT, number=3))
    assert found[0].startswith("mirror1: port 443 is taken")
    assert found[-1] == "  also  w1, w2 failed, at this task or later"


def test_a_mirror_that_is_off_is_named_and_not_its_users() -> None:
    off = failed("mirror1", "Failed to connect: No route to host", unreachable=True)
    found = shown(failed("w1", NO_MIRROR), off)
    assert found[0] == "mirror1: it does not answer over SSH: No route to host"


def test_a_full_disk_of_the_mirror_behind_a_silent_registry() -> None:
    pull = failed(CONTROLLER, recorded.IMAGE_PULL, number=7)
    full = failed("mirror1", "Writing /srv/x: errno 28", number=7, evidence=FULL)
    assert shown(pull, full)[0].startswith("mirror1: the file system of /var is full")


def test_findings_of_preflight() -> None:
    rows = [
        {"host": "w2", "id": "ports/taken", "check": "ports", "level": "stop", "found": "tcp 443"},
        {
            "host": "w1",
            "id": "clock/wrong",
            "check": "clock",
            "level": "stop",
            "found": "7200 s ahead",
            "action": "Set it.",
        },
    ]
    found = shown(failed("w1", "Preflight of 2 hosts: 2 problems.", findings=rows))
    assert found[0] == "w1: clock/wrong: 7200 s ahead (1 more on preflight's page above)"
    assert found[3] == "  do    Set it."


def test_words_that_no_family_knows_are_shown_whole() -> None:
    text = "Refused to reset w1: its etcd shares data with w2. Remove the member first."
    assert shown(failed("w1", text))[0] == f"w1: {text}"


def test_both_ends_of_a_long_message_stay() -> None:
    found = shown(failed("w1", f"the beginning {'x' * 5000} the end"))[0]
    assert found.startswith("w1: the beginning")
    assert found.endswith("the end")
    assert len(found) < 800


def test_a_unit_is_explained_by_its_own_journal() -> None:
    journal = ["Started x.", "level=info msg=hello", "panic: no configuration", "x: Failed with"]
    unit = {"name": "x.service", "state": "failed failed exit-code", "journal": journal}
    text = "start unit x.service (role r): `systemctl start x.service` ended with 1: Job failed."
    found = shown(failed("w1", text, evidence={"units": [unit]}))
    assert found[0] == (
        "w1: unit x.service did not start (failed failed exit-code): panic: no configuration"
    )
    assert found[2] == "  see   [w1] journalctl -u x.service -n 50 --no-pager"

"""Each template, rendered for every host of both inventories, is accepted by its real program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rendered.conftest import Judge, Sites, checkers, planted, write

COMMANDS = {name: item for name, item in checkers()["templates"].items() if "command" in item}
KUBEADM = "for file in /kubeadm/*.yaml; do kubeadm config validate --config $file >/dev/null; done"

every_template = pytest.mark.parametrize("template", COMMANDS)


@every_template
def test_what_it_renders_to_is_accepted(template: str, sites: Sites, judge: Judge) -> None:
    rendered = sites.rendered(template)
    assert {item.site for item in rendered} == {"lab", "selectel"}
    command = COMMANDS[template]["command"]
    refused = {
        f"{item.site} {item.host} {item.path}": said
        for item in rendered
        if (said := judge.refusal(item.site, item.host, command))
    }
    assert refused == {}


@every_template
def test_a_planted_mistake_is_refused(
    template: str, sites: Sites, judge: Judge, tmp_path: Path
) -> None:
    item, mistake = sites.rendered(template)[0], COMMANDS[template]["planted"]
    write(tmp_path, item.path, planted(item.content, mistake))
    said = judge.refusal(item.site, item.host, COMMANDS[template]["command"], tmp_path)
    assert mistake["says"] in said


def test_kubeadm_accepts_what_every_member_gets(sites: Sites, judge: Judge) -> None:
    seen, refused = set(), {}
    for site, host in sites.hosts():
        files = sites.data[site]["kubeadm"].get(host, {})
        seen |= {(site, name) for name in files}
        if files and (said := judge.refusal(site, host, KUBEADM)):
            refused[f"{site} {host}"] = said
    assert refused == {}
    assert seen == {(site, name) for site in ("lab", "selectel") for name in ("init", "join")}


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("init", {"find": '"controlPlaneEndpoint"', "put": '"endpoint"', "says": "endpoint"}),
        ("init", {"find": '"nftables"', "put": "7", "says": "KubeProxyConfiguration"}),
        ("init", {"find": '"clusterDNS"', "put": '"clusterDnsNames"', "says": "clusterDnsNames"}),
        (
            "join",
            {
                "find": '"kubeConfigPath"',
                "put": '"kubeConfig"',
                "says": '"discovery.file.kubeConfig"',
            },
        ),
    ],
)
def test_kubeadm_refuses_a_planted_mistake(
    name: str, mistake: dict[str, Any], sites: Sites, judge: Judge, tmp_path: Path
) -> None:
    text = sites.data["selectel"]["kubeadm"]["cp1"][name]
    write(tmp_path, f"/kubeadm/{name}.yaml", planted(text, mistake))
    assert mistake["says"] in judge.refusal("selectel", "cp1", KUBEADM, tmp_path)

"""A real API server takes the objects of both sites, and files that API servers read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from tests.rendered.conftest import Sites, checkers, planted
from tests.support.apiserver import api_server

OBJECTS = [name for name, item in checkers()["objects"].items() if item.get("server")]
SERVED = {name: item for name, item in checkers()["templates"].items() if "server" in item}


def flags(sites: Sites, directory: Path, wrong: str = "") -> list[str]:
    """Write the files that API servers read, that of template `wrong` with its mistake."""
    found = []
    for template, item in SERVED.items():
        texts = {rendered.content for rendered in sites.rendered(template)}
        assert len(texts) == 1, f"{template} differs between hosts: one server cannot read them all"
        text = texts.pop()
        path = directory / Path(template).stem
        path.write_text(planted(text, item["planted"]) if template == wrong else text)
        found.append(f"--{item['server']}={path}")
    return found


@pytest.fixture(scope="module")
def kubeconfig(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An API server with the platform's audit policy and rules for anonymous access."""
    directory = tmp_path_factory.mktemp("apiserver")
    with api_server(directory, flags(sites, directory)) as path:
        yield path


def test_the_api_server_starts_with_the_files_that_it_reads(kubeconfig: Path) -> None:
    client = open_client(str(kubeconfig))
    assert client.text("/readyz") == "ok"


@pytest.mark.parametrize("template", SERVED)
def test_it_does_not_start_with_a_planted_mistake(
    template: str, sites: Sites, tmp_path: Path
) -> None:
    with (
        pytest.raises(RuntimeError) as refused,
        api_server(tmp_path, flags(sites, tmp_path, template)),
    ):
        pass
    assert SERVED[template]["planted"]["says"] in str(refused.value)


@pytest.mark.parametrize("site", ["lab", "selectel"])
def test_every_object_is_taken(site: str, sites: Sites, kubeconfig: Path) -> None:
    parsed: dict[str, list[Any]] = {}
    for name in sorted(OBJECTS):
        parsed.setdefault(Path(name).parts[0], []).extend(sites.data[site]["objects"][name] or [])
    components = [(role, items) for role, items in parsed.items() if items]
    options = Options(whole_platform=False, ready_seconds=0)
    client = open_client(str(kubeconfig))
    applied = converge(client, components, options, check=False)
    assert applied["changed"]
    again = converge(open_client(str(kubeconfig)), components, options, check=True)
    assert again["plan"] == []


@pytest.mark.parametrize("template", OBJECTS)
def test_an_unknown_field_is_refused(template: str, sites: Sites, kubeconfig: Path) -> None:
    items = next(
        data["objects"][template] for data in sites.data.values() if data["objects"][template]
    )
    wrong: list[dict[str, Any]] = json.loads(json.dumps(items))
    wrong[-1]["mistaken"] = True
    parsed = [(Path(template).parts[0], wrong)]
    with pytest.raises(PlatformError, match="mistaken"):
        converge(
            open_client(str(kubeconfig)),
            parsed,
            Options(whole_platform=False, ready_seconds=0),
            check=False,
        )

"""A real API server takes the objects of both sites, and files that API servers read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from tests.rendered.conftest import Sites, checkers, planted
from tests.support.apiserver import api_server
from tests.support.site import platform_components

OBJECTS = [name for name, item in checkers()["objects"].items() if item.get("server")]
OPTIONS = Options(whole_platform=False, ready_seconds=0)
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


class Servers:
    """An API server for each site, with the files that it reads and the site's objects.

    One for each, since the objects of a site may bring webhooks that answer in its cluster only.
    """

    def __init__(self, sites: Sites, directory: Path, stack: ExitStack) -> None:
        self._sites, self._directory, self._stack = sites, directory, stack
        self._started: dict[str, tuple[Path, dict[str, Any]]] = {}

    def components(self, site: str) -> list[tuple[str, list[Any]]]:
        """Return the objects of a site by role, those that a server can judge."""
        parsed: dict[str, list[Any]] = {role: [] for role in platform_components()}
        for name in sorted(OBJECTS):
            parsed[Path(name).parts[0]] += self._sites.data[site]["objects"][name] or []
        return [(role, items) for role, items in parsed.items() if items]

    def applied(self, site: str) -> tuple[Path, dict[str, Any]]:
        """Start the server of a site, apply its objects; return kubeconfig and the result."""
        if site not in self._started:
            directory = self._directory / site
            directory.mkdir()
            server = api_server(directory, flags(self._sites, directory))
            kubeconfig = self._stack.enter_context(server)
            client = open_client(str(kubeconfig))
            result = converge(client, self.components(site), OPTIONS, check=False)
            self._started[site] = kubeconfig, result
        return self._started[site]


@pytest.fixture(scope="module")
def servers(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """API servers, started when they are asked for."""
    with ExitStack() as stack:
        yield Servers(sites, tmp_path_factory.mktemp("servers"), stack)


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
def test_the_server_starts_with_its_files_and_takes_every_object(
    site: str, servers: Servers
) -> None:
    kubeconfig, result = servers.applied(site)
    assert result["changed"]
    again = converge(open_client(str(kubeconfig)), servers.components(site), OPTIONS, check=True)
    assert again["plan"] == []


@pytest.mark.parametrize("template", OBJECTS)
def test_an_unknown_field_is_refused(template: str, sites: Sites, servers: Servers) -> None:
    site = next(site for site, data in sites.data.items() if data["objects"][template])
    wrong: list[dict[str, Any]] = json.loads(json.dumps(sites.data[site]["objects"][template]))
    wrong[-1]["mistaken"] = True
    client = open_client(str(servers.applied(site)[0]))
    with pytest.raises(PlatformError, match="mistaken"):
        converge(client, [(Path(template).parts[0], wrong)], OPTIONS, check=False)

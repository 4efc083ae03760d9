"""What the cluster of a site admits: asked of the real one, in every namespace it has."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.support.admission import Admission, pod, pod_spec
from tests.support.database import KUBECONFIG
from tests.support.site import ROOT

DEFAULTS = yaml.safe_load((ROOT / "roles/foundation/defaults/main.yml").read_text())


@pytest.fixture
def admission(site: str) -> Admission:
    """The API server of the site."""
    return Admission(open_client(str(KUBECONFIG)))


def namespaces(admission: Admission) -> list[str]:
    items = admission.client.get("/api/v1/namespaces")["items"]
    return [item["metadata"]["name"] for item in items]


@pytest.mark.lab
def test_a_privileged_pod_is_refused_in_every_namespace_but_the_exceptions(
    admission: Admission,
) -> None:
    privileged = pod(pod_spec(securityContext={"privileged": True}))
    said = {name: admission.refusal(name, privileged) for name in namespaces(admission)}
    found = set(said)
    admitting = {name for name, text in said.items() if "violates PodSecurity" not in text}
    assert [said[name] for name in admitting if said[name]] == [], "refused for another reason"
    assert admitting == set(DEFAULTS["foundation_exceptions"]) & found
    assert "kube-system" in admitting
    assert found - admitting >= set(DEFAULTS["foundation_namespaces"])
    print(f"refused in {len(found) - len(admitting)} namespaces, admitted in {sorted(admitting)}")


@pytest.mark.lab
def test_an_image_from_a_foreign_registry_is_refused_in_every_namespace(
    admission: Admission,
) -> None:
    foreign = pod(pod_spec(image="docker.io/library/nginx:1"))
    said = {name: admission.refusal(name, foreign) for name in namespaces(admission)}
    assert [
        name
        for name, text in said.items()
        if "Image docker.io/library/nginx:1 is refused" not in text
    ] == []
    print(f"refused in {len(said)} namespaces")

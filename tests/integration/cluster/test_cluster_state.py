"""cluster_state against a real API server: check, apply, again, change, conflict, prune."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    ConflictError,
    MissingError,
    PartialError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    parse_objects,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
)

Result = dict[str, Any]

TEXT = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {ns}}}
data: {{colour: green}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: {ns}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {ns}}}
spec:
  selector: {{app: web}}
  ports:
    - {{name: http, port: 80, targetPort: 8080}}
"""


class Site:
    """One component in a namespace of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = f"t-{uuid.uuid4().hex[:10]}"
        self.text = TEXT.format(ns=self.namespace)
        self.component = f"demo_{self.namespace[2:]}"

    def run(self, *, check: bool = False, **options: Any) -> Result:
        parsed = [(self.component, parse_objects(self.text, "test"))]
        chosen = Options(ready_seconds=1.0, **options)
        return converge(open_client(str(self.kubeconfig)), parsed, chosen, check=check)

    def path(self, plural: str, name: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{plural}/{name}"


@pytest.fixture
def site(kubeconfig: Path) -> Iterator[Site]:
    """A site whose namespace is removed afterwards."""
    made = Site(kubeconfig)
    yield made
    cleaner = open_client(str(kubeconfig))
    try:
        found = cleaner.get(f"/api/v1/namespaces/{made.namespace}")
    except MissingError:
        return
    cleaner.delete(f"/api/v1/namespaces/{made.namespace}", found["metadata"]["uid"])


def actions(result: Result) -> list[str]:
    return [f"{row['action']} {row['kind']}" for row in result["plan"]]


CREATED = ["create Namespace", "create ConfigMap", "create Service"]


def test_check_predicts_and_changes_nothing(site: Site, client: KubeClient) -> None:
    predicted = site.run(check=True)
    assert actions(predicted) == CREATED
    assert f"known after Namespace {site.namespace} exists" in predicted["plan"][1]["detail"]
    with pytest.raises(MissingError):
        client.get(f"/api/v1/namespaces/{site.namespace}")
    assert "apply" not in predicted["requests"]
    applied = site.run()
    assert actions(applied) == actions(predicted)


def test_the_second_run_only_lists(site: Site) -> None:
    site.run()
    again = site.run()
    assert again["changed"] is False
    assert again["plan"] == []
    assert set(again["requests"]) == {"get", "total"}
    assert again["requests"]["total"] <= 17  # one for each kind that is swept or declared


def test_a_change_costs_one_dry_run_and_shows_a_diff(site: Site, client: KubeClient) -> None:
    site.run()
    site.text = site.text.replace("green", "blue")
    predicted = site.run(check=True)
    assert actions(predicted) == ["update ConfigMap"]
    assert predicted["plan"][0]["detail"] == 'data.colour ("green", wanted "blue")'
    assert predicted["requests"]["dry_run"] == 1
    (diff,) = predicted["diff"]
    assert "colour: green" in diff["before"]
    assert "colour: blue" in diff["after"]
    applied = site.run()
    assert applied["requests"]["apply"] == 1
    assert client.get(site.path("configmaps", "settings"))["data"] == {"colour": "blue"}


def test_a_field_that_left_the_declaration_goes(site: Site, client: KubeClient) -> None:
    site.text = site.text.replace("{colour: green}", "{colour: green, size: big}")
    site.run()
    site.text = site.text.replace(", size: big", "")
    assert site.run()["plan"][0]["detail"] == "data.size (no longer wanted)"
    assert client.get(site.path("configmaps", "settings"))["data"] == {"colour": "green"}


def test_fields_of_others_are_kept(site: Site, client: KubeClient) -> None:
    site.run()
    client.merge(
        site.path("configmaps", "settings"),
        {"metadata": {"annotations": {"note": "theirs"}}, "data": {"extra": "theirs"}},
    )
    assert site.run()["changed"] is False
    found = client.get(site.path("configmaps", "settings"))
    assert found["data"] == {"colour": "green", "extra": "theirs"}


def edit_as(client: KubeClient, path: str, manager: str, patch: dict[str, Any]) -> None:
    """Write as somebody else."""
    import json  # noqa: PLC0415 - only here

    transport = client._transport
    reply = transport.send(
        "PATCH",
        f"{path}?fieldManager={manager}",
        json.dumps(patch).encode(),
        "application/merge-patch+json",
    )
    assert reply.code == 200, reply.body


def test_a_conflict_names_the_other_manager(site: Site, client: KubeClient) -> None:
    site.run()
    path = site.path("configmaps", "settings")
    edit_as(client, path, "someone", {"data": {"colour": "red"}})
    with pytest.raises(ConflictError, match=r"\.data\.colour is owned by someone"):
        site.run()
    assert client.get(path)["data"] == {"colour": "red"}
    taken = site.run(take_over=frozenset({"someone"}))
    assert actions(taken) == ["update ConfigMap"]
    assert client.get(path)["data"] == {"colour": "green"}
    assert site.run()["changed"] is False


@pytest.mark.parametrize("manager", ["kubectl-edit", "kubectl-client-side-apply", "kubectl"])
def test_what_a_person_changed_is_shown_and_brought_back(
    site: Site, client: KubeClient, manager: str
) -> None:
    site.run()
    path = site.path("configmaps", "settings")
    edit_as(client, path, manager, {"data": {"colour": "red"}})
    predicted = site.run(check=True)
    assert [row["detail"] for row in predicted["plan"]] == [
        f'data ({{"colour": "red"}}, wanted {{"colour": "green"}}); set with {manager}'
    ]
    assert client.get(path)["data"] == {"colour": "red"}
    assert actions(site.run()) == ["update ConfigMap"]
    assert client.get(path)["data"] == {"colour": "green"}
    assert site.run()["changed"] is False


def test_a_program_that_is_called_alike_keeps_its_fields(site: Site, client: KubeClient) -> None:
    site.run()
    edit_as(client, site.path("configmaps", "settings"), "kubectlish", {"data": {"colour": "red"}})
    with pytest.raises(ConflictError, match=r"\.data\.colour is owned by kubectlish"):
        site.run()


def test_an_object_that_exists_is_adopted(site: Site, client: KubeClient) -> None:
    client.apply(
        f"/api/v1/namespaces/{site.namespace}",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": site.namespace}},
    )
    adopted = site.run()
    assert actions(adopted) == ["update Namespace", *CREATED[1:]]
    labels = client.get(f"/api/v1/namespaces/{site.namespace}")["metadata"]["labels"]
    assert labels[COMPONENT_LABEL] == site.component
    assert site.run()["changed"] is False


def test_what_left_the_set_is_pruned_except_the_namespace(site: Site, client: KubeClient) -> None:
    site.run()
    whole = site.text
    settings = next(part for part in whole.split("---") if "ConfigMap" in part)
    site.text = settings
    predicted = site.run(check=True)
    assert actions(predicted) == ["delete Service"]
    assert client.get(site.path("services", "web"))
    assert actions(site.run()) == ["delete Service"]
    with pytest.raises(MissingError):
        client.get(site.path("services", "web"))
    assert client.get(f"/api/v1/namespaces/{site.namespace}")["status"]["phase"] == "Active"
    assert site.run()["changed"] is False


def test_a_claim_that_left_the_set_stays_and_is_told(site: Site, client: KubeClient) -> None:
    without = site.text
    site.text += f"""
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: {site.namespace}}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 1Gi}}}}
"""
    site.run()
    site.text = without
    left = site.run()
    assert left["plan"] == []
    assert left["kept"] == [f"PersistentVolumeClaim {site.namespace}/data"]
    assert client.get(site.path("persistentvolumeclaims", "data"))["status"]["phase"] == "Pending"


def test_a_kind_that_nobody_defines_ends_the_run_before_the_first_change(
    site: Site, client: KubeClient
) -> None:
    site.text += f"""
---
apiVersion: example.org/v1
kind: Nowhere
metadata: {{name: one, namespace: {site.namespace}}}
"""
    for check in (True, False):
        with pytest.raises(InputError) as error:
            site.run(check=check)
        assert str(error.value) == (
            f"{site.component}: Nowhere {site.namespace}/one has the kind example.org/v1 Nowhere, "
            "which neither the API server nor a CustomResourceDefinition of the components "
            "declares. Correct its apiVersion or kind, or list the component with its "
            "definition, too."
        )
    with pytest.raises(MissingError):
        client.get(f"/api/v1/namespaces/{site.namespace}")


def test_definitions_are_served_before_their_objects(site: Site, client: KubeClient) -> None:
    kind = f"Thing{site.namespace[2:]}"
    plural = kind.lower()
    site.text += f"""
---
apiVersion: example.org/v1
kind: {kind}
metadata: {{name: one, namespace: {site.namespace}}}
spec: {{size: 3}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.example.org}}
spec:
  group: example.org
  scope: Namespaced
  names: {{kind: {kind}, plural: {plural}, singular: {plural}, listKind: {kind}List}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {{size: {{type: integer}}}}
"""
    assert actions(site.run(check=True))[1] == "create CustomResourceDefinition"
    site.run()
    path = f"/apis/example.org/v1/namespaces/{site.namespace}/{plural}/one"
    assert client.get(path)["spec"] == {"size": 3}
    assert site.run()["changed"] is False


WORKLOAD = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {ns}}}
spec:
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
        - {{name: web, image: "example.org/web:1"}}
"""


def test_not_ready_names_object_and_reason(site: Site) -> None:
    site.text += WORKLOAD.format(ns=site.namespace)
    with pytest.raises(
        PartialError, match=r"Deployment t-\w+/web: its controller has not seen"
    ) as caught:
        site.run()
    assert len(caught.value.applied) == len(caught.value.planned) == 4
    again = site.run(check=True)
    assert again["changed"] is False
    assert "web" in again["components"][0]["not_ready"][0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("targetPort: 8080", "targettPort: 8080", "field not declared in schema"),
        ("port: 80,", "port: 800000,", "must be between 1 and 65535"),
    ],
)
def test_a_wrong_declaration_changes_nothing(
    site: Site, client: KubeClient, old: str, new: str, message: str
) -> None:
    site.run()
    site.text = site.text.replace(old, new).replace("green", "blue")
    with pytest.raises(ClusterError, match=message):
        site.run()
    assert client.get(site.path("configmaps", "settings"))["data"] == {"colour": "green"}


def test_an_unknown_kind_is_refused(site: Site) -> None:
    site.text += "\n---\n{apiVersion: no.example/v1, kind: Nothing, metadata: {name: x}}\n"
    with pytest.raises(InputError, match="neither the API server nor"):
        site.run()


def test_two_components_keep_out_of_each_others_objects(site: Site, client: KubeClient) -> None:
    site.run()
    other = Site(site.kubeconfig)
    other.namespace = site.namespace
    other.text = site.text.replace("settings", "other").split("---")[0]
    assert actions(other.run()) == ["create ConfigMap"]
    assert site.run()["changed"] is False
    assert client.get(site.path("configmaps", "other"))

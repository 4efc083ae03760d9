"""Images in Kubernetes objects: found wherever they are named, missing ones told with the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from lab.builder.references import check_manifest, missing, normalised, references

DIGEST = "sha256:" + "1" * 64
HELD = Entry("image", "quay.io/team/held", "images", 1, version="v1", digest=DIGEST)
OWN_HOST = Entry("image", "registry.example.com/a/b", "images", 1, version="v1", digest=DIGEST)


def workload(**container: Any) -> dict[str, Any]:
    """Return a Deployment with one container."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app", "namespace": "team"},
        "spec": {"template": {"spec": {"containers": [{"name": "c", **container}]}}},
    }


def found(document: dict[str, Any], *hosts: str) -> list[tuple[str, str]]:
    """Return image and path of each reference."""
    return [(item.image, item.path) for item in references([document], hosts)]


C0 = "spec.template.spec.containers[0]"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (workload(image="quay.io/a/b:v1"), [("quay.io/a/b:v1", f"{C0}.image")]),
        (workload(image="busybox"), [("docker.io/library/busybox:latest", f"{C0}.image")]),
        (
            workload(args=["--image=quay.io/a/b:v1", "--log=info"]),
            [("quay.io/a/b:v1", f"{C0}.args[0]")],
        ),
        (
            workload(env=[{"name": "SIDECAR", "value": f"ghcr.io/a/b@{DIGEST}"}]),
            [(f"ghcr.io/a/b@{DIGEST}", f"{C0}.env[0].value")],
        ),
        (
            workload(args=["a=eu.gcr.io/a/b:1,b=docker.io/c/d:2"]),
            [
                ("eu.gcr.io/a/b:1", f"{C0}.args[0]"),
                ("docker.io/c/d:2", f"{C0}.args[0]"),
            ],
        ),
        (
            {"kind": "Widget", "metadata": {"name": "w"}, "spec": {"imageName": "quay.io/a/b:v1"}},
            [("quay.io/a/b:v1", "spec.imageName")],
        ),
        (workload(args=["see https://quay.io/repository/a:b", "quay.io/a/b"]), []),
        (workload(args=["notquay.io/a/b:v1"]), []),
        ({"kind": "ConfigMap", "data": {"x": "nothing: here"}}, []),
        (
            {
                "kind": "CustomResourceDefinition",
                "spec": {
                    "description": "such as quay.io/a/b:v1",
                    "image": {"default": "quay.io/c/d:v2"},
                },
            },
            [("quay.io/c/d:v2", "spec.image.default")],
        ),
    ],
)
def test_images_are_found(document: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert found(document) == expected


def test_hosts_of_the_bundle_are_looked_for_too() -> None:
    document = workload(args=["registry.example.com/a/b:v1"])
    assert found(document) == []
    assert found(document, "registry.example.com") == [
        ("registry.example.com/a/b:v1", f"{C0}.args[0]")
    ]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1", "docker.io/library/nginx:1"),
        ("team/nginx:1", "docker.io/team/nginx:1"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        (f"quay.io/a/b:v1@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
    ],
)
def test_short_names_are_read_as_a_runtime_reads_them(image: str, expected: str) -> None:
    assert normalised(image) == expected


def test_a_tag_or_the_digest_is_enough() -> None:
    named = [workload(image="quay.io/team/held:v1"), workload(image=f"quay.io/team/held@{DIGEST}")]
    assert missing(references(named), [HELD]) == []
    other = missing(references([workload(image="quay.io/team/held:v2")]), [HELD])
    assert [item.image for item in other] == ["quay.io/team/held:v2"]


def check(tmp_path: Path, *documents: dict[str, Any], unused: dict[str, str] | None = None) -> None:
    """Check a manifest of `documents` against a bundle with one image."""
    path = tmp_path / "m.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    check_manifest(path, "manifest probe 1.0", (HELD, OWN_HOST), unused or {})


def test_a_forgotten_image_is_named_with_object_and_path(tmp_path: Path) -> None:
    check(tmp_path, workload(image="quay.io/team/held:v1"))
    with pytest.raises(InputError) as refused:
        check(tmp_path, workload(image="quay.io/team/held:v1", args=["--i=quay.io/team/other:v9"]))
    text = str(refused.value)
    for part in ("manifest probe 1.0", "quay.io/team/other:v9", "Deployment team/app", "args[0]"):
        assert part in text
    assert "held" not in text


def test_what_roles_leave_out_is_allowed_while_it_is_named(tmp_path: Path) -> None:
    unused = {"quay.io/team/other:v9": "the role leaves that Deployment out"}
    check(tmp_path, workload(image="quay.io/team/other:v9"), unused=unused)
    with pytest.raises(InputError, match=r"does not name quay\.io/team/other:v9"):
        check(tmp_path, workload(image="quay.io/team/held:v1"), unused=unused)

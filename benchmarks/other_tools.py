"""Plans by other tools: OctoDNS and Terraform, with a thousand resources each.

Both compare a declaration with a state on disk, and neither sends a request. OctoDNS: a zone of A
records, as its own dump writes it, with the YAML provider on both sides. Terraform: a `for_each`
over a map, the usual way to declare a thousand similar resources, of the builtin `terraform_data`;
this module writes the state as Terraform does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import command
from benchmarks.world import name, queries

if TYPE_CHECKING:
    from collections.abc import Callable

_OCTODNS = """\
providers:
  files:
    class: octodns.provider.yaml.YamlProvider
    directory: ./zones
  target:
    class: octodns.provider.yaml.YamlProvider
    directory: ./target
zones:
  example.test.:
    sources: [files]
    targets: [target]
"""

_TERRAFORM = """\
locals {
  segments = jsondecode(file("${path.module}/segments.json"))
}
resource "terraform_data" "segment" {
  for_each = local.segments
  input    = each.value
}
"""


def octodns(root: Path, count: int) -> Callable[[], object] | None:
    """Return a function that plans this many unchanged records, or None without OctoDNS."""
    program = Path(sysconfig.get_path("scripts")) / "octodns-sync"
    if not program.exists():
        sys.stderr.write("octodns is not installed and not measured: pip install -e '.[bench]'\n")
        return None
    zone = "---\n" + "".join(
        f"host-{number:05}:\n  ttl: 300\n  type: A\n  value: 192.0.2.{number % 250 + 1}\n"
        for number in range(count)
    )
    for folder in ("zones", "target"):
        (root / folder).mkdir(parents=True)
        (root / folder / "example.test.yaml").write_text(zone)
    (root / "config.yaml").write_text(_OCTODNS)
    argv = [str(program), "--config-file", "config.yaml"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True)
    assert "No changes were planned" in done.stdout + done.stderr
    return command(*argv, quiet=True, cwd=root)


def terraform(root: Path, count: int) -> Callable[[], object] | None:
    """Return a function that plans this many unchanged resources, or None without Terraform."""
    program = shutil.which("terraform")
    if program is None:
        sys.stderr.write("terraform is not installed and not measured\n")
        return None
    root.mkdir(parents=True)
    query_by_name = {name(number): query for number, query in enumerate(queries(count))}
    (root / "segments.json").write_text(json.dumps(query_by_name))
    (root / "main.tf").write_text(_TERRAFORM)
    # Terraform would otherwise ask a server for its newest version.
    env = {"CHECKPOINT_DISABLE": "1"}
    command(program, "init", "-input=false", cwd=root, env=env, quiet=True)()
    (root / "terraform.tfstate").write_text(json.dumps(_state(query_by_name)))
    # Exit code 2 would mean that there are changes.
    argv = [program, "plan", "-input=false", "-detailed-exitcode"]
    return command(*argv, quiet=True, cwd=root, env=env)


def _state(query_by_name: dict[str, str]) -> dict[str, object]:
    instances = []
    for key, query in query_by_name.items():
        value = {"value": query, "type": "string"}
        attributes = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
            "input": value,
            "output": value,
            "triggers_replace": None,
        }
        instances.append({"index_key": key, "schema_version": 0, "attributes": attributes})
    return {
        "version": 4,
        "terraform_version": "1.4.0",
        "serial": 1,
        "lineage": str(uuid.uuid5(uuid.NAMESPACE_URL, "segctl")),
        "outputs": {},
        "resources": [
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": "segment",
                "provider": 'provider["terraform.io/builtin/terraform"]',
                "instances": instances,
            }
        ],
    }

"""What Kubernetes mounts is not laid out as people lay it out: rules behind links, keys that are root's."""

import os
import shutil
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.store.keyfile import load_key, open_to_others
from tests.support.terminal import run

NOBODY = 65_534

RULE = """title: {title}
id: 6f1b7c52-31a5-4f0a-9a6e-1f5f6f8f0d11
logsource: {{category: application}}
detection: {{selection: {{message|contains: northwind-secret}}, condition: selection}}
level: medium
"""


def mount(folder: Path, stamp: str, title: str) -> None:
    """Lay out a ConfigMap as the kubelet does: files beside, one link to them that is exchanged at once."""
    folder.mkdir(exist_ok=True)
    (folder / stamp).mkdir()
    (folder / stamp / "ours.yml").write_text(RULE.format(title=title), encoding="utf-8")
    (folder / "..data_tmp").symlink_to(stamp)
    (folder / "..data_tmp").rename(folder / "..data")
    if not (folder / "ours.yml").is_symlink():
        (folder / "ours.yml").symlink_to("..data/ours.yml")


def test_a_mounted_rule_is_read_once_and_called_by_its_name(tmp_path):
    rules = tmp_path / "rules"
    mount(rules, "..2026_11_25_10_00_00.1", "A word")
    mount(rules, "..2026_11_25_11_00_00.2", "Another word")
    shutil.rmtree(rules / "..2026_11_25_10_00_00.1")
    done = run(["check", "rules"], cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    (rules / "..data" / "ours.yml").write_text("title: x\n", encoding="utf-8")
    said = run(["check", "rules"], cwd=tmp_path).out
    assert "rules/ours.yml:1" in said
    assert "..2026" not in said


@pytest.mark.parametrize(
    ("mode", "owner", "user", "exposed"),
    [
        (0o600, 1000, 1000, False),
        (0o400, 1000, 1000, False),
        (0o640, 1000, 1000, True),
        (0o440, 0, 1000, False),
        (0o640, 0, 1000, False),
        (0o660, 0, 1000, True),
        (0o444, 0, 1000, True),
        (0o440, 0, 0, True),
    ],
)
def test_a_key_is_its_owners_or_that_of_a_group_root_gave_it_to(mode, owner, user, exposed):
    assert open_to_others(mode, owner, user) is exposed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a file over")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o444, False)])
def test_a_key_that_root_handed_to_our_group_is_taken(tmp_path, mode, taken):
    key = tmp_path / "privwatch.key"
    key.write_text("5b" * 32 + "\n", encoding="ascii")
    os.chown(key, 0, NOBODY)
    key.chmod(mode)
    for each in [tmp_path, *tmp_path.parents][:4]:
        each.chmod(each.stat().st_mode | 0o755)
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([NOBODY])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        if taken:
            assert load_key(key) == bytes([0x5B]) * 32
        else:
            with pytest.raises(StoreError, match="others may read the key file"):
                load_key(key)
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)

"""The same log as NDJSON, gzip, zstd and Parquet holds the same violations."""

import gzip
import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from monitor.app import ReplayOptions, replay, shipped_rules
from monitor.demo import generate


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("week")
    generate(folder, events_per_day=400)
    return folder / "application.ndjson"


def told(path: Path, folder: Path) -> list[tuple[object, ...]]:
    options = ReplayOptions((str(path),), (shipped_rules(),), folder / f"{path.name}.db", folder / "key")
    found = replay(options).violations
    return sorted((v.fingerprint, v.count, v.first or 0, v.last or 0, v.subjects, v.path) for v in found)


def test_every_format_gives_the_same_violations(log: Path, tmp_path: Path) -> None:
    data = log.read_bytes()
    (tmp_path / "log.ndjson.gz").write_bytes(gzip.compress(data))
    with pa.CompressedOutputStream(str(tmp_path / "log.ndjson.zst"), "zstd") as stream:
        stream.write(data)
    pl.read_ndjson(io.BytesIO(data), infer_schema_length=None).write_parquet(tmp_path / "log.parquet")
    expected = told(log, tmp_path)
    assert len(expected) > 50
    for name in ("log.ndjson.gz", "log.ndjson.zst", "log.parquet"):
        assert told(tmp_path / name, tmp_path) == expected, name

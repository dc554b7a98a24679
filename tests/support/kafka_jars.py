"""Gets Apache Kafka itself as jars through Maven, once, into the checkout's cache folder."""

import shutil
import subprocess
from pathlib import Path

from tests.support import debian

VERSION = "4.4.0"
# Kafka names slf4j as its logging interface and leaves the binding to whoever starts it.
POM = f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>privwatch</groupId>
  <artifactId>test-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "kafka"
MINUTES = 15


def jars() -> Path | None:
    """The folder of jars where they have been got, else None."""
    folder = FOLDER / VERSION
    return folder if list(folder.glob("kafka_2.13-*.jar")) else None


def missing() -> str:
    """Why a Kafka server cannot be started here, or an empty string."""
    if shutil.which("java") is None:
        return "no Java on this machine (17 or newer starts Apache Kafka)"
    if jars() is None:
        return (
            f"the jars of Apache Kafka {VERSION} are not in {FOLDER.name}/ (`make test` gets them with Maven)"
        )
    return ""


def provision() -> str:
    """Get what is missing; returns why it could not be had, or an empty string."""
    wanted = [
        package
        for tool, package in (("java", "default-jre-headless"), ("mvn", "maven"))
        if shutil.which(tool) is None and (tool == "java" or jars() is None)
    ]
    if wanted:
        debian.install(wanted)
    if shutil.which("java") and jars() is None and shutil.which("mvn"):
        problem = _copy_jars()
        if problem:
            return problem
    return missing()


def _copy_jars() -> str:
    """Maven copies the server and everything it needs; a half-done copy is never taken for a whole one."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "pom.xml").write_text(POM, encoding="utf-8")
    partial = FOLDER / f"{VERSION}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    for offline in (["-o"], []):
        try:
            done = subprocess.run(
                [*command, *offline],
                cwd=FOLDER,
                capture_output=True,
                text=True,
                timeout=MINUTES * 60,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return f"Maven did not get Apache Kafka {VERSION} within {MINUTES} minutes"
        if done.returncode == 0:
            partial.rename(FOLDER / VERSION)
            return ""
    last = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line][:1]
    return f"Maven could not get Apache Kafka {VERSION}: {' '.join(last)[:200]}"

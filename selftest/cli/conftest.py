"""Every test here has its own place for labs."""

from selftest.support.lab_fixtures import lab_file, namespace, running_lab, runtime_directory, topology

__all__ = ["lab_file", "namespace", "running_lab", "runtime_directory", "topology"]

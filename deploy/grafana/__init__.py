"""Dashboards for Grafana: `source` makes the JSON in `dashboards`, `provisioning` has Grafana load it."""

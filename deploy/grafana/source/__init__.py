"""The dashboards as code: `python -m deploy.grafana.source` writes their JSON anew."""

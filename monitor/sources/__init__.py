"""Where records come from, each behind the port `monitor.ports.Source`."""

"""What it takes to run privwatch, from an image to dashboards."""

"""Report text → labels: density, BI-RADS categories, findings, places."""

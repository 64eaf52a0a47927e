"""Card -> what people read: README, plots, the report page."""

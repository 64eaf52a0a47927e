"""Financial institutions: glossaries, reports, profiles; a site is one YAML file in ``spiders/sites``."""

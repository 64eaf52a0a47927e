"""A small sample world authored for Kanagura: a web site, an EDINET API, a dump and models."""

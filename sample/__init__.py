"""A small sample world on loopback: a site like the Bank of Japan's, an EDINET API, institutions, a dump."""

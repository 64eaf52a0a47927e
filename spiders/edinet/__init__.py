"""EDINET, the disclosure system of the Financial Services Agency: lists by day, filings, what becomes of them."""

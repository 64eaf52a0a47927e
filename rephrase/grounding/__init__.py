"""What texts state: quantities, periods and names, and what a passage proves of them."""

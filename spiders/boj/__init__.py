"""The Bank of Japan: speeches, press conferences, minutes, opinions, statements, outlook reports."""

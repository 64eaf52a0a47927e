"""The report on any set of evaluated models: tables, figures and examples, as HTML, Markdown, LaTeX and JSON."""

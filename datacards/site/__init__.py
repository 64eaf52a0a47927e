"""The store as static pages that need no server: catalog, cards, documents, lineage, differences."""

"""The catalog: accounts, entities, checks, alarms, plans, targets, suppressions, zones."""

from consumer.adapters.catalog.imports import import_directory
from consumer.adapters.catalog.opening import open_catalog
from consumer.adapters.catalog.references import check_references

__all__ = ["check_references", "import_directory", "open_catalog"]

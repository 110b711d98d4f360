"""The catalog: accounts, entities, checks, alarms, plans, contacts."""

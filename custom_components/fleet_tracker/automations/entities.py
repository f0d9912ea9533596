"""Which entities of our vehicles a trigger or condition looks at."""

from __future__ import annotations

from collections.abc import Iterable

from homeassistant.helpers.entity_registry import EntityRegistry

from ..const import DOMAIN
from .table import Basis


def entities_of(
    registry: EntityRegistry, basis: Basis, entity_ids: Iterable[str]
) -> set[str]:
    """Return those of the entities that are ours and show what is looked at.

    The registry knows this also of an entity that has no state now, as while its account
    is not loaded.
    """
    return {
        entity_id
        for entity_id in entity_ids
        if (entry := registry.async_get(entity_id)) is not None
        and entry.platform == DOMAIN
        and entry.domain == basis.platform
        and entry.translation_key == basis.key
    }

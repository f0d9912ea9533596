"""Texts, icons and descriptions of actions against the code that uses them.

What can be is taken from the running code: the registry of vendors with their tables,
forms and actions. The rest is read from the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
import importlib
import re
from types import ModuleType
from typing import Any

from homeassistant.const import Platform
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import SelectSelector, validate_selector
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from .code import NamedKeys, find_keys
from .integration import ENGLISH, Integration
from .texts import flatten

# Sections whose keys may also come from a table that the source reading does not follow.
_KEYS_FROM_ANYWHERE = ("config.error.", "exceptions.", "issues.", "options.error.")

_BROWSER_KEY = re.compile(r'"(dashboard_[a-z]\w*)"')
"""How a text of `common` is named in the modules that run in the browser."""

TRACKERS = {"entity": [{"integration": "fleet_tracker", "domain": "device_tracker"}]}
"""The target of the actions of vehicles."""


@dataclass
class Expected:
    """The texts that the code needs, and those that may be there as well."""

    needed: set[str] = field(default_factory=set)
    patterns: list[str] = field(default_factory=list)

    def need(self, *paths: str) -> None:
        """Note texts that must be there."""
        self.needed.update(paths)

    def allow(self, *patterns: str) -> None:
        """Note texts that may be there."""
        self.patterns += patterns

    def compare(
        self, integration: Integration, name: str, found: set[str], known: set[str]
    ) -> None:
        """Note what is missing and what nothing uses."""
        for path in sorted(self.needed - found):
            integration.complain(name, f"{path} is missing")
        for path in sorted(found - self.needed):
            is_known = path.startswith(_KEYS_FROM_ANYWHERE) and (
                set(path.split(".")[1:3]) & known
            )
            if not is_known and not any(
                fnmatchcase(path, pattern) for pattern in self.patterns
            ):
                integration.complain(name, f"nothing uses {path}")


def _platform_of(description: object) -> str:
    """Return the platform of an entity description."""
    return next(
        base.__module__.split(".")[2]
        for base in type(description).__mro__
        if base.__module__.startswith("homeassistant.components.")
    )


_AFTER_SET_UP = ("account/", "actions/", "contract/history.py")
"""Where errors are raised that checking what was entered in a form never ends with."""


def _is_of(path: str, vendors: Sequence[str]) -> bool:
    """Tell whether a file is shared by all vendors, or of one of these."""
    _, below, rest = path.partition("vendors/")
    return not below or rest.partition("/")[0] in vendors


class Usage:
    """The texts, icons and actions that the code uses."""

    def __init__(self, integration: Integration) -> None:
        """Load the code."""
        self._integration = integration
        self._contract = self._module("contract.errors")
        self._const = self._module("const")
        self._flow = self._module("offer.flow")
        self._flow_parts = self._module("flow_parts")
        self._options = self._module("account.options")
        self._vehicle_settings = self._module("account.vehicle_settings")
        self._vendors: Mapping[str, Any] = {
            key: self._module(f"vendors.{key}").VENDOR
            for key in self._module("vendors").VENDORS
        }
        self._modules = [
            self._module(platform.value)
            for platform in Platform
            if f"{platform.value}.py" in integration.sources
        ]
        # The errors of all vendors are known once their packages are loaded.
        self._errors = list(_subclasses(self._contract.VendorError))
        self._keys: NamedKeys = find_keys(
            integration.sources, {error.__name__ for error in self._errors}
        )
        self._texts = Expected()
        self._icons = Expected()

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self._integration.package}.{name}")

    def check(self) -> None:
        """Note texts, icons and actions that are missing or that nothing uses."""
        self._expect_entities()
        self._expect_flows()
        self._expect_messages()
        self._expect_actions()
        self._expect_automations()
        integration, known = self._integration, self._keys.constants
        for name, expected, content in (
            (ENGLISH, self._texts, integration.strings),
            ("icons.json", self._icons, integration.icons),
        ):
            found = {path for path, _ in flatten(content)}
            expected.compare(integration, name, found, known)

    # --- entities

    def _descriptions(self) -> Iterator[tuple[str, Any]]:
        """Yield the platform and the description of each kind of entity."""
        kinds = (
            self._module("offer.descriptions").FleetDescription,
            self._module("account_entity").AccountDescription,
        )
        modules = [*self._modules, self._module("account_sensors")]
        containers: list[Any] = [vars(module).values() for module in modules]
        containers += [
            vars(vendor.entities).values() for vendor in self._vendors.values()
        ]
        for container in containers:
            for value in container:
                for one in value if isinstance(value, tuple) else (value,):
                    if isinstance(one, kinds):
                        yield _platform_of(one), one

    def _expect_entities(self) -> None:
        for kind in self._module("model.vehicle_kind").VehicleKind:
            self._icons.need(f"entity.{Platform.DEVICE_TRACKER}.{kind}.default")
        for platform, description in self._descriptions():
            key = description.translation_key or description.key
            path = f"entity.{platform}.{key}"
            for part in getattr(description, "worded_parts", ()):
                self._texts.need(f"{path}_{part}.name")
                self._icons.need(f"{path}_{part}.default")
            # A device class brings a name and an icon, and a tracker has the device's.
            if description.device_class or platform == Platform.DEVICE_TRACKER:
                self._texts.allow(f"{path}.name")
                self._icons.allow(f"{path}.default", f"{path}.state.*")
            else:
                self._texts.need(f"{path}.name")
                self._icons.need(f"{path}.default")
                self._icons.allow(f"{path}.state.*", f"{path}.range.*")
            self._texts.allow(f"{path}.state_attributes.*")
            if options := getattr(description, "options", None):
                self._texts.need(*(f"{path}.state.{option}" for option in options))
            elif platform == Platform.BINARY_SENSOR:
                self._texts.allow(f"{path}.state.on", f"{path}.state.off")
            if not getattr(description, "native_unit_of_measurement", None):
                self._texts.allow(f"{path}.unit_of_measurement")
            for kind in getattr(description, "types", ()):
                self._texts.need(
                    f"{path}.state_attributes.event_type.state.{kind}",
                    f"{path}.state_attributes.event_type.state.other",
                )

    # --- flows

    def _expect_flows(self) -> None:
        forms: dict[str, list[vol.Schema]] = {}
        for vendor in self._vendors.values():
            self._texts.need(f"config.step.user.menu_options.{vendor.key}")
            for name, schema in self._forms(vendor):
                forms.setdefault(name, []).append(schema)
        for step, schemas in forms.items():
            for schema in schemas:
                self._expect_form(step, schema)
        self._texts.allow(
            "config.step.user.menu_option_descriptions.*", "config.flow_title"
        )
        subentry = f"config_subentries.{self._const.SUBENTRY_VEHICLE}"
        adds_vehicles = any(one.flow.vehicles for one in self._vendors.values())
        paths = {"config": "config", "options": "options", "subentry": subentry}
        for kind, path in paths.items():
            if kind == "subentry" and not adds_vehicles:
                continue
            for step in self._keys.steps.get(kind, ()):
                if adds_vehicles or step != "accept_vehicle":
                    self._texts.need(f"{path}.step.{step}.title")
            for reason in self._keys.reasons.get(kind, ()):
                self._texts.need(f"{path}.abort.{reason}")
        self._texts.allow("*.step.*.title", "*.step.*.description", "*.step.*.submit")
        if adds_vehicles:
            self._texts.need(
                f"{subentry}.entry_type",
                f"{subentry}.initiate_flow.user",
                f"{subentry}.initiate_flow.reconfigure",
            )
        every = [*self._vendors]
        self._texts.need(*(f"config.error.{key}" for key in self._form_errors(every)))
        if adds_vehicles:
            adding = [key for key, one in self._vendors.items() if one.flow.vehicles]
            self._texts.need(
                *(f"{subentry}.error.{key}" for key in self._form_errors(adding))
            )
            self._texts.allow(f"{subentry}.error.*")

    def _form_errors(self, vendors: Sequence[str]) -> Iterator[str]:
        """Yield the keys of the errors that checking what was entered may end with.

        They are those of the contract, and of the packages of these vendors.
        """
        contract = self._contract
        others = (
            contract.CommandFailed,
            contract.CommandUnconfirmed,
            contract.InvalidArgument,
            contract.VehicleUnavailable,
        )
        for error in self._errors:
            if issubclass(error, others):
                continue
            if _is_of(error.__module__.replace(".", "/"), vendors):
                yield error.key
            for key, raised in self._keys.errors.items():
                if any(
                    name == error.__name__
                    and _is_of(file, vendors)
                    and not file.startswith(_AFTER_SET_UP)
                    for name, file in raised
                ):
                    yield key

    def _forms(self, vendor: Any) -> Iterator[tuple[str, vol.Schema]]:
        """Yield the path of each form of a vendor's flows, and what it asks."""
        flow = vendor.flow
        entry = MockConfigEntry(
            domain=self._integration.domain,
            data={self._const.CONF_VENDOR: vendor.key, self._const.CONF_IDENTITY: ""},
        )
        first = flow.form("", {})
        yield f"config.step.{vendor.key}", first
        yield "config.step.reconfigure", first
        for name in flow.further_forms:
            yield f"config.step.{vendor.key}_{name}", flow.form(name, {})
            if name == self._flow.PUSH_FORM:
                address = vol.Schema(
                    self._flow_parts.push_fields("https://example.org")
                )
                for kind in ("config", "options"):
                    yield f"{kind}.step.{vendor.key}_{name}", address
                    nothing = f"{vendor.key}_{self._flow.NO_PUSH_FORM}"
                    yield f"{kind}.step.{nothing}", vol.Schema({})
        if schema := flow.reauth_form():
            yield "config.step.reauth_confirm", schema
        for page in ("settings", "vehicle", "blueprints"):
            self._texts.need(f"options.step.init.menu_options.{page}")
        yield "options.step.vehicle", self._vehicle_settings.vehicle_form({})
        yield "options.step.vehicle_settings", self._vehicle_settings.settings_form()
        if vendor.pushes:
            page = f"{vendor.key}_{self._flow.PUSH_FORM}"
            self._texts.need(f"options.step.init.menu_options.{page}")
        fields = self._options.option_fields(entry, vendor)
        yield "options.step.settings", self._options.options_schema(fields, {}, ())
        if vehicles := flow.vehicles:
            subentry = f"config_subentries.{self._const.SUBENTRY_VEHICLE}"
            self._texts.need("config.create_entry.add_vehicles")
            ending = vehicles.what_to_do_next or "default"
            self._texts.need(f"{subentry}.create_entry.{ending}")
            if schema := vehicles.accept_form():
                yield "config.step.accept_vehicle", schema
            yield f"{subentry}.step.user", vehicles.form({})
            yield f"{subentry}.step.reconfigure", vehicles.settings_form({})

    def _expect_form(self, path: str, schema: vol.Schema) -> None:
        for marker, value in schema.schema.items():
            if isinstance(value, section):
                self._texts.need(f"{path}.sections.{marker}.name")
                self._texts.allow(f"{path}.sections.{marker}.description")
                self._expect_form(f"{path}.sections.{marker}", value.schema)
                continue
            self._texts.need(f"{path}.data.{marker}")
            self._texts.allow(f"{path}.data_description.{marker}")
            if isinstance(value, SelectSelector):
                self._expect_options(value.config)

    def _expect_options(self, select: Mapping[str, Any]) -> None:
        """Expect the texts of a selector's options, where it has any."""
        if key := select.get("translation_key"):
            for option in select["options"]:
                value = option["value"] if isinstance(option, dict) else option
                self._texts.need(f"selector.{key}.options.{value}")

    # --- messages

    def _expect_messages(self) -> None:
        keys = self._keys
        own_keys = {error.key for error in self._errors}
        for key in keys.exceptions | own_keys | set(keys.errors):
            self._texts.need(f"exceptions.{key}.message")
        for key in keys.issues:
            self._texts.need(f"issues.{key}.title")
            self._texts.allow(f"issues.{key}.*")
        self._texts.need(*(f"device.{key}.name" for key in keys.devices))
        self._texts.need(*(f"common.{key}" for key in keys.common))
        for text in self._integration.browser_modules.values():
            self._texts.need(*(f"common.{key}" for key in _BROWSER_KEY.findall(text)))

    # --- actions

    def _expect_actions(self) -> None:
        described = self._integration.services
        services = self._module("services")
        offered: dict[str, set[str]] = {
            services.CALL_API: {
                str(marker) for marker in services.CALL_API_SCHEMA.schema
            },
            services.INSTALL_BLUEPRINTS: set(),
        }
        targets = self._module("offer.action").ActionTarget
        actions = [
            *services.COMMON_ACTIONS,
            *(one for vendor in self._vendors.values() for one in vendor.actions),
        ]
        for action in actions:
            on_vehicles = action.target is targets.VEHICLES
            offered.setdefault(
                action.name, set() if on_vehicles else {services.ATTR_CONFIG_ENTRY}
            ).update(str(marker) for marker in action.fields)
            expected = TRACKERS if on_vehicles else None
            if (described.get(action.name) or {}).get("target") != expected:
                self._integration.complain(
                    "services.yaml", f"{action.name} has another target than meant"
                )
        self._compare("is described, but not offered", set(described) - set(offered))
        self._compare("is offered, but not described", set(offered) - set(described))
        for name, described_action in described.items():
            action = described_action or {}
            fields = dict(_fields(action.get("fields") or {}))
            self._compare(
                f"has these fields only in the description of {name}",
                set(fields) - offered.get(name, set()),
            )
            self._compare(
                f"is not in the description of {name}",
                offered.get(name, set()) - set(fields),
            )
            self._expect_action(name, fields)
            for key, value in (action.get("fields") or {}).items():
                if "fields" in value:
                    self._texts.need(f"services.{name}.sections.{key}.name")
                    self._texts.allow(f"services.{name}.sections.{key}.description")

    def _expect_action(self, name: str, fields: Mapping[str, Any]) -> None:
        path = f"services.{name}"
        self._texts.need(f"{path}.name", f"{path}.description")
        self._icons.need(f"{path}.service")
        for key, value in fields.items():
            self._texts.need(
                f"{path}.fields.{key}.name", f"{path}.fields.{key}.description"
            )
            self._texts.allow(f"{path}.fields.{key}.example")
            selector = (value or {}).get("selector", {})
            try:
                validate_selector(selector)
            except vol.Invalid as err:
                self._integration.complain("services.yaml", f"{name}.{key}: {err}")
                continue
            if select := selector.get("select"):
                self._expect_options(select)

    # --- triggers and conditions

    def _expect_automations(self) -> None:
        """Expect words of each trigger and condition, and an icon but for device triggers.

        Whether Home Assistant can read the rest is up to the tests: the selectors of 2026
        do not exist in 2025.
        """
        table = self._module("automations.table")
        for key, row in table.DEVICE_TRIGGERS.items():
            self._texts.need(f"device_automation.trigger_type.{key}")
            for choice in (table.ANY, *row.choices) if row.choices else ():
                self._texts.need(f"device_automation.trigger_subtype.{choice}")
        for kind in ("trigger", "condition"):
            described = self._integration.read_yaml(f"{kind}s.yaml")
            for key, description in described.items():
                path = f"{kind}s.{key}"
                self._texts.need(f"{path}.name", f"{path}.description")
                self._icons.need(f"{path}.{kind}")
                for name, field_ in _fields(description.get("fields", {})):
                    words = f"{path}.fields.{name}"
                    self._texts.need(f"{words}.name", f"{words}.description")
                    if select := field_["selector"].get("select"):
                        self._expect_options(select)

    def _compare(self, what: str, names: Iterable[str]) -> None:
        for name in sorted(names):
            self._integration.complain("services.yaml", f"{name} {what}")


def _fields(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an action, those in sections too."""
    for key, value in fields.items():
        if value and "fields" in value:
            yield from _fields(value["fields"])
        else:
            yield key, value


def _subclasses(kind: Any) -> Iterator[Any]:
    """Yield a class and everything derived from it."""
    yield kind
    for one in kind.__subclasses__():
        yield from _subclasses(one)

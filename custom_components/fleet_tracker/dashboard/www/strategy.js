// The dashboard: a page of all vehicles, and one for each.

import { vehicleAt, vehiclePath } from "./actions.js";
import { entitiesOf, entityOf, fleet, loadWords } from "./fleet.js";
import { KIND_ICONS, mayControl, nameOf } from "./format.js";

/** @typedef {{ id: string, name: string, kind: string }} Page the vehicle of a page */

/**
 * Return what the list of pages is made of, as a text that changes with it.
 *
 * @param {Vehicle[]} vehicles
 */
const factsOf = (vehicles) => JSON.stringify(vehicles.map(({ id, name, kind }) => [id, name, kind]));

/**
 * Return which vehicles Home Assistant has entities of, as a text that changes with them.
 *
 * @param {Hass} hass
 */
const registered = (hass) =>
  Object.values(hass.entities)
    .flatMap((one) => {
      if (one?.platform !== "fleet_tracker" || !one.entity_id.startsWith("device_tracker.")) return [];
      const device = /** @type {any} */ (hass.devices[one.device_id ?? ""]);
      return `${one.device_id} ${device?.name_by_user ?? device?.name}`;
    })
    .sort()
    .join("\n");

/**
 * Return what the page of a vehicle is made of, as a text that changes with it.
 *
 * @param {Hass} hass
 * @param {Vehicle | undefined} vehicle
 */
const partsOf = (hass, vehicle) =>
  JSON.stringify(
    vehicle ? [
      vehicle.name,
      vehicle.kind,
      vehicle.entities,
      vehicle.controls,
      entitiesOf(vehicle).map((id) => [id in hass.states, nameOf(hass, id, vehicle), hass.entities[id]?.entity_category]),
    ] : null,
  );

/** What the list of pages was made of last. */
let madeOf = "";
/** The answer that was found to say the same. @type {Overview | null} */
let same = null;
/** What the page of a vehicle was made of last, and the answer that was found to say the same. @type {Map<string, { parts: string, same: Overview | null }>} */
const madePages = new Map();

/** @type {(before: Hass, now: Hass) => boolean} */
const isChanged = (before, now) => before.entities !== now.entities || before.devices !== now.devices;

/**
 * Return whether the dashboard has to be made anew, which Home Assistant asks from 2026 on with each of its changes.
 *
 * All that is on the page is made anew then, and who had scrolled is at its top again: so it is only for what matters.
 *
 * @param {Hass} before
 * @param {Hass} now
 */
export function isOutdated(before, now) {
  if (isChanged(before, now) && registered(before) !== registered(now)) return true;
  // Home Assistant asks with every state that changes, and an answer comes once a minute.
  if (!fleet.overview || fleet.overview === same) return false;
  if (factsOf(fleet.overview.vehicles) !== madeOf) return true;
  same = fleet.overview;
  return false;
}

/**
 * Return whether the page of a vehicle has to be made anew.
 *
 * @param {{ device?: string }} config
 * @param {Hass} before
 * @param {Hass} now
 */
export function isPageOutdated(config, before, now) {
  const made = madePages.get(config.device ?? "");
  if (!made || (made.same === fleet.overview && !isChanged(before, now))) return false;
  if (partsOf(now, fleet.vehicle(config.device)) !== made.parts) return true;
  made.same = fleet.overview;
  return false;
}

/** The vehicles that have had a page since the tab was opened, in the order of their pages. @type {Map<string, Page>} */
const shown = new Map();

/**
 * Return whose pages there are.
 *
 * Home Assistant shows a page by its number: while a tab is open each page keeps its own, and who looks at a vehicle
 * that is gone reads that, rather than the page of another. So does who opens the address of one.
 *
 * @param {Vehicle[]} vehicles
 * @param {{ id: string | null, name: string, kind: string }} opened whose address is opened, and how one that nobody knows is named
 * @returns {Page[]}
 */
function pagesOf(vehicles, opened) {
  for (const { id, name, kind } of vehicles) shown.set(id, { id, name, kind });
  const { id } = opened;
  if (id && fleet.overview && !shown.has(id)) shown.set(id, { ...opened, id });
  return [...shown.values()];
}

/**
 * Return the dashboard. It never throws: without vehicles its card says what to do.
 *
 * @param {{ [key: string]: unknown }} config
 * @param {Hass} hass
 */
export async function dashboard(config, hass) {
  const [words] = await Promise.all([loadWords(hass), fleet.load(hass)]);
  const vehicles = fleet.overview?.vehicles ?? [];
  madeOf = factsOf(vehicles);
  const pages = pagesOf(vehicles, { id: vehicleAt(location.pathname), name: words("dashboard_title"), kind: "other" });
  return {
    title: config["title"] ?? words("dashboard_title"),
    views: [
      {
        title: words("dashboard_title"),
        path: "fleet",
        icon: "mdi:car-multiple",
        type: "panel",
        cards: [{ type: "custom:fleet-tracker-overview-card" }],
      },
      ...pages.map((vehicle) => ({
        title: vehicle.name,
        path: vehiclePath(vehicle.id),
        icon: KIND_ICONS[vehicle.kind],
        subview: true,
        strategy: { type: "custom:fleet-tracker-vehicle", device: vehicle.id },
      })),
    ],
  };
}

/** The readings that are shown as gauges: from, to, and what is low. */
const GAUGES = /** @type {const} */ ([
  { reading: "battery", min: 0, max: 100, severity: { red: 0, yellow: 20, green: 40 } },
  { reading: "fuel_level", min: 0, max: 100, severity: { red: 0, yellow: 15, green: 30 } },
  { reading: "vehicle_voltage", min: 8, max: 30, needle: true },
  { reading: "tracker_battery", min: 0, max: 100, severity: { red: 0, yellow: 20, green: 40 } },
  { reading: "coolant_temperature", min: 0, max: 130, severity: { green: 0, yellow: 100, red: 115 } },
  { reading: "engine_speed", min: 0, max: 7000 },
]);

/**
 * Return the page of a vehicle.
 *
 * @param {{ device?: string }} config
 * @param {Hass} hass
 */
export async function vehicleView(config, hass) {
  const [words] = await Promise.all([loadWords(hass), fleet.load(hass)]);
  const before = fleet.vehicle(config.device);
  const driven = before && (await distanceOf(hass, before));
  // Meanwhile it may have gone, and its page may have been made anew.
  const vehicle = fleet.vehicle(config.device);
  madePages.set(config.device ?? "", { parts: partsOf(hass, vehicle), same: fleet.overview });
  if (!vehicle) {
    const card = { type: "custom:fleet-tracker-card", device: config.device, page: true, grid_options: { columns: "full" } };
    return { type: "sections", max_columns: 1, sections: [section([card])] };
  }
  return {
    type: "sections",
    max_columns: 3,
    dense_section_placement: true,
    sections: [
      section([
        { type: "custom:fleet-tracker-card", device: vehicle.id, size: "large", page: true, grid_options: { columns: "full" } },
        ...whileThere(vehicle, settings(hass, vehicle, words)),
        ...gauges(hass, vehicle, words),
      ]),
      section([{ type: "custom:fleet-tracker-trip-card", device: vehicle.id, grid_options: { columns: "full" } }]),
      section(statistics(hass, vehicle, driven, words)),
      section([...whileThere(vehicle, events(hass, vehicle, words)), ...cameras(vehicle, words), ...diagnostics(hass, vehicle, words)]),
    ].filter((one) => one.cards.length),
  };
}

/** @param {object[]} cards */
const section = (cards) => ({ type: "grid", cards });

/**
 * @param {string} heading
 * @param {string} icon
 * @param {object[]} cards
 */
const titled = (heading, icon, cards) =>
  cards.length ? [{ type: "heading", heading, icon, heading_style: "subtitle" }, ...cards] : [];

/** @type {(hass: Hass, vehicle: Vehicle, words: Words) => object[]} */
function settings(hass, vehicle, words) {
  const ids = ["switch", "select", "number"].flatMap((domain) => Object.values(vehicle.entities[domain] ?? {}));
  const shown = ids.filter((id) => hass.states[id] && mayControl(vehicle, id));
  return titled(
    words("dashboard_settings"),
    "mdi:tune",
    shown.length
      ? [{ type: "entities", entities: shown.map((entity) => row(hass, vehicle, entity)), grid_options: { columns: "full" } }]
      : [],
  );
}

/** @type {(hass: Hass, vehicle: Vehicle, entity: string) => object} */
function row(hass, vehicle, entity) {
  return { entity, name: nameOf(hass, entity, vehicle) };
}

/** @type {(hass: Hass, vehicle: Vehicle, words: Words) => object[]} */
function gauges(hass, vehicle, words) {
  /** @type {object[]} */
  const known = [];
  const cards = GAUGES.flatMap(({ reading, ...how }) => {
    const entity = entityOf(vehicle, "sensor", reading);
    if (!entity || !hass.states[entity]) return [];
    // Home Assistant's gauge complains of what is no number.
    const isKnown = { condition: "state", entity, state_not: ["unknown", "unavailable"] };
    known.push(isKnown);
    return [
      { type: "gauge", ...row(hass, vehicle, entity), ...how, visibility: [isKnown], grid_options: { columns: 6, rows: "auto" } },
    ];
  });
  const [heading, ...rest] = titled(words("dashboard_gauges"), "mdi:gauge", cards);
  return heading ? [{ ...heading, visibility: [{ condition: "or", conditions: known }] }, ...rest] : [];
}

/**
 * Return the statistics of how far a vehicle drove: those that reach back to before it was added, else its odometer's.
 *
 * @type {(hass: Hass, vehicle: Vehicle) => Promise<string | undefined>}
 */
async function distanceOf(hass, vehicle) {
  try {
    /** @type {{ statistic_id: string }[]} */
    const all = await hass.callWS({ type: "recorder/list_statistic_ids", statistic_type: "sum" });
    const own = all.find(({ statistic_id: id }) => id.startsWith("fleet_tracker:") && id.endsWith(vehicle.statistics));
    if (own) return own.statistic_id;
  } catch {
    // Without a recorder there are none.
  }
  return entityOf(vehicle, "sensor", "odometer");
}

/**
 * Return cards that are seen as long as their vehicle is there: something of it is known, such as its last event.
 *
 * Home Assistant 2025 leaves the page of a vehicle that is removed as it is: its graphs fail then, and its list of
 * events names entities by their ids.
 *
 * @type {(vehicle: Vehicle, cards: object[]) => object[]}
 */
function whileThere(vehicle, cards) {
  const conditions = entitiesOf(vehicle).map((entity) => ({ condition: "state", entity, state_not: ["unknown", "unavailable"] }));
  return cards.map((card) => ({ ...card, visibility: [{ condition: "or", conditions }] }));
}

/** @type {(hass: Hass, vehicle: Vehicle, driven: string | undefined, words: Words) => object[]} */
function statistics(hass, vehicle, driven, words) {
  const levels = ["vehicle_voltage", "battery", "fuel_level"].flatMap(
    (reading) => entityOf(vehicle, "sensor", reading) ?? [],
  );
  const cards = [];
  if (driven) {
    cards.push({
      type: "statistics-graph",
      title: words("dashboard_distance_by_day"),
      entities: [{ entity: driven, name: vehicle.name }],
      stat_types: ["change"],
      chart_type: "bar",
      period: "day",
      days_to_show: 14,
      hide_legend: true,
      grid_options: { columns: "full" },
    });
  }
  for (const entity of levels) {
    const graph = { type: "history-graph", entities: [row(hass, vehicle, entity)], hours_to_show: 48, grid_options: { columns: "full" } };
    cards.push(...whileThere(vehicle, [graph]));
  }
  return titled(words("dashboard_statistics"), "mdi:chart-line", cards);
}

/** @type {(hass: Hass, vehicle: Vehicle, words: Words) => object[]} */
function events(hass, vehicle, words) {
  const entities = Object.values(vehicle.entities["event"] ?? {});
  const has = entities.length && hass.config.components.includes("logbook");
  return titled(
    words("dashboard_events"),
    "mdi:bell-outline",
    has ? [{ type: "logbook", target: { entity_id: entities }, entities, hours_to_show: 48, grid_options: { columns: "full", rows: 6 } }] : [],
  );
}

/** @type {(vehicle: Vehicle, words: Words) => object[]} */
function cameras(vehicle, words) {
  const ids = [...Object.values(vehicle.entities["camera"] ?? {}), ...Object.values(vehicle.entities["image"] ?? {})];
  return titled(
    words("dashboard_cameras"),
    "mdi:cctv",
    ids.map((entity) => ({ type: "picture-entity", entity, show_state: false, grid_options: { columns: 6 } })),
  );
}

/** @type {(hass: Hass, vehicle: Vehicle, words: Words) => object[]} */
function diagnostics(hass, vehicle, words) {
  const ids = ["binary_sensor", "sensor", "button"].flatMap((domain) => Object.values(vehicle.entities[domain] ?? {}));
  const shown = ids.filter((id) => hass.entities[id]?.entity_category === "diagnostic" && hass.states[id]);
  if (!shown.length) return [];
  return [
    {
      type: "custom:fleet-tracker-fold-card",
      title: words("dashboard_diagnostics"),
      icon: "mdi:stethoscope",
      card: { type: "entities", entities: shown.map((entity) => row(hass, vehicle, entity)) },
      grid_options: { columns: "full" },
    },
  ];
}

// How values are written and drawn: times, places, colours and icons.

import { entityOf, stateOf } from "./fleet.js";

/** @type {Map<string, unknown>} */
const made = new Map();

/**
 * Return a format of the browser's, which is made once: making one takes longer than using it a hundred times.
 *
 * @template T
 * @param {new (language?: string | string[], options?: any) => T} kind
 * @param {string | string[] | undefined} language
 * @param {object} [options]
 * @returns {T}
 */
export function format(kind, language, options) {
  const key = JSON.stringify([kind.name, language, options]);
  let found = /** @type {T | undefined} */ (made.get(key));
  if (!found) {
    found = new kind(language, options);
    made.set(key, found);
  }
  return found;
}

/** The icons of the kinds of vehicles, as their trackers have them. */
export const KIND_ICONS = /** @type {Record<string, string>} */ ({
  bus: "mdi:bus",
  car: "mdi:car",
  moped: "mdi:moped",
  other: "mdi:map-marker",
  scooter: "mdi:scooter-electric",
  trailer: "mdi:truck-trailer",
  truck: "mdi:truck",
  van: "mdi:van-utility",
});

/** What a vehicle may be doing, in the order in which it is shown, and in which colour. */
export const ACTIVITIES = /** @type {const} */ (["driving", "idling", "parked", "towed", "offline"]);

/** The keys of the words for them. */
export const ACTIVITY_WORDS = /** @type {Record<string, string>} */ ({
  driving: "dashboard_driving",
  idling: "dashboard_idling",
  parked: "dashboard_parked",
  towed: "dashboard_towed",
  offline: "dashboard_offline",
});

export const ACTIVITY_COLORS = /** @type {Record<string, string>} */ ({
  driving: "var(--green-color, #4caf50)",
  idling: "var(--amber-color, #ffc107)",
  parked: "var(--blue-color, #2196f3)",
  towed: "var(--red-color, #f44336)",
  offline: "var(--grey-color, #9e9e9e)",
});

export const ACTIVITY_ICONS = /** @type {Record<string, string>} */ ({
  driving: "mdi:navigation-variant",
  idling: "mdi:engine",
  parked: "mdi:parking",
  towed: "mdi:tow-truck",
  offline: "mdi:cloud-off-outline",
});

/**
 * Return what a vehicle does: as its sensor says, else as its other entities do.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 * @returns {string}
 */
export function activityOf(hass, vehicle) {
  const told = stateOf(hass, vehicle, "sensor", "activity")?.state;
  if (told) return told;
  const tracker = hass.states[vehicle.tracker];
  if (tracker?.state === "unavailable") return "offline";
  if (stateOf(hass, vehicle, "binary_sensor", "online")?.state === "off") return "offline";
  // The sensor may be disabled, or the user may not read it.
  if (vehicle.times.activity) return vehicle.times.activity;
  if (stateOf(hass, vehicle, "binary_sensor", "moving")?.state === "on") return "driving";
  return "parked";
}

/**
 * Return an activity in words.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 * @param {string} activity
 * @param {Words} words
 */
export function activityText(hass, vehicle, activity, words) {
  const state = stateOf(hass, vehicle, "sensor", "activity");
  return state ? hass.formatEntityState(state) : words(ACTIVITY_WORDS[activity] ?? activity);
}

/**
 * Return whether the tracker of a vehicle is enabled: only then its place is told.
 *
 * @param {Vehicle} vehicle
 */
export const hasTracker = (vehicle) => entityOf(vehicle, "device_tracker", "position") !== undefined;

/**
 * Return whether two times are on the same day of the user.
 *
 * @param {Hass} hass
 * @param {string} one
 * @param {string} other
 */
export function isSameDay(hass, one, other) {
  const zone = timeZone(hass);
  return dayIn(zone, one) === dayIn(zone, other);
}

/**
 * Return where a vehicle is: the zone, else its address, else that it is away.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 * @param {Words} words
 */
export function placeOf(hass, vehicle, words) {
  if (!hasTracker(vehicle)) return words("dashboard_tracker_disabled");
  const tracker = hass.states[vehicle.tracker];
  if (!tracker || ["unknown", "unavailable"].includes(tracker.state)) return words("dashboard_no_position");
  const address = stateOf(hass, vehicle, "sensor", "address");
  if (tracker.state === "not_home" && address) return address.state;
  return hass.formatEntityState(tracker);
}

/** The days of quarters of an hour, by zone: no zone begins a day within one. @type {Map<string, string>} */
const days = new Map();
const QUARTER_MS = 900_000;
const MOST_DAYS = 2_000;

/**
 * Return the day of a time in a zone, as 2026-11-30; "" where the time is none.
 *
 * @param {string | undefined} zone that of the browser, if there is none
 * @param {Date | string | number} time
 */
function dayIn(zone, time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const quarter = `${zone} ${Math.floor(date.getTime() / QUARTER_MS)}`;
  let day = days.get(quarter);
  if (day === undefined) {
    day = format(Intl.DateTimeFormat, "en-CA", zone ? { timeZone: zone } : {}).format(date);
    if (days.size >= MOST_DAYS) days.clear();
    days.set(quarter, day);
  }
  return day;
}

/** @param {Hass} hass */
const timeZone = (hass) =>
  hass.locale?.time_zone === "server" ? hass.config.time_zone : undefined;

/**
 * Whether hours are counted to 12, as the user chose it: else as in his language, or as the browser does.
 *
 * @param {Hass} hass
 */
const isTo12 = (hass) => {
  const chosen = hass.locale?.time_format;
  if (chosen === "12" || chosen === "24") return chosen === "12";
  const language = chosen === "system" ? undefined : hass.language;
  return format(Intl.DateTimeFormat, language, { hour: "numeric" }).resolvedOptions().hour12 ?? false;
};

/** The languages whose way of writing numbers a user may choose, as Home Assistant has them. */
const NUMBER_LANGUAGES = /** @type {Record<string, string[] | undefined>} */ ({
  comma_decimal: ["en-US", "en"],
  decimal_comma: ["de", "es", "it"],
  space_comma: ["fr", "sv", "cs"],
  quote_decimal: ["de-CH"],
  none: ["en-US", "en"],
  system: undefined,
});
const OF_A_NUMBER = ["minusSign", "integer", "group", "decimal", "fraction"];

/**
 * Return a number with its unit: the unit in the user's language, the number as he has numbers written.
 *
 * @param {Hass} hass
 * @param {number} value
 * @param {Intl.NumberFormatOptions} options
 * @param {string} [language] that of the unit, where it is another one
 */
function measured(hass, value, options, language = hass.language) {
  const parts = format(Intl.NumberFormat, language, options).formatToParts(value);
  const chosen = hass.locale?.number_format ?? "language";
  if (chosen === "language") return parts.map((one) => one.value).join("");
  const number = format(Intl.NumberFormat, NUMBER_LANGUAGES[chosen], {
    maximumFractionDigits: options.maximumFractionDigits ?? 0,
    useGrouping: chosen !== "none",
  }).format(value);
  const first = parts.findIndex((one) => OF_A_NUMBER.includes(one.type));
  return parts.map((one, index) => (index === first ? number : OF_A_NUMBER.includes(one.type) ? "" : one.value)).join("");
}

/**
 * Return the language of what is put into a text of ours: that of the text, which is not in every user's.
 *
 * @param {Hass} hass
 * @param {Words} [words] none: it stands alone, and is in the user's language
 */
function languageOf(hass, words) {
  const told = words?.("dashboard_language");
  return told === undefined ? hass.language : told === "dashboard_language" ? "en" : told;
}

/**
 * Return the day of a time, as 2026-11-30, where Home Assistant is: its days are those of trips and sums.
 *
 * @param {Hass} hass
 * @param {Date | string | number} time
 */
export const dayOf = (hass, time) => dayIn(hass.config.time_zone, time);

/**
 * Return a time of the day, with the day where it is another one than today's.
 *
 * @param {Hass} hass
 * @param {Date | string | number} time
 * @param {{ day?: boolean, seconds?: boolean, words?: Words }} [options] `words`: it is put into one of them
 */
export function clock(hass, time, options = {}) {
  const date = new Date(time);
  const zone = timeZone(hass);
  const withDay = options.day ?? dayIn(zone, date) !== dayIn(zone, Date.now());
  const language = languageOf(hass, options.words);
  return format(Intl.DateTimeFormat, language, {
    // `hour12: false` would write midnight as 24:00 in some languages.
    ...(isTo12(hass) ? { hour: "numeric", hour12: true } : { hour: "2-digit", hourCycle: "h23" }),
    minute: "2-digit",
    ...(options.seconds ? { second: "2-digit" } : {}),
    ...(withDay ? { weekday: "short", day: "numeric", month: "short" } : {}),
    ...(zone ? { timeZone: zone } : {}),
  }).format(date);
}

/**
 * Return how long ago something was, in one unit.
 *
 * @param {Hass} hass
 * @param {string | number | Date} time
 * @param {Words} words into one of them it is put
 */
export function ago(hass, time, words) {
  const seconds = (new Date(time).getTime() - Date.now()) / 1000;
  const relative = format(Intl.RelativeTimeFormat, languageOf(hass, words), { numeric: "auto", style: "short" });
  const size = Math.abs(seconds);
  if (size < 60) return relative.format(Math.round(Math.min(seconds, 0)), "second");
  if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}

/**
 * Return a duration in hours and minutes.
 *
 * @param {Hass} hass
 * @param {number} seconds
 * @param {Words} [words] it is put into one of them
 */
export function duration(hass, seconds, words) {
  const minutes = Math.max(0, Math.round(seconds / 60));
  /** @type {(value: number, name: string) => string} */
  const unit = (value, name) =>
    measured(hass, value, { style: "unit", unit: name, unitDisplay: "short" }, languageOf(hass, words));
  if (minutes < 60) return unit(minutes, "minute");
  const rest = minutes % 60;
  return rest ? `${unit(Math.floor(minutes / 60), "hour")} ${unit(rest, "minute")}` : unit(minutes / 60, "hour");
}

const MILE = 1.609344;
/** The units in which a user may have a distance shown, in kilometres. */
const KILOMETRES = /** @type {Record<string, number>} */ ({
  km: 1,
  m: 1e-3,
  cm: 1e-5,
  mm: 1e-6,
  mi: MILE,
  nmi: 1.852,
  yd: 0.9144e-3,
  ft: 0.3048e-3,
  in: 0.0254e-3,
});

/**
 * Return the distance that a state tells, in kilometres; null where it is none.
 *
 * @param {HassState | undefined} state
 */
export function kilometres(state) {
  const size = KILOMETRES[String(state?.attributes["unit_of_measurement"])];
  const value = Number(state?.state);
  return size === undefined || !Number.isFinite(value) ? null : value * size;
}

/** @param {Hass} hass */
const isImperial = (hass) => hass.config.unit_system.length === "mi";

/**
 * Return a distance, given in kilometres.
 *
 * @param {Hass} hass
 * @param {number} km
 */
export function distance(hass, km) {
  const value = isImperial(hass) ? km / MILE : km;
  return measured(hass, value, {
    style: "unit",
    unit: isImperial(hass) ? "mile" : "kilometer",
    unitDisplay: "short",
    maximumFractionDigits: value < 100 ? 1 : 0,
  });
}

/**
 * Return a speed, given in km/h.
 *
 * @param {Hass} hass
 * @param {number} kmh
 */
export function speed(hass, kmh) {
  return measured(hass, isImperial(hass) ? kmh / MILE : kmh, {
    style: "unit",
    unit: isImperial(hass) ? "mile-per-hour" : "kilometer-per-hour",
    unitDisplay: "short",
    maximumFractionDigits: 0,
  });
}

/**
 * Return the name of an entity without that of its device.
 *
 * @param {Hass} hass
 * @param {string} entityId
 * @param {Vehicle} vehicle
 */
export function nameOf(hass, entityId, vehicle) {
  const name = String(hass.states[entityId]?.attributes["friendly_name"] ?? entityId);
  return name.startsWith(`${vehicle.name} `) ? name.slice(vehicle.name.length + 1) : name;
}

/**
 * Return whether a user may use an entity's control.
 *
 * @param {Vehicle} vehicle
 * @param {string} entityId
 */
export const mayControl = (vehicle, entityId) => vehicle.controls.includes(entityId);

/**
 * Return the level of what drives a vehicle, in percent, and the icon for it.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 */
export function energyOf(hass, vehicle) {
  for (const [reading, icon] of /** @type {[string, string][]} */ ([
    ["battery", "mdi:lightning-bolt"],
    ["fuel_level", "mdi:gas-station"],
  ])) {
    const state = stateOf(hass, vehicle, "sensor", reading);
    const level = state ? Number(state.state) : NaN;
    if (state && Number.isFinite(level)) {
      const charging = stateOf(hass, vehicle, "binary_sensor", "charging")?.state === "on";
      return { state, level, icon: charging ? "mdi:battery-charging" : icon };
    }
  }
  return null;
}

const LOW = 20;
const PROBLEMS = new Set(["problem", "safety", "tamper", "gas", "smoke"]);

/**
 * Return what needs somebody's attention, as icons with texts.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 * @param {Words} words
 * @returns {{ icon: string, text: string, entity: string, severe: boolean }[]}
 */
export function warningsOf(hass, vehicle, words) {
  const found = [];
  for (const [reading, id] of Object.entries(vehicle.entities["binary_sensor"] ?? {})) {
    const state = hass.states[id];
    if (state?.state !== "on") continue;
    if (reading === "engine_cut") {
      found.push({ icon: "mdi:engine-off", text: nameOf(hass, id, vehicle), entity: id, severe: true });
    } else if (PROBLEMS.has(String(state.attributes["device_class"]))) {
      found.push({ icon: "mdi:alert", text: nameOf(hass, id, vehicle), entity: id, severe: true });
    } else if (["door", "window", "opening"].includes(String(state.attributes["device_class"]))) {
      found.push({ icon: "mdi:car-door", text: `${nameOf(hass, id, vehicle)}: ${hass.formatEntityState(state)}`, entity: id, severe: false });
    }
  }
  const energy = energyOf(hass, vehicle);
  if (energy && energy.level < LOW) {
    found.push({ icon: "mdi:battery-alert-variant-outline", text: words("dashboard_low", { level: hass.formatEntityState(energy.state) }), entity: energy.state.entity_id, severe: false });
  }
  const codes = stateOf(hass, vehicle, "sensor", "trouble_codes");
  if (codes && Number(codes.state) > 0) {
    found.push({ icon: "mdi:engine-outline", text: `${nameOf(hass, codes.entity_id, vehicle)}: ${hass.formatEntityState(codes)}`, entity: codes.entity_id, severe: true });
  }
  return found;
}

/**
 * Return the lock that stands for all of a vehicle.
 *
 * @param {Vehicle} vehicle
 */
export const lockOf = (vehicle) => entityOf(vehicle, "lock", "locked") ?? Object.values(vehicle.entities["lock"] ?? {})[0];

// What the browser knows of the fleet: asked once for all cards of a page, and kept up to date.

const COMMAND = "fleet_tracker/overview";
const REFRESH_MS = 60_000;
/** How old an answer may be that is not asked for anew when a card is shown. */
const FRESH_MS = 10_000;
const AFTER_CHANGE_MS = 1_000;
/** After an error: Home Assistant may be starting. */
const AFTER_ERROR_MS = 5_000;
const SETUP_TRIES = 10;

/** The path that these modules were loaded from. */
const OWN_PATH = new URL(".", import.meta.url).pathname.replace(/\/$/, "");

/** The fleet, as all cards of a page share it. */
class Fleet {
  constructor() {
    /** @type {Overview | null} */
    this.overview = null;
    /** Why there is nothing: "" or the code of an error. */
    this.error = "";
    /** @type {Hass | null} */
    this._hass = null;
    /** @type {Set<() => void>} */
    this._listeners = new Set();
    /** @type {Promise<void> | null} */
    this._asking = null;
    this._timer = 0;
    this._toldAt = -Infinity;
    /** Whether devices or entities changed since it was asked. */
    this._isStale = false;
    /** @type {Map<string, Vehicle>} */
    this._vehicles = new Map();
    // While the page was hidden nothing was asked.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this._plan(0);
    });
  }

  /** Whether the integration was updated since this page was loaded. */
  get isOutdated() {
    return this.overview !== null && this.overview.path !== OWN_PATH;
  }

  /** Whether vehicles are about to come. */
  get _isSettingUp() {
    return this.overview?.accounts.some((one) => ["not_loaded", "setup_in_progress"].includes(one.state)) ?? false;
  }

  /** @param {string | undefined} id the id of a vehicle's device */
  vehicle(id) {
    return id ? this._vehicles.get(id) : undefined;
  }

  /**
   * Note the state of Home Assistant, which each card is given whenever anything changes.
   *
   * @param {Hass} hass
   */
  note(hass) {
    const before = this._hass;
    this._hass = hass;
    if (before && (before.entities !== hass.entities || before.devices !== hass.devices)) {
      this._isStale = true;
      this._plan(AFTER_CHANGE_MS);
    } else if (before && !before.connected && hass.connected) {
      this._plan(0);
    }
  }

  /**
   * Call a function after each change, until the function that is returned is called.
   *
   * @param {Hass} hass
   * @param {() => void} listener
   */
  listen(hass, listener) {
    this.note(hass);
    this._listeners.add(listener);
    if (this._listeners.size === 1) this._plan(this.overview ? (this._isFresh ? Math.min(this._wait, FRESH_MS) : AFTER_CHANGE_MS) : 0);
    return () => {
      this._listeners.delete(listener);
      if (!this._listeners.size) clearTimeout(this._timer);
    };
  }

  /** Whether the answer is as good as a new one. */
  get _isFresh() {
    return !this._isStale && performance.now() - this._toldAt < FRESH_MS;
  }

  /** How long to wait before it is asked again. */
  get _wait() {
    return this._isSettingUp ? AFTER_CHANGE_MS : this.error ? AFTER_ERROR_MS : REFRESH_MS;
  }

  /**
   * Ask before any page is there, by the connection that Home Assistant begins with.
   *
   * @param {HassConnection} connection
   */
  askAhead(connection) {
    return this._ask((message) => connection.sendMessagePromise(message));
  }

  /**
   * Return when the fleet is known as it is now, or why it is not.
   *
   * Vehicles of an account that is being set up come when that has ended, which changes no
   * device any more: it is waited for, except on the first time, when there is nothing to see.
   *
   * @param {Hass} hass
   */
  async load(hass) {
    this.note(hass);
    if (!this.overview) {
      await this._ask();
      return;
    }
    if (!this._isStale) return;
    for (let tries = 0; tries < SETUP_TRIES; tries += 1) {
      await this._ask();
      if (!this._isSettingUp) return;
      await new Promise((resolve) => {
        setTimeout(resolve, AFTER_CHANGE_MS);
      });
    }
  }

  _plan(/** @type {number} */ wait) {
    clearTimeout(this._timer);
    if (!this._listeners.size) return;
    this._timer = window.setTimeout(async () => {
      if (!document.hidden) await this._ask();
      this._plan(this._wait);
    }, wait);
  }

  /** @param {Call} [call] how Home Assistant is asked */
  _ask(call) {
    this._asking ??= this._fetch(call).finally(() => {
      this._asking = null;
    });
    return this._asking;
  }

  /** @param {Call} [call] */
  async _fetch(call = async (message) => this._hass?.callWS(message)) {
    this._isStale = false;
    try {
      const overview = /** @type {Overview} */ (await call({ type: COMMAND }));
      this.overview = overview;
      this._toldAt = performance.now();
      this._vehicles = new Map(overview.vehicles.map((one) => [one.id, one]));
      this.error = "";
    } catch (error) {
      this.error = /** @type {any} */ (error)?.code ?? "unknown_error";
      if (this.error === "unknown_command") {
        this.overview = null;
        this._vehicles = new Map();
      }
    }
    for (const listener of [...this._listeners]) listener();
  }
}

export const fleet = new Fleet();

// --- words

/** @type {Map<string, Promise<Words>>} */
const loaded = new Map();

/**
 * Load the words of the dashboard in the user's language.
 *
 * They are asked for once: who asks Home Assistant while they are on their way is given what
 * is there already, which are none.
 *
 * @param {Hass} hass
 * @returns {Promise<Words>}
 */
export function loadWords(hass) {
  let words = loaded.get(hass.language);
  if (!words) {
    words = askForWords(hass);
    loaded.set(hass.language, words);
    words.catch(() => loaded.delete(hass.language));
  }
  return words;
}

/**
 * @param {Hass} hass
 * @returns {Promise<Words>}
 */
async function askForWords(hass) {
  const localize = await hass.loadBackendTranslation("common", "fleet_tracker");
  return (key, values) => localize(`component.fleet_tracker.common.${key}`, isolated(values)) || key;
}

/**
 * Keep what is put into a text together, where texts run from right to left: it may run from left to right.
 *
 * @param {Record<string, unknown> | undefined} values
 */
const isolated = (values) =>
  values && document.documentElement.dir === "rtl"
    ? Object.fromEntries(Object.entries(values).map(([key, value]) => [key, `\u2068${value}\u2069`]))
    : values;

// --- states

/**
 * Return the id of a vehicle's entity, where it is enabled.
 *
 * @param {Vehicle} vehicle
 * @param {string} domain
 * @param {string} reading
 */
export const entityOf = (vehicle, domain, reading) => vehicle.entities[domain]?.[reading];

/**
 * Return the state of a vehicle's entity, if it says anything.
 *
 * @param {Hass} hass
 * @param {Vehicle} vehicle
 * @param {string} domain
 * @param {string} reading
 */
export function stateOf(hass, vehicle, domain, reading) {
  const state = hass.states[entityOf(vehicle, domain, reading) ?? ""];
  return state && !["unknown", "unavailable"].includes(state.state) ? state : undefined;
}

/**
 * Return whether any state that a card shows differs between two states of Home Assistant.
 *
 * @param {Hass | undefined} before
 * @param {Hass} now
 * @param {Iterable<string>} ids
 */
export function differs(before, now, ids) {
  if (!before || before.language !== now.language || before.locale !== now.locale) return true;
  if (before.themes !== now.themes || before.connected !== now.connected) return true;
  for (const id of ids) {
    if (before.states[id] !== now.states[id]) return true;
  }
  return false;
}

/** @type {WeakMap<Vehicle, string[]>} */
const entities = new WeakMap();

/**
 * Return all entities of a vehicle, which each card is asked for with every change in Home Assistant.
 *
 * @param {Vehicle} vehicle
 */
export function entitiesOf(vehicle) {
  let found = entities.get(vehicle);
  if (!found) {
    found = Object.values(vehicle.entities).flatMap((one) => Object.values(one));
    entities.set(vehicle, found);
  }
  return found;
}

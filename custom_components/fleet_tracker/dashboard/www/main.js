// The first module, which is loaded with every page: it names the cards and the strategy, and
// loads the rest when one of them is used.

const NAME = "Fleet Tracker";
const DOCS = "fleet-tracker";

/** What the dashboard's pages are made of. */
const PAGE_MODULES = [
  "actions",
  "element",
  "fleet",
  "fold-card",
  "format",
  "lit",
  "map",
  "overview",
  "strategy",
  "styles",
  "trip-card",
  "vehicle-card",
];
const SHOWN_AT = "fleet_tracker_shown_at";
const MOST_SHOWN = 8;

/** The first part of the address: a dashboard's, or "" where the default one is opened. */
const part = () => location.pathname.split("/")[1] ?? "";
const openedAt = part();

/** @returns {string[]} at which addresses this browser has shown the dashboard */
function shownAt() {
  try {
    const kept = JSON.parse(localStorage.getItem(SHOWN_AT) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** Keep where the dashboard is shown. */
function keepShown() {
  const now = openedAt ? [part()] : [part(), ""];
  const before = shownAt();
  if (now.every((one) => before.includes(one))) return;
  try {
    localStorage.setItem(SHOWN_AT, JSON.stringify([...new Set([...now, ...before])].slice(0, MOST_SHOWN)));
  } catch {
    // A browser that keeps nothing has it a little later the next time.
  }
}

/**
 * Have all modules fetched at once, and the fleet asked for, while Home Assistant starts.
 *
 * They are not run yet: Home Assistant 2025 would forget their elements.
 */
async function loadAhead() {
  for (const name of PAGE_MODULES) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = new URL(`./${name}.js`, import.meta.url).href;
    document.head.append(link);
  }
  const [{ fleet }, home] = await Promise.all([import("./fleet.js"), window.hassConnection]);
  if (home) await fleet.askAhead(home.conn);
}

// Without it all the same is loaded when it is needed.
if (shownAt().includes(openedAt)) loadAhead().catch(() => {});

/**
 * Define an element that stands in for one of another module, which it loads when it is shown.
 *
 * @param {string} tag the name by which dashboards know the card
 * @param {() => Promise<unknown>} load loads the module that defines the element
 * @param {string} inner the name of the element in that module
 * @param {CardFacts} facts what Home Assistant asks of a card before it is shown
 */
function defineCard(tag, load, inner, facts) {
  if (customElements.get(tag)) return;
  customElements.define(
    tag,
    class extends HTMLElement {
      static getStubConfig(/** @type {Hass} */ hass) {
        return facts.stub?.(hass) ?? {};
      }

      static async getConfigElement() {
        await import("./editor.js");
        const editor = document.createElement("fleet-tracker-editor");
        /** @type {any} */ (editor).form = facts.form;
        return editor;
      }

      constructor() {
        super();
        /** @type {any} */
        this._card = null;
        /** @type {Record<string, unknown>} */
        this._set = {};
      }

      setConfig(/** @type {CardConfig} */ config) {
        facts.check?.(config);
        this._config = config;
        if (this._card) this._card.config = config;
      }

      set hass(/** @type {Hass} */ hass) {
        this._set["hass"] = hass;
        if (this._card) this._card.hass = hass;
      }

      connectedCallback() {
        this.style.display = "block";
        this.style.height = "100%";
        if (this._card || this._loading) return;
        this._loading = true;
        load().then(() => {
          const card = /** @type {any} */ (document.createElement(inner));
          Object.assign(card, { config: this._config }, this._set);
          this._card = card;
          this.append(card);
        });
      }

      getCardSize() {
        return facts.size(this._config);
      }

      getGridOptions() {
        return facts.grid(this._config);
      }
    },
  );
}

/** @param {Hass} hass */
const firstVehicle = (hass) => {
  const tracker = Object.values(hass.entities ?? {}).find(
    (one) => one?.platform === "fleet_tracker" && one.entity_id.startsWith("device_tracker."),
  );
  return tracker ? { device: tracker.device_id } : { device: "" };
};

/** @param {CardConfig} config */
const needsDevice = (config) => {
  if (typeof config.device !== "string") {
    throw new Error("device: the id of a vehicle's device is missing");
  }
};

/** @param {CardConfig} config */
const needsCard = (config) => {
  if (typeof config["card"] !== "object" || !config["card"]) throw new Error("card: the card that is folded is missing");
};

/** Define all that dashboards may name. */
function defineAll() {
  defineCard("fleet-tracker-card", () => import("./vehicle-card.js"), "fleet-tracker-vehicle", {
    stub: firstVehicle,
    check: needsDevice,
    form: "vehicle",
    size: (config) => (config?.size === "large" ? 7 : 3),
    grid: (config) =>
      config?.size === "large" ? { columns: 12, min_columns: 6 } : { columns: 12, min_columns: 6, rows: "auto" },
  });

  defineCard("fleet-tracker-trip-card", () => import("./trip-card.js"), "fleet-tracker-trips", {
    stub: firstVehicle,
    check: needsDevice,
    form: "trip",
    size: () => 10,
    grid: () => ({ columns: 12, min_columns: 6, rows: "auto" }),
  });

  defineCard("fleet-tracker-overview-card", () => import("./overview.js"), "fleet-tracker-overview", {
    form: "overview",
    size: () => 12,
    grid: () => ({ columns: "full", min_columns: 12, rows: "auto" }),
  });

  defineCard("fleet-tracker-fold-card", () => import("./fold-card.js"), "fleet-tracker-fold", {
    check: needsCard,
    form: "fold",
    size: () => 1,
    grid: () => ({ columns: 12, min_columns: 6, rows: "auto" }),
  });

  // A strategy, whose module is loaded when a dashboard asks it.
  /** @type {typeof import("./strategy.js") | null} */
  let strategy = null;
  for (const [kind, name] of [
    ["dashboard", "fleet-tracker"],
    ["view", "fleet-tracker-vehicle"],
  ]) {
    const tag = `ll-strategy-${kind}-${name}`;
    if (customElements.get(tag)) continue;
    customElements.define(
      tag,
      class extends HTMLElement {
        static async generate(/** @type {any} */ config, /** @type {Hass} */ hass) {
          const isDashboard = kind === "dashboard";
          const page = import("./strategy.js");
          // The card comes next: it is fetched while the fleet is asked for.
          if (isDashboard) import("./overview.js").catch(() => {});
          strategy = await page;
          if (!isDashboard) return strategy.vehicleView(config, hass);
          keepShown();
          return strategy.dashboard(config, hass);
        }

        static shouldRegenerate(/** @type {any} */ config, /** @type {Hass} */ before, /** @type {Hass} */ now) {
          if (!strategy) return false;
          return kind === "dashboard" ? strategy.isOutdated(before, now) : strategy.isPageOutdated(config, before, now);
        }

        static getCreateSuggestions() {
          return { title: NAME, icon: "mdi:car-multiple" };
        }
      },
    );
  }
}

// Home Assistant 2025 replaces the registry of elements while it starts: what was defined before is lost.
customElements.whenDefined("home-assistant").then(defineAll);

/**
 * Suggest the cards of a vehicle for one of its entities.
 *
 * @param {Hass} hass
 * @param {string} entityId
 * @param {CardConfig} config
 */
const suggestion = (hass, entityId, config) => {
  const entity = hass.entities?.[entityId];
  if (entity?.platform !== "fleet_tracker" || !entityId.startsWith("device_tracker.")) return null;
  return { config: { ...config, device: entity.device_id } };
};

window.customCards = window.customCards ?? [];
window.customCards.push(
  {
    type: "fleet-tracker-card",
    name: NAME,
    description: "A vehicle: what it does, where, since when, and its controls.",
    preview: true,
    documentationURL: DOCS,
    getEntitySuggestion: (/** @type {Hass} */ hass, /** @type {string} */ id) =>
      suggestion(hass, id, { type: "custom:fleet-tracker-card" }),
  },
  {
    type: "fleet-tracker-trip-card",
    name: `${NAME}: trips`,
    description: "The drives of a day, on the map and in time.",
    preview: false,
    getEntitySuggestion: (/** @type {Hass} */ hass, /** @type {string} */ id) =>
      suggestion(hass, id, { type: "custom:fleet-tracker-trip-card" }),
  },
);

window.customStrategies = window.customStrategies ?? [];
window.customStrategies.push({
  type: "fleet-tracker",
  strategyType: "dashboard",
  name: NAME,
  description: "All vehicles on one map, and a page for each.",
});

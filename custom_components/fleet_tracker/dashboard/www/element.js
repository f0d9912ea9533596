// The base of our elements: their configuration, Home Assistant's state, the fleet and the words.

import { LitElement, html } from "./lit.js";
import { dashboardPath, navigate } from "./actions.js";
import { differs, fleet, loadWords } from "./fleet.js";

/** Return when what was drawn until now is painted; in a page that is hidden, when it is seen. */
export const painted = () =>
  new Promise((/** @type {(nothing?: undefined) => void} */ resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
  });

/** After so long the browser has its turn. */
const TURN_MS = 10;

/** Work that is done in slices, so that the browser stays responsive. */
export class SlicedWork {
  constructor() {
    this._begin = performance.now();
  }

  /** Return when the next piece may be done: at once, or in another task. */
  async next() {
    if (performance.now() - this._begin < TURN_MS) return;
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
    this._begin = performance.now();
  }
}

export class FleetElement extends LitElement {
  static properties = {
    config: { attribute: false },
    hass: { attribute: false },
    words: { state: true },
    revision: { state: true },
  };

  constructor() {
    super();
    /** @type {CardConfig} */
    this.config = {};
    /** @type {Hass | undefined} */
    this.hass = undefined;
    /** @type {Words | undefined} */
    this.words = undefined;
    /** Rises with each change of the fleet. */
    this.revision = 0;
    /** @type {(() => void) | null} */
    this._unlisten = null;
    this._language = "";
  }

  connectedCallback() {
    super.connectedCallback();
    this._listen();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this._unlisten?.();
    this._unlisten = null;
  }

  _listen() {
    if (this._unlisten || !this.hass || !this.isConnected) return;
    this._unlisten = fleet.listen(this.hass, () => {
      this.revision += 1;
    });
  }

  /** The entities whose states are drawn. @returns {Iterable<string>} */
  get drawn() {
    return [];
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  shouldUpdate(changed) {
    if (this.hass) {
      fleet.note(this.hass);
      this._listen();
      if (this._language !== this.hass.language) {
        this._language = this.hass.language;
        loadWords(this.hass).then(
          (words) => {
            this.words = words;
          },
          () => {
            // They are asked for again with the next change of a state.
            this._language = "";
          },
        );
      }
    }
    if (!this.words || !this.hass) return false;
    if (changed.size > 1 || !changed.has("hass")) return true;
    return differs(/** @type {Hass | undefined} */ (changed.get("hass")), this.hass, this.drawn);
  }

  /** The vehicle that is configured. */
  get vehicle() {
    return fleet.vehicle(/** @type {string | undefined} */ (this.config?.device));
  }

  /**
   * Draw why there is no vehicle, and what to do.
   *
   * @param {Words} words
   */
  drawNothing(words) {
    if (!this.config["page"] || whyNothing() !== "dashboard_no_such_vehicle") return html`<ha-card>${note(words)}</ha-card>`;
    return html`<ha-card>
      <div class="note" role="status">
        <ha-icon icon="mdi:information-outline"></ha-icon><bdi>${words("dashboard_no_such_page")}</bdi>
      </div>
      <div class="note" style="padding-block-start:0">
        <button class="pill" @click=${() => navigate(`/${dashboardPath()}/fleet`)}>
          <ha-icon icon="mdi:car-multiple"></ha-icon><bdi>${words("dashboard_vehicles")}</bdi>
        </button>
      </div>
    </ha-card>`;
  }
}

/**
 * Return why there are no vehicles, or not this one, as a key of the words; "" while it loads.
 */
export function whyNothing() {
  if (fleet.error === "unknown_command") return "dashboard_not_loaded";
  if (fleet.error && !fleet.overview) return "dashboard_failed";
  if (!fleet.overview) return "";
  const { accounts, vehicles } = fleet.overview;
  if (!accounts.length) return "dashboard_no_account";
  if (vehicles.length) return "dashboard_no_such_vehicle";
  return accounts.some((one) => one.state === "loaded") ? "dashboard_no_vehicle" : "dashboard_not_running";
}

/** @param {Words} words */
export function note(words) {
  const key = whyNothing();
  return html`<div class="note" role="status">
    <ha-icon icon=${key ? "mdi:information-outline" : "mdi:timer-sand"}></ha-icon>
    <bdi>${key ? words(key) : words("dashboard_loading")}</bdi>
  </div>`;
}

/**
 * Draw that the integration was updated since the page was loaded.
 *
 * @param {Words} words
 */
export const outdatedBanner = (words) =>
  html`<ha-card class="outdated" role="status">
    <div class="note">
      <ha-icon icon="mdi:update"></ha-icon>
      <span style="flex:1"><bdi>${words("dashboard_outdated", { version: fleet.overview?.version ?? "" })}</bdi></span>
      <button class="pill" @click=${() => location.reload()}>${words("dashboard_reload")}</button>
    </div>
  </ha-card>`;

// All vehicles: sums, one map, a card for each, and the alarms of today.

import { css, html, nothing, repeat, styleMap } from "./lit.js";
import { showEntity } from "./actions.js";
import { SlicedWork, note, outdatedBanner, painted, whyNothing } from "./element.js";
import { entityOf, fleet, stateOf } from "./fleet.js";
import { ACTIVITIES, ACTIVITY_COLORS, ACTIVITY_ICONS, ACTIVITY_WORDS, activityOf, clock, dayOf, distance, format, hasTracker, kilometres, placeOf, warningsOf } from "./format.js";
import { MapElement, createMap } from "./map.js";
import { shared } from "./styles.js";
import "./vehicle-card.js";

/** How far outside of the window a vehicle's card is drawn already. */
const MARGIN = "200px";
/** How many cards are made at once, before it is known which are seen: the first row. */
const FIRST_CARDS = 4;
const ALARMS_SHOWN = 8;
const ALARMS_REFRESH_MS = 60_000;
const SUMS_MS = 1_000;
/** As long as the longest day, whose clock is turned back. */
const DAY_MS = 25 * 3_600_000;
/** Map markers take colours as names or numbers, not as variables. */
const MAP_COLORS = /** @type {Record<string, string>} */ ({
  driving: "#4caf50",
  idling: "#ff9800",
  parked: "#2196f3",
  towed: "#f44336",
  offline: "#9e9e9e",
});

class OverviewCard extends MapElement {
  static properties = {
    ...MapElement.properties,
    search: { state: true },
    filter: { state: true },
    alarms: { state: true },
    allAlarms: { state: true },
    hasCards: { state: true },
  };

  static styles = [
    shared,
    css`
      :host {
        container-type: inline-size;
      }
      .page {
        display: grid;
        gap: 12px;
        grid-template-columns: minmax(0, 1fr) minmax(240px, 30%);
        padding: 12px;
        max-inline-size: 1600px;
        margin-inline: auto;
        box-sizing: border-box;
      }
      .page > * {
        grid-column: 1 / -1;
      }
      .page > .map,
      .page > .alarms {
        grid-column: auto;
      }
      .bar {
        display: flex;
        min-block-size: 36px;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
        justify-content: space-between;
      }
      .sums {
        position: relative;
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
        min-inline-size: 0;
      }
      .sum {
        gap: 8px;
      }
      .sum .count {
        font-weight: 600;
      }
      .sum ha-icon {
        color: var(--activity, var(--secondary-text-color));
      }
      .sums .pill {
        background: var(--card-background-color);
        border: 1px solid var(--divider-color);
      }
      .sums .pill[aria-pressed="true"] {
        background: color-mix(in srgb, var(--primary-color) 22%, var(--card-background-color));
        border-color: var(--primary-color);
      }
      .search {
        display: flex;
        align-items: center;
        gap: 8px;
        flex: 1 1 180px;
        min-inline-size: 0;
        max-inline-size: 260px;
        block-size: 36px;
        padding: 0 14px;
        box-sizing: border-box;
        border-radius: 18px;
        background: var(--card-background-color);
        border: 1px solid var(--divider-color);
        --mdc-icon-size: 18px;
      }
      .search:focus-within {
        border-color: var(--primary-color);
      }
      .search input {
        flex: 1;
        min-inline-size: 0;
        border: none;
        outline: none;
        background: none;
        font-size: 14px;
      }
      .search input::placeholder {
        color: var(--muted);
        opacity: 1;
      }
      .map {
        block-size: 420px;
        block-size: clamp(280px, 46vh, 520px);
      }
      .map ha-map {
        block-size: 100%;
      }
      .alarms {
        display: flex;
        flex-direction: column;
        max-block-size: clamp(280px, 46vh, 520px);
      }
      .alarms h2 {
        margin: 0;
        padding: 14px 16px 6px;
        font-size: 16px;
        font-weight: 500;
        display: flex;
        gap: 8px;
        align-items: center;
        --mdc-icon-size: 20px;
      }
      .alarms ul {
        list-style: none;
        margin: 0;
        padding: 0 8px 8px;
        overflow: auto;
      }
      .alarm {
        inline-size: 100%;
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 2px 12px;
        padding: 8px;
        border-radius: 8px;
        font-size: 14px;
        box-sizing: border-box;
      }
      .alarm .of {
        overflow-wrap: anywhere;
      }
      .alarm .of > bdi:first-child {
        display: inline-block;
        /* Room for the colon that follows. */
        max-inline-size: calc(100% - 0.5em);
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        vertical-align: bottom;
      }
      .alarm:hover {
        background: var(--secondary-background-color);
      }
      .alarm time {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .vehicles {
        display: grid;
        gap: 12px;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr));
        align-items: stretch;
      }
      .slot {
        min-block-size: 158px;
      }
      @container (max-width: 870px) {
        .page {
          grid-template-columns: minmax(0, 1fr);
        }
        .page > .map,
        .page > .alarms {
          grid-column: 1 / -1;
        }
        .page > .map {
          block-size: 300px;
        }
        .page > .alarms {
          order: 3;
          max-block-size: none;
        }
      }
      @container (max-width: 600px) {
        .page {
          padding: 8px;
          gap: 8px;
        }
        .page > .map {
          block-size: 240px;
        }
        .sums {
          flex-wrap: nowrap;
          gap: 6px;
          overflow-x: auto;
          scrollbar-width: none;
          margin-inline: -8px;
          padding-inline: 8px;
        }
        .sums .pill {
          padding: 0 12px;
          flex: none;
        }
        .bar {
          display: grid;
          min-block-size: 80px;
        }
        .search {
          max-inline-size: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.search = "";
    /** The activity that is shown alone, or "attention", or "" for all. @type {string} */
    this.filter = "";
    /** @type {{ time: string, vehicle: Vehicle, entity: string, what: string }[]} */
    this.alarms = [];
    this.allAlarms = false;
    /** Whether the first cards are painted: all else is drawn after them. */
    this.hasCards = false;
    this._mapKey = "";
    this._visible = new IntersectionObserver((entries) => this._show(entries), { rootMargin: MARGIN });
    this._alarmTimer = 0;
    this._alarmsOf = "";
    this._drawnAt = 0;
    this._later = 0;
    /** How many cards of vehicles were made since the page was opened. */
    this.made = 0;
    /** The places whose cards are to be made. @type {Set<HTMLElement>} */
    this._unfilled = new Set();
    this._isMaking = false;
    /** @type {() => void} */
    this._tellFirst = () => {};
    /** @type {Promise<void>} */
    this._firstMade = new Promise((resolve) => {
      this._tellFirst = resolve;
    });
  }

  /** The first cards are wanted sooner than the map, and than the alarms. */
  async beforeMap() {
    await this._firstMade;
    await painted();
  }

  connectedCallback() {
    super.connectedCallback();
    this.beforeMap().then(() => {
      this.hasCards = true;
    });
    this._alarmTimer = window.setInterval(() => !document.hidden && this._readAlarms(), ALARMS_REFRESH_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this._alarmTimer);
    clearTimeout(this._later);
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  shouldUpdate(changed) {
    if (!super.shouldUpdate(new Map([...changed, ["", null]]))) return false;
    this._pass();
    if (changed.size > 1 || !changed.has("hass") || !changed.get("hass")) return true;
    // Something of 200 vehicles changes all the time: the sums are drawn once a second.
    const wait = this._drawnAt + SUMS_MS - performance.now();
    if (wait <= 0) return true;
    this._later ||= window.setTimeout(() => {
      this._later = 0;
      this.requestUpdate("words");
    }, wait);
    return false;
  }

  /** Give Home Assistant's state to the cards that are seen, and to the map. */
  _pass() {
    if (!this.hass) return;
    this.followMap();
    for (const slot of this.renderRoot.querySelectorAll(".slot[data-seen]")) {
      const card = /** @type {any} */ (slot.firstElementChild);
      if (card) card.hass = this.hass;
    }
  }

  updated() {
    this._drawnAt = performance.now();
    const overview = fleet.overview;
    if (!overview || !this.hass) return;
    const slots = /** @type {NodeListOf<HTMLElement>} */ (this.renderRoot.querySelectorAll(".slot"));
    if (slots.length && !this.made) {
      for (const slot of [...slots].slice(0, FIRST_CARDS)) this._fill(slot);
      this._tellFirst();
    }
    for (const slot of slots) this._visible.observe(slot);
    const alarmsOf = overview.vehicles.map((one) => one.id).join();
    if (this._alarmsOf !== alarmsOf) {
      this._alarmsOf = alarmsOf;
      this.beforeMap().then(() => this._readAlarms());
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  _show(entries) {
    for (const { target, isIntersecting } of entries) {
      const slot = /** @type {HTMLElement} */ (target);
      if (!isIntersecting) {
        slot.removeAttribute("data-seen");
        continue;
      }
      slot.setAttribute("data-seen", "");
      if (slot.firstElementChild) this._fill(slot);
      else this._unfilled.add(slot);
    }
    this._makeCards();
  }

  /**
   * Have the card of a vehicle in its place, with the state of Home Assistant.
   *
   * @param {HTMLElement} slot
   */
  _fill(slot) {
    slot.setAttribute("data-seen", "");
    let card = /** @type {any} */ (slot.firstElementChild);
    if (!card) {
      card = document.createElement("fleet-tracker-vehicle");
      card.config = { device: slot.dataset["device"], opens: "page" };
      card.words = this.words;
      slot.append(card);
      this.made += 1;
    }
    card.hass = this.hass;
    return card;
  }

  /** Make the cards that are seen, and let the browser have its turn in between. */
  async _makeCards() {
    if (this._isMaking) return;
    this._isMaking = true;
    try {
      const work = new SlicedWork();
      for (const slot of this._unfilled) {
        this._unfilled.delete(slot);
        // Meanwhile it may have been scrolled or filtered away.
        if (!slot.isConnected || !slot.hasAttribute("data-seen")) continue;
        await this._fill(slot).updateComplete;
        await work.next();
      }
    } finally {
      this._isMaking = false;
    }
  }

  // --- which vehicles

  /** @type {(hass: Hass, words: Words, vehicles: Vehicle[]) => Vehicle[]} */
  _chosen(hass, words, vehicles) {
    const wanted = this.search.trim().toLocaleLowerCase(hass.language);
    return vehicles.filter((one) => {
      if (this.filter === "attention" ? !this._needsAttention(hass, words, one) : this.filter && activityOf(hass, one) !== this.filter) {
        return false;
      }
      if (!wanted) return true;
      const account = fleet.overview?.accounts.find((other) => other.id === one.account);
      return [one.name, one.plate, one.model, account?.title, placeOf(hass, one, words)].some((text) =>
        text?.toLocaleLowerCase(hass.language).includes(wanted),
      );
    });
  }

  /** @type {(hass: Hass, words: Words, vehicle: Vehicle) => boolean} */
  _needsAttention(hass, words, vehicle) {
    return warningsOf(hass, vehicle, words).length > 0;
  }

  // --- drawing

  render() {
    const { hass, words } = this;
    if (!hass || !words) return nothing;
    const why = whyNothing();
    const vehicles = fleet.overview?.vehicles ?? [];
    if (why !== "dashboard_no_such_vehicle" && !vehicles.length) return this._empty(words, why);
    const order = format(Intl.Collator, hass.language, { numeric: true });
    const sorted = [...vehicles].sort((one, other) => order.compare(one.name, other.name));
    const chosen = this._chosen(hass, words, sorted);
    return html`<div class="page">
      ${fleet.isOutdated ? outdatedBanner(words) : nothing} ${this.hasCards ? this._bar(hass, words, vehicles) : html`<div class="bar"></div>`}
      ${this._mapCard(hass, chosen, words)} ${this._alarmCard(hass, words)}
      ${chosen.length
        ? html`<div class="vehicles" role="list" aria-label=${words("dashboard_vehicles")}>
            ${repeat(
              chosen,
              (one) => one.id,
              (one) => html`<div class="slot" role="listitem" data-device=${one.id}></div>`,
            )}
          </div>`
        : html`<ha-card><div class="note" role="status"><ha-icon icon="mdi:magnify-close"></ha-icon>${words("dashboard_nothing_found")}</div></ha-card>`}
    </div>`;
  }

  /** @type {(words: Words, why: string) => unknown} */
  _empty(words, why) {
    const helps = ["dashboard_no_account", "dashboard_not_loaded", "dashboard_not_running"].includes(why);
    return html`<div class="page">
      <ha-card>
        ${note(words)}
        ${helps && this.hass?.user?.is_admin
          ? html`<div class="note" style="padding-block-start:0">
              <a class="pill" style="text-decoration:none" href=${
                why === "dashboard_no_account"
                  ? "/config/integrations/dashboard/add?domain=fleet_tracker"
                  : "/config/integrations/integration/fleet_tracker"
              }>
                <ha-icon icon="mdi:cog-outline"></ha-icon>${words("dashboard_open_settings")}
              </a>
            </div>`
          : nothing}
      </ha-card>
    </div>`;
  }

  /** @type {(hass: Hass, words: Words, vehicles: Vehicle[]) => unknown} */
  _bar(hass, words, vehicles) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    let km = 0;
    let knowsKm = false;
    let attention = 0;
    for (const one of vehicles) {
      const activity = activityOf(hass, one);
      counts.set(activity, (counts.get(activity) ?? 0) + 1);
      const today = kilometres(stateOf(hass, one, "sensor", "distance_today"));
      if (today !== null) {
        knowsKm = true;
        km += today;
      }
      if (this._needsAttention(hass, words, one)) attention += 1;
    }
    /** @type {(key: string, icon: string, text: string, count: number, color?: string) => unknown} */
    const pill = (key, icon, text, count, color) =>
      html`<button
        class="pill sum"
        style=${styleMap(color ? { "--activity": color } : {})}
        aria-pressed=${this.filter === key}
        @click=${() => {
          this.filter = this.filter === key ? "" : key;
        }}
      >
        <ha-icon icon=${icon}></ha-icon><span class="count">${count}</span>${text}
      </button>`;
    return html`<div class="bar"><div class="sums">
      ${pill("", "mdi:car-multiple", words("dashboard_all"), vehicles.length)}
      ${ACTIVITIES.filter((one) => counts.get(one)).map((one) =>
        pill(one, ACTIVITY_ICONS[one] ?? "", words(ACTIVITY_WORDS[one] ?? one), counts.get(one) ?? 0, ACTIVITY_COLORS[one]),
      )}
      ${attention ? pill("attention", "mdi:alert-outline", words("dashboard_attention"), attention, "var(--warning-color, #ffa600)") : nothing}
      ${knowsKm
        ? html`<span class="pill sum"><ha-icon icon="mdi:map-marker-distance"></ha-icon><bdi class="count">${distance(hass, km)}</bdi>${words("dashboard_today")}</span>`
        : nothing}
      </div>
      <label class="search">
        <ha-icon icon="mdi:magnify"></ha-icon>
        <span class="visually-hidden">${words("dashboard_search")}</span>
        <input
          type="search"
          placeholder=${words("dashboard_search")}
          .value=${this.search}
          @input=${(/** @type {Event} */ event) => {
            this.search = /** @type {HTMLInputElement} */ (event.target).value;
          }}
        />
      </label>
    </div>`;
  }

  /** @type {(hass: Hass, vehicles: Vehicle[], words: Words) => unknown} */
  _mapCard(hass, vehicles, words) {
    if (!this.hasMap) return html`<ha-card class="map"></ha-card>`;
    const entities = vehicles.filter(hasTracker).map((one) => ({
      entity_id: one.tracker,
      color: MAP_COLORS[activityOf(hass, one)] ?? "#2196f3",
    }));
    const key = JSON.stringify(entities);
    if (!this.map) {
      this.map = createMap(hass, entities);
      this._mapKey = key;
    } else if (key !== this._mapKey) {
      this._mapKey = key;
      this.map.entities = entities;
    }
    return html`<ha-card class="map" role="region" aria-label=${words("dashboard_map")}>${this.map}</ha-card>`;
  }

  // --- alarms of today

  /** @type {(hass: Hass, words: Words) => unknown} */
  _alarmCard(hass, words) {
    const shown = this.allAlarms ? this.alarms : this.alarms.slice(0, ALARMS_SHOWN);
    return html`<ha-card class="alarms">
      <h2><ha-icon icon="mdi:bell-outline"></ha-icon>${words("dashboard_alarms_today")}</h2>
      ${shown.length
        ? html`<ul>
            ${shown.map(
              (one) =>
                html`<li>
                  <button class="alarm" @click=${() => showEntity(this, one.entity)}>
                    <time datetime=${one.time}>${clock(hass, one.time, { day: false })}</time>
                    <span class="of"><bdi>${one.vehicle.name}</bdi>: <bdi class="what">${one.what}</bdi></span>
                  </button>
                </li>`,
            )}
            ${this.alarms.length > shown.length
              ? html`<li>
                  <button class="pill" @click=${() => { this.allAlarms = true; }}>
                    <bdi>${words("dashboard_more", { count: this.alarms.length - shown.length })}</bdi>
                  </button>
                </li>`
              : nothing}
          </ul>`
        : html`<div class="note secondary" role="status">${words("dashboard_no_alarms")}</div>`}
    </ha-card>`;
  }

  async _readAlarms() {
    const { hass } = this;
    if (!hass || !fleet.overview) return;
    /** @type {Map<string, Vehicle>} */
    const of = new Map();
    for (const vehicle of fleet.overview.vehicles) {
      const entity = entityOf(vehicle, "event", "alarm");
      if (entity) of.set(entity, vehicle);
    }
    const routine = new Set(fleet.overview.routine);
    const today = dayOf(hass, Date.now());
    /** @type {Record<string, { s: string, a?: Record<string, unknown> }[]>} */
    let told = {};
    if (of.size && hass.config.components.includes("history")) {
      try {
        told = await hass.callWS({
          type: "history/history_during_period",
          start_time: new Date(Date.now() - DAY_MS).toISOString(),
          entity_ids: [...of.keys()],
          include_start_time_state: false,
          significant_changes_only: false,
          minimal_response: false,
        });
      } catch {
        // Then the last ones are shown, which their entities tell.
      }
    }
    /** @type {Map<string, { time: string, vehicle: Vehicle, entity: string, what: string }>} */
    const found = new Map();
    const work = new SlicedWork();
    for (const [entity, vehicle] of of) {
      await work.next();
      const now = hass.states[entity];
      const states = [...(told[entity] ?? []), ...(now ? [{ s: now.state, a: now.attributes }] : [])];
      for (const { s, a } of states) {
        const time = String(a?.["occurred_at"] ?? s);
        const type = a?.["event_type"];
        if (!a || !type || Number.isNaN(Date.parse(s)) || dayOf(hass, time) !== today) continue;
        // The end of an alarm counts as that which ended.
        const ended = a["cleared"];
        if (routine.has(String(ended ?? type))) continue;
        /** @type {(one: unknown) => string} */
        const word = (one) =>
          hass.formatEntityAttributeValue(
            { entity_id: entity, state: s, attributes: { ...now?.attributes, event_type: one }, last_changed: s, last_updated: s },
            "event_type",
          );
        const detail = ended ? word(ended) : ["other", "cleared"].includes(String(type)) ? [a["code"], a["name"]].filter(Boolean).join(", ") : "";
        found.set(`${entity} ${s}`, { time, vehicle, entity, what: detail ? `${word(type)}: ${detail}` : word(type) });
      }
    }
    this.alarms = [...found.values()].sort((one, other) => Date.parse(other.time) - Date.parse(one.time));
  }
}

customElements.define("fleet-tracker-overview", OverviewCard);

// A vehicle: what it does, where and since when, how full it is, what is wrong, and its controls.

import { css, html, nothing, repeat, styleMap } from "./lit.js";
import { dashboardPath, navigate, showEntity, vehiclePath } from "./actions.js";
import { FleetElement, outdatedBanner } from "./element.js";
import { entitiesOf, entityOf, fleet, stateOf } from "./fleet.js";
import {
  ACTIVITY_COLORS,
  ACTIVITY_ICONS,
  KIND_ICONS,
  activityOf,
  activityText,
  ago,
  clock,
  energyOf,
  hasTracker,
  lockOf,
  mayControl,
  nameOf,
  placeOf,
  warningsOf,
} from "./format.js";
import { shared } from "./styles.js";

/** The readings that the large card shows, where the vehicle has them, in this order. */
const FACTS = [
  ["sensor", "speed"],
  ["sensor", "distance_today"],
  ["sensor", "odometer"],
  ["sensor", "remaining_range"],
  ["sensor", "fuel"],
  ["sensor", "vehicle_voltage"],
  ["binary_sensor", "ignition"],
  ["sensor", "temperature"],
  ["sensor", "last_trip_distance"],
  ["sensor", "last_trip_duration"],
];

class VehicleCard extends FleetElement {
  static properties = {
    ...FleetElement.properties,
    asked: { state: true },
    busy: { state: true },
  };

  static styles = [
    shared,
    css`
      .head {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 14px 12px 4px 16px;
        padding-inline: 16px 12px;
      }
      .open {
        display: flex;
        align-items: center;
        gap: 12px;
        flex: 1;
        min-inline-size: 0;
        border-radius: 12px;
      }
      .badge {
        position: relative;
        display: grid;
        place-items: center;
        inline-size: 44px;
        block-size: 44px;
        border-radius: 50%;
        flex: none;
        background: color-mix(in srgb, var(--activity) 20%, var(--card-background-color));
        color: color-mix(in srgb, var(--activity) 80%, var(--primary-text-color));
      }
      .badge .dot {
        position: absolute;
        inset-block-end: -2px;
        inset-inline-end: -2px;
        display: grid;
        place-items: center;
        inline-size: 18px;
        block-size: 18px;
        border-radius: 50%;
        background: var(--activity);
        color: #fff;
        border: 2px solid var(--card-background-color);
        box-sizing: border-box;
        --mdc-icon-size: 11px;
        --ha-icon-size: 11px;
      }
      .badge .dot ha-icon {
        display: flex;
      }
      .names {
        min-inline-size: 0;
        flex: 1;
      }
      .name {
        font-size: 16px;
        font-weight: 500;
        line-height: 22px;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .state {
        font-size: 14px;
        line-height: 20px;
        color: var(--muted);
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .state b {
        font-weight: 500;
        color: var(--primary-text-color);
      }
      .body {
        display: flex;
        flex-direction: column;
        gap: 10px;
        padding: 8px 16px 16px;
      }
      .line {
        display: flex;
        align-items: center;
        gap: 8px;
        font-size: 14px;
        min-inline-size: 0;
        --mdc-icon-size: 18px;
      }
      .line ha-icon {
        color: var(--muted);
        flex: none;
      }
      .line span {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .bar {
        flex: 1;
        block-size: 6px;
        border-radius: 3px;
        background: var(--soft);
        overflow: hidden;
      }
      .bar div {
        block-size: 100%;
        border-radius: 3px;
      }
      .chips {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .chip {
        display: inline-flex;
        align-items: center;
        gap: 4px;
        font-size: 12px;
        line-height: 24px;
        padding: 0 10px 0 8px;
        padding-inline: 8px 10px;
        border-radius: 12px;
        background: var(--soft);
        --mdc-icon-size: 15px;
      }
      .chip.warn {
        background: color-mix(in srgb, var(--warning-color, #ffa600) 22%, var(--card-background-color));
      }
      .chip.severe {
        background: color-mix(in srgb, var(--error-color, #db4437) 22%, var(--card-background-color));
      }
      .facts {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(118px, 1fr));
        gap: 8px;
      }
      .fact {
        padding: 10px 12px;
        border-radius: 12px;
        background: var(--soft);
        min-inline-size: 0;
      }
      .fact .label {
        font-size: 12px;
        color: var(--muted);
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .fact .value {
        font-size: 16px;
        font-weight: 500;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      .danger {
        color: color-mix(in srgb, var(--error-color, #db4437) 60%, var(--primary-text-color));
      }
      .ask {
        padding: 16px;
        border-radius: 12px;
        border: 1px solid var(--error-color, #db4437);
        background: color-mix(in srgb, var(--error-color, #db4437) 10%, var(--card-background-color));
      }
      .ask h3 {
        margin: 0 0 4px;
        font-size: 16px;
        font-weight: 500;
      }
      .ask p {
        margin: 0 0 12px;
        font-size: 14px;
      }
      .pill[disabled] {
        opacity: 0.5;
        cursor: default;
      }
      .keep:hover {
        background: var(--primary-text-color);
      }
      .keep {
        background: var(--primary-text-color);
        color: var(--card-background-color);
      }
    `,
  ];

  constructor() {
    super();
    /** The button of which it is asked whether it is meant. @type {string} */
    this.asked = "";
    /** The entity that is being called. @type {string} */
    this.busy = "";
  }

  get isLarge() {
    return this.config["size"] === "large";
  }

  get drawn() {
    return this.vehicle ? entitiesOf(this.vehicle) : [];
  }

  render() {
    const { hass, words, vehicle } = this;
    if (!hass || !words) return nothing;
    if (!vehicle) return this.drawNothing(words);
    const activity = activityOf(hass, vehicle);
    const colors = { "--activity": ACTIVITY_COLORS[activity] ?? "var(--primary-color)" };
    return html`
      ${this.isLarge && fleet.isOutdated ? outdatedBanner(words) : nothing}
      <ha-card style=${styleMap(colors)}>
        ${this._head(hass, words, vehicle, activity)}
        <div class="body">
          ${hasTracker(vehicle) || !this.isLarge ? nothing : this._disabled(hass, words, vehicle)} ${this._place(hass, words, vehicle, activity)} ${this._energy(hass, vehicle)}
          ${this._chips(hass, words, vehicle, activity)}
          ${this.isLarge ? [this._facts(hass, vehicle), this._controls(hass, words, vehicle)] : nothing}
        </div>
      </ha-card>
    `;
  }

  _head(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle, /** @type {string} */ activity) {
    const speed = activity === "driving" ? stateOf(hass, vehicle, "sensor", "speed") : undefined;
    const lock = hass.states[lockOf(vehicle) ?? ""];
    return html`<div class="head">
      <button class="open" @click=${() => this._open(vehicle)}>
        <span class="badge">
          <ha-icon icon=${KIND_ICONS[vehicle.kind] ?? "mdi:car"}></ha-icon>
          <span class="dot"><ha-icon icon=${ACTIVITY_ICONS[activity] ?? "mdi:help"}></ha-icon></span>
        </span>
        <span class="names">
          <div class="name"><bdi>${vehicle.name}</bdi></div>
          <div class="state">
            <b><bdi>${activityText(hass, vehicle, activity, words)}</bdi></b>${speed
              ? html` · <bdi>${hass.formatEntityState(speed)}</bdi>`
              : nothing}${vehicle.plate ? html` · <bdi>${vehicle.plate}</bdi>` : nothing}
          </div>
        </span>
      </button>
      ${lock
        ? html`<button
            class="icon-button"
            aria-label="${nameOf(hass, lock.entity_id, vehicle)}: ${hass.formatEntityState(lock)}"
            title=${hass.formatEntityState(lock)}
            @click=${() => showEntity(this, lock.entity_id)}
          >
            <ha-icon icon=${lockIcon(lock.state)}></ha-icon>
          </button>`
        : nothing}
    </div>`;
  }

  _place(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle, /** @type {string} */ activity) {
    const { contact } = vehicle.times;
    // The state may be newer than what was asked: then it began at another time.
    const since = vehicle.times.activity === activity ? vehicle.times.since : null;
    return html`<div class="line">
      <ha-icon icon="mdi:map-marker-outline"></ha-icon>
      <span>
        <bdi>${placeOf(hass, vehicle, words)}</bdi>
        <span class="secondary">
          ·
          <bdi
            >${since
              ? words("dashboard_since", { time: clock(hass, since, { words }) })
              : contact
                ? words("dashboard_heard", { time: ago(hass, contact, words) })
                : words("dashboard_never_heard")}</bdi
          >
        </span>
      </span>
    </div>`;
  }

  /** How to enable the tracker, on the page of the device. */
  _disabled(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle) {
    return html`<div class="ask" role="status">
      <p><bdi>${words("dashboard_enable_tracker", { entity: vehicle.tracker })}</bdi></p>
      ${hass.user?.is_admin
        ? html`<button class="pill" @click=${() => navigate(`/config/devices/device/${vehicle.id}`)}>
            <ha-icon icon="mdi:cog-outline"></ha-icon><bdi>${words("dashboard_open_settings")}</bdi>
          </button>`
        : nothing}
    </div>`;
  }

  _energy(/** @type {Hass} */ hass, /** @type {Vehicle} */ vehicle) {
    const energy = energyOf(hass, vehicle);
    if (!energy) return nothing;
    const color =
      energy.level < 15
        ? "var(--error-color, #db4437)"
        : energy.level < 30
          ? "var(--warning-color, #ffa600)"
          : "var(--success-color, #43a047)";
    return html`<div class="line">
      <ha-icon icon=${energy.icon}></ha-icon>
      <div class="bar" aria-hidden="true">
        <div style=${styleMap({ inlineSize: `${Math.min(100, Math.max(2, energy.level))}%`, background: color })}></div>
      </div>
      <bdi>${hass.formatEntityState(energy.state)}</bdi>
    </div>`;
  }

  _chips(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle, /** @type {string} */ activity) {
    const warnings = warningsOf(hass, vehicle, words);
    const account = fleet.overview?.accounts.find((one) => one.id === vehicle.account);
    const today = stateOf(hass, vehicle, "sensor", "distance_today");
    const voltage = stateOf(hass, vehicle, "sensor", "vehicle_voltage");
    const plain = this.isLarge
      ? []
      : [
          { state: today, icon: "mdi:map-marker-distance" },
          { state: voltage, icon: "mdi:car-battery" },
        ];
    return html`<div class="chips">
      ${account && !account.reachable
        ? html`<span class="chip warn"><ha-icon icon="mdi:cloud-alert-outline"></ha-icon><bdi>${words("dashboard_unreachable")}</bdi></span>`
        : nothing}
      ${activity === "offline" && vehicle.times.since && vehicle.times.contact
        ? html`<span class="chip warn"
            ><ha-icon icon="mdi:clock-alert-outline"></ha-icon><bdi>${words("dashboard_heard", {
              time: ago(hass, vehicle.times.contact, words),
            })}</bdi></span
          >`
        : nothing}
      ${repeat(
        warnings,
        (one) => one.entity,
        (one) =>
          html`<button class="chip ${one.severe ? "severe" : "warn"}" @click=${() => showEntity(this, one.entity)}>
            <ha-icon icon=${one.icon}></ha-icon><bdi>${one.text}</bdi>
          </button>`,
      )}
      ${plain.map(({ state, icon }) =>
        state ? html`<span class="chip"><ha-icon icon=${icon}></ha-icon><bdi>${hass.formatEntityState(state)}</bdi></span>` : nothing,
      )}
    </div>`;
  }

  _facts(/** @type {Hass} */ hass, /** @type {Vehicle} */ vehicle) {
    const states = FACTS.map(([domain = "", reading = ""]) => stateOf(hass, vehicle, domain, reading)).filter(
      (one) => one !== undefined,
    );
    return html`<div class="facts">
      ${states.map(
        (state) =>
          html`<button class="fact" @click=${() => showEntity(this, state.entity_id)}>
            <div class="label"><bdi>${nameOf(hass, state.entity_id, vehicle)}</bdi></div>
            <div class="value"><bdi>${hass.formatEntityState(state)}</bdi></div>
          </button>`,
      )}
    </div>`;
  }

  // --- controls

  _controls(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle) {
    if (this.asked) return this._question(hass, words, vehicle, this.asked);
    const locks = Object.values(vehicle.entities["lock"] ?? {}).filter((id) => mayControl(vehicle, id));
    const hidden = locks.length ? ["lock", "unlock"] : [];
    const buttons = Object.entries(vehicle.entities["button"] ?? {}).filter(
      ([reading, id]) => !hidden.includes(reading) && mayControl(vehicle, id),
    );
    if (!locks.length && !buttons.length) return nothing;
    return html`<div class="controls">
      ${locks.map((id) => this._lock(hass, vehicle, id))}
      ${buttons.map(([, id]) => this._button(hass, vehicle, id))}
    </div>`;
  }

  _lock(/** @type {Hass} */ hass, /** @type {Vehicle} */ vehicle, /** @type {string} */ id) {
    const state = hass.states[id];
    if (!state) return nothing;
    const isLocked = state.state === "locked";
    const does = { ...state, state: isLocked ? "unlocking" : "locking" };
    return html`<button
      class="pill"
      ?disabled=${state.state === "unavailable" || this.busy === id}
      title=${hass.formatEntityState(does)}
      @click=${() => this._call("lock", isLocked ? "unlock" : "lock", id)}
    >
      <ha-icon icon=${lockIcon(state.state)}></ha-icon>
      <bdi>${nameOf(hass, id, vehicle)}: ${hass.formatEntityState(state)}</bdi>
    </button>`;
  }

  _button(/** @type {Hass} */ hass, /** @type {Vehicle} */ vehicle, /** @type {string} */ id) {
    const state = hass.states[id];
    if (!state) return nothing;
    const stops = vehicle.stopping.includes(id);
    return html`<button
      class="pill ${stops ? "danger" : ""}"
      ?disabled=${state.state === "unavailable" || this.busy === id}
      @click=${() => (stops ? this._ask(id) : this._call("button", "press", id))}
    >
      <ha-state-icon .hass=${hass} .stateObj=${state}></ha-state-icon>
      <bdi>${nameOf(hass, id, vehicle)}</bdi>
    </button>`;
  }

  _question(/** @type {Hass} */ hass, /** @type {Words} */ words, /** @type {Vehicle} */ vehicle, /** @type {string} */ id) {
    const name = nameOf(hass, id, vehicle);
    const isEngine = id === entityOf(vehicle, "button", "cut_engine");
    return html`<div
      class="ask"
      role="alertdialog"
      aria-labelledby="question"
      aria-describedby="consequence"
      @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this._keep()}
    >
      <h3 id="question">
        <bdi
          >${isEngine
            ? words("dashboard_cut_question", { vehicle: vehicle.name })
            : words("dashboard_stop_question", { vehicle: vehicle.name, what: name })}</bdi
        >
      </h3>
      <p id="consequence"><bdi>${words("dashboard_cut_consequence")}</bdi></p>
      <div class="controls">
        <button class="pill keep" @click=${() => this._keep()}>${words("dashboard_keep")}</button>
        <button class="pill danger" @click=${() => this._stop(id)}>
          ${isEngine ? words("dashboard_cut") : name}
        </button>
      </div>
    </div>`;
  }

  async _ask(/** @type {string} */ id) {
    this.asked = id;
    await this.updateComplete;
    /** @type {HTMLElement | null} */ (this.renderRoot.querySelector(".keep"))?.focus();
  }

  async _keep() {
    const asked = this.asked;
    this.asked = "";
    await this.updateComplete;
    if (asked) /** @type {HTMLElement | null} */ (this.renderRoot.querySelector(".danger"))?.focus();
  }

  _stop(/** @type {string} */ id) {
    this.asked = "";
    return this._call("button", "press", id);
  }

  async _call(/** @type {string} */ domain, /** @type {string} */ service, /** @type {string} */ id) {
    this.busy = id;
    try {
      await this.hass?.callService(domain, service, { entity_id: id });
    } catch {
      // Home Assistant has shown the reason.
    } finally {
      this.busy = "";
    }
  }

  _open(/** @type {Vehicle} */ vehicle) {
    if (this.config["opens"] === "page") navigate(`/${dashboardPath()}/${vehiclePath(vehicle.id)}`);
    else showEntity(this, vehicle.tracker);
  }
}

/** @param {string} state */
const lockIcon = (state) =>
  ({ locked: "mdi:lock", unlocked: "mdi:lock-open-variant", jammed: "mdi:lock-alert" })[state] ?? "mdi:lock-question";

customElements.define("fleet-tracker-vehicle", VehicleCard);

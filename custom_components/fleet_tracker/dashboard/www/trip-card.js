// The drives of a day: in time, on the map, replayed by a slider, and as files.

import { css, html, nothing, repeat } from "./lit.js";
import { download } from "./actions.js";
import { activityOf, clock, dayOf, distance, duration, format, hasTracker, isSameDay, speed } from "./format.js";
import { MapElement, createMap, setPaths } from "./map.js";
import { shared } from "./styles.js";

const RUNNING_REFRESH_MS = 20_000;
const REPLAY_MS = 12_000;
const FRAME_MS = 80;
const ROUTE = "#1e88e5";
const UNHEARD = "#9e9e9e";
const NOW = "#e53935";
const FORMATS = /** @type {const} */ (["gpx", "kml", "csv"]);

class TripCard extends MapElement {
  static properties = {
    ...MapElement.properties,
    day: { state: true },
    trips: { state: true },
    problem: { state: true },
    fileProblem: { state: true },
    chosen: { state: true },
    route: { state: true },
    at: { state: true },
    playing: { state: true },
  };

  static styles = [
    shared,
    css`
      .day {
        display: flex;
        align-items: center;
        gap: 4px;
        padding: 8px 8px 8px 16px;
        padding-inline: 16px 8px;
        flex-wrap: wrap;
      }
      .day h2 {
        margin: 0;
        flex: 1;
        min-inline-size: 140px;
        font-size: 16px;
        font-weight: 500;
      }
      .day h2 span {
        font-size: 14px;
        font-weight: 400;
      }
      .map {
        block-size: 360px;
        position: relative;
      }
      .map ha-map {
        block-size: 100%;
      }
      .replay {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 4px 16px 4px 8px;
        padding-inline: 8px 16px;
      }
      .replay input {
        flex: 1;
        min-inline-size: 0;
        accent-color: var(--primary-color);
        block-size: 32px;
      }
      .replay output {
        min-inline-size: 116px;
        text-align: end;
        font-size: 14px;
        font-variant-numeric: tabular-nums;
      }
      ol {
        list-style: none;
        margin: 0;
        padding: 4px 8px 8px;
        max-block-size: 420px;
        overflow: auto;
      }
      .trip,
      .stay {
        inline-size: 100%;
        box-sizing: border-box;
        display: grid;
        grid-template-columns: 22px minmax(0, 1fr) auto;
        column-gap: 12px;
        padding: 8px;
        border-radius: 12px;
        position: relative;
      }
      .trip:hover {
        background: var(--secondary-background-color);
      }
      .trip[aria-pressed="true"] {
        background: color-mix(in srgb, var(--primary-color) 14%, var(--card-background-color));
      }
      .rail {
        display: grid;
        justify-items: center;
        align-content: center;
        --mdc-icon-size: 20px;
        color: var(--primary-color);
      }
      .stay {
        padding-block: 0;
        font-size: 13px;
        color: var(--muted);
        min-block-size: 26px;
        align-items: center;
      }
      .stay .rail::before {
        content: "";
        inline-size: 2px;
        block-size: 24px;
        border-radius: 1px;
        background: var(--divider-color);
      }
      .times {
        font-weight: 500;
        font-size: 15px;
        font-variant-numeric: tabular-nums;
      }
      .places {
        font-size: 13px;
        color: var(--muted);
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .numbers {
        text-align: end;
        font-size: 13px;
        color: var(--muted);
        white-space: nowrap;
      }
      .numbers b {
        display: block;
        font-size: 15px;
        font-weight: 500;
        color: var(--primary-text-color);
      }
      .files {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
        padding: 0 16px 16px;
        font-size: 14px;
      }
      .live {
        display: inline-block;
        padding: 0 8px;
        border-radius: 9px;
        font-size: 12px;
        line-height: 18px;
        background: color-mix(in srgb, var(--success-color, #43a047) 30%, var(--card-background-color));
      }
      .icon-button[disabled] {
        opacity: 0.35;
        cursor: default;
      }
      .turns {
        display: inline-block;
      }
      :host(:dir(rtl)) .turns {
        scale: -1 1;
      }
      @media (max-width: 600px) {
        .map {
          block-size: 260px;
        }
      }
    `,
  ];

  constructor() {
    super();
    /** The day that is shown, "" for today. @type {string} */
    this.day = "";
    /** @type {Trip[] | null} */
    this.trips = null;
    this.problem = "";
    /** Why no file was saved. */
    this.fileProblem = "";
    /** The trip that is drawn. @type {Trip | null} */
    this.chosen = null;
    /** @type {Route | null} */
    this.route = null;
    /** The point that the slider stands at. */
    this.at = 0;
    this.playing = false;
    this._timer = 0;
    this._frames = 0;
    this._shownDevice = "";
    this._asked = 0;
    this._total = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this._timer = window.setInterval(() => !document.hidden && this._refresh(), RUNNING_REFRESH_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this._timer);
    this._stop();
  }

  get drawn() {
    return this.vehicle ? [this.vehicle.tracker] : [];
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  shouldUpdate(changed) {
    const should = super.shouldUpdate(changed);
    this.followMap();
    return should;
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  updated(changed) {
    const vehicle = this.vehicle;
    if (vehicle && this._shownDevice !== vehicle.id) {
      this._shownDevice = vehicle.id;
      this._load();
    }
    if (this.map && (changed.has("route") || changed.has("at") || changed.has("hasMap"))) {
      this._draw(changed.has("route") || changed.has("hasMap"));
    }
  }

  // --- what is asked

  async _load() {
    const { hass, vehicle } = this;
    if (!hass || !vehicle) return;
    const asked = (this._asked += 1);
    try {
      const answer = await hass.callWS({
        type: "fleet_tracker/trips",
        entity_id: vehicle.tracker,
        ...(this.day ? { date: this.day } : {}),
      });
      if (asked !== this._asked) return;
      this.trips = answer.trips;
      this._total = answer.distance;
      this.problem = "";
    } catch (error) {
      if (asked !== this._asked) return;
      this.trips = [];
      this.problem = whatIsWrong(error);
    }
    await this._loadRoute(this._chosenNow());
  }

  /** The trip to be drawn: that which was chosen, if it is still there, else the last one. */
  _chosenNow() {
    const trips = (this.trips ?? []).filter((one) => one.trip_id !== null);
    const same = trips.find((one) => one.trip_id === this.chosen?.trip_id);
    return same ?? trips.at(-1) ?? null;
  }

  async _loadRoute(/** @type {Trip | null} */ trip) {
    const { hass, vehicle } = this;
    if (!hass || !vehicle) return;
    const isSame = trip?.trip_id === this.chosen?.trip_id;
    const wasAtEnd = !this.route || this.at >= this.route.points.length - 1;
    this.chosen = trip;
    if (!isSame) {
      this._stop();
      this.route = null;
    }
    if (!trip) {
      this.route = null;
      return;
    }
    try {
      const route = /** @type {Route} */ (
        await hass.callWS({ type: "fleet_tracker/route", entity_id: vehicle.tracker, trip_id: trip.trip_id })
      );
      if (this.chosen?.trip_id !== trip.trip_id) return;
      this.route = route;
      this.problem = "";
      if (!isSame || wasAtEnd) this.at = Math.max(0, route.points.length - 1);
    } catch (error) {
      this.problem = whatIsWrong(error);
    }
  }

  _refresh() {
    const isToday = !this.day;
    if (isToday && !this.playing) this._load();
  }

  // --- the map

  _draw(/** @type {boolean} */ isNew) {
    const points = this.route?.points ?? [];
    const gaps = new Set(this.route?.gaps ?? []);
    /** @type {MapPath[]} */
    const paths = [];
    /** @type {MapPath["points"]} */
    let part = [];
    const end = () => {
      if (part.length > 1) paths.push({ points: part, color: ROUTE, fullDatetime: false, gradualOpacity: 0 });
      part = [];
    };
    points.forEach(([time, latitude, longitude], index) => {
      const point = { point: /** @type {[number, number]} */ ([latitude, longitude]), timestamp: new Date(time * 1000) };
      const before = part.at(-1);
      if (gaps.has(index) && before) {
        end();
        paths.push({ points: [before, point], color: UNHEARD, fullDatetime: false });
      }
      part.push(point);
    });
    end();
    const now = points[this.at];
    if (now) {
      paths.push({ points: [{ point: [now[1], now[2]], timestamp: new Date(now[0] * 1000) }], color: NOW, fullDatetime: false });
    }
    if (!isNew || !points.length) {
      this.map.autoFit = !points.length;
      setPaths(this.map, paths, []);
      return;
    }
    setPaths(
      this.map,
      paths,
      points.map(([, latitude, longitude]) => [latitude, longitude]),
    );
  }

  // --- replaying

  _play() {
    const count = this.route?.points.length ?? 0;
    if (count < 2) return;
    if (this.playing) {
      this._stop();
      return;
    }
    if (this.at >= count - 1) this.at = 0;
    this.playing = true;
    const step = Math.max(1, Math.round((count * FRAME_MS) / REPLAY_MS));
    this._frames = window.setInterval(
      () => {
        this.at = Math.min(count - 1, this.at + step);
        if (this.at >= count - 1) this._stop();
      },
      Math.max(FRAME_MS, (REPLAY_MS / count) * step),
    );
  }

  _stop() {
    clearInterval(this._frames);
    this.playing = false;
  }

  // --- drawing

  render() {
    const { hass, words, vehicle } = this;
    if (!hass || !words) return nothing;
    if (!vehicle) return this.drawNothing(words);
    return html`<ha-card>
      ${this._dayLine(hass, words)} ${this._mapPart(hass, vehicle, words)} ${this._replay(hass, words)}
      ${this._list(hass, words)} ${this._files(words)}
    </ha-card>`;
  }

  /** @type {(hass: Hass, words: Words) => unknown} */
  _dayLine(hass, words) {
    const trips = this.trips ?? [];
    const text = this.day
      ? format(Intl.DateTimeFormat, hass.language, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(this.day))
      : words("dashboard_today");
    return html`<div class="day">
      <h2>
        ${text}
        ${trips.length
          ? html`<span class="secondary">· <bdi>${words("dashboard_trips", { count: trips.length })}</bdi> · <bdi>${distance(hass, this._total ?? 0)}</bdi></span>`
          : nothing}
      </h2>
      <button class="icon-button" aria-label=${words("dashboard_day_before")} title=${words("dashboard_day_before")} @click=${() => this._go(-1)}>
        <ha-icon class="turns" icon="mdi:chevron-left"></ha-icon>
      </button>
      <button class="icon-button" ?disabled=${!this.day} aria-label=${words("dashboard_day_after")} title=${words("dashboard_day_after")} @click=${() => this._go(1)}>
        <ha-icon class="turns" icon="mdi:chevron-right"></ha-icon>
      </button>
    </div>`;
  }

  /** @param {number} days */
  _go(days) {
    if (!this.hass) return;
    const today = dayOf(this.hass, Date.now());
    const date = new Date(this.day || today);
    date.setUTCDate(date.getUTCDate() + days);
    const day = date.toISOString().slice(0, 10);
    this.day = day >= today ? "" : day;
    this.chosen = null;
    this.route = null;
    this.trips = null;
    this._load();
  }

  /** @type {(hass: Hass, vehicle: Vehicle, words: Words) => unknown} */
  _mapPart(hass, vehicle, words) {
    if (!this.hasMap || (!hasTracker(vehicle) && !this.route)) return nothing;
    if (!this.map) {
      this.map = createMap(hass, [{ entity_id: vehicle.tracker, color: ROUTE, focus: true }]);
    }
    return html`<div class="map" role="region" aria-label=${words("dashboard_map")}>${this.map}</div>`;
  }

  /** @type {(hass: Hass, words: Words) => unknown} */
  _replay(hass, words) {
    const points = this.route?.points ?? [];
    const now = points[this.at];
    if (this.route && points.length < 2) return html`<div class="note secondary" role="status"><bdi>${words("dashboard_no_route")}</bdi></div>`;
    if (!now) return nothing;
    const told = `${clock(hass, now[0] * 1000, { day: false, seconds: true })}${now[3] === null ? "" : ` · ${speed(hass, now[3])}`}`;
    return html`<div class="replay">
      <button class="icon-button" aria-label=${words(this.playing ? "dashboard_pause" : "dashboard_play")} @click=${() => this._play()}>
        <ha-icon icon=${this.playing ? "mdi:pause" : "mdi:play"}></ha-icon>
      </button>
      <input
        type="range"
        min="0"
        max=${points.length - 1}
        .value=${String(this.at)}
        aria-label=${words("dashboard_replay")}
        aria-valuetext=${told}
        @input=${(/** @type {Event} */ event) => {
          this._stop();
          this.at = Number(/** @type {HTMLInputElement} */ (event.target).value);
        }}
      />
      <output><bdi>${told}</bdi></output>
    </div>`;
  }

  /** @type {(hass: Hass, words: Words) => unknown} */
  _list(hass, words) {
    const trips = this.trips;
    if (this.problem) {
      return html`<div class="note" role="status"><ha-icon icon="mdi:information-outline"></ha-icon>${inWords(words, this.problem)}</div>`;
    }
    if (!trips) return html`<div class="note secondary" role="status">${words("dashboard_loading")}</div>`;
    if (!trips.length) {
      return html`<div class="note secondary" role="status"><ha-icon icon="mdi:sleep"></ha-icon>${words("dashboard_no_trips")}</div>`;
    }
    return html`<ol aria-label=${words("dashboard_trips_of_day")}>
      ${repeat(
        trips,
        (one, index) => one.trip_id ?? index,
        (one, index) => html`<li>${this._stay(hass, words, trips[index - 1], one)}${this._trip(hass, words, one)}</li>`,
      )}
    </ol>`;
  }

  /** @type {(hass: Hass, words: Words, before: Trip | undefined, trip: Trip) => unknown} */
  _stay(hass, words, before, trip) {
    if (!before?.end) return nothing;
    const seconds = (Date.parse(trip.begin) - Date.parse(before.end)) / 1000;
    if (seconds < 60) return nothing;
    const where = before.end_place?.zone ?? before.end_place?.address;
    return html`<div class="stay">
      <span class="rail"></span>
      <span>${where ? html`<bdi>${where}</bdi> · ` : nothing}<bdi>${words("dashboard_stood", { time: duration(hass, seconds, words) })}</bdi></span>
    </div>`;
  }

  /**
   * Whether the vehicle stands while its trip is under way: the end is certain only minutes later.
   *
   * @type {(hass: Hass) => boolean}
   */
  _stands(hass) {
    return this.vehicle ? activityOf(hass, this.vehicle) === "parked" : false;
  }

  /** @type {(hass: Hass, words: Words, trip: Trip) => unknown} */
  _trip(hass, words, trip) {
    const places = [trip.begin_place, trip.end_place].map((one) => one?.zone ?? one?.address);
    const known = places.filter((one) => one !== undefined);
    return html`<button
      class="trip"
      aria-pressed=${this.chosen !== null && this.chosen.trip_id === trip.trip_id}
      ?disabled=${trip.trip_id === null}
      @click=${() => this._loadRoute(trip)}
    >
      <span class="rail"><ha-icon icon=${trip.running ? "mdi:navigation-variant" : "mdi:map-marker-path"}></ha-icon></span>
      <span>
        <div class="times">
          <bdi>${clock(hass, trip.begin, { day: false })}</bdi> –
          ${trip.end ? html`<bdi>${clock(hass, trip.end, { day: !isSameDay(hass, trip.begin, trip.end) })}</bdi>` : html`<span class="live">${words(this._stands(hass) ? "dashboard_stands" : "dashboard_now")}</span>`}
        </div>
        ${known.length ? html`<div class="places">${known.length > 1 ? html`<bdi>${places[0]}</bdi> <span class="turns">→</span> <bdi>${places[1]}</bdi>` : html`<bdi>${known[0]}</bdi>`}</div>` : nothing}
      </span>
      <span class="numbers">
        <b><bdi>${trip.distance === null ? "" : distance(hass, trip.distance)}</bdi></b>
        ${trip.duration === null ? nothing : html`<bdi>${duration(hass, trip.duration)}</bdi>`}${trip.average_speed === null ? nothing : html` · <bdi>⌀ ${speed(hass, trip.average_speed)}</bdi>`}
      </span>
    </button>`;
  }

  /** @type {(words: Words) => unknown} */
  _files(words) {
    if (!this.trips?.length) return nothing;
    return html`<div class="files" role="group" aria-label=${words("dashboard_download")}>
      <span class="secondary">${words("dashboard_download")}</span>
      ${FORMATS.map(
        (kind) =>
          html`<button class="pill" @click=${() => this._save(kind)}>
            <ha-icon icon="mdi:download"></ha-icon>${kind.toUpperCase()}
          </button>`,
      )}
      ${this.fileProblem ? html`<span role="status">${inWords(words, this.fileProblem)}</span>` : nothing}
    </div>`;
  }

  /** @param {string} kind */
  async _save(kind) {
    const { hass, vehicle } = this;
    if (!hass || !vehicle) return;
    try {
      const file = await hass.callWS({
        type: "fleet_tracker/export",
        entity_id: vehicle.tracker,
        format: kind,
        ...(this.day ? { date: this.day } : {}),
      });
      this.fileProblem = "";
      download(file.file_name, file.mime_type, file.content);
    } catch (error) {
      this.fileProblem = whatIsWrong(error);
    }
  }
}

/** @param {unknown} error */
function whatIsWrong(error) {
  const { code, message } = /** @type {{ code?: string, message?: string }} */ (error ?? {});
  if (code === "failed" && message) return message;
  return "dashboard_trips_failed";
}

/** @type {(words: Words, problem: string) => string} */
const inWords = (words, problem) => (problem.startsWith("dashboard_") ? words(problem) : problem);

customElements.define("fleet-tracker-trips", TripCard);

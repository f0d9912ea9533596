// The form in which a card is set up.

import { LitElement, html, nothing } from "./lit.js";
import { loadWords } from "./fleet.js";

const DEVICE = { name: "device", required: true, selector: { device: { integration: "fleet_tracker", entity: { domain: "device_tracker" } } } };

const LABELS = /** @type {Record<string, string>} */ ({
  device: "dashboard_field_device",
  size: "dashboard_field_size",
  title: "dashboard_field_title",
});

/** @type {(words: Words) => Record<string, object[]>} */
const forms = (words) => ({
  vehicle: [
    DEVICE,
    {
      name: "size",
      selector: {
        select: {
          mode: "box",
          options: [
            { value: "compact", label: words("dashboard_compact") },
            { value: "large", label: words("dashboard_large") },
          ],
        },
      },
    },
  ],
  trip: [DEVICE],
  overview: [],
  fold: [{ name: "title", selector: { text: {} } }],
});

class Editor extends LitElement {
  static properties = {
    hass: { attribute: false },
    form: { attribute: false },
    config: { state: true },
    words: { state: true },
  };

  constructor() {
    super();
    /** @type {Hass | undefined} */
    this.hass = undefined;
    this.form = "vehicle";
    /** @type {CardConfig} */
    this.config = {};
    /** @type {Words | undefined} */
    this.words = undefined;
  }

  setConfig(/** @type {CardConfig} */ config) {
    this.config = config;
  }

  willUpdate() {
    if (this.hass && !this.words) {
      loadWords(this.hass).then((words) => {
        this.words = words;
      });
    }
  }

  render() {
    const { hass, words } = this;
    if (!hass || !words) return nothing;
    const schema = forms(words)[this.form] ?? [];
    if (!schema.length) return html`<p>${words("dashboard_nothing_to_set")}</p>`;
    return html`<ha-form
      .hass=${hass}
      .data=${this.form === "vehicle" ? { size: "compact", ...this.config } : this.config}
      .schema=${schema}
      .computeLabel=${(/** @type {{ name: string }} */ field) => words(LABELS[field.name] ?? field.name)}
      @value-changed=${this._changed}
    ></ha-form>`;
  }

  _changed(/** @type {CustomEvent} */ event) {
    event.stopPropagation();
    this.dispatchEvent(
      new CustomEvent("config-changed", { bubbles: true, composed: true, detail: { config: event.detail.value } }),
    );
  }
}

customElements.define("fleet-tracker-editor", Editor);

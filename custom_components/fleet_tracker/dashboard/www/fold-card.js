// A card of Home Assistant's that is made when it is unfolded.

import { LitElement, css, html, nothing } from "./lit.js";
import { shared } from "./styles.js";

class FoldCard extends LitElement {
  static properties = {
    config: { attribute: false },
    hass: { attribute: false },
    card: { state: true },
  };

  static styles = [
    shared,
    css`
      summary {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 16px;
        cursor: pointer;
        font-weight: 500;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary ha-icon {
        color: var(--muted);
      }
      .chevron {
        margin-inline-start: auto;
        transition: rotate 0.2s;
      }
      @media (prefers-reduced-motion) {
        .chevron {
          transition: none;
        }
      }
      details[open] .chevron {
        rotate: 180deg;
      }
      .inside {
        --ha-card-border-width: 0;
        --ha-card-box-shadow: none;
      }
    `,
  ];

  constructor() {
    super();
    /** @type {any} */
    this.config = {};
    /** @type {Hass | undefined} */
    this.hass = undefined;
    /** @type {any} */
    this.card = null;
  }

  updated() {
    if (this.card) this.card.hass = this.hass;
  }

  render() {
    return html`<ha-card>
      <details @toggle=${this._unfold}>
        <summary>
          <ha-icon icon=${this.config.icon ?? "mdi:dots-horizontal"}></ha-icon>
          ${this.config.title}
          <ha-icon class="chevron" icon="mdi:chevron-down"></ha-icon>
        </summary>
        <div class="inside">${this.card ?? nothing}</div>
      </details>
    </ha-card>`;
  }

  async _unfold() {
    if (this.card) return;
    const helpers = await window.loadCardHelpers?.();
    const card = helpers?.createCardElement(this.config.card);
    card.hass = this.hass;
    this.card = card;
  }
}

customElements.define("fleet-tracker-fold", FoldCard);

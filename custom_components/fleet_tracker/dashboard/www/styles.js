// What our elements have in common: Home Assistant's colours, and nothing that points left or right.

import { css } from "./lit.js";

export const shared = css`
  :host {
    --muted: color-mix(in srgb, var(--secondary-text-color) 70%, var(--primary-text-color));
    --soft: color-mix(in srgb, var(--primary-text-color) 7%, var(--card-background-color));
    display: block;
    height: 100%;
    color: var(--primary-text-color);
    font-family: var(--ha-font-family-body, var(--paper-font-body1_-_font-family, inherit));
  }
  ha-card {
    /* A panel takes these away from its card, which is a whole page here. */
    --ha-card-border-radius: var(--restore-card-border-radius, 12px);
    --ha-card-border-width: var(--restore-card-border-width, 1px);
    --ha-card-box-shadow: var(--restore-card-box-shadow, none);
    height: 100%;
    box-sizing: border-box;
    overflow: hidden;
  }
  button,
  select,
  input {
    font: inherit;
    color: inherit;
  }
  button {
    cursor: pointer;
    border: none;
    background: none;
    padding: 0;
    text-align: start;
  }
  :focus-visible {
    outline: 2px solid var(--primary-color);
    outline-offset: 2px;
  }
  .pill {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    min-height: 36px;
    padding: 0 14px;
    box-sizing: border-box;
    border-radius: 18px;
    background: var(--soft);
    color: var(--primary-text-color);
    font-size: 14px;
    font-weight: 500;
    white-space: nowrap;
    --mdc-icon-size: 18px;
  }
  .pill:hover {
    background: color-mix(in srgb, var(--primary-text-color) 12%, var(--card-background-color));
  }
  .pill[aria-pressed="true"] {
    background: color-mix(in srgb, var(--primary-color) 24%, var(--card-background-color));
  }
  .icon-button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    inline-size: 40px;
    block-size: 40px;
    border-radius: 50%;
    flex: none;
    color: var(--muted);
  }
  .icon-button:hover {
    background: var(--secondary-background-color);
  }
  .secondary {
    color: var(--muted);
  }
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .note {
    display: flex;
    gap: 12px;
    align-items: center;
    padding: 16px;
  }
  .note ha-icon {
    color: var(--muted);
    flex: none;
  }
`;

// Home Assistant's own map element. It is promised to nobody, hence all that is known of it is here.

import { FleetElement, painted } from "./element.js";

const PATIENCE_MS = 5_000;

/** @type {Promise<boolean> | null} */
let defined = null;

/**
 * Have the element defined, which Home Assistant loads with its first map card.
 *
 * @returns {Promise<boolean>} whether there is one
 */
export function defineMap() {
  defined ??= load();
  return defined;
}

async function load() {
  if (customElements.get("ha-map")) return true;
  try {
    const helpers = await window.loadCardHelpers?.();
    helpers?.createCardElement({ type: "map", entities: ["zone.home"] });
  } catch {
    // Without a map the rest is shown.
  }
  return Promise.race([
    customElements.whenDefined("ha-map").then(() => true),
    new Promise((/** @type {(is: boolean) => void} */ resolve) => {
      setTimeout(() => resolve(false), PATIENCE_MS);
    }),
  ]);
}

/**
 * Return a map that shows these entities; a name alone, or with a colour and whether it must be seen.
 *
 * @param {Hass} hass
 * @param {(string | { entity_id: string, color?: string, focus?: boolean })[]} entities
 */
export function createMap(hass, entities) {
  const map = /** @type {any} */ (document.createElement("ha-map"));
  map.hass = hass;
  map.entities = entities;
  map.zoom = 14;
  map.autoFit = true;
  map.renderPassive = false;
  map.interactiveZones = true;
  return map;
}

/**
 * Draw routes, and see to it that all of the points are seen.
 *
 * @param {any} map
 * @param {MapPath[]} paths
 * @param {[number, number][]} points none: what is seen stays as it is
 */
export async function setPaths(map, paths, points) {
  map.paths = paths;
  if (!points.length) return;
  map.autoFit = false;
  await map.updateComplete;
  try {
    await map.fitBounds(points, { pad: 0.2 });
  } catch {
    // It has no size yet: a later fit will do.
  }
}

/** The base of our elements with a map: it is made when Home Assistant's element is there. */
export class MapElement extends FleetElement {
  static properties = { ...FleetElement.properties, hasMap: { state: true } };

  constructor() {
    super();
    this.hasMap = false;
    /** @type {any} */
    this.map = null;
  }

  connectedCallback() {
    super.connectedCallback();
    this.beforeMap()
      .then(defineMap)
      .then((is) => {
        this.hasMap = is;
      });
  }

  /** Return when that is painted which is wanted sooner than the map. */
  async beforeMap() {
    await this.updateComplete;
    await painted();
  }

  /** Give the map the state of Home Assistant. */
  followMap() {
    if (this.map && this.hass) this.map.hass = this.hass;
  }
}

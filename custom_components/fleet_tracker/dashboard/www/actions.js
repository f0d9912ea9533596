// What a tap does.

/**
 * Show Home Assistant's own dialog of an entity.
 *
 * @param {HTMLElement} element
 * @param {string} entityId
 */
export function showEntity(element, entityId) {
  element.dispatchEvent(
    new CustomEvent("hass-more-info", { bubbles: true, composed: true, detail: { entityId } }),
  );
}

/**
 * Go to another page.
 *
 * @param {string} path
 */
export function navigate(path) {
  history.pushState(null, "", path);
  window.dispatchEvent(new CustomEvent("location-changed", { detail: { replace: false } }));
}

/** The address of the dashboard that is shown. */
export const dashboardPath = () => location.pathname.split("/")[1] || "lovelace";

/**
 * The address of a vehicle's page in the dashboard of the strategy.
 *
 * @param {string} id
 */
export const vehiclePath = (id) => `vehicle-${id}`;

/**
 * The vehicle whose page an address is, "" where it is another page.
 *
 * @param {string} path
 */
export const vehicleAt = (path) => /^\/[^/]+\/vehicle-(\w+)$/.exec(path)?.[1] ?? "";

/**
 * Save a file.
 *
 * @param {string} name
 * @param {string} type
 * @param {string} content
 */
export function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// `<chart-hover>` around a chart: pointer and arrow keys move over its points; a text tells each.
// @ts-check
// A point is an element with `data-label` (its place, such as a day) and `data-text` (its figure),
// in a group with `role="list"` (its series). Left and right move along a series, up and down
// between series.

const SHOWN = "is-shown";

/** @typedef {Element & { dataset: DOMStringMap }} Point */

class ChartHover extends HTMLElement {
  /** The points of each series. @type {Point[][]} */
  #series = [];
  /** @type {Point | undefined} */
  #shown;
  #readout = document.createElement("p");
  #cursor = document.createElement("span");

  connectedCallback() {
    /** @type {NodeListOf<Point>} */
    const found = this.querySelectorAll("[data-label][data-text]");
    /** @type {Map<Element, Point[]>} */
    const groups = new Map();
    for (const point of found) {
      const group = point.closest("[role=list]") ?? this;
      groups.set(group, [...(groups.get(group) ?? []), point]);
    }
    this.#series = [...groups.values()];
    if (this.#series.length === 0) return;
    this.#prepare();
    this.addEventListener("pointermove", this.#follow);
    this.addEventListener("pointerdown", this.#follow);
    this.addEventListener("pointerleave", this.#hide);
    this.addEventListener("blur", this.#hide);
    this.addEventListener("keydown", this.#press);
  }

  #prepare() {
    this.#readout.className = "readout";
    this.#cursor.className = "cursor";
    this.#cursor.hidden = true;
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    const name = this.closest("figure")?.getAttribute("aria-label") ?? "Chart";
    this.setAttribute("aria-label", `${name}: arrow keys read the points`);
    this.append(this.#cursor, this.#readout);
  }

  /** @param {PointerEvent} event */
  #follow = (event) => {
    if (event.target instanceof Element && event.target.closest("a, summary") !== null) return;
    this.#readout.setAttribute("aria-live", "off");
    const nearest = this.#nearest(event.clientX, event.clientY);
    if (nearest !== undefined && nearest !== this.#shown) this.#show(nearest);
  };

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    if (event.target !== this || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") return this.#hide();
    const next = this.#next(event.key);
    if (next === undefined) return;
    event.preventDefault();
    this.#readout.setAttribute("aria-live", "polite");
    this.#show(next);
  };

  /**
   * Return the point that a key leads to, undefined for another key.
   * @param {string} key
   * @returns {Point | undefined}
   */
  #next(key) {
    const shown = this.#shown;
    const of = this.#series.findIndex((one) => shown !== undefined && one.includes(shown));
    const row = Math.max(0, of);
    const series = this.#series[row];
    const at = shown === undefined ? -1 : series.indexOf(shown);
    const last = series.length - 1;
    switch (key) {
      case "ArrowRight":
        return series[Math.min(at + 1, last)];
      case "ArrowLeft":
        return series[at < 0 ? last : Math.max(at - 1, 0)];
      case "Home":
        return series[0];
      case "End":
        return series[last];
      case "ArrowDown":
      case "ArrowUp": {
        const step = key === "ArrowDown" ? 1 : -1;
        const other = this.#series[(row + step + this.#series.length) % this.#series.length];
        const same = other.find((point) => point.dataset.label === shown?.dataset.label);
        return same ?? other[Math.max(at, 0)] ?? other[0];
      }
    }
    return undefined;
  }

  /**
   * Return the visible point nearest to a place: sideways counts first, because lines run sideways.
   * @param {number} x
   * @param {number} y
   */
  #nearest(x, y) {
    /** @type {Point | undefined} */
    let best;
    let least = Infinity;
    for (const point of this.#series.flat()) {
      const box = point.getBoundingClientRect();
      if (box.width === 0 && box.height === 0) continue; // Its drawing is not shown at this width.
      const aside = Math.max(box.left - x, 0, x - box.right);
      const above = Math.max(box.top - y, 0, y - box.bottom);
      const distance = aside * 4 + above;
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  /** @param {Point} point */
  #show(point) {
    this.#shown?.classList.remove(SHOWN);
    this.#shown = point;
    point.classList.add(SHOWN);
    const series = this.#series.length > 1 ? this.#nameOf(point) : "";
    this.#readout.textContent = [point.dataset.label, series, point.dataset.text]
      .filter((text) => text).join(" · ");
    const frame = this.getBoundingClientRect();
    const box = point.getBoundingClientRect();
    const x = box.left + box.width / 2 - frame.left;
    this.#readout.classList.toggle("right", x < frame.width / 2);
    this.#cursor.hidden = box.width === 0 && box.height === 0;
    this.#cursor.style.setProperty("left", `${x.toFixed(1)}px`);
  }

  /** @param {Point} point */
  #nameOf(point) {
    return point.closest("[role=list]")?.getAttribute("aria-label") ?? "";
  }

  #hide = () => {
    this.#shown?.classList.remove(SHOWN);
    this.#shown = undefined;
    this.#readout.textContent = "";
    this.#cursor.hidden = true;
  };
}

customElements.define("chart-hover", ChartHover);

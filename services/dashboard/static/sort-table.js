// `<sort-table>` around a table: headings sort its rows, and a button copies it for a spreadsheet.
// @ts-check
// Promise: rows that are no ordinary ones (organic, unallocated, totals) stay below the others,
// and missing values stay last in both directions. The copy has exact values, in the order shown.

import { write } from "./copy-text.js";

const ORDINARY = "row";
const SAID_MS = 4000;

/** @typedef {"ascending" | "descending"} Direction */

class SortTable extends HTMLElement {
  #said = document.createElement("span");

  connectedCallback() {
    const table = this.querySelector("table");
    if (table === null || this.querySelector(".table-tools") !== null) return;
    const headings = [...table.querySelectorAll("thead th")];
    headings.forEach((heading, index) => this.#enable(table, headings, index));
    this.append(this.#tools(table));
  }

  /**
   * @param {HTMLTableElement} table
   * @param {Element[]} headings
   * @param {number} index
   */
  #enable(table, headings, index) {
    const heading = headings[index];
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const isNumber = heading.getAttribute("data-kind") === "number";
      const now = heading.getAttribute("aria-sort");
      /** @type {Direction} */
      let next = isNumber ? "descending" : "ascending";
      if (now !== null) next = now === "ascending" ? "descending" : "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", next);
      sort(table, index, isNumber, next);
    });
  }

  /** @param {HTMLTableElement} table */
  #tools(table) {
    const tools = document.createElement("div");
    tools.className = "table-tools";
    this.#said.setAttribute("role", "status");
    const copy = document.createElement("button");
    copy.type = "button";
    copy.textContent = "Copy";
    const caption = table.caption?.textContent ?? "table";
    copy.setAttribute("aria-label", `Copy ${caption}`);
    copy.addEventListener("click", async () => {
      const isCopied = await write(tabbed(table));
      this.#said.textContent = isCopied ? "Copied" : "This browser allows no copy; use the CSV";
      setTimeout(() => (this.#said.textContent = ""), SAID_MS);
    });
    tools.append(this.#said, copy);
    return tools;
  }
}

/**
 * @param {HTMLTableElement} table
 * @param {number} index
 * @param {boolean} isNumber
 * @param {Direction} direction
 */
function sort(table, index, isNumber, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  for (const body of table.tBodies) {
    const rows = [...body.rows];
    const ordinary = rows.filter((row) => row.classList.contains(ORDINARY));
    const others = rows.filter((row) => !row.classList.contains(ORDINARY));
    ordinary.sort((a, b) => {
      const [left, right] = [valueOf(a.cells[index]), valueOf(b.cells[index])];
      if (left === null || right === null) return Number(left === null) - Number(right === null);
      return sign * (isNumber ? Number(left) - Number(right) : compareTexts(left, right));
    });
    body.append(...ordinary, ...others);
  }
}

/**
 * @param {string} left
 * @param {string} right
 */
function compareTexts(left, right) {
  return left.localeCompare(right, document.documentElement.lang, { numeric: true });
}

/**
 * Return the exact value of a cell, its text where it has none, or null where it is missing.
 * @param {HTMLTableCellElement | undefined} cell
 */
function valueOf(cell) {
  if (cell === undefined) return null;
  if (cell.dataset.value !== undefined) return cell.dataset.value;
  const text = textOf(cell);
  return cell.classList.contains("number") || text === "" ? null : text;
}

/**
 * Return the text of a cell without the small text under it.
 * @param {HTMLTableCellElement} cell
 */
function textOf(cell) {
  const copy = /** @type {HTMLElement} */ (cell.cloneNode(true));
  copy.querySelector("small")?.remove();
  return (copy.textContent ?? "").trim().replace(/\s+/g, " ");
}

/**
 * Return a table as lines of cells with tabs between them.
 * @param {HTMLTableElement} table
 */
function tabbed(table) {
  return [...table.rows]
    .map((row) => [...row.cells].map(copied).join("\t"))
    .join("\n");
}

/**
 * Return a cell as a spreadsheet shall read it: a text is never taken for a formula.
 * @param {HTMLTableCellElement} cell
 */
function copied(cell) {
  const isNumber = cell.classList.contains("number") && cell.dataset.value !== undefined;
  if (isNumber) return cell.dataset.value ?? "";
  const text = textOf(cell);
  return /^[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text;
}

customElements.define("sort-table", SortTable);

// The one script of every page: it loads the elements that enhance what the server sent.
// @ts-check
// Each element does nothing but its own part; a page without scripts shows and does the same.

// First, because it remembers what the server sent before other elements change it.
import "./live-refresh.js";
import "./chart-hover.js";
import "./copy-text.js";
import "./date-range.js";
import "./sort-table.js";
import "./toast-undo.js";

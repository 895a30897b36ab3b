import type { Key } from "./keys.ts";
import { SORTS_OF, type Sort, sortIn, VIEWS, type View } from "./sorting.ts";

/** The choices of the user. */
export interface ViewState {
  view: View;
  sort: Sort;
  isReversed: boolean;
  /** The view shows only rows that contain this text. Empty: all rows. */
  filter: string;
  mode: "list" | "filter" | "details" | "help";
  isPaused: boolean;
  /** Key of the selected row; null if no row is selected. The screen then begins with the first row. */
  selected: string | null;
  /** Index of the selected row in the list when it was last drawn. */
  index: number;
  /** Index of the first row of the list on the screen, and of the first line of the details or help. */
  top: number;
  detailsTop: number;
}

/** The list on the screen when the key was pressed. */
export interface Shown {
  keys: readonly string[];
  /** Number of rows that PgUp and PgDn move by. */
  page: number;
}

export type Action = "quit" | "redraw" | "pause" | "none";

/** Maximum length of a filter, characters. */
const MAX_FILTER = 200;

const VIEW_KEYS: { readonly [key: Key]: View } = {
  1: "processes",
  2: "tree",
  3: "groups",
  4: "short",
  p: "processes",
  t: "tree",
  g: "groups",
  x: "short",
};

export function initialState(sort: Sort): ViewState {
  return {
    view: "processes",
    sort,
    isReversed: false,
    filter: "",
    mode: "list",
    isPaused: false,
    selected: null,
    index: 0,
    top: 0,
    detailsTop: 0,
  };
}

/** Applies a key to the state. @returns what the caller still has to do */
export function press(state: ViewState, key: Key, shown: Shown): Action {
  if (key === "ctrl-l") return "redraw";
  if (state.mode === "filter") return typeFilter(state, key);
  if (key === "q") {
    if (state.mode === "list") return "quit";
    state.mode = "list";
    return "none";
  }
  if (key === " ") {
    state.isPaused = !state.isPaused;
    return "pause";
  }
  if (state.mode !== "list") return leaveOrScroll(state, key, shown.page);
  const view = VIEW_KEYS[key];
  if (view !== undefined) return show(state, view);
  if (key === "tab" || key === "backtab") return turn(state, key === "tab" ? 1 : -1);
  if (key === "s") return nextSort(state);
  if (key === "r") state.isReversed = !state.isReversed;
  else if (key === "/") state.mode = "filter";
  else if (key === "h" || key === "?") state.mode = "help";
  else if (key === "escape") Object.assign(state, { filter: "", selected: null, top: 0 });
  else if (key === "enter") openDetails(state, shown);
  else move(state, key, shown);
  return "none";
}

function show(state: ViewState, view: View): Action {
  if (state.view !== view) Object.assign(state, { view, selected: null, top: 0, isReversed: false });
  return "none";
}

function turn(state: ViewState, by: number): Action {
  const at = VIEWS.indexOf(state.view) + by + VIEWS.length;
  return show(state, VIEWS[at % VIEWS.length] as View);
}

function nextSort(state: ViewState): Action {
  const sorts = SORTS_OF[state.view];
  const at = sorts.indexOf(sortIn(state.view, state.sort));
  state.sort = sorts[(at + 1) % sorts.length] as Sort;
  return "none";
}

function typeFilter(state: ViewState, key: Key): Action {
  if (key === "enter") state.mode = "list";
  else if (key === "escape") Object.assign(state, { mode: "list", filter: "" });
  else if (key === "backspace") state.filter = [...state.filter].slice(0, -1).join("");
  else if (key === "ctrl-u") state.filter = "";
  else if ([...key].length === 1 && state.filter.length < MAX_FILTER) state.filter += key;
  Object.assign(state, { selected: null, top: 0 });
  return "none";
}

function openDetails(state: ViewState, { keys }: Shown): void {
  if (state.view !== "processes" && state.view !== "tree") return;
  state.selected ??= keys[0] ?? null;
  if (state.selected === null) return;
  state.mode = "details";
  state.detailsTop = 0;
}

/** Scrolls the details or the help. Any other key returns to the list. */
function leaveOrScroll(state: ViewState, key: Key, page: number): Action {
  const by = stepOf(key, page);
  if (by === null) state.mode = "list";
  else state.detailsTop = Math.max(state.detailsTop + by, 0);
  return "none";
}

function stepOf(key: Key, page: number): number | null {
  const steps: { readonly [key: Key]: number } = {
    down: 1,
    j: 1,
    up: -1,
    k: -1,
    pagedown: page,
    pageup: -page,
    home: Number.NEGATIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
  };
  return steps[key] ?? null;
}

function move(state: ViewState, key: Key, { keys, page }: Shown): void {
  const by = stepOf(key, page);
  if (by === null || keys.length === 0) return;
  const at = state.selected === null ? 0 : Math.max(keys.indexOf(state.selected), 0);
  const to = Math.min(Math.max(at + by, 0), keys.length - 1);
  state.selected = keys[to] ?? null;
}

import { cell } from "../cell-text.ts";
import type { Line } from "../screen.ts";

const HELP = [
  "keys",
  "  1 2 3 4 or p t g x   processes, tree, groups, short-lived; Tab: the next",
  "  s / r                next sort / reverse it",
  "  /                    show only rows that contain a text; Esc ends the filter",
  "  space                pause: the figures do not change; again: continue",
  "  Enter                details of the process, and its ancestors",
  "  arrows j k PgUp PgDn Home End   move",
  "  Ctrl-L               draw the screen again",
  "  h ?                  this help",
  "  q Ctrl-C             quit; Ctrl-Z stops top, fg continues it",
  "",
  "figures",
  "  %CPU         of one core, over the last interval",
  "  MEM          resident memory; THR threads; S state, as ps shows it",
  "  own cost     of linnix, % of one core; above the budget it samples less often",
  "  short-lived  processes that started and ended between two refreshes. top(1)",
  "               misses them. %BUSY is their share of all CPU time used",
  "  PROCS, SHORT live processes of a group, and those that started and ended",
] as const;

export function helpLines(columns: number): Line[] {
  return HELP.map((text) => ({ text: cell(text, columns), tone: text.startsWith(" ") ? "plain" : "strong" }));
}

/** The keys that the user can press in that mode. */
export function hintText(mode: "list" | "filter" | "details" | "help", isPaused: boolean): string {
  if (mode === "filter") return "type a text  Enter keeps the filter  Esc ends it";
  if (mode !== "list") return "arrows scroll  Esc back";
  return `q quit  h help  s sort  r reverse  / filter  space ${isPaused ? "continue" : "pause"}  Enter details`;
}

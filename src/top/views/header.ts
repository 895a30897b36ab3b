import { printable } from "../../json/printable.ts";
import { UNKNOWN } from "../../report/format.ts";
import { cell, widthOf } from "../cell-text.ts";
import { cpuPctOf, knownCpuNs, type Refresh, shortShare } from "../model.ts";
import type { Line } from "../screen.ts";
import { SORTS_OF, type Sort, sortIn, type View } from "../sorting.ts";
import type { ViewState } from "../state.ts";
import { countText, finePctText, pctText, sparkline } from "./text.ts";

const TABS: Record<View, string> = {
  processes: "1 processes",
  tree: "2 tree",
  groups: "3 groups",
  short: "4 short-lived",
};

/** Lines about the machine and about linnix itself. */
export function headerLines(refresh: Refresh, columns: number, isPaused = false): Line[] {
  const line = (text: string, tone?: Line["tone"]): Line => ({ text: cell(text, columns), ...(tone && { tone }) });
  const isOver = refresh.cost.level > 0;
  return [
    line(titleText(refresh, isPaused), "strong"),
    line(costText(refresh), isOver ? "bad" : "plain"),
    line(rateText(refresh, columns)),
    line(shortText(refresh)),
    ...refresh.notes.slice(0, 2).map((note) => line(`! ${note}`, "bad")),
  ];
}

function titleText({ source, atMs, backend, processes }: Refresh, isPaused: boolean): string {
  const time = new Date(atMs).toTimeString().slice(0, 8);
  const parts = [`linnix top  ${time}`, source, `${processes.length} processes`, `${backend ?? UNKNOWN} backend`];
  return parts.concat(isPaused ? ["PAUSED"] : []).join("  ");
}

function costText({ cost }: Refresh): string {
  const { userSpacePct, inKernelPct, budgetPct, level } = cost;
  const total = userSpacePct === null ? null : userSpacePct + (inKernelPct ?? 0);
  const parts = `process ${finePctText(userSpacePct)}, BPF programs ${finePctText(inKernelPct)}`;
  const budget = budgetPct === null ? "no budget" : `budget ${budgetPct} %`;
  // The parts are last, because a narrow terminal cuts the end of the line.
  return `own cost     ${finePctText(total)} % of a core, ${budget}${level > 0 ? `: level ${level}` : ""} (${parts})`;
}

function rateText({ eventsPerSecond, rates, lost }: Refresh, columns: number): string {
  const text = `events       ${countText(eventsPerSecond)}/s, ${lost === 0 ? "none" : countText(lost)} lost  `;
  return text + sparkline(rates, columns - text.length);
}

function shortText(refresh: Refresh): string {
  const { short, elapsedMs } = refresh;
  if (short === null) return `short-lived  ${UNKNOWN}`;
  const cpuNs = knownCpuNs(short);
  const share = shortShare(refresh);
  const ofBusy = share === null ? "" : `, ${pctText(share * 100)} % of all CPU time`;
  const cpu = cpuNs === null ? "CPU time unknown" : `${pctText(cpuPctOf(cpuNs, elapsedMs))} % of a core${ofBusy}`;
  return `short-lived  ${countText(short.count)} that top(1) misses: ${cpu}`;
}

/** The line with the views, the sort order and the filter. */
export function tabLine(state: ViewState, columns: number): Line {
  const tabs = (Object.keys(TABS) as View[]).map((view) =>
    view === state.view ? `[${TABS[view]}]` : ` ${TABS[view]} `,
  );
  const sort = `sort: ${sortText(state)}`;
  const filter = state.filter === "" && state.mode !== "filter" ? "" : `  filter: ${printable(state.filter)}`;
  const isNarrow = widthOf(`${tabs.join(" ")}  ${sort}${filter}`) > columns;
  const shown = isNarrow ? `[${TABS[state.view]}]` : tabs.join(" ");
  return { text: cell(`${shown}  ${sort}${filter}`, columns) };
}

function sortText({ view, sort, isReversed }: { view: View; sort: Sort; isReversed: boolean }): string {
  const one = sortIn(view, sort);
  const hasOne = SORTS_OF[view].length > 1;
  return `${one}${isReversed && hasOne ? ", reversed" : ""}`;
}

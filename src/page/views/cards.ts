import type { Status } from "../../api/answers.ts";
import { formatBytes, UNKNOWN } from "../../report/format.ts";
import { countText, finePctText, pctText } from "../../top/views/text.ts";
import { Chart } from "../chart.ts";
import { byId, setLines, setText } from "../dom.ts";
import { lossesOf } from "../losses.ts";
import { costOf, type Model, POINTS, REFRESH_S, type ShortLived, sumOf } from "../model.ts";

/** The time that the charts cover, in words. */
const SPAN = `the last ${(POINTS * REFRESH_S) / 60} minutes`;

/** The most important figures, at the top of the page. */
export class Cards {
  readonly #cost = byId("cost", HTMLElement);
  readonly #costUnit = byId("cost-unit", HTMLElement);
  readonly #costParts = byId("cost-parts", HTMLElement);
  readonly #costChart = new Chart(byId("cost-chart", HTMLElement));
  readonly #rate = byId("rate", HTMLElement);
  readonly #rateParts = byId("rate-parts", HTMLElement);
  readonly #rateChart = new Chart(byId("rate-chart", HTMLElement));
  readonly #short = byId("short", HTMLElement);
  readonly #shortUnit = byId("short-unit", HTMLElement);
  readonly #shortParts = byId("short-parts", HTMLElement);
  readonly #shortChart = new Chart(byId("short-chart", HTMLElement));
  readonly #lost = byId("lost", HTMLElement);
  readonly #losses = byId("losses", HTMLElement);
  readonly #lostParts = byId("lost-parts", HTMLElement);

  show(model: Model): void {
    const { status } = model;
    if (status === undefined) return;
    this.#showCost(model, status);
    this.#showRate(model);
    this.#showShort(model);
    this.#showLost(status);
  }

  #showCost({ costs }: Model, status: Status): void {
    const { cost, budget, memory } = status;
    const total = costOf(status);
    const limit = budget?.budget_pct ?? null;
    setText(this.#cost, `${finePctText(total)} %`);
    this.#cost.classList.toggle("bad", (budget?.level ?? 0) > 0);
    const level = budget && budget.level > 0 ? `: level ${budget.level}` : "";
    setText(this.#costUnit, `of one core, ${limit === null ? "no budget" : `budget ${limit}\u00a0%${level}`}`);
    const parts = `linnix process ${finePctText(cost.cpu_pct)} %, BPF programs ${finePctText(cost.in_kernel_cpu_pct)} %`;
    setText(this.#costParts, `${parts}, ${formatBytes(memory.rss_bytes)} resident`);
    const label = `Cost over ${SPAN}: now ${finePctText(total)} % of one core${limit === null ? "" : `, budget ${limit} %`}`;
    this.#costChart.show({ values: costs.values, limit, label });
  }

  #showRate({ rate, rates }: Model): void {
    setText(this.#rate, countText(rate && sumOf(rate)));
    const by = (type: "fork" | "exec" | "exit") => `${type} ${countText(rate?.[type] ?? null)}`;
    setText(this.#rateParts, `${by("fork")}, ${by("exec")}, ${by("exit")}`);
    const highest = Math.max(0, ...rates.values.map((value) => value ?? 0));
    const label = `Events a second over ${SPAN}: now ${countText(rate && sumOf(rate))}, highest ${countText(highest)}`;
    this.#rateChart.show({ values: rates.values, limit: null, label });
  }

  #showShort({ short, shorts, hasEnds, status }: Model): void {
    setText(this.#short, short === null ? UNKNOWN : countText(short.perSecond));
    setText(this.#shortUnit, "a second, over the last minute");
    const label = `Short-lived processes a second over ${SPAN}: now ${countText(short?.perSecond ?? null)}`;
    this.#shortChart.show({ values: shorts.values, limit: null, label });
    const isSummary = status?.detail === "summary";
    const why = isSummary ? "the level of detail summary reports no single ends" : "no ends are reported";
    setText(this.#shortParts, isSummary || !hasEnds ? why : partsOf(short));
  }

  #showLost(status: Status): void {
    const losses = lossesOf(status);
    setText(this.#lost, countText(status.lost));
    this.#lost.classList.toggle("bad", status.lost > 0);
    setLines(
      this.#losses,
      losses.map(({ what, count }) => `${countText(count)} ${what}`),
      "li",
    );
    const seen = `${countText(sumOf(status.seen))} events seen since the start`;
    setText(this.#lostParts, losses.length === 0 ? `${seen}, and nothing is missing` : seen);
  }
}

function partsOf(short: ShortLived | null): string {
  if (short === null) return "counting has just begun";
  const { cpuPct, busySharePct } = short;
  const cpu = cpuPct === null ? "CPU time unknown" : `${pctText(cpuPct)} % of one core`;
  const share = busySharePct === null ? "" : `, ${pctText(busySharePct)} % of the CPU time used`;
  return `${cpu}${share}; a list of live processes misses them`;
}

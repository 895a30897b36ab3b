import type { Fact } from "../../report/terminal/layout.ts";
import type { OverheadReport } from "../result.ts";
import { costFacts } from "./cost-facts.ts";
import { memoryFacts } from "./memory-facts.ts";
import { modelFacts } from "./model-facts.ts";
import { runFacts } from "./run-facts.ts";
import { slowdownFacts } from "./slowdown-facts.ts";

/** Titles of the groups, in their order. */
export const GROUP = {
  run: "Run",
  cost: "Cost",
  slowdown: "Slowdown of what is watched",
  memory: "Memory",
  model: "Model",
} as const;

/** A group of results under a title. */
export interface FactGroup {
  title: (typeof GROUP)[keyof typeof GROUP];
  facts: Fact[];
}

/** All results but the tables, as labels and texts; groups of which nothing is known are left out. */
export function factGroups(report: OverheadReport): FactGroup[] {
  const groups: FactGroup[] = [
    { title: GROUP.run, facts: runFacts(report) },
    { title: GROUP.cost, facts: costFacts(report) },
    { title: GROUP.slowdown, facts: slowdownFacts(report) },
    { title: GROUP.memory, facts: memoryFacts(report) },
    { title: GROUP.model, facts: modelFacts(report) },
  ];
  return groups.filter(({ facts }) => facts.length > 0);
}

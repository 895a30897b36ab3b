/** CPU time in s, used between the first and the last scrape. */
export interface Bill {
  sampling: boolean;
  seconds: number;
  cpus: number;
  /** CPU time of the machine. */
  busy: {
    /** /proc/stat: elapsed time without idle, iowait and steal. */
    statS: number;
    /** /proc/stat: its ticks of user, nice, system, irq and softirq. */
    ticksS: number;
    linnixS: number;
  };
  groupsS: number;
  endedS: number;
  /** CPU time that no group contains, by kind. */
  unattributedS: Readonly<Record<string, number>>;
  unexplainedS: number;
  isWithinBound: boolean;
  units: readonly UnitBill[];
  own: { linnixS: number; exporterS: number | null };
  /** CPU time of all processes by process-exporter; null if it is not installed. */
  exporterS: number | null;
}

export interface UnitBill {
  unit: string;
  cpuS: { truth: number; linnix: number; exporter: number | null };
  /** Number of started processes; null if the processes run all the time. */
  started: { truth: number; linnix: number; exporter: number | null } | null;
  /** CPU time of a process, µs. */
  cpuUs: { p10: number; p50: number; p90: number } | null;
}

/** Maximum share of busy time and of capacity that may be unexplained. */
export const BOUND = { ofBusy: 0.02, ofCapacity: 0.003 } as const;

const pct = (part: number, whole: number) => `${((100 * part) / whole).toFixed(2)} %`;
const s = (value: number) => `${value.toFixed(3)} s`;

/** The report as text. */
export function billText(bill: Bill): string {
  const { busy, groupsS, endedS, unattributedS, unexplainedS, seconds, cpus } = bill;
  const capacityS = seconds * cpus;
  const sumS = Object.values(unattributedS).reduce((sum, value) => sum + value, groupsS + endedS + unexplainedS);
  const share = (value: number) => `${s(value).padStart(11)}  ${pct(value, busy.linnixS).padStart(8)} of busy time`;
  const lines: [string, string][] = [
    ["busy time by /proc/stat", `${s(busy.statS).padStart(11)}  ${pct(busy.statS, capacityS).padStart(8)} of capacity`],
    ["  its ticks of user, system, irq", `${s(busy.ticksS).padStart(11)}`],
    ["busy time by linnix", s(busy.linnixS).padStart(11)],
    ["  groups", share(groupsS)],
    ["  groups that ended", share(endedS)],
    ...Object.entries(unattributedS).map(([kind, value]): [string, string] => [
      `  unattributed, ${kind}`,
      share(value),
    ]),
    ["  unexplained", `${share(unexplainedS)}, ${pct(unexplainedS, capacityS)} of capacity`],
    ["  the sum of these", share(sumS)],
    [
      "unexplained",
      `${bill.isWithinBound ? "within" : "OVER"} ${100 * BOUND.ofBusy} % of busy time or ${100 * BOUND.ofCapacity} % of capacity`,
    ],
  ];
  const title = `sampling ${bill.sampling ? "on" : "off"}, ${seconds.toFixed(1)} s, ${cpus} CPUs`;
  const table = lines.map(([what, value]) => `  ${what.padEnd(34)} ${value}`);
  return [title, ...table, "", ...unitLines(bill), "", ...ownLines(bill)].join("\n");
}

function unitLines({ units }: Bill): string[] {
  const head = `  ${"unit".padEnd(26)} ${"CPU time".padStart(10)} ${"linnix".padStart(18)} ${"process-exporter".padStart(20)}`;
  const counted = (of: number | null, truth: number, digits: number, width: number) =>
    (of === null ? "-" : `${of.toFixed(digits)} (${((100 * of) / truth).toFixed(1)} %)`).padStart(width);
  return [
    head,
    ...units.map(({ unit, cpuS: { truth, linnix, exporter } }) =>
      [
        `  ${unit.padEnd(26)}`,
        `${truth.toFixed(3)} s`.padStart(10),
        counted(linnix, truth, 3, 18),
        counted(exporter, truth, 2, 20),
      ].join(" "),
    ),
    `  ${"".padEnd(26)} ${"processes".padStart(10)}`,
    ...units.flatMap(({ unit, started, cpuUs }) =>
      started === null
        ? []
        : [
            [
              `  ${unit.padEnd(26)}`,
              String(started.truth).padStart(10),
              counted(started.linnix, started.truth, 0, 18),
              counted(started.exporter, started.truth, 0, 20),
              cpuUs === null ? "" : `   p10, p50, p90: ${cpuUs.p10}, ${cpuUs.p50}, ${cpuUs.p90} µs`,
            ].join(" "),
          ],
    ),
  ];
}

function ownLines({ own, exporterS, busy, seconds }: Bill): string[] {
  const ofCore = (value: number) => `${s(value)}, ${pct(value, seconds)} of a core`;
  const linnix = `  linnix itself used ${ofCore(own.linnixS)}`;
  if (exporterS === null || own.exporterS === null) return [linnix];
  return [
    linnix,
    `  process-exporter itself used ${ofCore(own.exporterS)}`,
    `  process-exporter found ${s(exporterS)} of all processes' time, ${pct(exporterS, busy.statS)} of busy time`,
  ];
}

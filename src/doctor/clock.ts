import type { Check } from "./check.ts";
import { type HostReader, readText } from "./host-reader.ts";

export interface ClockFacts {
  clocksource: string | null;
  availableClocksources: string[];
  /** Share of CPU time that the hypervisor gave to other guests during the check, %; null if it cannot be read. */
  stealPct: number | null;
  /** The same share since boot, %. */
  stealSinceBootPct: number | null;
}

/** Ticks of all CPUs since boot, from the first line of /proc/stat (proc_stat(5)). */
interface CpuTicks {
  total: number;
  steal: number;
}

const CLOCKSOURCE_DIRECTORY = "/sys/devices/system/clocksource/clocksource0";
/** Clock sources without a vDSO or a CPU register. Each read is a system call or an access to a slow device. */
const SLOW_CLOCKSOURCES = ["hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"];
/** From this steal time on, the two halves of a measurement are not comparable. */
const NOISY_STEAL_PCT = 2;

/**
 * @param windowMs how long steal time is measured. A CPU counts only 100 ticks per second, so a short window is
 * imprecise
 */
export async function readClock(host: HostReader, windowMs: number): Promise<ClockFacts> {
  const before = readTicks(host);
  await Bun.sleep(windowMs);
  const after = readTicks(host);
  return {
    clocksource: readText(host, `${CLOCKSOURCE_DIRECTORY}/current_clocksource`),
    availableClocksources: (readText(host, `${CLOCKSOURCE_DIRECTORY}/available_clocksource`) ?? "")
      .split(/\s+/)
      .filter(Boolean),
    stealPct: before && after && stealPct({ total: after.total - before.total, steal: after.steal - before.steal }),
    stealSinceBootPct: after && stealPct(after),
  };
}

export function checkClock(clock: ClockFacts): Check[] {
  return [checkClocksource(clock), checkSteal(clock)];
}

function checkClocksource(clock: ClockFacts): Check {
  const check = { id: "clocksource", title: "clocksource" };
  if (clock.clocksource === null) return { ...check, status: "info", found: "cannot be read" };
  if (!SLOW_CLOCKSOURCES.includes(clock.clocksource)) return { ...check, status: "ok", found: clock.clocksource };
  const better = clock.availableClocksources.find((name) => !SLOW_CLOCKSOURCES.includes(name));
  return {
    ...check,
    status: "warn",
    found: clock.clocksource,
    costs: "each event reads the clock, and this one is slow to read",
    hint: better
      ? `echo ${better} > ${CLOCKSOURCE_DIRECTORY}/current_clocksource`
      : "see the kernel log for why the kernel rejected the TSC; on a virtual machine, ask for a paravirtual clock",
  };
}

function checkSteal(clock: ClockFacts): Check {
  const check = { id: "steal", title: "steal time" };
  const figures: [number | null, string][] = [
    [clock.stealPct, "now"],
    [clock.stealSinceBootPct, "since boot"],
  ];
  const known = figures.flatMap(([pct, when]) => (pct === null ? [] : [{ pct, text: `${pct.toFixed(1)} % ${when}` }]));
  if (known.length === 0) return { ...check, status: "info", found: "cannot be read" };
  const found = known.map(({ text }) => text).join(", ");
  if (known.every(({ pct }) => pct < NOISY_STEAL_PCT)) return { ...check, status: "ok", found };
  return {
    ...check,
    status: "warn",
    found,
    costs: "the hypervisor takes CPU time: overhead-test may end INCONCLUSIVE",
    hint: "measure on a quieter or a dedicated host, or for longer",
  };
}

function readTicks(host: HostReader): CpuTicks | null {
  const fields = /^cpu +([\d ]+)$/m
    .exec(readText(host, "/proc/stat") ?? "")?.[1]
    ?.split(" ")
    .map(Number);
  if (fields === undefined || fields.length < 8) return null;
  // user nice system idle iowait irq softirq steal; user and nice include guest and guest_nice.
  const total = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  return { total, steal: fields[7] ?? 0 };
}

function stealPct({ total, steal }: CpuTicks): number | null {
  return total > 0 ? Math.max(0, (100 * steal) / total) : null;
}

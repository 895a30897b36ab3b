import { MAPPING_A_RING } from "../bpf/perf-event-ring.ts";
import type { NativeError } from "../sys/errno.ts";
import { refusalHint } from "../sys/refusal.ts";
import type { Conditions } from "./conditions.ts";
import { LOCKED_MEMORY_HINT } from "./ring-error.ts";

function hintFor({ call, code }: NativeError): string {
  if (code === "EMFILE") return refusalHint(code) ?? "";
  if ((code === "EPERM" || code === "EAGAIN") && call === MAPPING_A_RING) return LOCKED_MEMORY_HINT;
  if (code === "EACCES" || code === "EPERM") {
    return "restart linnix: after --user has dropped root, the kernel refuses a ring for a CPU that comes online";
  }
  return "linnix tries again each second; restart it if this does not help";
}

/**
 * Sets or clears the condition `no_ring`: CPUs without a ring share the spare ring, and lose records for which it has
 * no room.
 * @param missing CPUs that are online and have no ring, each with the error
 */
export function reportMissingRings(missing: ReadonlyMap<number, NativeError>, conditions: Conditions): void {
  const [error] = missing.values();
  if (error === undefined) {
    conditions.clear("no_ring", "every CPU that is online has a ring again");
    return;
  }
  const cpus = cpuList([...missing.keys()]);
  const subject = missing.size === 1 ? `CPU ${cpus} has` : `CPUs ${cpus} have`;
  const message = `${subject} no ring of ${missing.size === 1 ? "its own since it" : "their own since they"} came online`;
  conditions.set("no_ring", `${message}: ${error.message}`, hintFor(error));
}

/** Numbers as the kernel lists CPUs: `0-3,5`. */
export function cpuList(cpus: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const cpu of cpus.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range && cpu === range[1] + 1) range[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",");
}

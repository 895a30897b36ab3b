import { readClock } from "../doctor/clock.ts";
import type { HostFacts } from "../doctor/host-facts.ts";
import { hostReader } from "../doctor/host-reader.ts";
import { isJitOn, readJit } from "../doctor/jit.ts";
import { readKernel } from "../doctor/kernel.ts";
import { readMachine } from "../doctor/machine.ts";

/**
 * The facts about the machine in a report. A fact that is not known is null.
 *
 * @param stealWindowMs for how long steal time is measured, ms
 */
export async function readHostFacts(stealWindowMs = 500): Promise<HostFacts> {
  const host = hostReader();
  const kernel = readKernel(host);
  const machine = readMachine(host);
  const clock = await readClock(host, stealWindowMs);
  return {
    kernel: kernel.release,
    arch: kernel.machine,
    cpus: machine.cpusOnline,
    cpu_model: machine.cpuModel,
    btf: kernel.btf.features !== null,
    jit: isJitOn(readJit(host), kernel),
    virtualization: machine.virtualization,
    steal_pct: clock.stealPct,
    clocksource: clock.clocksource,
  };
}

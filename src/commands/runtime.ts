import { isHangupIgnored } from "../collect/hangup.ts";
import { execute } from "../sys/execute.ts";
import { holdHangups, takeHangups } from "../sys/hangups.ts";
import { isCompiled } from "../workload/self-command.ts";

/** Environment variables of the runtime, such as BUN_OPTIONS, and of its allocator. */
const RUNTIME_PREFIX = /^(BUN|MIMALLOC)_/;

const SETTINGS = [
  /*
   * FTL, the last and most expensive compiler of JavaScriptCore. A collector has little code, and the compiler one tier
   * below, DFG, is good enough for it. FTL takes a tenth of a second of CPU time in the first minute, and megabytes,
   * for no measurable gain.
   */
  "BUN_JSC_useFTLJIT=0",
  /*
   * A timer that checks every second whether there is garbage to collect, which is half of the cost of an idle
   * collector. Without the timer, the runtime still collects after enough allocations; a collector makes few.
   */
  "BUN_GC_TIMER_DISABLE=1",
  /*
   * Additional threads for compiling and marking. A collector has so little of this work that waking another thread
   * and sharing the work takes more CPU time than the work itself.
   */
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  /*
   * A garbage collection drops compiled code that has not run for some seconds. By default it drops code only after
   * half a minute. Requests to a collector are rare, so it seldom runs their code again.
   */
  "BUN_JSC_useEagerCodeBlockJettisonTiming=1",
  /*
   * By default the heap has 32 free blocks of 16 KiB in reserve for later allocations, and a thread that refills this
   * reserve. The blocks in use are enough for a collector.
   */
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  /*
   * mimalloc returns free memory immediately. A thread that returned it later would wake at every turn of the event
   * loop.
   */
  "MIMALLOC_PURGE_DELAY=0",
  /*
   * mimalloc also returns free blocks of large pages immediately, such as those of responses. Otherwise 4 MiB of these
   * blocks would stay for half a minute. This costs 5 % more CPU time at full speed with a client, and nothing at
   * hundreds of processes a second.
   */
  "MIMALLOC_PURGE_HOLES_LARGE_FLOOR=0",
];

function ignore(): void {}

/**
 * Executes this program again in the same process, with `SETTINGS` in the environment. The runtime reads its options
 * only there, before the first line of linnix. Does nothing if the environment has them already, or if the exec fails.
 */
export function settleRuntime(): void {
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ""}`);
  const wanted = [...env.filter((entry) => !RUNTIME_PREFIX.test(entry)), ...SETTINGS];
  const isSettled = wanted.length === env.length && SETTINGS.every((setting) => env.includes(setting));
  if (isSettled || !isCompiled()) return;
  const executeAgain = () => execute(process.execPath, [process.argv0, ...process.argv.slice(2)], wanted);
  // An ignored signal stays ignored across the exec, so the next program finds it ignored.
  if (isHangupIgnored()) executeAgain();
  else keepingHangups(executeAgain);
}

/** Calls `become`, which executes another program. Until then, SIGHUP does not end this process. */
function keepingHangups(become: () => void): void {
  // The handler does nothing, because the configuration has not been read.
  process.on("SIGHUP", ignore);
  // A blocked signal stays pending. After its start, the next runtime needs a long time until it can handle a signal.
  holdHangups();
  become();
  process.off("SIGHUP", ignore);
  takeHangups();
}

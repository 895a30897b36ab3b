import { isHangupIgnored } from "../collect/hangup.ts";
import { execute } from "../sys/execute.ts";
import { holdHangups, takeHangups } from "../sys/hangups.ts";
import { isCompiled } from "../workload/self-command.ts";

/** Options of the runtime's environment, as in BUN_OPTIONS, and of its allocator. */
const RUNTIME_PREFIX = /^(BUN|MIMALLOC)_/;

const SETTINGS = [
  /*
   * FTL, the last and most expensive compiler of JavaScriptCore. A collector has little code, and the compiler one tier
   * below, DFG, is good enough for it. FTL takes a tenth of a second of CPU time in the first minute, and megabytes, for
   * no measurable gain.
   */
  "BUN_JSC_useFTLJIT=0",
  /*
   * A timer that checks every second whether there is garbage to collect: half of the cost of a collector at rest. The
   * runtime still collects after enough garbage has been made; here that is nearly none.
   */
  "BUN_GC_TIMER_DISABLE=1",
  /*
   * Additional threads that compile and mark. There is so little to do that waking another thread and sharing the work
   * takes more CPU time than the work itself.
   */
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  /*
   * The next collection drops code that has not run for some seconds, not only code of half a minute ago: requests are
   * rare.
   */
  "BUN_JSC_useEagerCodeBlockJettisonTiming=1",
  /*
   * The heap would keep 32 free blocks of 16 KiB for later allocations, and a thread that fills them up. The blocks in use
   * have enough room.
   */
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  /*
   * mimalloc returns free memory immediately: a thread that does it later would wake at every turn of the event loop.
   */
  "MIMALLOC_PURGE_DELAY=0",
  /*
   * The same for free blocks in pages of large blocks: otherwise 4 MiB of them would stay for half a minute. Responses
   * are such blocks. This costs a twentieth more at full speed with a client, and nothing at hundreds of processes a
   * second.
   */
  "MIMALLOC_PURGE_HOLES_LARGE_FLOOR=0",
];

function ignore(): void {}

/**
 * Starts this program again in the same process, with the runtime set for a collector. The runtime reads such options
 * only from its environment, before the first line of linnix. Does nothing if that has been done, or if it fails.
 */
export function settleRuntime(): void {
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ""}`);
  const wanted = [...env.filter((entry) => !RUNTIME_PREFIX.test(entry)), ...SETTINGS];
  const isSettled = wanted.length === env.length && SETTINGS.every((setting) => env.includes(setting));
  if (isSettled || !isCompiled()) return;
  const executeAgain = () => execute(process.execPath, [process.argv0, ...process.argv.slice(2)], wanted);
  // An ignored signal stays ignored over the exec, and so the next program sees that it is ignored.
  if (isHangupIgnored()) executeAgain();
  else keepingHangups(executeAgain);
}

/** Lets no SIGHUP end this process while it becomes another program. */
function keepingHangups(become: () => void): void {
  // The handler does nothing, because the configuration has not been read.
  process.on("SIGHUP", ignore);
  // Blocked, a signal waits: the runtime takes a long time from its start until it can handle one.
  holdHangups();
  become();
  process.off("SIGHUP", ignore);
  takeHangups();
}

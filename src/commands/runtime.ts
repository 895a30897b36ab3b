import { isHangupIgnored } from "../collect/hangup.ts";
import { execute } from "../sys/execute.ts";
import { holdHangups, takeHangups } from "../sys/hangups.ts";
import { isCompiled } from "../workload/self-command.ts";

/** Options of the runtime's environment, as in BUN_OPTIONS, and of its allocator. */
const RUNTIME_PREFIX = /^(BUN|MIMALLOC)_/;

const SETTINGS = [
  /*
   * JavaScriptCore's last and dearest compiler. What a collector runs is small and compiled well by the one before;
   * FTL takes a tenth of a second of CPU time in the first minute, and megabytes, to win nothing that can be measured.
   */
  "BUN_JSC_useFTLJIT=0",
  /*
   * A timer that looks every second whether there is garbage to collect, which is half of what a collector at rest
   * costs. Garbage is collected all the same when so much has been made; here that is next to none.
   */
  "BUN_GC_TIMER_DISABLE=1",
  /*
   * Threads beside this one that compile and mark: what there is to do is little, and to wake another thread and share
   * the work with it takes more CPU time than the work.
   */
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  /*
   * Code that has not run for some seconds goes with the next collection, and not after half a minute: answers are
   * asked for now and then.
   */
  "BUN_JSC_useEagerCodeBlockJettisonTiming=1",
  /*
   * 32 free blocks of 16 KiB that the heap would keep at hand for what is allocated next, and a thread that makes them;
   * of those that are used there is room enough.
   */
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  /* Memory that is free is given back at once: a thread that does it later is woken at every turn of the event loop. */
  "MIMALLOC_PURGE_DELAY=0",
  /*
   * So are free blocks in pages of large ones, of which 4 MiB would stay for half a minute: answers are such blocks. Costs
   * a twentieth more at full speed with a client, nothing at hundreds of processes a second.
   */
  "MIMALLOC_PURGE_HOLES_LARGE_FLOOR=0",
];

function ignore(): void {}

/**
 * Starts this program again, in the same process, with the runtime set for a
 * collector: the runtime reads such options from its environment only, before
 * the first line of ours. Does nothing where that has been done, or fails.
 */
export function settleRuntime(): void {
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ""}`);
  const wanted = [...env.filter((entry) => !RUNTIME_PREFIX.test(entry)), ...SETTINGS];
  const isSettled = wanted.length === env.length && SETTINGS.every((setting) => env.includes(setting));
  if (isSettled || !isCompiled()) return;
  const becomeAnew = () => execute(process.execPath, [process.argv0, ...process.argv.slice(2)], wanted);
  // What is ignored stays so, and tells the next program that it is.
  if (isHangupIgnored()) becomeAnew();
  else keepingHangups(becomeAnew);
}

/** Lets no SIGHUP end this process while it becomes another program. */
function keepingHangups(become: () => void): void {
  // Says nothing yet, for the configuration has not been read.
  process.on("SIGHUP", ignore);
  // The next start of the runtime takes longer than all else until it is listened to: it waits.
  holdHangups();
  become();
  process.off("SIGHUP", ignore);
  takeHangups();
}

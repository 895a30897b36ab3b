import { constants } from "node:os";

const NAMES = new Map<number, string>();
// If a number has two names (SIGIO and SIGPOLL, SIGABRT and SIGIOT), the first one is the main name in signal(7).
for (const [name, number] of Object.entries(constants.signals)) if (!NAMES.has(number)) NAMES.set(number, name);

/** The first real-time signal of the kernel is 32. The C library reserves two, and calls the third one SIGRTMIN. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** Name of a signal such as `SIGKILL` or `SIGRTMIN+3`. */
export function signalName(signal: number): string {
  const name = NAMES.get(signal);
  if (name) return name;
  if (signal === SIGRTMAX) return "SIGRTMAX";
  if (signal >= SIGRTMIN && signal < SIGRTMAX)
    return signal === SIGRTMIN ? "SIGRTMIN" : `SIGRTMIN+${signal - SIGRTMIN}`;
  return `SIG${signal}`;
}

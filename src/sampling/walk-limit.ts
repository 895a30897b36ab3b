/**
 * Most processes that are walked along at one go: a walk takes a fifth of a microsecond a process and does not pause,
 * and a CPU should not be kept for longer than a tick.
 */
export const MAX_WALKED_PROCESSES = 10_000;

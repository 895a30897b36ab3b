/**
 * Maximum number of processes of one walk: it takes a fifth of a microsecond for each and does not pause, and should not occupy a CPU
 * for longer than a tick.
 */
export const MAX_WALKED_PROCESSES = 10_000;

/**
 * Maximum number of processes of one walk. A walk takes a fifth of a microsecond per process without a pause, and
 * should not occupy a CPU for longer than a tick.
 */
export const MAX_WALKED_PROCESSES = 10_000;

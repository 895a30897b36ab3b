/** What the signals of a user, a service manager and log rotation mean to a run. */
export interface SignalHandlers {
  stop(): void;
  hangup(): void;
  dump(): void;
}

/**
 * Handles signals until this process ends, so that an impatient user, or a SIGHUP to all processes, cannot prevent the
 * summary. SIGUSR2 and SIGALRM have no meaning here; their default would end the run without its summary.
 */
export function listenToSignals({ stop, hangup, dump }: SignalHandlers): void {
  const nothing = () => undefined;
  const handlers = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGQUIT: stop,
    SIGHUP: hangup,
    SIGUSR1: dump,
    SIGUSR2: nothing,
    SIGALRM: nothing,
  } as const;
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
}

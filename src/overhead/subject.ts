/** The subject of a test: linnix's own collector, a command, or processes that run already. */
export interface Subject {
  readonly kind: "linnix" | "command" | "pid";
  /** A short name, for headings and messages. */
  readonly name: string;
  /** How the test starts the subject, for a report; null if the test does not start it. */
  readonly command: string | null;
  /** How long the subject gathers events before it reads them, ms; null if that is not known. */
  readonly flushMs: number | null;
  /**
   * Tries whether the subject can be started. It is called before anything is measured.
   * @throws LinnixError if it cannot
   */
  check?(): Promise<void>;
  /**
   * Starts the subject and waits until it watches.
   *
   * @throws LinnixError if it cannot be started; the reason of the signal if the signal is aborted
   */
  start(signal: AbortSignal): Promise<RunningSubject>;
  /** Opens a second instance to switch on and off; it is off at first. Null if there cannot be a second instance. */
  openSwitch: ((signal: AbortSignal) => Promise<SubjectSwitch>) | null;
}

/** A running subject. Disposing of it ends the subject if the test started it. */
export interface RunningSubject extends AsyncDisposable {
  /** The processes of the subject. All their descendants count as well. */
  readonly roots: readonly number[];
  /** Time and CPU time from its start until it watched; null if the test did not start it. */
  readonly load: { elapsedNs: number; cpuNs: number | null } | null;
  /** BPF programs that count as the subject's own, in addition to those that its processes hold. */
  readonly programIds: readonly number[];
  /** How it ended by itself; null while it runs. */
  problem(): string | null;
  /** Regular work, such as limiting its output. Called after each window under a workload. */
  tend?(): void;
  stop(): Promise<void>;
}

/** A subject that is switched on and off. */
export interface SubjectSwitch extends AsyncDisposable {
  /** Whether a switch is fast enough to be done after every few milliseconds of measuring. */
  readonly isCheap: boolean;
  /** Resolves once the subject watches (`on`), or has stopped watching. */
  arm(on: boolean): Promise<void>;
  /** How it ended by itself; null while it runs. */
  problem(): string | null;
  stop(): Promise<void>;
}

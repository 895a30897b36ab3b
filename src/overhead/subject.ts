/** What is judged: linnix's own collector, a command, or processes that run already. */
export interface Subject {
  readonly kind: "linnix" | "command" | "pid";
  /** For a heading. */
  readonly name: string;
  /** How the test starts the subject, for a report; null if the test does not start it. */
  readonly command: string | null;
  /** How long it gathers events before it reads them, ms; null if that is not known. */
  readonly flushMs: number | null;
  /**
   * Tries whether it can be started, before anything is measured.
   * @throws LinnixError if it cannot
   */
  check?(): Promise<void>;
  /**
   * Starts it and waits until it watches.
   *
   * @throws LinnixError if it cannot be started; the signal's reason where that is aborted
   */
  start(signal: AbortSignal): Promise<RunningSubject>;
  /** Another instance, to be switched on and off; null if there cannot be one. Off at first. */
  openSwitch: ((signal: AbortSignal) => Promise<SubjectSwitch>) | null;
}

/** A running subject. Disposing of it ends it if it was started here. */
export interface RunningSubject extends AsyncDisposable {
  /** The processes of the subject. All their descendants count as well. */
  readonly roots: readonly number[];
  /** From its start until it was watching; null if it ran before. */
  readonly load: { elapsedNs: number; cpuNs: number | null } | null;
  /** BPF programs that count as the subject's own, in addition to those that its processes hold. */
  readonly programIds: readonly number[];
  /** How it ended by itself; null while it runs. */
  problem(): string | null;
  /** Called at each sample. */
  tend?(): void;
  stop(): Promise<void>;
}

/** A subject that is switched on and off. */
export interface SubjectSwitch extends AsyncDisposable {
  /** Whether switching takes so little time that it can be done after every few milliseconds of measuring. */
  readonly isCheap: boolean;
  /** Resolves when it watches, or has stopped watching. */
  arm(on: boolean): Promise<void>;
  /** How it ended by itself; null while it runs. */
  problem(): string | null;
  stop(): Promise<void>;
}

import { log } from "../config/log.ts";
import { readCreatedTasks, whyNoCreatedTasks } from "../procfs/created-tasks.ts";
import type { Conditions } from "./conditions.ts";

const LOOK_NS = 60e9;
/**
 * Number of looks at the end of a run if the first look finds more missing tasks than were known; and the pause between
 * two looks, ms.
 */
const LAST_LOOKS = 5;
const LAST_PAUSE_MS = 2;
const LOOKS_AT_START = 3;

/** The kernel's count of created tasks. */
export interface CreatedTasksCount {
  /** @returns null if it cannot be read now */
  read(): number | null;
  /** Why it cannot be read here, as a clause; null if it can. */
  problem(): string | null;
}

const PROC_STAT: CreatedTasksCount = { read: readCreatedTasks, problem: whyNoCreatedTasks };

/**
 * Compares the processes and threads that the kernel side saw with the kernel's own count of created tasks.
 *
 * Each look reads the kernel's count before and after linnix's own count, so the kernel's count at the time of the
 * latter is between the two. While linnix misses nothing, the kernel's count minus linnix's count is the same at each
 * look. Some tasks have been counted by the kernel and have not reached the tracepoint yet. They only make the
 * difference larger. So the smallest upper bound ever seen is an upper bound of the true difference. If a look finds a
 * larger difference, the excess is missing, provided that a second look finds it too.
 */
export class Completeness {
  readonly #seen: () => number;
  readonly #conditions: Conditions;
  readonly #count: CreatedTasksCount;
  #problem: string | null = null;
  #isOn = false;
  /** Upper bound of the tasks that were created before the first look and never seen. */
  #before = Number.POSITIVE_INFINITY;
  /** Missing tasks of earlier periods between `begin` and `end`. */
  #earlier = 0;
  #missing = 0;
  /** Number of missing tasks that the last look found, if the next flush has to confirm it; otherwise 0. */
  #suspected = 0;
  #dueNs = 0;

  constructor(seen: () => number, conditions: Conditions, count = PROC_STAT) {
    this.#seen = seen;
    this.#conditions = conditions;
    this.#count = count;
  }

  /** Lower bound of the number of tasks that were created while this was on and never seen; null if unknown. */
  get unexplained(): number | null {
    return this.#problem === null ? this.#earlier + this.#missing : null;
  }

  /** Call it once the programs are attached. Does nothing if it is on already. */
  begin(nowNs: number): void {
    if (this.#isOn || this.#problem !== null) return;
    this.#problem = this.#count.problem();
    if (this.#problem !== null) {
      log.info(`unexplained_forks is unknown: ${this.#problem}`);
      return;
    }
    this.#isOn = true;
    this.#before = Number.POSITIVE_INFINITY;
    this.#dueNs = nowNs + LOOK_NS;
    for (let i = 0; i < LOOKS_AT_START; i++) this.#look();
  }

  /** Call it before the programs are detached. */
  end(): void {
    this.#isOn = false;
    this.#earlier += this.#missing;
    this.#missing = 0;
    this.#suspected = 0;
  }

  /** Call it after each flush: it looks once a minute, and once more if the last look found something. */
  tick(nowNs: number): void {
    if (!this.#isOn) return;
    if (this.#suspected > 0) {
      this.#accept(Math.min(this.#suspected, this.#look()));
      this.#suspected = 0;
    } else if (nowNs >= this.#dueNs) {
      this.#dueNs = nowNs + LOOK_NS;
      const found = this.#look();
      if (found > this.#missing) this.#suspected = found;
      else this.#conditions.clear("unexplained_forks", "the collector sees all new processes and threads again");
    }
  }

  /** Looks for the last time. Call it before `end`. */
  async settle(): Promise<void> {
    if (!this.#isOn) return;
    const found = [this.#look()];
    if (found[0] === this.#missing) return;
    while (found.length < LAST_LOOKS) {
      await Bun.sleep(LAST_PAUSE_MS);
      found.push(this.#look());
    }
    // Takes the median. The highest results may include tasks on their way to the tracepoint. The lowest results lack
    // tasks that were created during the look.
    this.#accept(found.sort((a, b) => a - b)[LAST_LOOKS >> 1] as number);
  }

  /** @returns the number of missing tasks by this look */
  #look(): number {
    const least = this.#count.read();
    const seen = this.#seen();
    const most = this.#count.read();
    if (least === null || most === null) return this.#missing;
    this.#before = Math.min(this.#before, most - seen);
    return Math.max(this.#missing, least - seen - this.#before);
  }

  #accept(found: number): void {
    if (found <= this.#missing) return;
    this.#missing = found;
    this.#conditions.set("unexplained_forks", "the kernel created processes or threads that the collector did not see");
  }
}

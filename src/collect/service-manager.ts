import { log } from "../config/log.ts";
import { monotonicNs } from "../sys/clock.ts";
import { notifyManager } from "../sys/notify-socket.ts";

/** The rings are emptied at least this many times in the time that the watchdog allows. */
const FLUSHES_PER_WATCHDOG = 4;

/** What sd_notify(3) and sd_watchdog_enabled(3) read from the environment. */
interface ManagerEnvironment {
  readonly [name: string]: string | undefined;
  NOTIFY_SOCKET?: string | undefined;
  WATCHDOG_USEC?: string | undefined;
  WATCHDOG_PID?: string | undefined;
}

/** Reports to a service manager such as systemd how this process is doing: sd_notify(3). Never blocks, never fails. */
export class ServiceManager {
  readonly #socket: string;
  /** How long the watchdog waits for a sign of life, ns; null if there is no watchdog. */
  readonly #watchdogNs: number | null;
  readonly #nowNs: () => number;
  #aliveNs = Number.NEGATIVE_INFINITY;
  #isReady = false;
  #hasWarned = false;

  private constructor(socket: string, watchdogNs: number | null, nowNs: () => number) {
    this.#socket = socket;
    this.#watchdogNs = watchdogNs;
    this.#nowNs = nowNs;
  }

  /** Undefined if no manager waits for reports. */
  static from(env: ManagerEnvironment, nowNs = monotonicNs): ServiceManager | undefined {
    const { NOTIFY_SOCKET: socket } = env;
    return socket ? new ServiceManager(socket, watchdogNs(env), nowNs) : undefined;
  }

  /** Longest time between two looks at the rings that the watchdog allows, ms; infinite without a watchdog. */
  get maxFlushMs(): number {
    if (this.#watchdogNs === null) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(this.#watchdogNs / 1e6 / FLUSHES_PER_WATCHDOG));
  }

  /** @param status one line for `systemctl status` */
  ready(status: string): void {
    this.#isReady = true;
    this.#send("READY=1", `STATUS=${status}`);
    this.looked();
  }

  reloading(): void {
    this.#send("RELOADING=1", `MONOTONIC_USEC=${Math.floor(this.#nowNs() / 1000)}`, "STATUS=Reloading");
  }

  stopping(): void {
    this.#isReady = false;
    this.#send("STOPPING=1", "STATUS=Stopping");
  }

  /**
   * Call it after each look at the rings, because the watchdog exists to check these looks. Sends a sign of life if a
   * quarter of the allowed time has passed since the last one.
   */
  looked(): void {
    if (this.#watchdogNs === null || !this.#isReady) return;
    const nowNs = this.#nowNs();
    if (nowNs - this.#aliveNs < this.#watchdogNs / FLUSHES_PER_WATCHDOG) return;
    this.#aliveNs = nowNs;
    this.#send("WATCHDOG=1");
  }

  #send(...lines: readonly string[]): void {
    try {
      notifyManager(this.#socket, lines.join("\n"));
    } catch (error) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      log.warn(`the service manager got no report: ${(error as Error).message}`);
    }
  }
}

function watchdogNs({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: ManagerEnvironment): number | null {
  // The watchdog is meant for another process, and this process inherited its environment.
  if (pid !== undefined && pid !== String(process.pid)) return null;
  return /^[1-9]\d{0,15}$/.test(usec ?? "") ? Number(usec) * 1000 : null;
}

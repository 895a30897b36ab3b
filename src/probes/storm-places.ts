import type { CountByType } from "../wire/event.ts";
import {
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  STORM,
  STORM_CGROUP,
  STORM_CHANGING,
  STORM_COMM,
  STORM_COMMS,
  STORM_CROWD,
  STORM_NO_UID,
  STORM_PLACES,
  STORM_UID,
} from "../wire/layout.gen.ts";

/** The source whose events are counted. */
export interface StormSource {
  kind: "process" | "cgroup" | "uid";
  /** Whether the source is the processes of a cgroup or user whose forkers change all the time. */
  isChanging: boolean;
  /** Whether it counts the events of those sources of a cgroup or user that found no place for a storm of their own. */
  isCrowd: boolean;
  /** 0 for a cgroup and a uid. */
  pid: number;
  /** 0: not known, or no process. */
  startNs: bigint;
  /** 0: not known. */
  cgroupId: bigint;
  /** Null: not known. */
  uid: number | null;
  /** One code unit per byte; empty: not known. */
  comm: string;
}

/** What was counted so far. */
export interface StormCounts {
  suppressed: CountByType;
  exited: { ok: number; error: number; signal: number; unknown: number };
  cpuUserNs: number;
  cpuSystemNs: number;
  /** Number of events by name (one code unit per byte). Events of names without a place of their own are under "". */
  comms: Map<string, number>;
}

/**
 * Storms with the counts of their events. The map `storms` is mapped into this process, so reading takes no system
 * call.
 */
export class StormPlaces {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #big: BigUint64Array;
  /**
   * Places that were taken but not ready at the last look, because two programs tried to take them at the same time.
   */
  #unready = new Set<number>();

  /** @param memory the map `storms` */
  constructor(memory: ArrayBuffer) {
    this.#words = new Uint32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#big = new BigUint64Array(memory);
  }

  /** Returns the places with a storm, and frees those that no program can use. */
  taken(): number[] {
    const unready = new Set<number>();
    const taken: number[] = [];
    for (let place = 0; place < STORM_PLACES; place++) {
      if (this.#u32(place, STORM.is_ready) !== 0) taken.push(place);
      else if (this.#u32(place, STORM.claims) !== 0) {
        if (this.#unready.has(place)) this.free(place);
        else unready.add(place);
      }
    }
    this.#unready = unready;
    return taken;
  }

  source(place: number): StormSource {
    const kind = this.#u32(place, STORM.kind);
    const uid = this.#u32(place, STORM.uid);
    const isUid = (kind & STORM_UID) === STORM_UID;
    return {
      kind: isUid ? "uid" : kind & STORM_CGROUP ? "cgroup" : "process",
      isChanging: (kind & STORM_CHANGING) !== 0,
      isCrowd: (kind & STORM_CROWD) !== 0,
      pid: this.#u32(place, STORM.pid),
      startNs: this.#u64(place, STORM.start_ns),
      cgroupId: this.#u64(place, STORM.cgroup_id),
      uid: uid === STORM_NO_UID ? null : uid,
      comm: this.#comm(place * STORM.size + STORM.comm),
    };
  }

  sinceNs(place: number): bigint {
    return this.#u64(place, STORM.since_ns);
  }

  /** When the storm ends unless it goes on, CLOCK_BOOTTIME, ns. */
  untilNs(place: number): bigint {
    return this.#u64(place, STORM.until_ns);
  }

  /** Number of events that were counted instead of sent so far. */
  suppressed(place: number): CountByType {
    const of = (type: number) => Number(this.#u64(place, STORM.suppressed + 8 * type));
    return { fork: of(EVENT_FORK), exec: of(EVENT_EXEC), exit: of(EVENT_EXIT) };
  }

  counts(place: number): StormCounts {
    const of = (offset: number) => Number(this.#u64(place, offset));
    const comms = new Map<string, number>();
    const add = (comm: string, count: number) => {
      if (count > 0) comms.set(comm, (comms.get(comm) ?? 0) + count);
    };
    for (let at = 0; at < STORM_COMMS; at++) {
      const offset = STORM.comms + at * STORM.comms_stride;
      add(this.#comm(place * STORM.size + offset + STORM_COMM.comm), this.#u32(place, offset + STORM_COMM.count));
    }
    add("", of(STORM.other_comms));
    return {
      suppressed: this.suppressed(place),
      exited: {
        ok: of(STORM.exited_ok),
        error: of(STORM.exited_error),
        signal: of(STORM.exited_signal),
        unknown: of(STORM.exited_unknown),
      },
      cpuUserNs: of(STORM.cpu_user_ns),
      cpuSystemNs: of(STORM.cpu_system_ns),
      comms,
    };
  }

  /** Frees a place, so that the programs can use it again. */
  free(place: number): void {
    const at = (place * STORM.size) / 4;
    // `claims` is cleared last, because a program may take the place after that.
    this.#words.fill(0, at + STORM.claims / 4 + 1, at + STORM.size / 4);
    Atomics.store(this.#words, at + STORM.claims / 4, 0);
  }

  #u32(place: number, offset: number): number {
    return this.#words[(place * STORM.size + offset) / 4] as number;
  }

  #u64(place: number, offset: number): bigint {
    return this.#big[(place * STORM.size + offset) / 8] as bigint;
  }

  #comm(at: number): string {
    const bytes = this.#bytes.subarray(at, at + STORM.comm_len);
    const end = bytes.indexOf(0);
    return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("latin1");
  }
}

import { LIFETIME_BUCKETS, TOTALS, TOTALS_REST } from "../../src/wire/layout.gen.ts";

/** Figures that the kernel side adds to a group. */
export interface Added {
  cgroupId?: bigint;
  comm?: string;
  kind?: number;
  started?: number;
  execs?: number;
  exited_ok?: number;
  exited_error?: number;
  exited_signal?: number;
  exited_unknown?: number;
  cpu_user_ns?: number;
  cpu_system_ns?: number;
  read_bytes?: number;
  write_bytes?: number;
  peak_rss_bytes?: number;
  lifetime_ns?: number;
  after_exit_ns?: number;
  lifetimes?: Record<number, number>;
}

const WIDE = ["cpu_user_ns", "cpu_system_ns", "read_bytes", "write_bytes", "lifetime_ns", "after_exit_ns"] as const;
const NARROW = ["started", "execs", "exited_ok", "exited_error", "exited_signal", "exited_unknown"] as const;

/** The map `totals`, and the kernel side that adds to it. */
export class TotalsMemory {
  readonly bytes: ArrayBuffer;
  readonly places: number;
  /** The word that user space switches. */
  readonly switch: { buffer: 0 | 1 } = { buffer: 0 };
  readonly #view: DataView;

  constructor(places: number) {
    this.places = places;
    this.bytes = new ArrayBuffer(2 * (places + TOTALS_REST) * TOTALS.size);
    this.#view = new DataView(this.bytes);
  }

  /** Adds to a place of a buffer, by default of the buffer in use. */
  add(place: number, added: Added, buffer = this.switch.buffer): void {
    const view = this.#view;
    const at = (buffer * (this.places + TOTALS_REST) + place) * TOTALS.size;
    if (place < this.places) {
      view.setUint32(at + TOTALS.claims, 1, true);
      view.setUint32(at + TOTALS.is_ready, 1, true);
      view.setBigUint64(at + TOTALS.cgroup_id, added.cgroupId ?? 1n, true);
      view.setUint32(at + TOTALS.kind, added.kind ?? 0, true);
      const comm = Buffer.from(added.comm ?? "", "latin1");
      for (const [index, byte] of comm.entries()) view.setUint8(at + TOTALS.comm + index, byte);
    }
    for (const name of WIDE) {
      const offset = at + TOTALS[name];
      view.setBigUint64(offset, view.getBigUint64(offset, true) + BigInt(added[name] ?? 0), true);
    }
    for (const name of NARROW) {
      const offset = at + TOTALS[name];
      view.setUint32(offset, view.getUint32(offset, true) + (added[name] ?? 0), true);
    }
    const peak = Math.max(Number(view.getBigUint64(at + TOTALS.peak_rss_bytes, true)), added.peak_rss_bytes ?? 0);
    view.setBigUint64(at + TOTALS.peak_rss_bytes, BigInt(peak), true);
    for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
      const offset = at + TOTALS.lifetimes + 4 * bucket;
      view.setUint32(offset, view.getUint32(offset, true) + (added.lifetimes?.[bucket] ?? 0), true);
    }
  }

  /** Counts a name of some cgroup at a place. */
  countName(place: number): void {
    const at = (this.switch.buffer * (this.places + TOTALS_REST) + place) * TOTALS.size + TOTALS.comms;
    this.#view.setUint32(at, this.#view.getUint32(at, true) + 1, true);
  }

  /** Marks a place that two programs claimed at the same time, so that no program uses it. */
  waste(place: number): void {
    const at = (this.switch.buffer * (this.places + TOTALS_REST) + place) * TOTALS.size;
    this.#view.setUint32(at + TOTALS.claims, 2, true);
  }
}

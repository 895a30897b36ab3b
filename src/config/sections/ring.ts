import type { Auto, Section } from "../section.ts";
import { autoOr, durationMs, size } from "../values.ts";

export interface RingSettings {
  /** Data area of one CPU's perf ring, bytes: a power of two; auto: see `autoRingBytes`. */
  sizeBytes: Auto<number>;
  /** Bytes in one CPU's ring that wake the reader; auto: half of the ring. */
  watermarkBytes: Auto<number>;
  /** Longest time that a record waits in a ring, ms; auto: 200 for pretty on a terminal, else 1000. */
  flushIntervalMs: Auto<number>;
}

/** A perf ring has 2^n pages. If a page is larger than 4 KiB, a smaller ring is enlarged to one page. */
const MIN_RING_BYTES = 4 * 1024;
const MAX_RING_BYTES = 64 * 1024 * 1024;

export const ring: Section<RingSettings> = {
  name: "ring",
  title: "Rings between the kernel and user space, one for each CPU",
  keys: {
    sizeBytes: {
      toml: "size",
      flag: "ring-size",
      hint: "SIZE",
      type: autoOr(size({ min: MIN_RING_BYTES, max: MAX_RING_BYTES, powerOfTwo: true, example: 256 * 1024 })),
      default: "auto",
      doc: "size of the ring of each CPU: a power of two",
      rare: true,
      details: ["auto: 256KiB for each CPU. With more than 64 CPUs 128KiB, and with more than 128 CPUs 64KiB."],
    },
    watermarkBytes: {
      toml: "watermark",
      flag: "watermark",
      hint: "SIZE",
      type: autoOr(size({ min: 64, max: MAX_RING_BYTES, example: 64 * 1024 })),
      default: "auto",
      doc: "how full a ring must be to wake the reader at once",
      rare: true,
      details: ["auto: half of the ring. With a smaller value, linnix reports events sooner and uses more CPU time."],
    },
    flushIntervalMs: {
      toml: "flush_interval",
      flag: "flush-interval",
      hint: "DURATION",
      type: autoOr(durationMs({ min: "10ms", max: "1m", example: "1s" })),
      default: "auto",
      doc: "longest time that an event waits in a ring",
      rare: true,
      details: ["auto: 200ms for pretty on a terminal, else 1s."],
    },
  },
};

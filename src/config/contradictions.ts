import { usageError } from "../errors.ts";
import { because, named, type Origins } from "./origins.ts";
import { LARGEST_AUTO_BYTES } from "./ring-size.ts";
import type { Settings } from "./schema.ts";
import { EVENT_TYPES } from "./sections/probes.ts";
import { formatSizeBytes } from "./units.ts";

/**
 * Looks for settings that contradict each other, although each value alone is valid.
 * @throws {LinnixError} that names the sources of both
 */
export function checkTogether(settings: Settings, origins: Origins): void {
  const { ring, filters, probes, redaction } = settings;
  const largestRing = ring.sizeBytes === "auto" ? LARGEST_AUTO_BYTES : ring.sizeBytes;
  if (ring.watermarkBytes !== "auto" && ring.watermarkBytes > largestRing) {
    throw usageError("contradiction", {
      what: named("ring", "watermarkBytes", ring.watermarkBytes, origins),
      why: `more than the ring holds: ${because("ring", "sizeBytes", ring.sizeBytes, origins)}`,
      hint: `expected at most ${formatSizeBytes(largestRing)}, or auto for half of the ring`,
    });
  }
  if (filters.minDurationNs > 0 && !probes.events.includes("exit")) {
    throw usageError("contradiction", {
      what: named("filters", "minDurationNs", filters.minDurationNs, origins),
      why: `it filters exits only, and exit is not among the events: ${because("probes", "events", probes.events, origins)}`,
      hint: "add exit to the events, or leave the filter out",
    });
  }
  if (redaction.patterns.length > 0 && !redaction.redact) {
    throw usageError("contradiction", {
      what: named("redaction", "patterns", redaction.patterns, origins),
      why: `nothing would be hidden: ${because("redaction", "redact", redaction.redact, origins)}`,
      hint: "add redact = true (--redact), or leave the patterns out",
    });
  }
  const { events, detail } = probes;
  // A file that --print-config wrote names all event types, which is no contradiction.
  const isNamed = /^(?:--|LINNIX_)/.test(origins.get("probes.events") ?? "");
  if (detail !== "events" && (isNamed || events.length < EVENT_TYPES.length)) {
    throw usageError("contradiction", {
      what: named("probes", "events", events, origins),
      why: `no single events are reported: ${because("probes", "detail", detail, origins)}`,
      hint: "leave the events out, or choose detail events",
    });
  }
  if (probes.pageFaults && probes.backend === "tracepoint") {
    throw usageError("contradiction", {
      what: named("probes", "pageFaults", probes.pageFaults, origins),
      why: `only the btf backend reports page faults: ${because("probes", "backend", probes.backend, origins)}`,
      hint: "choose backend btf or auto, or leave page faults out",
    });
  }
}
